//! diffusers' `config.json` of a `UNet2DConditionModel`.

use candle_nn::VarBuilder;
use candle_transformers::models::stable_diffusion::unet_2d::{
    BlockConfig, UNet2DConditionModelConfig,
};
use driftfield_problems::echo::echo;
use serde::{Deserialize, Serialize};

use super::UNet2dCondition;
use crate::modules::{ModuleConfig, ModuleError, TensorNetwork};
use crate::modules::{checks, sizes};
use crate::tensors::NamedTensors;

/// The configuration of [`UNet2dCondition`]: diffusers' `config.json`, of which what has no
/// bearing on the output is passed over, and so is what would bring tensors of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UNet2dConditionConfig {
    /// Channels of the state.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Whether the state is in 0 to 1 and is taken to -1 to 1 first.
    pub center_input_sample: bool,
    /// Whether cosines of time come before sines.
    pub flip_sin_to_cos: bool,
    /// What is taken off the number of frequencies in their exponents.
    pub freq_shift: f64,
    /// `DownBlock2D` or `CrossAttnDownBlock2D` for every level, from the finest.
    pub down_block_types: Vec<String>,
    /// `UpBlock2D` or `CrossAttnUpBlock2D` for every level, from the coarsest.
    pub up_block_types: Vec<String>,
    /// Channels of every level, from the finest.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of a level on the way down.
    pub layers_per_block: usize,
    /// Zeros around what is halved, none for a row and a column at the ends only.
    pub downsample_padding: usize,
    /// By how much the outputs of the middle blocks are divided.
    pub mid_block_scale_factor: f64,
    /// `silu` or `swish`, the same.
    pub act_fn: String,
    /// Groups of the norms: 32, since candle-transformers takes this number whatever it is told.
    pub norm_num_groups: usize,
    /// What norms add to the variance.
    pub norm_eps: f64,
    /// Width of the text's embedding.
    pub cross_attention_dim: usize,
    /// Heads of attention, which diffusers has under this name.
    pub attention_head_dim: PerLevel,
    /// Transformer blocks of an attention.
    pub transformer_layers_per_block: PerLevel,
    /// Whether the maps around transformer blocks are stored as matrices.
    pub use_linear_projection: bool,
}

/// A number for all levels, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerLevel {
    /// For all levels.
    All(usize),
    /// For every level, from the finest.
    Each(Vec<usize>),
}

impl PerLevel {
    fn at(&self, level: usize) -> usize {
        match self {
            PerLevel::All(value) => *value,
            PerLevel::Each(values) => values.get(level).copied().unwrap_or_default(),
        }
    }
}

/// Groups of the norms.
const GROUPS: usize = 32;
/// The blocks of a level without cross-attention and with it.
const DOWN: [&str; 2] = ["DownBlock2D", "CrossAttnDownBlock2D"];
const UP: [&str; 2] = ["UpBlock2D", "CrossAttnUpBlock2D"];

impl Default for UNet2dConditionConfig {
    fn default() -> Self {
        let words = |words: [&str; 4]| words.iter().map(|&word| word.to_owned()).collect();
        let ([down, down_attention], [up, up_attention]) = (DOWN, UP);
        UNet2dConditionConfig {
            in_channels: 4,
            out_channels: 4,
            center_input_sample: false,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            down_block_types: words([down_attention, down_attention, down_attention, down]),
            up_block_types: words([up, up_attention, up_attention, up_attention]),
            block_out_channels: vec![320, 640, 1280, 1280],
            layers_per_block: 2,
            downsample_padding: 1,
            mid_block_scale_factor: 1.0,
            act_fn: "silu".into(),
            norm_num_groups: GROUPS,
            norm_eps: 1e-5,
            cross_attention_dim: 1280,
            attention_head_dim: PerLevel::All(8),
            transformer_layers_per_block: PerLevel::All(1),
            use_linear_projection: false,
        }
    }
}

impl UNet2dConditionConfig {
    /// The same as candle-transformers has it.
    pub(super) fn of_candle(&self) -> UNet2DConditionModelConfig {
        let block = |(level, (&out_channels, name)): (usize, (&usize, &String))| BlockConfig {
            out_channels,
            use_cross_attn: (name == DOWN[1]).then(|| self.transformer_layers_per_block.at(level)),
            attention_head_dim: self.attention_head_dim.at(level),
        };
        let levels = self.block_out_channels.iter().zip(&self.down_block_types).enumerate();
        UNet2DConditionModelConfig {
            center_input_sample: self.center_input_sample,
            flip_sin_to_cos: self.flip_sin_to_cos,
            freq_shift: self.freq_shift,
            blocks: levels.map(block).collect(),
            layers_per_block: self.layers_per_block,
            downsample_padding: self.downsample_padding,
            mid_block_scale_factor: self.mid_block_scale_factor,
            norm_num_groups: self.norm_num_groups,
            norm_eps: self.norm_eps,
            cross_attention_dim: self.cross_attention_dim,
            sliced_attention_size: None,
            use_linear_projection: self.use_linear_projection,
        }
    }

    /// The same blocks on both ways, since candle-transformers knows no other networks.
    fn check_blocks(&self) -> Result<(), String> {
        let levels = self.block_out_channels.len();
        checks::levels("the number of levels in block_out_channels", levels)?;
        if self.down_block_types.len() != levels || self.up_block_types.len() != levels {
            return Err(format!(
                "block_out_channels has {levels} levels, down_block_types {} and up_block_types {}",
                self.down_block_types.len(),
                self.up_block_types.len()
            ));
        }
        for (down, up) in self.down_block_types.iter().zip(self.up_block_types.iter().rev()) {
            if !DOWN.iter().zip(&UP).any(|(a, b)| a == down && b == up) {
                return Err(format!(
                    "a level has {} or {} both ways here, not `{}` and `{}`",
                    DOWN.join(" or "),
                    UP.join(" or "),
                    echo(down),
                    echo(up)
                ));
            }
        }
        Ok(())
    }
}

impl ModuleConfig for UNet2dConditionConfig {
    const NAME: &'static str = "unet2d-condition";
    const SUMMARY: &'static str = "UNet2DConditionModel of diffusers, told encoder_hidden_states";
    const KEYS: &'static [(&'static str, &'static str)] = &[
        ("attention_head_dim", "heads of attention, which diffusers has under this name"),
        ("norm_eps", "what norms add to the variance"),
        ("flip_sin_to_cos", "whether cosines of time come before sines"),
        ("freq_shift", "taken off the number of frequencies of time in their exponents"),
        ("downsample_padding", "zeros around what is halved, 0 for its ends only"),
    ];
    const MARKS: &'static [&'static str] = &[
        "down_blocks.0.resnets.0.conv1.weight",
        "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    ];

    fn infer(tensors: &NamedTensors) -> Result<Self, ModuleError> {
        let size = |name: &str, axis| sizes::size(tensors, name, axis);
        let first = "resnets.0.conv1.weight";
        let levels = sizes::count(tensors, "down_blocks", first);
        let depth = |i: usize| {
            let blocks = format!("down_blocks.{i}.attentions.0.transformer_blocks");
            sizes::count(tensors, &blocks, "attn1.to_q.weight")
        };
        let types = |[plain, attends]: [&str; 2]| -> Vec<String> {
            (0..levels).map(|i| if depth(i) > 0 { attends } else { plain }.to_owned()).collect()
        };
        let (middle, up) = ("mid_block.attentions.0", types(UP));
        let channels = |i| size(&format!("down_blocks.{i}.{first}"), 0);
        Ok(UNet2dConditionConfig {
            in_channels: size("conv_in.weight", 1)?,
            out_channels: size("conv_out.weight", 0)?,
            down_block_types: types(DOWN),
            up_block_types: up.into_iter().rev().collect(),
            block_out_channels: (0..levels).map(channels).collect::<Result<_, _>>()?,
            layers_per_block: sizes::count(tensors, "down_blocks.0.resnets", "conv1.weight"),
            cross_attention_dim: size(
                &format!("{middle}.transformer_blocks.0.attn2.to_k.weight"),
                1,
            )?,
            transformer_layers_per_block: PerLevel::Each((0..levels).map(depth).collect()),
            use_linear_projection: tensors.get(&format!("{middle}.proj_in.weight"))?.rank() == 2,
            ..Self::default()
        })
    }

    fn check(&self) -> Result<(), String> {
        checks::size("in_channels", self.in_channels)?;
        checks::size("out_channels", self.out_channels)?;
        checks::size("cross_attention_dim", self.cross_attention_dim)?;
        checks::few("layers_per_block", self.layers_per_block)?;
        self.check_blocks()?;
        if !["silu", "swish"].contains(&self.act_fn.as_str()) {
            return Err(format!("act_fn may be silu or swish here, not `{}`", echo(&self.act_fn)));
        }
        if self.downsample_padding > 1 {
            return Err(format!("downsample_padding is 0 or 1, not {}", self.downsample_padding));
        }
        if self.norm_num_groups != GROUPS {
            return Err(format!("norm_num_groups may be 32 here, not {}", self.norm_num_groups));
        }
        checks::frequencies(self.block_out_channels[0], self.freq_shift)?;
        checks::positive("mid_block_scale_factor", self.mid_block_scale_factor)?;
        checks::positive("norm_eps", self.norm_eps)?;
        for (level, &channels) in self.block_out_channels.iter().enumerate() {
            checks::size("a level's channels", channels)?;
            let heads = self.attention_head_dim.at(level);
            checks::divides("norm_num_groups", GROUPS, "a level's channels", channels)?;
            checks::divides("attention_head_dim", heads, "a level's channels", channels)?;
            checks::at_most_few(
                "transformer_layers_per_block",
                self.transformer_layers_per_block.at(level),
            )?;
        }
        Ok(())
    }

    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>> {
        Ok(Box::new(UNet2dCondition::new(self, &tensors)?))
    }
}
