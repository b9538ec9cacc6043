//! The blocks of diffusers' `UNet2DModel`.

use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, GroupNorm, Linear, Module, VarBuilder, group_norm, linear};

use super::UNet2dConfig;
use crate::modules::layers::{attend, convolution, modulate, pad_ends, per_channel, repeat_pixels};
use crate::modules::layers::{strided, to_heads};

/// Two convolutions, each behind norm and SiLU; time is added behind the first, or scales and
/// shifts what the second norm gives.
#[derive(Debug)]
pub(super) struct Residual {
    norms: [GroupNorm; 2],
    convolutions: [Conv2d; 2],
    time: Linear,
    modulates: bool,
    shortcut: Option<Conv2d>,
    divisor: f64,
}

impl Residual {
    pub(super) fn new(
        config: &UNet2dConfig,
        channels: [usize; 2],
        divisor: f64,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let ([inputs, outputs], modulates) = (channels, config.modulates());
        let norm = |channels, name: &str| {
            group_norm(config.norm_num_groups, channels, config.norm_eps, tensors.pp(name))
        };
        let shortcut = (inputs != outputs)
            .then(|| convolution(inputs, outputs, 1, tensors.pp("conv_shortcut")))
            .transpose()?;
        let told = if modulates { 2 * outputs } else { outputs };
        Ok(Residual {
            norms: [norm(inputs, "norm1")?, norm(outputs, "norm2")?],
            convolutions: [
                convolution(inputs, outputs, 3, tensors.pp("conv1"))?,
                convolution(outputs, outputs, 3, tensors.pp("conv2"))?,
            ],
            time: linear(config.time_width(), told, tensors.pp("time_emb_proj"))?,
            modulates,
            shortcut,
            divisor,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let ([first, second], [before, after]) = (&self.convolutions, &self.norms);
        let h = first.forward(&before.forward(x)?.silu()?)?;
        let told = self.time.forward(time)?;
        let h = if self.modulates {
            modulate(&after.forward(&h)?, &told)?
        } else {
            after.forward(&h.broadcast_add(&per_channel(&told)?)?)?
        };
        let h = second.forward(&h.silu()?)?;
        let x = self.shortcut.as_ref().map_or(Ok(x.clone()), |shortcut| shortcut.forward(x))?;
        (x + h)? / self.divisor
    }
}

/// Attention of every pixel to all, added to its input.
#[derive(Debug)]
pub(super) struct Attention {
    norm: Option<GroupNorm>,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
    divisor: f64,
}

impl Attention {
    pub(super) fn new(
        config: &UNet2dConfig,
        channels: usize,
        groups: Option<usize>,
        divisor: f64,
        tensors: &VarBuilder<'_>,
    ) -> Result<Self> {
        let map = |name: &str| linear(channels, channels, tensors.pp(name));
        let norm = |groups| group_norm(groups, channels, config.norm_eps, tensors.pp("group_norm"));
        Ok(Attention {
            norm: groups.map(norm).transpose()?,
            query: map("to_q")?,
            key: map("to_k")?,
            value: map("to_v")?,
            out: map("to_out.0")?,
            heads: config.heads(channels),
            divisor,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(x))?;
        // A row for every pixel, as the maps take them.
        let pixels = h.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let (n, count, channels) = pixels.dims3()?;
        let heads = |map: &Linear| {
            let mapped = map.forward(&pixels)?.transpose(1, 2)?;
            to_heads(&mapped.reshape((n, channels, count, 1))?, self.heads)
        };
        let h = attend(&heads(&self.query)?, &heads(&self.key)?, &heads(&self.value)?)?;
        let h = h.reshape((n, channels, count))?.transpose(1, 2)?.contiguous()?;
        let h = self.out.forward(&h)?.transpose(1, 2)?.reshape(x.dims())?;
        (x + h)? / self.divisor
    }
}

/// A residual block, with attention or without.
#[derive(Debug)]
pub(super) struct Stage {
    residual: Residual,
    attention: Option<Attention>,
}

impl Stage {
    /// Stage `i` of the level whose tensors these are.
    pub(super) fn new(
        config: &UNet2dConfig,
        channels: [usize; 2],
        attends: bool,
        i: usize,
        level: &VarBuilder<'_>,
    ) -> Result<Self> {
        let (groups, tensors) = (Some(config.norm_num_groups), level.pp("attentions").pp(i));
        let attention = attends
            .then(|| Attention::new(config, channels[1], groups, 1.0, &tensors))
            .transpose()?;
        let residual = Residual::new(config, channels, 1.0, &level.pp("resnets").pp(i))?;
        Ok(Stage { residual, attention })
    }

    pub(super) fn forward(&self, x: &Tensor, time: &Tensor) -> Result<Tensor> {
        let x = self.residual.forward(x, time)?;
        self.attention.as_ref().map_or(Ok(x.clone()), |attention| attention.forward(&x))
    }
}

/// Half of the sides.
#[derive(Debug)]
pub(super) struct Halve {
    convolution: Conv2d,
    pads_ends: bool,
}

impl Halve {
    pub(super) fn new(
        config: &UNet2dConfig,
        channels: usize,
        level: &VarBuilder<'_>,
    ) -> Result<Self> {
        let border = config.downsample_padding;
        let convolution = strided(channels, border, level.pp("downsamplers.0.conv"))?;
        Ok(Halve { convolution, pads_ends: border == 0 })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.pads_ends {
            self.convolution.forward(&pad_ends(x)?)
        } else {
            self.convolution.forward(x)
        }
    }
}

/// Twice the sides.
#[derive(Debug)]
pub(super) struct Double(Conv2d);

impl Double {
    pub(super) fn new(channels: usize, level: &VarBuilder<'_>) -> Result<Self> {
        Ok(Double(convolution(channels, channels, 3, level.pp("upsamplers.0.conv"))?))
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.0.forward(&repeat_pixels(x)?)
    }
}
