//! The U-Net as candle tensors.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax;
use candle_nn::{Conv2d, Embedding, GroupNorm, Linear, Module, VarBuilder};

use super::UNetConfig;
use crate::Parameters;
use crate::layers::{BLOCK_PIXELS, TimeFeatures};
use crate::tensor_layers::{
    convolution, from_channels, linear, norm, pixelwise, table, to_channels,
};

/// The U-Net of [`UNetConfig`] by candle's own operations: the readable definition, in `f32`
/// or `f64` and on any device, differentiable in images and weights, and what
/// [`Plan`](crate::Plan) is tested against.
#[derive(Debug, Clone)]
pub struct UNet {
    config: UNetConfig,
    features: TimeFeatures,
    time: [Linear; 2],
    labels: Embedding,
    stem: Conv2d,
    /// Blocks on the way down, finest first, and from a level to the next coarser one.
    down: Vec<Block>,
    shrink: Vec<Conv2d>,
    middle: [Block; 2],
    attention: Attention,
    /// Blocks on the way up, finest first, and from a level to the next finer one.
    up: Vec<Block>,
    grow: Vec<Conv2d>,
    last_norm: GroupNorm,
    last: Conv2d,
    dtype: DType,
    device: Device,
}

impl UNet {
    /// Puts the weights on `device`, in `f32` or `f64`.
    pub fn new(parameters: &Parameters<UNetConfig>, dtype: DType, device: &Device) -> Result<Self> {
        Self::from_vars(parameters.config(), parameters.tensors(dtype, device)?)
    }

    /// The network of given weights, which may be variables.
    pub fn from_vars(config: &UNetConfig, vars: VarBuilder<'_>) -> Result<Self> {
        let UNetConfig { channels, groups, condition, time_features, .. } = config;
        let (levels, deepest) = (channels.len(), channels[channels.len() - 1]);
        let block = |name: String, inputs, outputs| {
            Block::new(vars.pp(name), (inputs, outputs), *groups, *condition)
        };
        let each = |way: &str, inputs: usize| {
            let blocks = channels.iter().enumerate();
            let blocks = blocks.map(|(l, &c)| block(format!("{way}.{l}"), inputs * c, c));
            blocks.collect::<Result<Vec<_>>>()
        };
        let between = |way: &'static str| {
            (1..levels).map(move |l| (format!("{way}.{}", l - 1), channels[l - 1], channels[l]))
        };
        Ok(UNet {
            features: TimeFeatures::between(
                config.frequency_min,
                config.frequency_max,
                *time_features,
            ),
            time: [
                linear(vars.pp("time.0"), *time_features, *condition)?,
                linear(vars.pp("time.1"), *condition, *condition)?,
            ],
            labels: table(vars.pp("label"), config.labels + 1, *condition)?,
            stem: convolution(vars.pp("stem"), BLOCK_PIXELS, channels[0])?,
            down: each("down", 1)?,
            shrink: between("shrink")
                .map(|(name, fine, coarse)| pixelwise(vars.pp(name), BLOCK_PIXELS * fine, coarse))
                .collect::<Result<_>>()?,
            middle: [
                block("middle.0".to_owned(), deepest, deepest)?,
                block("middle.1".to_owned(), deepest, deepest)?,
            ],
            attention: Attention::new(vars.pp("attention"), deepest, *groups, config.heads)?,
            up: each("up", 2)?,
            grow: between("grow")
                .map(|(name, fine, coarse)| pixelwise(vars.pp(name), coarse, BLOCK_PIXELS * fine))
                .collect::<Result<_>>()?,
            last_norm: norm(vars.pp("output.norm"), channels[0], *groups)?,
            last: convolution(vars.pp("output"), channels[0], BLOCK_PIXELS)?,
            dtype: vars.dtype(),
            device: vars.device().clone(),
            config: config.clone(),
        })
    }

    /// The architecture.
    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// The network at images `x` `[n, 1, s, s]`, their times and their labels (one of each for
    /// all images, or one per image). The result carries its graph.
    pub fn forward(&self, x: &Tensor, times: &[f64], labels: &[u32]) -> Result<Tensor> {
        let condition = self.condition(times, labels)?;
        let mut h = self.stem.forward(&to_channels(x)?)?;
        let mut across = Vec::new();
        for (l, block) in self.down.iter().enumerate() {
            h = block.forward(&h, &condition)?;
            across.push(h.clone());
            if let Some(shrink) = self.shrink.get(l) {
                h = shrink.forward(&to_channels(&h)?)?;
            }
        }
        h = self.middle[0].forward(&h, &condition)?;
        h = self.attention.forward(&h)?;
        h = self.middle[1].forward(&h, &condition)?;
        for (l, block) in self.up.iter().enumerate().rev() {
            if let Some(grow) = self.grow.get(l) {
                h = from_channels(&grow.forward(&h)?)?;
            }
            h = block.forward(&Tensor::cat(&[&h, &across[l]], 1)?, &condition)?;
        }
        from_channels(&self.last.forward(&self.last_norm.forward(&h)?.silu()?)?)
    }

    fn condition(&self, times: &[f64], labels: &[u32]) -> Result<Tensor> {
        let shape = (times.len(), self.features.len());
        let features = Tensor::from_vec(self.features.rows(times), shape, &self.device)?;
        let h = self.time[0].forward(&features.to_dtype(self.dtype)?)?.silu()?;
        let labels = Tensor::from_slice(labels, labels.len(), &self.device)?;
        self.time[1].forward(&h)?.broadcast_add(&self.labels.forward(&labels)?)?.silu()
    }
}

/// The residual block of [`UNetConfig`].
#[derive(Debug, Clone)]
struct Block {
    norms: [GroupNorm; 2],
    convolutions: [Conv2d; 2],
    condition: Linear,
    skip: Option<Conv2d>,
}

impl Block {
    fn new(
        vars: VarBuilder<'_>,
        (inputs, outputs): (usize, usize),
        groups: usize,
        condition: usize,
    ) -> Result<Self> {
        let skip = inputs != outputs;
        Ok(Block {
            norms: [
                norm(vars.pp("norm1"), inputs, groups)?,
                norm(vars.pp("norm2"), outputs, groups)?,
            ],
            convolutions: [
                convolution(vars.pp("conv1"), inputs, outputs)?,
                convolution(vars.pp("conv2"), outputs, outputs)?,
            ],
            condition: linear(vars.pp("condition"), condition, 2 * outputs)?,
            skip: skip.then(|| pixelwise(vars.pp("skip"), inputs, outputs)).transpose()?,
        })
    }

    fn forward(&self, x: &Tensor, condition: &Tensor) -> Result<Tensor> {
        let h = self.convolutions[0].forward(&self.norms[0].forward(x)?.silu()?)?;
        let shifts = self.condition.forward(condition)?;
        let shifts = shifts.reshape((condition.dim(0)?, 2, h.dim(1)?, 1, 1))?;
        let (scale, shift) = (shifts.get_on_dim(1, 0)?, shifts.get_on_dim(1, 1)?);
        let h = self.norms[1].forward(&h)?;
        let h = h.broadcast_mul(&(scale + 1.0)?)?.broadcast_add(&shift)?.silu()?;
        let h = self.convolutions[1].forward(&h)?;
        match &self.skip {
            Some(skip) => h + skip.forward(x)?,
            None => h + x,
        }
    }
}

/// Self-attention among the pixels, added to them.
#[derive(Debug, Clone)]
struct Attention {
    heads: usize,
    norm: GroupNorm,
    /// To queries, keys and values, each of all heads.
    input: Linear,
    output: Linear,
}

impl Attention {
    fn new(vars: VarBuilder<'_>, channels: usize, groups: usize, heads: usize) -> Result<Self> {
        Ok(Attention {
            heads,
            norm: norm(vars.pp("norm"), channels, groups)?,
            input: linear(vars.pp("input"), channels, 3 * channels)?,
            output: linear(vars.pp("output"), channels, channels)?,
        })
    }
}

impl Module for Attention {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let pixels = self.norm.forward(x)?.reshape((n, c, h * w))?.transpose(1, 2)?.contiguous()?;
        let qkv = self.input.forward(&pixels)?;
        let shape = (n, h * w, 3, self.heads, c / self.heads);
        let qkv = qkv.reshape(shape)?.permute((2, 0, 3, 1, 4))?;
        let [q, k, v] = [qkv.get(0)?, qkv.get(1)?, qkv.get(2)?];
        let scale = 1.0 / ((c / self.heads) as f64).sqrt();
        let scores = (q.contiguous()?.matmul(&k.t()?.contiguous()?)? * scale)?;
        let mixed = softmax(&scores, 3)?.matmul(&v.contiguous()?)?.permute((0, 2, 1, 3))?;
        let mixed = self.output.forward(&mixed.reshape((n, h * w, c))?)?;
        x + mixed.transpose(1, 2)?.reshape((n, c, h, w))?
    }
}
