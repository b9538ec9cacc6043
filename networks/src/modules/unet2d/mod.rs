//! `UNet2DModel` of diffusers (<https://huggingface.co/docs/diffusers/api/models/unet2d>).

mod config;
mod layers;
#[cfg(test)]
mod tests;
mod told;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, GroupNorm, Module, VarBuilder, group_norm};

pub use config::UNet2dConfig;

use self::config::Level;
use self::layers::{Attention, Double, Halve, Residual, Stage};
use self::told::Told;
use super::layers::{check_sides, convolution};
use super::time::of_lanes;
use super::{Conditions, TensorNetwork};

/// The U-Net of diffusers, of blocks with attention and without: what `DDPMPipeline` and its kin
/// load from a folder `unet`.
///
/// States are `[n, channels, height, width]`; times are the steps of training, 0 to 999 as a rule,
/// and may lie between them. A network of labels takes them as [`Conditions::labels`].
#[derive(Debug)]
pub struct UNet2d {
    told: Told,
    first: Conv2d,
    down: Vec<(Vec<Stage>, Option<Halve>)>,
    middle: Option<(Residual, Option<Attention>, Residual)>,
    up: Vec<(Vec<Stage>, Option<Double>)>,
    norm: GroupNorm,
    last: Conv2d,
    centres: bool,
    dtype: DType,
    device: Device,
}

impl UNet2d {
    /// The network of these tensors, under the names of `diffusion_pytorch_model.safetensors`.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn new(config: &UNet2dConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let (levels, first) = (config.levels(), config.features());
        let mut passed = vec![first];
        let down = way_down(config, &levels, &mut passed, &tensors.pp("down_blocks"))?;
        let has_middle = config.mid_block_type.is_some();
        let middle = has_middle.then(|| middle(config, &levels, &tensors.pp("mid_block")));
        let norm = tensors.pp("conv_norm_out");
        Ok(UNet2d {
            told: Told::new(config, tensors)?,
            first: convolution(config.in_channels, first, 3, tensors.pp("conv_in"))?,
            down,
            middle: middle.transpose()?,
            up: way_up(config, &levels, passed, &tensors.pp("up_blocks"))?,
            norm: group_norm(config.norm_num_groups, first, config.norm_eps, norm)?,
            last: convolution(first, config.out_channels, 3, tensors.pp("conv_out"))?,
            centres: config.center_input_sample,
            dtype: tensors.dtype(),
            device: tensors.device().clone(),
        })
    }
}

/// The levels from the finest, and the channels of all that they pass on.
fn way_down(
    config: &UNet2dConfig,
    levels: &[Level],
    passed: &mut Vec<usize>,
    tensors: &VarBuilder<'_>,
) -> Result<Vec<(Vec<Stage>, Option<Halve>)>> {
    let mut inputs = config.features();
    let mut down = Vec::new();
    for (i, &Level { channels, attends: [attends, _] }) in levels.iter().enumerate() {
        let (mut stages, level) = (Vec::new(), tensors.pp(i));
        for j in 0..config.layers_per_block {
            stages.push(Stage::new(config, [inputs, channels], attends, j, &level)?);
            inputs = channels;
            passed.push(channels);
        }
        let last = i + 1 == levels.len();
        let halve = (!last).then(|| Halve::new(config, channels, &level)).transpose()?;
        passed.extend(halve.is_some().then_some(channels));
        down.push((stages, halve));
    }
    Ok(down)
}

fn middle(
    config: &UNet2dConfig,
    levels: &[Level],
    tensors: &VarBuilder<'_>,
) -> Result<(Residual, Option<Attention>, Residual)> {
    let channels = levels.last().map_or(0, |level| level.channels);
    let (divisor, groups) = (config.mid_block_scale_factor, config.middle_groups());
    let residual = |i: usize| {
        Residual::new(config, [channels, channels], divisor, &tensors.pp("resnets").pp(i))
    };
    let attention = config
        .add_attention
        .then(|| Attention::new(config, channels, groups, divisor, &tensors.pp("attentions.0")));
    Ok((residual(0)?, attention.transpose()?, residual(1)?))
}

/// The levels from the coarsest, every stage of which takes what one of the way down passed on.
fn way_up(
    config: &UNet2dConfig,
    levels: &[Level],
    mut passed: Vec<usize>,
    tensors: &VarBuilder<'_>,
) -> Result<Vec<(Vec<Stage>, Option<Double>)>> {
    let mut inputs = levels.last().map_or(0, |level| level.channels);
    let mut up = Vec::new();
    for (i, &Level { channels, attends: [_, attends] }) in levels.iter().rev().enumerate() {
        let (mut stages, level) = (Vec::new(), tensors.pp(i));
        for j in 0..=config.layers_per_block {
            let both = inputs + passed.pop().unwrap_or_default();
            stages.push(Stage::new(config, [both, channels], attends, j, &level)?);
            inputs = channels;
        }
        let last = i + 1 == levels.len();
        let double = (!last).then(|| Double::new(channels, &level)).transpose()?;
        up.push((stages, double));
    }
    Ok(up)
}

impl TensorNetwork for UNet2d {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        check_sides(x, self.down.len())?;
        let told = self.told.forward(&of_lanes(t, x.dim(0)?)?, conditions)?;
        let centred = if self.centres { x.affine(2.0, -1.0)? } else { x.clone() };
        let mut x = self.first.forward(&centred)?;
        let mut passed = vec![x.clone()];
        for (stages, halve) in &self.down {
            for stage in stages {
                x = stage.forward(&x, &told)?;
                passed.push(x.clone());
            }
            if let Some(halve) = halve {
                x = halve.forward(&x)?;
                passed.push(x.clone());
            }
        }
        if let Some((before, attention, after)) = &self.middle {
            x = before.forward(&x, &told)?;
            if let Some(attention) = attention {
                x = attention.forward(&x)?;
            }
            x = after.forward(&x, &told)?;
        }
        let mut passed = passed.iter().rev();
        for (stages, double) in &self.up {
            for (stage, skipped) in stages.iter().zip(&mut passed) {
                x = stage.forward(&Tensor::cat(&[&x, skipped], 1)?, &told)?;
            }
            if let Some(double) = double {
                x = double.forward(&x)?;
            }
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
