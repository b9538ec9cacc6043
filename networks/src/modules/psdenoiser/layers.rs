//! The blocks of `21cmpsdenoiser`.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, GroupNorm, Linear, Module, VarBuilder, group_norm, linear};

use super::attention::Attention;
use super::config::{Level, PsDenoiserConfig};
use crate::modules::layers::{convolution, modulate, repeat_pixels};

/// What every norm adds to the variance, and the standardisation of kernels too: there the
/// original adds a hundred times as much outside single precision, in which no weights were
/// trained.
pub(super) const EPSILON: f64 = 1e-5;

/// A convolution whose kernels are standardised as the original does it: `(w - mean) std` over
/// inputs and pixels, where S. Qiao et al., "Micro-batch training with batch-channel normalization
/// and weight standardization" (2019), have `(w - mean) / std`. The weights there are were trained
/// so. A constant factor is lost in the norm behind; `std` is not constant among the channels of a
/// group.
fn standardised(inputs: usize, outputs: usize, tensors: &VarBuilder<'_>) -> Result<Conv2d> {
    let weight = tensors.get((outputs, inputs, 3, 3), "weight")?;
    let rows = weight.flatten_from(1)?;
    let centred = rows.broadcast_sub(&rows.mean_keepdim(1)?)?;
    let spread = (centred.sqr()?.mean_keepdim(1)? + EPSILON)?.sqrt()?;
    let weight = centred.broadcast_mul(&spread)?.reshape((outputs, inputs, 3, 3))?;
    let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
    Ok(Conv2d::new(weight, Some(tensors.get(outputs, "bias")?), config))
}

/// Two convolutions, each before norm and SiLU, the first scaled and shifted by time.
#[derive(Debug)]
pub(super) struct Residual {
    convolutions: [Conv2d; 2],
    norms: [GroupNorm; 2],
    time: Linear,
    shortcut: Option<Conv2d>,
}

impl Residual {
    pub(super) fn new(
        config: &PsDenoiserConfig,
        channels: [usize; 2],
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let ([inputs, outputs], groups) = (channels, config.resnet_block_groups);
        let [first, second] = ["block1", "block2"].map(|name| tensors.pp(name));
        let shortcut = (inputs != outputs)
            .then(|| convolution(inputs, outputs, 1, tensors.pp("res_conv")))
            .transpose()?;
        Ok(Residual {
            convolutions: [
                standardised(inputs, outputs, &first.pp("proj"))?,
                standardised(outputs, outputs, &second.pp("proj"))?,
            ],
            norms: [
                group_norm(groups, outputs, EPSILON, first.pp("norm"))?,
                group_norm(groups, outputs, EPSILON, second.pp("norm"))?,
            ],
            time: linear(config.embedding_width(), 2 * outputs, tensors.pp("mlp.1"))?,
            shortcut,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.convolutions;
        let h = self.norms[0].forward(&first.forward(x)?)?;
        let h = modulate(&h, &self.time.forward(time)?)?.silu()?;
        let h = self.norms[1].forward(&second.forward(&h)?)?.silu()?;
        match &self.shortcut {
            Some(shortcut) => h + shortcut.forward(x)?,
            None => h + x,
        }
    }
}

/// One level of the way down; the last keeps the size of the image.
#[derive(Debug)]
pub(super) struct Down {
    residuals: [Residual; 2],
    attention: Attention,
    to_next: Conv2d,
    halves: bool,
}

impl Down {
    pub(super) fn new(
        config: &PsDenoiserConfig,
        level: &Level,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let &Level { inputs, outputs, last, .. } = level;
        let residual = |i: usize| Residual::new(config, [inputs, inputs], &tensors.pp(i));
        Ok(Down {
            residuals: [residual(0)?, residual(1)?],
            attention: Attention::linear(inputs, &tensors.pp("2.fn"))?,
            to_next: if last {
                convolution(inputs, outputs, 3, tensors.pp(3))?
            } else {
                convolution(4 * inputs, outputs, 1, tensors.pp("3.1"))?
            },
            halves: !last,
        })
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        time: &Tensor,
        passed: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        let [first, second] = &self.residuals;
        let first = first.forward(x, time)?;
        let second = self.attention.forward(&second.forward(&first, time)?)?;
        passed.extend([first, second.clone()]);
        let x = if self.halves { blocks_to_channels(&second)? } else { second };
        self.to_next.forward(&x)
    }
}

/// One level of the way up; the last keeps the size of the image.
#[derive(Debug)]
pub(super) struct Up {
    residuals: [Residual; 2],
    attention: Attention,
    to_next: Conv2d,
    doubles: bool,
}

impl Up {
    pub(super) fn new(
        config: &PsDenoiserConfig,
        level: &Level,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        // It undoes a level of the way down, whose outputs are its inputs.
        let &Level { inputs: outputs, outputs: inputs, .. } = level;
        let doubles = !level.first;
        let residual = |i: usize| Residual::new(config, [inputs + outputs, inputs], &tensors.pp(i));
        let next = if doubles { "3.1" } else { "3" };
        Ok(Up {
            residuals: [residual(0)?, residual(1)?],
            attention: Attention::linear(inputs, &tensors.pp("2.fn"))?,
            to_next: convolution(inputs, outputs, 3, tensors.pp(next))?,
            doubles,
        })
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        time: &Tensor,
        passed: &mut Vec<Tensor>,
    ) -> Result<Tensor> {
        let mut x = x.clone();
        for residual in &self.residuals {
            let skipped = passed.pop();
            let both: Vec<&Tensor> = [&x].into_iter().chain(&skipped).collect();
            x = residual.forward(&Tensor::cat(&both, 1)?, time)?;
        }
        x = self.attention.forward(&x)?;
        let x = if self.doubles { repeat_pixels(&x)? } else { x };
        self.to_next.forward(&x)
    }
}

/// Blocks of 2 x 2 pixels to channels, the pixels of a channel side by side.
fn blocks_to_channels(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let blocks = x.reshape(vec![n, c, h / 2, 2, w / 2, 2])?.permute(vec![0, 1, 3, 5, 2, 4])?;
    blocks.reshape((n, 4 * c, h / 2, w / 2))
}
