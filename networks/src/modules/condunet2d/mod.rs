//! `CondUNet2D`: the U-Net of the MNIST tutorial of `diffuse` (<https://github.com/jcopo/diffuse>).

mod config;
mod layers;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, GroupNorm, Linear, Module, VarBuilder, group_norm, linear};

pub use config::CondUNet2dConfig;

use self::layers::{Attention, Down, EPSILON, GROUPS, Residual, Up};
use super::layers::{check_sides, convolution};
use super::time::{Order, frequencies, of_lanes, sinusoids};
use super::{Conditions, TensorNetwork};

/// The U-Net of `diffuse`: residual blocks with scale and shift by time, attention at the levels
/// the configuration names, halving by strided convolutions and doubling by pixel shuffles.
///
/// States are `[n, channels, height, width]`, where the original's are `[n, height, width,
/// channels]`; it has no conditions.
#[derive(Debug)]
pub struct CondUNet2d {
    time: [Linear; 2],
    first: Conv2d,
    down: Vec<Down>,
    middle: (Residual, Attention, Residual),
    up: Vec<Up>,
    norm: GroupNorm,
    last: Conv2d,
    frequencies: Vec<f32>,
    levels: usize,
    dtype: DType,
    device: Device,
}

impl CondUNet2d {
    /// The network of these tensors; names are those of the original with `weight` for `kernel`
    /// and `scale`.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn new(config: &CondUNet2dConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let width = config.time_width();
        let time = tensors.pp("time_embedding");
        let down = tensors.pp("blocks_down");
        let (first, last) = (config.channels(0), config.levels() - 1);
        let block = |i: usize| down.pp(i).pp("layers");
        let mut blocks = Vec::new();
        for (i, step) in (1..).zip(config.down()) {
            blocks.push(Down::new(config, &step, &block(i))?);
        }
        let ups = tensors.pp("blocks_up");
        let up = config.up().into_iter().enumerate();
        let middle = tensors.pp("block_mid").pp("layers");
        let deepest = config.channels(last);
        Ok(CondUNet2d {
            time: [
                linear(width, width, time.pp("linear1"))?,
                linear(width, width, time.pp("linear2"))?,
            ],
            first: convolution(config.in_channels, first, 3, block(0).pp(0))?,
            down: blocks,
            middle: (
                Residual::new(deepest, deepest, width, &middle.pp(0))?,
                Attention::new(deepest, config.num_heads, &middle.pp(1))?,
                Residual::new(deepest, deepest, width, &middle.pp(2))?,
            ),
            up: up
                .map(|(i, step)| Up::new(config, &step, &ups.pp(i).pp("layers")))
                .collect::<Result<_>>()?,
            norm: group_norm(GROUPS, first, EPSILON, tensors.pp("out.layers.0"))?,
            last: convolution(first, config.in_channels, 3, tensors.pp("out.layers.2"))?,
            frequencies: frequencies(width / 2, 1.0),
            levels: config.levels(),
            dtype: tensors.dtype(),
            device: tensors.device().clone(),
        })
    }

    /// The embedding of times, `[n, 4 ch]`, as every block takes it: behind its activation.
    fn embed(&self, t: &Tensor) -> Result<Tensor> {
        let features = sinusoids(t, &self.frequencies, Order::SineFirst, self.dtype)?;
        let [first, second] = &self.time;
        second.forward(&first.forward(&features)?.silu()?)?.silu()
    }
}

impl TensorNetwork for CondUNet2d {
    fn forward(&self, x: &Tensor, t: &Tensor, _: &Conditions) -> Result<Tensor> {
        check_sides(x, self.levels)?;
        let time = self.embed(&of_lanes(t, x.dim(0)?)?)?;
        let mut x = self.first.forward(x)?;
        let mut passed = vec![x.clone()];
        for block in &self.down {
            x = block.forward(&x, &time)?;
            passed.push(x.clone());
        }
        let (before, attention, after) = &self.middle;
        x = after.forward(&attention.forward(&before.forward(&x, &time)?)?, &time)?;
        for (block, skipped) in self.up.iter().zip(passed.iter().rev()) {
            x = block.forward(&Tensor::cat(&[&x, skipped], 1)?, &time)?;
        }
        self.last.forward(&self.norm.forward(&x)?.silu()?)
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
