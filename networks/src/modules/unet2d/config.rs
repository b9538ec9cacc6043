//! diffusers' `config.json` of a `UNet2DModel`.

use candle_nn::VarBuilder;
use driftfield_problems::echo::echo;
use serde::{Deserialize, Serialize};

use super::UNet2d;
use crate::modules::{ModuleConfig, ModuleError, TensorNetwork};
use crate::modules::{checks, sizes};
use crate::tensors::{NamedTensors, Renaming, Rule};

/// The configuration of [`UNet2d`]: diffusers' `config.json`, of which what has no bearing on the
/// output is passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UNet2dConfig {
    /// Channels of the state.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Whether the state is in 0 to 1 and is taken to -1 to 1 first.
    pub center_input_sample: bool,
    /// `positional`, sines and cosines.
    pub time_embedding_type: String,
    /// Width of the embedding of time, four times the first width unless given.
    pub time_embedding_dim: Option<usize>,
    /// What is taken off the number of frequencies in their exponents.
    pub freq_shift: f64,
    /// Whether cosines come before sines.
    pub flip_sin_to_cos: bool,
    /// `DownBlock2D` or `AttnDownBlock2D` for every level, from the finest.
    pub down_block_types: Vec<String>,
    /// `UNetMidBlock2D` or none.
    pub mid_block_type: Option<String>,
    /// `UpBlock2D` or `AttnUpBlock2D` for every level, from the coarsest.
    pub up_block_types: Vec<String>,
    /// Channels of every level, from the finest.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of a level on the way down.
    pub layers_per_block: usize,
    /// By how much the outputs of the middle blocks are divided.
    pub mid_block_scale_factor: f64,
    /// Zeros around what is halved, none for a row and a column at the ends only.
    pub downsample_padding: usize,
    /// `conv`.
    pub downsample_type: String,
    /// `conv`.
    pub upsample_type: String,
    /// `silu` or `swish`, the same.
    pub act_fn: String,
    /// Width of a head of attention; one head if none is given.
    pub attention_head_dim: Option<usize>,
    /// Groups of the norms.
    pub norm_num_groups: usize,
    /// Groups of the norm of the middle's attention, where they are other ones.
    pub attn_norm_num_groups: Option<usize>,
    /// What norms add to the variance.
    pub norm_eps: f64,
    /// `default`, time is added, or `scale_shift`.
    pub resnet_time_scale_shift: String,
    /// Whether there is attention in the middle.
    pub add_attention: bool,
    /// None for a table of labels, `timestep` for labels that are embedded as times are.
    pub class_embed_type: Option<String>,
    /// Labels of the table.
    pub num_class_embeds: Option<usize>,
}

impl Default for UNet2dConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let ([down, down_attention], [up, up_attention]) = (DOWN, UP);
        UNet2dConfig {
            in_channels: 3,
            out_channels: 3,
            center_input_sample: false,
            time_embedding_type: "positional".into(),
            time_embedding_dim: None,
            freq_shift: 0.0,
            flip_sin_to_cos: true,
            down_block_types: words(&[down, down_attention, down_attention, down_attention]),
            mid_block_type: Some(MIDDLE.into()),
            up_block_types: words(&[up_attention, up_attention, up_attention, up]),
            block_out_channels: vec![224, 448, 672, 896],
            layers_per_block: 2,
            mid_block_scale_factor: 1.0,
            downsample_padding: 1,
            downsample_type: "conv".into(),
            upsample_type: "conv".into(),
            act_fn: "silu".into(),
            attention_head_dim: Some(8),
            norm_num_groups: 32,
            attn_norm_num_groups: None,
            norm_eps: 1e-5,
            resnet_time_scale_shift: ADDED.into(),
            add_attention: true,
            class_embed_type: None,
            num_class_embeds: None,
        }
    }
}

/// The blocks of a level without attention and with it.
pub(super) const DOWN: [&str; 2] = ["DownBlock2D", "AttnDownBlock2D"];
pub(super) const UP: [&str; 2] = ["UpBlock2D", "AttnUpBlock2D"];
const MIDDLE: &str = "UNetMidBlock2D";
/// How time comes into a block.
const ADDED: &str = "default";
const MODULATING: &str = "scale_shift";

/// One level: its channels and whether its blocks have attention on the way down and up.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) channels: usize,
    pub(super) attends: [bool; 2],
}

impl UNet2dConfig {
    /// All levels, from the finest.
    pub(super) fn levels(&self) -> Vec<Level> {
        let attends = |types: &str, name: &String| *name == types;
        let both = self.down_block_types.iter().zip(self.up_block_types.iter().rev());
        let level = |(&channels, (down, up)): (&usize, (&String, &String))| Level {
            channels,
            attends: [attends(DOWN[1], down), attends(UP[1], up)],
        };
        self.block_out_channels.iter().zip(both).map(level).collect()
    }

    /// Width of the sines and cosines of time.
    pub(super) fn features(&self) -> usize {
        self.block_out_channels.first().copied().unwrap_or_default()
    }

    pub(super) fn time_width(&self) -> usize {
        self.time_embedding_dim.unwrap_or(self.features().saturating_mul(4))
    }

    pub(super) fn modulates(&self) -> bool {
        self.resnet_time_scale_shift == MODULATING
    }

    /// Groups of the norm of the middle's attention, which may have none.
    pub(super) fn middle_groups(&self) -> Option<usize> {
        self.attn_norm_num_groups.or((!self.modulates()).then_some(self.norm_num_groups))
    }

    pub(super) fn heads(&self, channels: usize) -> usize {
        self.attention_head_dim.map_or(1, |width| channels / width.max(1))
    }

    pub(super) fn embeds_labels_as_times(&self) -> bool {
        self.class_embed_type.is_some()
    }

    fn check_words(&self) -> Result<(), String> {
        let one = |name: &str, value: &str, known: &[&str]| {
            if known.contains(&value) {
                return Ok(());
            }
            Err(format!("{name} may be {} here, not `{}`", known.join(" or "), echo(value)))
        };
        self.down_block_types.iter().try_for_each(|name| one("a down block", name, &DOWN))?;
        self.up_block_types.iter().try_for_each(|name| one("an up block", name, &UP))?;
        one("mid_block_type", self.mid_block_type.as_deref().unwrap_or(MIDDLE), &[MIDDLE])?;
        one("time_embedding_type", &self.time_embedding_type, &["positional"])?;
        one("downsample_type", &self.downsample_type, &["conv"])?;
        one("upsample_type", &self.upsample_type, &["conv"])?;
        one("act_fn", &self.act_fn, &["silu", "swish"])?;
        one("resnet_time_scale_shift", &self.resnet_time_scale_shift, &[ADDED, MODULATING])?;
        let labels = self.class_embed_type.as_deref();
        one("class_embed_type", labels.unwrap_or("timestep"), &["timestep"])
    }

    fn check_numbers(&self) -> Result<(), String> {
        checks::size("in_channels", self.in_channels)?;
        checks::size("out_channels", self.out_channels)?;
        checks::few("layers_per_block", self.layers_per_block)?;
        checks::size("time_embedding_dim", self.time_width())?;
        self.num_class_embeds.map_or(Ok(()), |count| checks::size("num_class_embeds", count))?;
        if self.downsample_padding > 1 {
            return Err(format!("downsample_padding is 0 or 1, not {}", self.downsample_padding));
        }
        checks::frequencies(self.features(), self.freq_shift)?;
        checks::positive("mid_block_scale_factor", self.mid_block_scale_factor)?;
        checks::positive("norm_eps", self.norm_eps)
    }

    fn check_levels(&self) -> Result<(), String> {
        let levels = self.block_out_channels.len();
        checks::levels("the number of levels in block_out_channels", levels)?;
        if self.down_block_types.len() != levels || self.up_block_types.len() != levels {
            return Err(format!(
                "block_out_channels has {levels} levels, down_block_types {} and up_block_types {}",
                self.down_block_types.len(),
                self.up_block_types.len()
            ));
        }
        for (i, Level { channels, attends }) in self.levels().into_iter().enumerate() {
            checks::size("a level's channels", channels)?;
            let groups = self.norm_num_groups;
            checks::divides("norm_num_groups", groups, "a level's channels", channels)?;
            let middle = self.add_attention && self.mid_block_type.is_some() && i + 1 == levels;
            if attends.contains(&true) || middle {
                let width = self.attention_head_dim.unwrap_or(channels);
                checks::divides("attention_head_dim", width, "a level's channels", channels)?;
            }
            if let Some(groups) = self.middle_groups().filter(|_| middle) {
                checks::divides("attn_norm_num_groups", groups, "the last channels", channels)?;
            }
        }
        Ok(())
    }
}

impl ModuleConfig for UNet2dConfig {
    const NAME: &'static str = "unet2d";
    const SUMMARY: &'static str = "UNet2DModel of diffusers: residual blocks, attention, labels";
    const KEYS: &'static [(&'static str, &'static str)] = &[
        ("attention_head_dim", "width of a head of attention"),
        ("norm_num_groups", "groups of the norms"),
        ("norm_eps", "what norms add to the variance"),
        ("flip_sin_to_cos", "whether cosines of time come before sines"),
        ("freq_shift", "taken off the number of frequencies of time in their exponents"),
        ("downsample_padding", "zeros around what is halved, 0 for its ends only"),
        ("mid_block_scale_factor", "by what the middle blocks' outputs are divided"),
        ("center_input_sample", "whether the state is in 0 to 1 and taken to -1 to 1"),
    ];
    const MARKS: &'static [&'static str] = &[
        "down_blocks.0.resnets.0.conv1.weight",
        "mid_block.attentions.0.to_q.weight",
        "conv_norm_out.weight",
    ];

    /// Attention has other names in files of older versions, as those of DDPM's networks.
    fn renaming() -> Renaming {
        let names =
            [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];
        let rule = |(old, new)| Rule::rename(format!("**.{old}.*"), format!("**.{new}.*"));
        Renaming::from(names.map(rule).to_vec())
    }

    fn infer(tensors: &NamedTensors) -> Result<Self, ModuleError> {
        let size = |name: &str, axis| sizes::size(tensors, name, axis);
        let first = "resnets.0.conv1.weight";
        let levels = sizes::count(tensors, "down_blocks", first);
        let types = |side: &str, [plain, attends]: [&str; 2]| {
            let attention = |i| tensors.contains(&format!("{side}.{i}.attentions.0.to_q.weight"));
            (0..levels).map(|i| if attention(i) { attends } else { plain }.to_owned()).collect()
        };
        let channels = |i| size(&format!("down_blocks.{i}.{first}"), 0);
        let block_out_channels = (0..levels).map(channels).collect::<Result<Vec<_>, _>>()?;
        let width = size("time_embedding.linear_1.weight", 0)?;
        let told = size("down_blocks.0.resnets.0.time_emb_proj.weight", 0)?;
        let modulates = block_out_channels.first().is_some_and(|&channels| told / 2 == channels);
        let (table, as_times) = ("class_embedding.weight", "class_embedding.linear_1.weight");
        Ok(UNet2dConfig {
            in_channels: size("conv_in.weight", 1)?,
            out_channels: size("conv_out.weight", 0)?,
            time_embedding_dim: Some(width),
            down_block_types: types("down_blocks", DOWN),
            mid_block_type: tensors
                .contains("mid_block.resnets.0.conv1.weight")
                .then(|| MIDDLE.into()),
            up_block_types: types("up_blocks", UP),
            block_out_channels,
            layers_per_block: sizes::count(tensors, "down_blocks.0.resnets", "conv1.weight"),
            resnet_time_scale_shift: if modulates { MODULATING } else { ADDED }.into(),
            add_attention: tensors.contains("mid_block.attentions.0.to_q.weight"),
            class_embed_type: tensors.contains(as_times).then(|| "timestep".into()),
            num_class_embeds: tensors.contains(table).then(|| size(table, 0)).transpose()?,
            ..Self::default()
        })
    }

    fn check(&self) -> Result<(), String> {
        self.check_words()?;
        self.check_numbers()?;
        self.check_levels()
    }

    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>> {
        Ok(Box::new(UNet2d::new(self, &tensors)?))
    }
}
