use std::fmt::{Debug, Display};

use half::{bf16, f16};

use super::Element;
use super::sums::narrow;

/// The real number types states are made of: `f32`, `f64`, and `f16` and `bf16` of the crate
/// [`half`].
///
/// A sum of states is accumulated in [`Scalar::Wide`] and rounded once, at its end. In half
/// precision this is what makes steps of a useful length possible: `f16` has 11 binary digits and
/// `bf16` 8, so that the terms of a step of a hundredth are about as small as the rounding of the
/// state, and rounding after each would lose them one by one. What a step changes all in all has
/// still to be larger than half of the state's rounding, or the state stays where it is.
pub trait Scalar:
    Element<Scalar = Self>
    + num_traits::Float
    + num_traits::NumAssign
    + std::iter::Sum
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// What sums are accumulated in: `f32` for half precision, else the type itself.
    type Wide: Scalar;

    /// The least part of a component that adaptive steps may be asked to get right: its
    /// rounding in half precision, 4.9e-4 for `f16` and 3.9e-3 for `bf16`. Where
    /// `abstol + reltol |u|` is less than this part of `|u|`, every step is refused, and the solve
    /// ends with [`Outcome::StepTooSmall`](crate::Outcome::StepTooSmall). Short steps would not help but
    /// pass: their estimates underflow while the state no longer moves.
    ///
    /// 0 for `f32` and `f64`, whose estimates stay honest down to their rounding.
    const LEAST_TOLERANCE: f64 = 0.0;

    /// Rounds an `f64` to this type.
    fn from_f64(value: f64) -> Self;
    /// Widens to `f64` (exact).
    fn into_f64(self) -> f64;
    /// Widens to the type of sums (exact).
    fn widen(self) -> Self::Wide;
    /// Rounds a sum.
    fn narrow(sum: Self::Wide) -> Self;
    /// Changes values in the precision of sums: in place where that is their own.
    fn in_wide(values: &mut [Self], change: impl FnOnce(&mut [Self::Wide]));
}

macro_rules! its_own_sum {
    ($t:ty) => {
        impl Scalar for $t {
            type Wide = $t;
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn into_f64(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn widen(self) -> $t {
                self
            }
            #[inline(always)]
            fn narrow(sum: $t) -> Self {
                sum
            }
            #[inline(always)]
            fn in_wide(values: &mut [$t], change: impl FnOnce(&mut [$t])) {
                change(values);
            }
        }
    };
}
its_own_sum!(f32);
its_own_sum!(f64);

macro_rules! half_precision {
    ($t:ty) => {
        impl Scalar for $t {
            type Wide = f32;
            const LEAST_TOLERANCE: f64 = 0.5 * <$t>::EPSILON.to_f64_const();
            // By way of `f32` on every machine; some have an instruction from `f64`, some not.
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                Self::from_f32(value as f32)
            }
            #[inline(always)]
            fn into_f64(self) -> f64 {
                self.to_f32().into()
            }
            #[inline(always)]
            fn widen(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn narrow(sum: f32) -> Self {
                Self::from_f32(sum)
            }
            fn in_wide(values: &mut [$t], change: impl FnOnce(&mut [f32])) {
                let mut sums: Vec<f32> = values.iter().map(|value| value.to_f32()).collect();
                change(&mut sums);
                narrow(values, &sums);
            }
        }
    };
}
half_precision!(f16);
half_precision!(bf16);
