//! The U-Net as candle tensors.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};

use super::UNetConfig;
use crate::Parameters;
use crate::layers::TimeFeatures;

/// The U-Net of [`UNetConfig`] by candle's own operations: the readable definition, in `f32`
/// or `f64` and on any device, differentiable in images and weights, and what
/// [`Plan`](crate::Plan) is tested against.
#[derive(Debug, Clone)]
pub struct UNet {
    config: UNetConfig,
    features: TimeFeatures,
    tensors: HashMap<String, Tensor>,
    dtype: DType,
    device: Device,
}

impl UNet {
    /// Puts the weights on `device`, in `f32` or `f64`.
    pub fn new(parameters: &Parameters<UNetConfig>, dtype: DType, device: &Device) -> Result<Self> {
        let tensors = parameters
            .entries()
            .into_iter()
            .map(|entry| {
                let values = &parameters.values()[entry.range];
                let tensor = Tensor::from_slice(values, entry.shape, device)?.to_dtype(dtype)?;
                Ok((entry.name, tensor))
            })
            .collect::<Result<_>>()?;
        Ok(Self::from_tensors(parameters.config(), tensors, dtype, device))
    }

    pub(crate) fn from_tensors(
        config: &UNetConfig,
        tensors: HashMap<String, Tensor>,
        dtype: DType,
        device: &Device,
    ) -> Self {
        let features =
            TimeFeatures::between(config.frequency_min, config.frequency_max, config.time_features);
        UNet { config: config.clone(), features, tensors, dtype, device: device.clone() }
    }

    /// The architecture.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// The network at images `x` `[n, 1, s, s]`, their times and their labels (one of each for
    /// all images, or one per image). The result carries its graph.
    pub fn forward(&self, x: &Tensor, times: &[f64], labels: &[u32]) -> Result<Tensor> {
        let (images, _, side, _) = x.dims4()?;
        let condition = self.condition(times, labels)?;
        let h = x.reshape((images, side, side, 1))?;
        let mut h = self.convolution("stem", &to_channels(&h)?)?;
        let mut across = Vec::new();
        let levels = self.config.channels.len();
        for level in 0..levels {
            h = self.block(&format!("down.{level}"), &h, &condition)?;
            across.push(h.clone());
            if level + 1 < levels {
                h = self.linear(&format!("shrink.{level}"), &to_channels(&h)?)?;
            }
        }
        h = self.block("middle.0", &h, &condition)?;
        h = self.attention(&h)?;
        h = self.block("middle.1", &h, &condition)?;
        for level in (0..levels).rev() {
            if level + 1 < levels {
                h = from_channels(&self.linear(&format!("grow.{level}"), &h)?)?;
            }
            h = Tensor::cat(&[&h, &across[level]], 3)?;
            h = self.block(&format!("up.{level}"), &h, &condition)?;
        }
        let h = self.norm("output.norm", &h)?.silu()?;
        from_channels(&self.convolution("output", &h)?)?.reshape(x.shape())
    }

    fn get(&self, name: &str, part: &str) -> Result<&Tensor> {
        let name = format!("{name}.{part}");
        let found = self.tensors.get(&name);
        found.ok_or_else(|| candle_core::Error::Msg(format!("there is no parameter `{name}`")))
    }

    fn condition(&self, times: &[f64], labels: &[u32]) -> Result<Tensor> {
        let shape = (times.len(), self.features.len());
        let features = Tensor::from_vec(self.features.rows(times), shape, &self.device)?;
        let h = self.linear("time.0", &features.to_dtype(self.dtype)?)?.silu()?;
        let rows = Tensor::from_slice(labels, labels.len(), &self.device)?;
        let labels = self.get("label", "weight")?.index_select(&rows, 0)?;
        self.linear("time.1", &h)?.broadcast_add(&labels)?.silu()
    }

    /// On the last axis.
    fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let y = x.broadcast_matmul(self.get(name, "weight")?)?;
        y.broadcast_add(self.get(name, "bias")?)
    }

    /// On `[n, h, w, c]`.
    fn convolution(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let weight = self.get(name, "weight")?.permute((3, 2, 0, 1))?.contiguous()?;
        let x = x.permute((0, 3, 1, 2))?.contiguous()?;
        let y = x.conv2d(&weight, 1, 1, 1, 1)?.permute((0, 2, 3, 1))?;
        y.broadcast_add(self.get(name, "bias")?)
    }

    fn norm(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let (n, h, w, c) = x.dims4()?;
        let groups = self.config.groups;
        let x = x.reshape((n, h * w, groups, c / groups))?;
        let x = x.broadcast_sub(&x.mean_keepdim((1, 3))?)?;
        let variance = x.sqr()?.mean_keepdim((1, 3))?;
        let x = x.broadcast_div(&(variance + 1e-5)?.sqrt()?)?.reshape((n, h, w, c))?;
        x.broadcast_mul(self.get(name, "scale")?)?.broadcast_add(self.get(name, "shift")?)
    }

    fn block(&self, name: &str, x: &Tensor, condition: &Tensor) -> Result<Tensor> {
        let part = |part: &str| format!("{name}.{part}");
        let h = self.norm(&part("norm1"), x)?.silu()?;
        let h = self.convolution(&part("conv1"), &h)?;
        let channels = h.dim(3)?;
        let shifts = self.linear(&part("condition"), condition)?;
        let shifts = shifts.reshape((condition.dim(0)?, 2, 1, 1, channels))?;
        let (scale, shift) = (shifts.get_on_dim(1, 0)?, shifts.get_on_dim(1, 1)?);
        let h = self.norm(&part("norm2"), &h)?;
        let h = h.broadcast_mul(&(scale + 1.0)?)?.broadcast_add(&shift)?.silu()?;
        let h = self.convolution(&part("conv2"), &h)?;
        if x.dim(3)? == channels { h + x } else { h + self.linear(&part("skip"), x)? }
    }

    fn attention(&self, x: &Tensor) -> Result<Tensor> {
        let (n, h, w, c) = x.dims4()?;
        let (pixels, heads) = (h * w, self.config.heads);
        let qkv = self.linear("attention.input", &self.norm("attention.norm", x)?)?;
        let qkv = qkv.reshape((n, pixels, 3, heads, c / heads))?.permute((2, 0, 3, 1, 4))?;
        let [q, k, v] = [qkv.get(0)?, qkv.get(1)?, qkv.get(2)?];
        let scale = 1.0 / ((c / heads) as f64).sqrt();
        let scores = (q.contiguous()?.matmul(&k.t()?.contiguous()?)? * scale)?;
        // candle's fused softmax has no gradient.
        let scores = scores.broadcast_sub(&scores.max_keepdim(3)?.detach())?.exp()?;
        let weights = scores.broadcast_div(&scores.sum_keepdim(3)?)?;
        let mixed = weights.matmul(&v.contiguous()?)?.permute((0, 2, 1, 3))?;
        x + self.linear("attention.output", &mixed.reshape((n, h, w, c))?)?
    }
}

/// Blocks of 2 x 2 pixels to channels: `[n, 2 s, 2 s, c]` to `[n, s, s, 4 c]`.
fn to_channels(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    let blocks = x.reshape(vec![n, h / 2, 2, w / 2, 2, c])?.permute(vec![0, 1, 3, 2, 4, 5])?;
    blocks.reshape((n, h / 2, w / 2, 4 * c))
}

/// The inverse of [`to_channels`].
fn from_channels(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    let blocks = x.reshape(vec![n, h, w, 2, 2, c / 4])?.permute(vec![0, 1, 3, 2, 4, 5])?;
    blocks.reshape((n, 2 * h, 2 * w, c / 4))
}
