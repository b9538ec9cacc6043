//! What the constructor of `CondUNet2D` is told, and the blocks that follow from it.

use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::CondUNet2d;
use super::layers::GROUPS;
use crate::modules::checks::{self, MOST_LEVELS};
use crate::modules::{ModuleConfig, ModuleError, TensorNetwork, sizes};
use crate::tensors::{Layout, NamedTensors, Renaming, Rule};

/// The configuration of [`CondUNet2d`], as the original's constructor has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CondUNet2dConfig {
    /// Channels of the state.
    pub in_channels: usize,
    /// The unit of widths; the embedding of time has four.
    pub ch: usize,
    /// Channels of every level, from the finest, in units of `ch`.
    pub ch_mult: Vec<f64>,
    /// Residual blocks of a level on the way down.
    pub num_res_blocks: usize,
    /// By how much the sides are divided at the levels that have attention.
    pub attention_resolutions: Vec<usize>,
    /// Heads of every attention.
    pub num_heads: usize,
}

/// One block of the way down.
#[derive(Debug)]
pub(super) enum DownStep {
    Stage { channels: [usize; 2], attends: bool },
    Halve { channels: usize },
}

/// One block of the way up.
#[derive(Debug)]
pub(super) struct UpStep {
    pub(super) channels: [usize; 2],
    pub(super) attends: bool,
    pub(super) doubles: bool,
}

impl Default for CondUNet2dConfig {
    fn default() -> Self {
        CondUNet2dConfig {
            in_channels: 3,
            ch: 64,
            ch_mult: vec![1.0, 2.0, 3.0, 4.0],
            num_res_blocks: 2,
            attention_resolutions: vec![1, 2, 4, 8],
            num_heads: 8,
        }
    }
}

impl CondUNet2dConfig {
    pub(super) fn levels(&self) -> usize {
        self.ch_mult.len()
    }

    /// Channels of a level; the original rounds down.
    pub(super) fn channels(&self, level: usize) -> usize {
        (self.ch_mult[level] * self.ch as f64) as usize
    }

    pub(super) fn time_width(&self) -> usize {
        4 * self.ch
    }

    fn attends(&self, level: usize) -> bool {
        self.attention_resolutions.contains(&(1 << level))
    }

    /// The blocks of the way down after the first convolution.
    pub(super) fn down(&self) -> Vec<DownStep> {
        let mut steps = Vec::new();
        let mut inputs = self.channels(0);
        for level in 0..self.levels() {
            let (outputs, attends) = (self.channels(level), self.attends(level));
            for _ in 0..self.num_res_blocks {
                steps.push(DownStep::Stage { channels: [inputs, outputs], attends });
                inputs = outputs;
            }
            if level + 1 < self.levels() {
                steps.push(DownStep::Halve { channels: inputs });
            }
        }
        steps
    }

    /// The blocks of the way up, each of which takes what one of the way down passed on.
    pub(super) fn up(&self) -> Vec<UpStep> {
        let mut passed = vec![self.channels(0)];
        passed.extend(self.down().iter().map(|step| match *step {
            DownStep::Stage { channels: [_, outputs], .. } => outputs,
            DownStep::Halve { channels } => channels,
        }));
        let last = self.num_res_blocks;
        let blocks = (0..self.levels()).rev().flat_map(|level| (0..=last).map(move |i| (level, i)));
        let mut inputs = self.channels(self.levels() - 1);
        let step = |((level, i), skipped): ((usize, usize), &usize)| {
            let channels = [inputs + skipped, self.channels(level)];
            inputs = channels[1];
            UpStep { channels, attends: self.attends(level), doubles: level > 0 && i == last }
        };
        blocks.zip(passed.iter().rev()).map(step).collect()
    }

    /// Channels of all levels.
    fn widths(&self) -> impl Iterator<Item = usize> {
        (0..self.levels()).map(|level| self.channels(level))
    }
}

impl ModuleConfig for CondUNet2dConfig {
    const NAME: &'static str = "condunet2d";
    const SUMMARY: &'static str = "CondUNet2D of jcopo/diffuse, flax: residual blocks, attention";
    const KEYS: &'static [(&'static str, &'static str)] =
        &[("num_heads", "heads of every attention, which no tensor tells")];
    const MARKS: &'static [&'static str] =
        &["blocks_down.0.layers.0.weight", "block_mid.layers.1.q.weight", "out.layers.2.weight"];
    // Every doubling has the weights of two ways to do it, and goes one.
    const SPARE: &'static [&'static str] = &[".conv_resize.", ".layers.0.dropout."];

    fn renaming() -> Renaming {
        let kernel = |name: &str, layout| {
            let rule = Rule::rename(format!("{name}.kernel"), format!("{name}.weight"));
            rule.with_layout(layout)
        };
        Renaming::from(vec![
            kernel("time_embedding.*", Layout::Transpose),
            kernel("**.time_mlp", Layout::Transpose),
            kernel("**", Layout::HwioToOihw),
            Rule::rename("**.scale", "**.weight"),
        ])
    }

    fn infer(tensors: &NamedTensors) -> Result<Self, ModuleError> {
        let size = |name: &str, axis| sizes::size(tensors, name, axis);
        let ch = size("time_embedding.linear1.weight", 0)? / 4;
        let mut config = CondUNet2dConfig {
            in_channels: size("blocks_down.0.layers.0.weight", 1)?,
            ch,
            ch_mult: Vec::new(),
            num_res_blocks: 0,
            attention_resolutions: Vec::new(),
            ..Self::default()
        };
        let block = |i: usize, part: &str| format!("blocks_down.{i}.layers.{part}.weight");
        let (mut level, mut in_level) = (0, 0);
        for i in 1.. {
            if tensors.contains(&block(i, "0.conv1")) {
                let channels = size(&block(i, "0.conv1"), 0)?;
                config.ch_mult.resize(level + 1, channels as f64 / ch.max(1) as f64);
                in_level += 1;
                if tensors.contains(&block(i, "1.q")) && !config.attends(level) {
                    config.attention_resolutions.push(1 << level);
                }
            } else if tensors.contains(&block(i, "0.conv")) && level < MOST_LEVELS {
                (level, in_level) = (level + 1, 0);
            } else {
                break;
            }
            config.num_res_blocks = config.num_res_blocks.max(in_level);
        }
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        checks::size("in_channels", self.in_channels)?;
        checks::size("ch", self.ch)?;
        checks::few("num_res_blocks", self.num_res_blocks)?;
        checks::levels("the number of levels in ch_mult", self.levels())?;
        for (level, channels) in self.widths().enumerate() {
            checks::size("a level's channels", channels)?;
            checks::divides("the groups of its norms", GROUPS, "a level's channels", channels)?;
            if self.attends(level) || level + 1 == self.levels() {
                checks::divides("num_heads", self.num_heads, "a level's channels", channels)?;
            }
        }
        Ok(())
    }

    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>> {
        Ok(Box::new(CondUNet2d::new(self, &tensors)?))
    }
}
