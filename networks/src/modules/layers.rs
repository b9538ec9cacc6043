//! Layers that architectures share, each with a backward pass that is right.
//!
//! Of what candle has, `softmax_last_dim`, `sdpa` and the fused norms carry no graph, and the
//! backward of nearest upsampling overwrites instead of adding: none of them is used here.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, VarBuilder, conv2d};

/// A convolution over `size` x `size` pixels, surrounded by zeros so that as many come out.
pub(super) fn convolution(
    inputs: usize,
    outputs: usize,
    size: usize,
    tensors: VarBuilder<'_>,
) -> Result<Conv2d> {
    let config = Conv2dConfig { padding: size / 2, ..Conv2dConfig::default() };
    conv2d(inputs, outputs, size, config, tensors)
}

/// A convolution over 3 x 3 pixels at every second of them, after a border of zeros on all sides,
/// or without one.
pub(super) fn strided(channels: usize, border: usize, tensors: VarBuilder<'_>) -> Result<Conv2d> {
    let config = Conv2dConfig { padding: border, stride: 2, ..Conv2dConfig::default() };
    conv2d(channels, channels, 3, config, tensors)
}

/// A row and a column of zeros after the last.
pub(super) fn pad_ends(x: &Tensor) -> Result<Tensor> {
    x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)
}

/// Every pixel as 2 x 2 of its value.
pub(super) fn repeat_pixels(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let blocks = x.reshape(vec![n, c, h, 1, w, 1])?.broadcast_as(vec![n, c, h, 2, w, 2])?;
    blocks.reshape((n, c, 2 * h, 2 * w))
}

/// One number for each channel, for all pixels: `[n, c]` to `[n, c, 1, 1]`.
pub(super) fn per_channel(x: &Tensor) -> Result<Tensor> {
    let (n, c) = x.dims2()?;
    x.reshape((n, c, 1, 1))
}

/// `x (1 + scale) + shift` with the two halves of `by`, `[n, 2 c]`.
pub(super) fn modulate(x: &Tensor, by: &Tensor) -> Result<Tensor> {
    let halves = per_channel(by)?.chunk(2, 1)?;
    x.broadcast_mul(&(&halves[0] + 1.0)?)?.broadcast_add(&halves[1])
}

/// Channels shared out among heads: `[n, heads width, h, w]` to `[n, heads, width, h w]`.
pub(super) fn to_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.reshape((n, heads, c / heads, h * w))
}

/// The inverse of [`to_heads`] for an image of the size of `image`.
pub(super) fn from_heads(x: &Tensor, image: &Tensor) -> Result<Tensor> {
    let (n, heads, width, _) = x.dims4()?;
    let (_, _, h, w) = image.dims4()?;
    x.reshape((n, heads * width, h, w))
}

/// Attention of every pixel to all: `softmax(q^T k / sqrt(width)) v^T`, all of `[n, heads, width,
/// pixels]`, and so is the result.
pub(super) fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let width = q.dim(2)?;
    let q = (q.transpose(2, 3)?.contiguous()? * (width as f64).sqrt().recip())?;
    let weights = softmax(&q.matmul(&k.contiguous()?)?, 3)?;
    v.contiguous()?.matmul(&weights.transpose(2, 3)?.contiguous()?)
}

/// `exp(x) / sum exp(x)` along an axis.
pub(super) fn softmax(x: &Tensor, axis: usize) -> Result<Tensor> {
    // The maximum cancels, in the derivative too.
    let exponentials = x.broadcast_sub(&x.detach().max_keepdim(axis)?)?.exp()?;
    exponentials.broadcast_div(&exponentials.sum_keepdim(axis)?)
}

/// Refuses images whose sides cannot be halved between `levels` levels and doubled back.
pub(super) fn check_sides(x: &Tensor, levels: usize) -> Result<()> {
    let (_, _, h, w) = x.dims4()?;
    let unit = 1_usize << levels.saturating_sub(1);
    if h.is_multiple_of(unit) && w.is_multiple_of(unit) {
        return Ok(());
    }
    candle_core::bail!("sides of images must be multiples of {unit}, not {h} x {w}")
}
