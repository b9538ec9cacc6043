/// `x <- e^x` for all `x <= 0`, without branches and as one loop per operation, so that the
/// compiler evaluates as many at once as the machine's vectors hold; relative error below 1e-15
/// wherever the result is at least 1e-300. Below `x = -700` it is flushed to about 1e-304, which
/// no sum of softmax weights notices. NaN stays NaN.
///
/// `x = n ln 2 + r`, `|r| <= ln(2) / 2`; `e^r` by its Taylor polynomial of degree
/// 13, whose remainder there is 4e-18.
#[inline(always)]
pub(super) fn exp_non_positive<const B: usize>(x: &mut [f64; B]) {
    // Adding it rounds to an integer, left in the low bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts; the first has trailing zeros, so that n times it is
    // exact (Cody & Waite).
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let mut shifted = [0.0; B];
    let mut r = [0.0; B];
    for i in 0..B {
        let bounded = if x[i] < -700.0 { -700.0 } else { x[i] };
        shifted[i] = bounded * std::f64::consts::LOG2_E + SHIFT;
        let n = shifted[i] - SHIFT;
        r[i] = (bounded - n * LN_2_HIGH) - n * LN_2_LOW;
    }
    let mut sum = [1.0 / 6_227_020_800.0; B];
    for coefficient in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        for i in 0..B {
            sum[i] = sum[i] * r[i] + coefficient;
        }
    }
    for i in 0..B {
        // 2^n straight into the exponent.
        x[i] = sum[i] * f64::from_bits((shifted[i].to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    }
}

#[cfg(test)]
mod tests {
    fn exp(x: f64) -> f64 {
        let mut values = [x; 4];
        super::exp_non_positive(&mut values);
        values[1]
    }

    #[test]
    fn agrees_with_the_standard_exponential() {
        for i in 0..2_000_000 {
            let x = -f64::from(i) * 3.456_789e-4;
            let (fast, exact) = (exp(x), x.exp());
            assert!((fast / exact - 1.0).abs() < 1e-15, "{x}: {fast} {exact}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::NEG_INFINITY) < 1e-300);
        assert!(exp(f64::NAN).is_nan());
    }
}
