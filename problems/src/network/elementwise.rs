//! The element-wise passes: SiLU on whole tiles, sums of rows, the optimiser's
//! update; vectorised for the CPU found at run time.
//!
//! The loops are plain Rust inside a `pulp` dispatch, which compiles them once
//! per instruction set. They are written with `*` and `+`, never `mul_add`:
//! outside the dispatch's widest targets that is a library call, and without
//! it the values are the same on every CPU.

use pulp::Arch;

/// `e^x` for finite `x`, within 2 units in the last place for results in
/// `f32`'s normal range; saturates outside `[-87, 88]`; NaN stays NaN.
///
/// `e^x = 2^n e^r`, `n = round(x / ln 2)`, `|r| <= ln(2) / 2`, with the
/// polynomial of Moshier's Cephes `expf`. The rounding constant leaves `n` in
/// the low bits of `shifted`, from where one shift makes it an exponent.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let fraction = (p * r) * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    fraction * power
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Row by row, `h <- h + bias` and `activation <- silu(h)`,
/// `silu(x) = x / (1 + e^-x)`.
pub(crate) fn silu_forward(h: &mut [f32], bias: &[f32], activation: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let width = bias.len();
            for (h, activation) in h.chunks_exact_mut(width).zip(activation.chunks_exact_mut(width))
            {
                for ((h, &bias), activation) in h.iter_mut().zip(bias).zip(activation) {
                    let x = *h + bias;
                    *h = x;
                    *activation = x / (1.0 + exp(-x));
                }
            }
        },
    );
}

/// As [`silu_forward`], and `derivative <- silu'(h) = s (1 + h (1 - s))` with
/// `s = 1 / (1 + e^-h)`.
pub(crate) fn silu_forward_with_derivative(
    h: &mut [f32],
    bias: &[f32],
    activation: &mut [f32],
    derivative: &mut [f32],
) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let width = bias.len();
            let rows = h
                .chunks_exact_mut(width)
                .zip(activation.chunks_exact_mut(width))
                .zip(derivative.chunks_exact_mut(width));
            for ((h, activation), derivative) in rows {
                let values = h.iter_mut().zip(bias).zip(activation).zip(derivative);
                for (((h, &bias), activation), derivative) in values {
                    let x = *h + bias;
                    let s = sigmoid(x);
                    *h = x;
                    *activation = x * s;
                    *derivative = s * (1.0 + x * (1.0 - s));
                }
            }
        },
    );
}

/// `gradient (+)= through * derivative`: what comes back through an activation,
/// added to what comes back past it.
pub(crate) fn silu_backward(gradient: &mut [f32], add: bool, through: &[f32], derivative: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let values = gradient.iter_mut().zip(through).zip(derivative);
            if add {
                values.for_each(|((g, &t), &d)| *g += t * d);
            } else {
                values.for_each(|((g, &t), &d)| *g = t * d);
            }
        },
    );
}

/// `sum <-` the sum of the rows of `values`, in order.
pub(crate) fn sum_rows(sum: &mut [f32], values: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            sum.fill(0.0);
            for row in values.chunks_exact(sum.len()) {
                sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
            }
        },
    );
}

/// `sum <- sum + row * weight`, the building block of small products.
pub(crate) fn add_scaled(sum: &mut [f32], row: &[f32], weight: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value * weight),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for i in 0..200_000 {
            let x = -87.0 + 175.0 * (i as f32 / 200_000.0);
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(-1e30) < 1e-37 && exp(1e30).is_finite());
    }

    #[test]
    fn silu_and_its_derivative_match_double_precision() {
        let bias = [0.5f32, -0.25, 0.0];
        let start: Vec<f32> = (0..300).map(|i| (i as f32 - 150.0) / 7.0).collect();
        let (mut h, mut h2) = (start.clone(), start.clone());
        let (mut a, mut a2, mut d) = (vec![0.0; 300], vec![0.0; 300], vec![0.0; 300]);
        silu_forward(&mut h, &bias, &mut a);
        silu_forward_with_derivative(&mut h2, &bias, &mut a2, &mut d);
        for i in 0..300 {
            assert_eq!(h[i], start[i] + bias[i % 3]);
            let x = f64::from(h[i]);
            let s = 1.0 / (1.0 + (-x).exp());
            for value in [a[i], a2[i]] {
                assert!((f64::from(value) - x * s).abs() <= 1e-6 * (1.0 + x.abs()), "{x}");
            }
            assert!((f64::from(d[i]) - s * (1.0 + x * (1.0 - s))).abs() < 2e-6, "{x}");
        }
    }

    #[test]
    fn a_non_finite_value_is_never_hidden() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let (mut h, mut a) = ([bad], [0.0]);
            silu_forward(&mut h, &[0.0], &mut a);
            assert!(!a[0].is_finite(), "{bad}");
        }
    }
}
