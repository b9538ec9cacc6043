//! The U-Net of `21cmpsdenoiser` (D. Breitman et al., 2025): a score of power spectra given a
//! noisy one.

mod attention;
mod config;
mod layers;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module, VarBuilder, linear};

pub use config::PsDenoiserConfig;

use self::attention::Attention;
use self::layers::{Down, Residual, Up};
use super::layers::{check_sides, convolution};
use super::time::{Order, of_lanes, sinusoids};
use super::{Conditions, TensorNetwork};

/// The U-Net of `21cmpsdenoiser`, in the manner of Hugging Face's "The Annotated Diffusion Model":
/// residual blocks with standardised kernels, linear attention at every level and full attention
/// in the middle.
///
/// States are `[n, 1, height, width]`. The condition `image`, `[n, channels - 1, height, width]`,
/// is put behind the state as channels; a network of `cdn_len` numbers also takes these as `cdn`,
/// `[n, cdn_len]`. The original calls it at 999 t on a process that ends at t = 1, and its output
/// is the noise: the score is `-output / sigma`.
#[derive(Debug)]
pub struct PsDenoiser {
    first: Conv2d,
    time: [Linear; 2],
    numbers: Option<[Linear; 2]>,
    down: Vec<Down>,
    middle: (Residual, Attention, Residual),
    up: Vec<Up>,
    after: Residual,
    last: Conv2d,
    frequencies: Vec<f32>,
    dtype: DType,
    device: Device,
}

impl PsDenoiser {
    /// The network of these tensors, under the names of the original's state dict.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn new(config: &PsDenoiserConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let &PsDenoiserConfig { init_dim, dim, time_dim, .. } = config;
        let (time, deepest) = (tensors.pp("time_mlp"), config.deepest());
        let residual = |inputs, outputs, name: &str| {
            Residual::new(config, [inputs, outputs], &tensors.pp(name))
        };
        let each = |name: &str, i: usize| tensors.pp(name).pp(i);
        let levels = config.levels();
        let down = levels.iter().enumerate();
        let up = levels.iter().rev().enumerate();
        Ok(PsDenoiser {
            first: convolution(config.channels, init_dim, 1, tensors.pp("init_conv"))?,
            time: [linear(dim, time_dim, time.pp(1))?, linear(time_dim, time_dim, time.pp(3))?],
            numbers: config
                .cdn_len
                .map(|count| numbers(count, &tensors.pp("cdn_mlp")))
                .transpose()?,
            down: down
                .map(|(i, level)| Down::new(config, level, &each("downs", i)))
                .collect::<Result<_>>()?,
            middle: (
                residual(deepest, deepest, "mid_block1")?,
                Attention::full(deepest, &tensors.pp("mid_attn.fn"))?,
                residual(deepest, deepest, "mid_block2")?,
            ),
            up: up
                .map(|(i, level)| Up::new(config, level, &each("ups", i)))
                .collect::<Result<_>>()?,
            after: residual(2 * init_dim, dim, "final_res_block")?,
            last: transposed(dim, &tensors.pp("final_conv"))?,
            frequencies: config.frequencies(),
            dtype: tensors.dtype(),
            device: tensors.device().clone(),
        })
    }

    /// The embedding of times and numbers, as every block takes it: behind its activation.
    fn embed(&self, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let [first, second] = &self.time;
        let features = sinusoids(t, &self.frequencies, Order::SineFirst, self.dtype)?;
        let time = second.forward(&first.forward(&features)?.gelu_erf()?)?;
        let Some([first, second]) = &self.numbers else { return time.silu() };
        let numbers = conditions.rows("cdn", t.dim(0)?)?;
        let numbers = second.forward(&first.forward(&numbers)?.gelu_erf()?)?;
        Tensor::cat(&[time, numbers], 1)?.silu()
    }
}

/// The maps of the numbers that a network is told.
fn numbers(count: usize, tensors: &VarBuilder<'_>) -> Result<[Linear; 2]> {
    let width = PsDenoiserConfig::NUMBERS_WIDTH;
    Ok([linear(count, width, tensors.pp(0))?, linear(width, width, tensors.pp(2))?])
}

/// The last map to one channel, which the original has as a transposed convolution over one pixel.
fn transposed(inputs: usize, tensors: &VarBuilder<'_>) -> Result<Conv2d> {
    let weight = tensors.get((inputs, 1, 1, 1), "weight")?.transpose(0, 1)?.contiguous()?;
    Ok(Conv2d::new(weight, Some(tensors.get(1, "bias")?), Conv2dConfig::default()))
}

impl TensorNetwork for PsDenoiser {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let lanes = x.dim(0)?;
        check_sides(x, self.down.len())?;
        let time = self.embed(&of_lanes(t, lanes)?, conditions)?;
        let x = match self.first.weight().dim(1)? {
            1 => x.clone(),
            _ => Tensor::cat(&[x, &conditions.rows("image", lanes)?], 1)?,
        };
        let first = self.first.forward(&x)?;
        let (mut x, mut passed) = (first.clone(), Vec::new());
        for level in &self.down {
            x = level.forward(&x, &time, &mut passed)?;
        }
        let (before, attention, after) = &self.middle;
        x = after.forward(&attention.forward(&before.forward(&x, &time)?)?, &time)?;
        for level in &self.up {
            x = level.forward(&x, &time, &mut passed)?;
        }
        let x = self.after.forward(&Tensor::cat(&[x, first], 1)?, &time)?;
        self.last.forward(&x)
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
