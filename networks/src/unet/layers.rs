//! The layers of the U-Net and where their parameters are.

use std::ops::Range;

use super::UNetConfig;
use crate::layers::{Attention, BLOCK_PIXELS, Entries, Map, Norm, Residual};

/// The layers in the order of their parameters.
#[derive(Debug, Clone)]
pub(super) struct Maps {
    /// Two layers from the time features to the condition.
    pub(super) time: [Map; 2],
    pub(super) labels: Range<usize>,
    pub(super) stem: Map,
    /// Blocks on the way down, finest first.
    pub(super) down: Vec<Residual>,
    /// From a level to the next coarser one.
    pub(super) shrink: Vec<Map>,
    pub(super) middle: [Residual; 2],
    pub(super) attention: Attention,
    /// Blocks on the way up, finest first.
    pub(super) up: Vec<Residual>,
    /// From a level to the next finer one.
    pub(super) grow: Vec<Map>,
    pub(super) last_norm: Norm,
    pub(super) last: Map,
}

impl Maps {
    /// The layers of a valid configuration, and their parameters.
    pub(super) fn new(config: &UNetConfig) -> (Self, Entries) {
        let mut entries = Entries::default();
        let e = &mut entries;
        let UNetConfig { channels, groups, heads, condition, .. } = config;
        let (groups, condition) = (*groups, *condition);
        let time = [
            e.linear("time.0", config.time_features, condition, false),
            e.linear("time.1", condition, condition, false),
        ];
        let labels = e.table("label", config.labels + 1, condition);
        let stem = e.convolution("stem", BLOCK_PIXELS, channels[0], false);
        let (mut down, mut shrink) = (Vec::new(), Vec::new());
        for (level, &c) in channels.iter().enumerate() {
            let name = format!("down.{level}");
            down.push(Residual::new(e, &name, (c, c), groups, condition));
            if let Some(&next) = channels.get(level + 1) {
                shrink.push(e.linear(&format!("shrink.{level}"), BLOCK_PIXELS * c, next, false));
            }
        }
        let deepest = channels[channels.len() - 1];
        let block = |e: &mut Entries, name: &str| {
            Residual::new(e, name, (deepest, deepest), groups, condition)
        };
        let before = block(e, "middle.0");
        let attention = Attention::new(e, "attention", deepest, (groups, *heads));
        let after = block(e, "middle.1");
        let (mut up, mut grow) = (Vec::new(), Vec::new());
        for (level, &c) in channels.iter().enumerate() {
            let name = format!("up.{level}");
            up.push(Residual::new(e, &name, (2 * c, c), groups, condition));
            if let Some(&next) = channels.get(level + 1) {
                grow.push(e.linear(&format!("grow.{level}"), next, BLOCK_PIXELS * c, false));
            }
        }
        let last_norm = e.norm("output.norm", channels[0], groups);
        let last = e.convolution("output", channels[0], BLOCK_PIXELS, true);
        let middle = [before, after];
        let maps =
            Maps { time, labels, stem, down, shrink, middle, attention, up, grow, last_norm, last };
        (maps, entries)
    }
}
