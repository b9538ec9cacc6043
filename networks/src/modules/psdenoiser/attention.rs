//! The two attentions of `21cmpsdenoiser`, each behind a norm and added to its input.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, GroupNorm, Module, VarBuilder, conv2d_no_bias, group_norm};

use super::layers::EPSILON;
use crate::modules::layers::{attend, convolution, from_heads, softmax, to_heads};

/// Heads of both, and the width of each.
const HEADS: usize = 4;
const WIDTH: usize = 32;

/// Attention of pixels to each other.
#[derive(Debug)]
pub(super) struct Attention {
    norm: GroupNorm,
    heads: Conv2d,
    out: Conv2d,
    /// The norm behind linear attention, which is what tells it from full attention.
    linear: Option<GroupNorm>,
}

impl Attention {
    /// `softmax(q^T k / sqrt(width)) v^T` over all pairs of pixels.
    pub(super) fn full(channels: usize, tensors: &VarBuilder<'_>) -> Result<Self> {
        Attention::new(channels, "to_out", false, tensors)
    }

    /// Linear in the number of pixels: `(softmax(k) v^T)^T softmax(q) / sqrt(width)`, the first
    /// softmax over pixels and the second over the width of a head (Z. Shen et al., "Efficient
    /// attention: attention with linear complexities", WACV 2021).
    pub(super) fn linear(channels: usize, tensors: &VarBuilder<'_>) -> Result<Self> {
        Attention::new(channels, "to_out.0", true, tensors)
    }

    fn new(channels: usize, out: &str, linear: bool, tensors: &VarBuilder<'_>) -> Result<Self> {
        let (maps, inner) = (tensors.pp("fn"), HEADS * WIDTH);
        let pixelwise = Conv2dConfig::default();
        let after = || group_norm(1, channels, EPSILON, maps.pp("to_out.1"));
        Ok(Attention {
            norm: group_norm(1, channels, EPSILON, tensors.pp("norm"))?,
            heads: conv2d_no_bias(channels, 3 * inner, 1, pixelwise, maps.pp("to_qkv"))?,
            out: convolution(inner, channels, 1, maps.pp(out))?,
            linear: linear.then(after).transpose()?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let all = self.heads.forward(&self.norm.forward(x)?)?.chunk(3, 1)?;
        let heads = |i: usize| to_heads(&all[i], HEADS);
        let (q, k, v) = (heads(0)?, heads(1)?, heads(2)?);
        let out = |h: &Tensor| self.out.forward(&from_heads(h, x)?);
        match &self.linear {
            None => x + out(&attend(&q, &k, &v)?)?,
            Some(norm) => x + norm.forward(&out(&attend_linearly(&q, &k, &v)?)?)?,
        }
    }
}

fn attend_linearly(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let q = (softmax(q, 2)? * (WIDTH as f64).sqrt().recip())?;
    let context = v.contiguous()?.matmul(&softmax(k, 3)?.transpose(2, 3)?.contiguous()?)?;
    context.matmul(&q)
}
