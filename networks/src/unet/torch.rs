//! The U-Net as a module of PyTorch's.

use super::UNetConfig;
use crate::tensors::{Layout, Renaming, Rule};
use crate::weights::TorchLayout;

/// Convolutions over 3 x 3 pixels, linear maps, and linear maps of the channels of a pixel, which
/// are convolutions over one pixel there.
impl TorchLayout for UNetConfig {
    fn torch_layout(&self) -> Renaming {
        let mut rules = vec![
            Rule::rename("output.norm.*", "last_norm.*"),
            Rule::rename("**.scale", "**.weight"),
            Rule::rename("**.shift", "**.bias"),
        ];
        for name in ["stem.weight", "**.conv*.weight", "output.weight"] {
            rules.push(Rule::layout(name, Layout::HwioToOihw));
        }
        for name in ["time.*.weight", "**.condition.weight", "attention.*put.weight"] {
            rules.push(Rule::layout(name, Layout::Transpose));
        }
        let between: &[&str] =
            if self.channels.len() > 1 { &["shrink.*.weight", "grow.*.weight"] } else { &[] };
        for name in between.iter().chain(&["**.skip.weight"]) {
            rules.push(Rule::layout(*name, Layout::Transpose));
            rules.push(Rule::layout(*name, Layout::Unsqueeze));
        }
        rules.into()
    }
}
