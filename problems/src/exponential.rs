//! An exponential that becomes vector code: kernels of densities and distances spend most of
//! their time in it.

/// `exp(x)` for `x <= 0`, to within 2 units in the last place; results below
/// the normal range are zero, and NaN stays NaN.
///
/// Branch-free, so that the compiler turns a loop over it into vector code,
/// which the library function does not allow: `x = k ln 2 + r` with
/// `|r| <= ln(2)/2`, a polynomial of degree 11 for `e^r` (off by 4e-17 at
/// most), and `2^k` written into the exponent bits.
///
/// `FUSED` takes fused multiply-adds: half the instructions where the machine
/// has them, and a library call each where it has not.
#[inline(always)]
pub fn exp_nonpositive<const FUSED: bool>(x: f64) -> f64 {
    // ln 2 in two parts (Cody and Waite): k times the first is exact.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding 1.5 * 2^52 leaves the nearest whole number in the low bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    const SMALLEST: f64 = -708.0;

    let bounded = if x < SMALLEST { SMALLEST } else { x };
    let shifted = multiply_add::<FUSED>(bounded, std::f64::consts::LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    let high = multiply_add::<FUSED>(k, -LN2_HIGH, bounded);
    let r = multiply_add::<FUSED>(k, -LN2_LOW, high);
    // Unrolled by hand: the loop would be unrolled too late to be vectorised.
    let mut polynomial = COEFFICIENTS[8];
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[7]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[6]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[5]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[4]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[3]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[2]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[1]);
    polynomial = multiply_add::<FUSED>(polynomial, r, COEFFICIENTS[0]);
    polynomial = multiply_add::<FUSED>(polynomial, r, 0.5);
    polynomial = multiply_add::<FUSED>(polynomial, r, 1.0);
    polynomial = multiply_add::<FUSED>(polynomial, r, 1.0);
    let scale = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    let value = polynomial * scale;
    if x < SMALLEST { 0.0 } else { value }
}

#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `(e^r - 1 - r - r^2/2) / r^3` in powers of `r`, interpolated at the nine
/// Chebyshev nodes of `|r| <= ln(2)/2`.
const COEFFICIENTS: [f64; 9] = [
    0.16666666666666666,
    0.041666666666651364,
    0.008333333333332157,
    0.0013888888905871355,
    0.00019841269854330778,
    2.4801536409043718e-5,
    2.755728008266902e-6,
    2.761379556582631e-7,
    2.5095545990395195e-8,
];

#[cfg(test)]
mod tests {
    use super::exp_nonpositive;

    fn agrees_with_the_library<const FUSED: bool>() {
        let exp = exp_nonpositive::<FUSED>;
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(-1e300), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(f64::NAN).is_nan());
        for step in 0..2_000_000 {
            let x = -707.9 * (f64::from(step) / 2e6).powi(3);
            let (ours, library) = (exp(x), x.exp());
            assert!((ours - library).abs() <= 4.5e-16 * library, "{x}: {ours} {library}");
        }
    }

    #[test]
    fn both_forms_agree_with_the_library() {
        agrees_with_the_library::<true>();
        agrees_with_the_library::<false>();
    }
}
