//! A network as a function of tensors, and what it is told.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor};

/// What a network of tensors is told beside state and time; every tensor has one row for each
/// lane, or one row for all.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Labels, `u32`, `[n]` or `[1]`.
    pub labels: Option<Tensor>,
    /// What else it is told, by the names of the network's own: an `image`, the
    /// `encoder_hidden_states` of a text.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Conditions {
    /// The tensor of that name, without which the network cannot do.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).ok_or_else(|| {
            candle_core::Error::msg(format!(
                "the network is told of no `{name}`; give it among its conditions"
            ))
        })
    }
}

/// A network as a function of candle tensors.
pub trait TensorNetwork: Send + Sync {
    /// The raw output, of the shape of `x` `[n, ..]`, at times `t`, `[n]` (or `[1]` for all),
    /// carrying its graph.
    ///
    /// State, times and conditions are of the network's type of numbers (labels aside) and on its
    /// device. Times are in the network's own units: steps of 0 to 999 for one that was trained
    /// on those.
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor>;

    /// Type of numbers it computes in.
    fn dtype(&self) -> DType;

    /// Where it computes.
    fn device(&self) -> &Device;
}
