//! Elementary functions on vectors of whatever width the CPU has.
//!
//! Products and sums are fused where the instruction set has it and separate
//! where it has not (`mul_add_e`): a bare `f32::mul_add` would there be a call.

use pulp::Simd;

/// `e^-x` within 2 units in the last place for results in `f32`'s normal range;
/// saturates outside `[-87, 87]`.
///
/// `e^y = 2^n e^r`, `n = round(y / ln 2)`, `|r| <= ln(2) / 2`, with the
/// polynomial of Moshier's Cephes `expf`. The rounding constant leaves `n` in
/// the low bits of `shifted`, from where one shift makes it an exponent.
#[inline(always)]
fn exp_of_negative<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const POLYNOMIAL: [f32; 5] = [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let x = simd.min_f32s(simd.splat_f32s(87.0), simd.max_f32s(simd.splat_f32s(-87.0), x));
    let shifted =
        simd.mul_add_e_f32s(x, simd.splat_f32s(-std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(shifted, simd.splat_f32s(ROUND));
    // -r, whose sign the products below take back.
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(LN_2_HIGH), x);
    let r = simd.neg_f32s(simd.mul_add_e_f32s(n, simd.splat_f32s(LN_2_LOW), r));
    let mut p = simd.splat_f32s(1.987_569_2e-4);
    for coefficient in POLYNOMIAL {
        p = simd.mul_add_e_f32s(p, r, simd.splat_f32s(coefficient));
    }
    let fraction =
        simd.mul_add_e_f32s(simd.mul_f32s(p, r), r, simd.add_f32s(r, simd.splat_f32s(1.0)));
    let bits = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    // A sum of exponents is a product of powers: no multiplication is needed.
    simd.transmute_f32s_u32s(simd.add_u32s(bits, simd.transmute_u32s_f32s(fraction)))
}

/// `silu(x) = x / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn silu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.div_f32s(x, simd.add_f32s(simd.splat_f32s(1.0), exp_of_negative(simd, x)))
}

/// `silu(x)` and `silu'(x) = s (1 + x (1 - s))` with `s = 1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn silu_with_derivative<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let one = simd.splat_f32s(1.0);
    let s = simd.div_f32s(one, simd.add_f32s(one, exp_of_negative(simd, x)));
    let activation = simd.mul_f32s(x, s);
    (activation, simd.mul_add_e_f32s(activation, simd.sub_f32s(one, s), s))
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    /// What of a slice, with what function.
    struct Apply<'a>(&'a [f32], Function);

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Silu,
        Derivative,
    }

    impl WithSimd for Apply<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut out = self.0.to_vec();
            let (vectors, rest) = S::as_mut_simd_f32s(&mut out);
            assert!(rest.is_empty());
            for x in vectors {
                *x = match self.1 {
                    Function::Exp => exp_of_negative(simd, *x),
                    Function::Silu => silu(simd, *x),
                    Function::Derivative => silu_with_derivative(simd, *x).1,
                };
            }
            out
        }
    }

    /// By this CPU's vectors and one by one.
    fn both(x: &[f32], function: Function) -> [Vec<f32>; 2] {
        [Arch::new().dispatch(Apply(x, function)), Scalar::new().vectorize(Apply(x, function))]
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let x: Vec<f32> = (0..200_000).map(|i| -87.0 + 174.0 * (i as f32 / 200_000.0)).collect();
        for found in both(&x, Function::Exp) {
            let error =
                |(&x, &found): (&f32, &f32)| (f64::from(found) / (-f64::from(x)).exp() - 1.0).abs();
            let worst = x.iter().zip(&found).map(error).fold(0.0, f64::max);
            assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
        }
        let ends = [-1e30, 1e30, 0.0, 0.0].repeat(4);
        for found in both(&ends, Function::Exp) {
            assert!(found[0].is_finite() && found[0] > 1e37 && found[1] < 1e-37);
            assert_eq!(found[2], 1.0);
        }
    }

    #[test]
    fn silu_and_its_derivative_match_double_precision() {
        let x: Vec<f32> = (0..320).map(|i| (i as f32 - 160.0) / 7.0).collect();
        for (found, slope) in
            both(&x, Function::Silu).into_iter().zip(both(&x, Function::Derivative))
        {
            for i in 0..x.len() {
                let x = f64::from(x[i]);
                let s = 1.0 / (1.0 + (-x).exp());
                assert!((f64::from(found[i]) - x * s).abs() <= 4e-7 * (x * s).abs(), "{x}");
                assert!((f64::from(slope[i]) - s * (1.0 + x * (1.0 - s))).abs() < 1e-6, "{x}");
            }
        }
    }

    #[test]
    fn a_non_finite_value_is_never_hidden() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN].repeat(4);
        for found in both(&x, Function::Silu) {
            assert!(found.iter().all(|value| !value.is_finite()));
        }
    }
}
