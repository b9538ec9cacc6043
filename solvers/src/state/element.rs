use std::fmt::Debug;

use half::{bf16, f16};
use num_complex::Complex;
use num_traits::Zero;

use super::Scalar;

/// What host containers hold: a [`Scalar`], or a complex number of two.
///
/// To the solvers a complex state is the real one of its parts. Only where components are
/// compared with tolerances is a complex number one component, and its modulus its size:
/// `|error| / (abstol + reltol max(|before|, |after|))`, as in SciPy and SciML.
///
/// Noise, too, is that of the parts. Initial draws have independent real and imaginary parts of
/// variance 1 each. Diagonal noise moves the two by Brownian motions of their own, the real part
/// of `g` times the one, its imaginary part times the other: `g = s (1 + i)` is circular noise,
/// a real `g` leaves the imaginary part alone, and methods of higher order take each part of `g` as
/// a function of the same part of `u` ([`Diagonal`](crate::field::Diagonal)). Scalar and general noise multiply complex columns
/// by real increments.
///
/// ```
/// use driftfield_solvers::num_complex::Complex;
/// use driftfield_solvers::{OdeProblem, SolveOptions, method::Tsit5, solve};
/// let turn = |du: &mut Complex<f64>, u: &Complex<f64>, _t: f64| *du = Complex::<f64>::i() * u;
/// let problem = OdeProblem::new(turn, Complex::new(1.0, 0.0), (0.0, std::f64::consts::PI));
/// let options = SolveOptions::adaptive(1e-9, 1e-9);
/// let end = solve(&problem, &Tsit5::new(), options).unwrap().complete().unwrap();
/// assert!((end + 1.0).norm() < 1e-7);
/// ```
pub trait Element: Copy + Default + Zero + PartialEq + Debug + Send + Sync + 'static {
    /// The type of the parts.
    type Scalar: Scalar;

    /// How many real numbers it is made of: 1, or 2 for a complex one.
    const PARTS: usize;

    /// The numbers as their parts, real before imaginary.
    fn parts(elements: &[Self]) -> &[Self::Scalar];

    /// The same for writing.
    fn parts_mut(elements: &mut [Self]) -> &mut [Self::Scalar];
}

macro_rules! real {
    ($($t:ty),*) => {$(
        impl Element for $t {
            type Scalar = $t;
            const PARTS: usize = 1;
            #[inline(always)]
            fn parts(elements: &[$t]) -> &[$t] {
                elements
            }
            #[inline(always)]
            fn parts_mut(elements: &mut [$t]) -> &mut [$t] {
                elements
            }
        }
    )*};
}
real!(f16, bf16, f32, f64);

macro_rules! complex {
    ($($t:ty),*) => {$(
        impl Element for Complex<$t> {
            type Scalar = $t;
            const PARTS: usize = 2;
            #[inline(always)]
            fn parts(elements: &[Self]) -> &[$t] {
                bytemuck::cast_slice(elements)
            }
            #[inline(always)]
            fn parts_mut(elements: &mut [Self]) -> &mut [$t] {
                bytemuck::cast_slice_mut(elements)
            }
        }
    )*};
}
complex!(f32, f64);
