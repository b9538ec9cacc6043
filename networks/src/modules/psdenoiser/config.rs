//! The sizes of `21cmpsdenoiser`'s U-Net.

use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::PsDenoiser;
use crate::modules::{ModuleConfig, ModuleError, TensorNetwork};
use crate::modules::{checks, sizes};
use crate::tensors::NamedTensors;

/// The configuration of [`PsDenoiser`], under the names that its constructor has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PsDenoiserConfig {
    /// Channels of the state, which has one, and of the image that it is told.
    pub channels: usize,
    /// The unit of widths, and the number of features of time.
    pub dim: usize,
    /// Channels of every level behind its end, from the finest, in units of `dim`.
    pub dim_mults: Vec<usize>,
    /// Channels before the first level.
    pub init_dim: usize,
    /// Width of the embedding of time.
    pub time_dim: usize,
    /// Groups of the norms in residual blocks.
    pub resnet_block_groups: usize,
    /// How many numbers it is told beside, if any.
    pub cdn_len: Option<usize>,
}

/// One level: the channels of its blocks, and those that it makes of them at its end.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) first: bool,
    pub(super) last: bool,
}

impl Default for PsDenoiserConfig {
    fn default() -> Self {
        PsDenoiserConfig {
            channels: 2,
            dim: 32,
            dim_mults: vec![1, 2, 4, 8],
            init_dim: 16,
            time_dim: 128,
            resnet_block_groups: 4,
            cdn_len: None,
        }
    }
}

impl PsDenoiserConfig {
    /// Width of the embedding of the numbers that a network is told.
    pub(super) const NUMBERS_WIDTH: usize = 64;

    /// Width of the embedding of all that a block is told.
    pub(super) fn embedding_width(&self) -> usize {
        self.time_dim + self.cdn_len.map_or(0, |_| Self::NUMBERS_WIDTH)
    }

    /// Channels of every level, the first those before it.
    fn widths(&self) -> Vec<usize> {
        let levels = self.dim_mults.iter().map(|mult| mult.saturating_mul(self.dim));
        [self.init_dim].into_iter().chain(levels).collect()
    }

    pub(super) fn deepest(&self) -> usize {
        self.widths().last().copied().unwrap_or_default()
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let count = self.dim_mults.len();
        let level = |(i, pair): (usize, &[usize])| Level {
            inputs: pair[0],
            outputs: pair[1],
            first: i == 0,
            last: i + 1 == count,
        };
        self.widths().windows(2).enumerate().map(level).collect()
    }

    /// The frequencies of time, `10000^(-k / (dim / 2 - 1))`, rounded where the original rounds.
    pub(super) fn frequencies(&self) -> Vec<f32> {
        let half = self.dim / 2;
        let step = -(10_000_f64.ln() / (half as f64 - 1.0)) as f32;
        (0..half).map(|k| f64::from(step * k as f32).exp() as f32).collect()
    }
}

impl ModuleConfig for PsDenoiserConfig {
    const NAME: &'static str = "psdenoiser";
    const SUMMARY: &'static str =
        "U-Net of 21cmpsdenoiser, PyTorch: linear attention, told an image";
    const KEYS: &'static [(&'static str, &'static str)] =
        &[("resnet_block_groups", "groups of the norms in residual blocks, which no tensor tells")];
    const MARKS: &'static [&'static str] =
        &["init_conv.weight", "downs.0.2.fn.fn.to_qkv.weight", "mid_attn.fn.fn.to_qkv.weight"];

    fn infer(tensors: &NamedTensors) -> Result<Self, ModuleError> {
        let size = |name: &str, axis| sizes::size(tensors, name, axis);
        let dim = size("time_mlp.1.weight", 1)?;
        let levels = sizes::count(tensors, "downs", "0.block1.proj.weight");
        let next = |i: usize| {
            let conv = if i + 1 < levels { "3.1" } else { "3" };
            Ok(size(&format!("downs.{i}.{conv}.weight"), 0)? / dim.max(1))
        };
        let numbers = "cdn_mlp.0.weight";
        Ok(PsDenoiserConfig {
            channels: size("init_conv.weight", 1)?,
            dim,
            dim_mults: (0..levels).map(next).collect::<Result<_, ModuleError>>()?,
            init_dim: size("init_conv.weight", 0)?,
            time_dim: size("time_mlp.1.weight", 0)?,
            cdn_len: tensors.contains(numbers).then(|| size(numbers, 1)).transpose()?,
            ..Self::default()
        })
    }

    fn check(&self) -> Result<(), String> {
        checks::size("channels", self.channels)?;
        checks::size("time_dim", self.time_dim)?;
        self.cdn_len.map_or(Ok(()), |count| checks::size("cdn_len", count))?;
        checks::levels("the number of levels in dim_mults", self.dim_mults.len())?;
        if self.dim < 4 || !self.dim.is_multiple_of(2) {
            return Err(format!("dim must be even and at least 4, not {}", self.dim));
        }
        for channels in self.widths().into_iter().chain([self.dim]) {
            checks::size("a level's channels", channels)?;
            let groups = self.resnet_block_groups;
            checks::divides("resnet_block_groups", groups, "a level's channels", channels)?;
        }
        Ok(())
    }

    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>> {
        Ok(Box::new(PsDenoiser::new(self, &tensors)?))
    }
}
