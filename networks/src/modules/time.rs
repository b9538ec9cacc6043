//! Sines and cosines of time.

use candle_core::{DType, Result, Tensor};

/// The order of the two halves of [`sinusoids`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    SineFirst,
    CosineFirst,
}

/// `sin(t f_k)` and `cos(t f_k)` side by side, `[n, 2 k]`, of times `[n]`, rounded to `dtype` at the end.
pub(super) fn sinusoids(
    t: &Tensor,
    frequencies: &[f32],
    order: Order,
    dtype: DType,
) -> Result<Tensor> {
    let frequencies = Tensor::new(frequencies, t.device())?.to_dtype(t.dtype())?;
    let phases = t.unsqueeze(1)?.broadcast_mul(&frequencies.unsqueeze(0)?)?;
    let (sines, cosines) = (phases.sin()?, phases.cos()?);
    let both = match order {
        Order::SineFirst => [sines, cosines],
        Order::CosineFirst => [cosines, sines],
    };
    Tensor::cat(&both, 1)?.to_dtype(dtype)
}

/// `f_k = 10000^(-k / (count - shift))`, k = 0 to `count - 1`.
///
/// Rounded where the originals round, which is to single precision whatever they compute in: at
/// t = 1000 the last digit of a frequency moves the phase by 6e-5.
pub(super) fn frequencies(count: usize, shift: f32) -> Vec<f32> {
    let exponent = |k: usize| -10_000_f64.ln() as f32 * k as f32 / (count as f32 - shift);
    (0..count).map(|k| f64::from(exponent(k)).exp() as f32).collect()
}

/// The times of all of `lanes`, `t` being `[lanes]` or `[1]`: in single precision where it is not in
/// double, as halves hold too few digits for a time of 999.
pub(super) fn of_lanes(t: &Tensor, lanes: usize) -> Result<Tensor> {
    let dtype = if t.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    t.flatten_all()?.to_dtype(dtype)?.broadcast_as(lanes)?.contiguous()
}
