/// `exp(x)` for `x <= 0`, to within 2 units in the last place; results below
/// the normal range are zero.
///
/// Branch-free, so that the compiler turns a loop over it into vector code,
/// which the library function does not allow: `x = k ln 2 + r` with
/// `|r| <= ln(2)/2`, the Taylor polynomial of `e^r` to degree 13 (remainder
/// below 1e-17), and `2^k` written into the exponent bits. No fused
/// multiply-add: every machine gets the same bits.
#[inline(always)]
pub(super) fn exp_nonpositive(x: f64) -> f64 {
    // ln 2 in two parts (Cody and Waite): k times the first is exact.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding 1.5 * 2^52 leaves the nearest whole number in the low bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    const SMALLEST: f64 = -708.0;

    let bounded = if x < SMALLEST { SMALLEST } else { x };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    let r = (bounded - k * LN2_HIGH) - k * LN2_LOW;
    // Unrolled by hand: the loop would be unrolled too late to be vectorised.
    let mut polynomial = RECIPROCAL_FACTORIALS[13];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[12];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[11];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[10];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[9];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[8];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[7];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[6];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[5];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[4];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[3];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[2];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[1];
    polynomial = polynomial * r + RECIPROCAL_FACTORIALS[0];
    let scale = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    let value = polynomial * scale;
    if x < SMALLEST { 0.0 } else { value }
}

const RECIPROCAL_FACTORIALS: [f64; 14] = {
    let mut table = [1.0; 14];
    let mut factorial = 1.0;
    let mut n = 1;
    while n < 14 {
        factorial *= n as f64;
        table[n] = 1.0 / factorial;
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::exp_nonpositive;

    #[test]
    fn agrees_with_the_library() {
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert_eq!(exp_nonpositive(-0.0), 1.0);
        assert_eq!(exp_nonpositive(-1e300), 0.0);
        assert_eq!(exp_nonpositive(f64::NEG_INFINITY), 0.0);
        for step in 0..2_000_000 {
            let x = -707.9 * (f64::from(step) / 2e6).powi(3);
            let (ours, library) = (exp_nonpositive(x), x.exp());
            assert!((ours - library).abs() <= 4.5e-16 * library, "{x}: {ours} {library}");
        }
    }
}
