//! The blocks of `CondUNet2D`.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, GroupNorm, Linear, Module, VarBuilder, group_norm, linear};

use super::config::{CondUNet2dConfig, DownStep, UpStep};
use crate::modules::layers::{
    attend, convolution, from_heads, modulate, pad_ends, strided, to_heads,
};
use crate::tensor_layers::from_channels;

/// Groups of every norm.
pub(super) const GROUPS: usize = 32;
/// What every norm adds to the variance.
pub(super) const EPSILON: f64 = 1e-6;

/// Two convolutions, each behind norm and SiLU, the first scaled and shifted by time.
#[derive(Debug)]
pub(super) struct Residual {
    norms: [GroupNorm; 2],
    convolutions: [Conv2d; 2],
    time: Linear,
    shortcut: Option<Conv2d>,
}

impl Residual {
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        time: usize,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let shortcut = (inputs != outputs)
            .then(|| convolution(inputs, outputs, 1, tensors.pp("nin_shortcut")))
            .transpose()?;
        Ok(Residual {
            norms: [
                group_norm(GROUPS, inputs, EPSILON, tensors.pp("norm1"))?,
                group_norm(GROUPS, outputs, EPSILON, tensors.pp("norm2"))?,
            ],
            convolutions: [
                convolution(inputs, outputs, 3, tensors.pp("conv1"))?,
                convolution(outputs, outputs, 3, tensors.pp("conv2"))?,
            ],
            time: linear(time, 2 * outputs, tensors.pp("time_mlp"))?,
            shortcut,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.convolutions;
        let h = first.forward(&self.norms[0].forward(x)?.silu()?)?;
        let h = modulate(&h, &self.time.forward(time)?)?;
        let h = second.forward(&self.norms[1].forward(&h)?.silu()?)?;
        match &self.shortcut {
            Some(shortcut) => h + shortcut.forward(x)?,
            None => h + x,
        }
    }
}

/// Attention of every pixel to all, added to its input.
#[derive(Debug)]
pub(super) struct Attention {
    norm: GroupNorm,
    query: Conv2d,
    key: Conv2d,
    value: Conv2d,
    out: Conv2d,
    heads: usize,
}

impl Attention {
    pub(super) fn new(channels: usize, heads: usize, tensors: &VarBuilder<'_>) -> Result<Self> {
        let pixelwise = |name: &str| convolution(channels, channels, 1, tensors.pp(name));
        Ok(Attention {
            norm: group_norm(GROUPS, channels, EPSILON, tensors.pp("norm"))?,
            query: pixelwise("q")?,
            key: pixelwise("k")?,
            value: pixelwise("v")?,
            out: pixelwise("proj_out")?,
            heads,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.norm.forward(x)?;
        let heads = |map: &Conv2d| to_heads(&map.forward(&h)?, self.heads);
        let h = attend(&heads(&self.query)?, &heads(&self.key)?, &heads(&self.value)?)?;
        x + self.out.forward(&from_heads(&h, x)?)?
    }
}

/// A residual block, with attention or without.
#[derive(Debug)]
struct Stage {
    residual: Residual,
    attention: Option<Attention>,
}

impl Stage {
    fn new(
        config: &CondUNet2dConfig,
        channels: [usize; 2],
        attends: bool,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let [inputs, outputs] = channels;
        let attention = attends
            .then(|| Attention::new(outputs, config.num_heads, &tensors.pp(1)))
            .transpose()?;
        let residual = Residual::new(inputs, outputs, config.time_width(), &tensors.pp(0))?;
        Ok(Stage { residual, attention })
    }

    fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let x = self.residual.forward(x, time)?;
        self.attention.as_ref().map_or(Ok(x.clone()), |attention| attention.forward(&x))
    }
}

/// One block of the way down.
#[derive(Debug)]
pub(super) struct Down(Step);

#[derive(Debug)]
enum Step {
    Stage(Box<Stage>),
    Halve(Conv2d),
}

impl Down {
    pub(super) fn new(
        config: &CondUNet2dConfig,
        step: &DownStep,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        Ok(Down(match *step {
            DownStep::Stage { channels, attends } => {
                Step::Stage(Box::new(Stage::new(config, channels, attends, tensors)?))
            }
            DownStep::Halve { channels } => {
                Step::Halve(strided(channels, 0, tensors.pp(0).pp("conv"))?)
            }
        }))
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Step::Stage(stage) => stage.forward(x, time),
            Step::Halve(convolution) => convolution.forward(&pad_ends(x)?),
        }
    }
}

/// One block of the way up.
#[derive(Debug)]
pub(super) struct Up {
    stage: Stage,
    double: Option<Conv2d>,
}

impl Up {
    pub(super) fn new(
        config: &CondUNet2dConfig,
        step: &UpStep,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let stage = Stage::new(config, step.channels, step.attends, tensors)?;
        let channels = step.channels[1];
        let shuffled = tensors.pp(1 + usize::from(step.attends)).pp("conv_pixel_shuffle");
        let double =
            step.doubles.then(|| convolution(channels, 4 * channels, 3, shuffled)).transpose()?;
        Ok(Up { stage, double })
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let x = self.stage.forward(x, time)?;
        match &self.double {
            Some(convolution) => from_channels(&convolution.forward(&x)?),
            None => Ok(x),
        }
    }
}
