//! A network as a function of tensors, and what it is told.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor};
use driftfield_problems::echo::echo;

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
    /// The tensor of that name, a row for each of `lanes`.
    ///
    /// # Errors
    /// There is none, or it has neither as many rows nor one.
    pub fn rows(&self, name: &str, lanes: usize) -> Result<Tensor> {
        for_lanes(self.tensors.get(name), name, lanes)
    }

    /// The label of each of `lanes`.
    ///
    /// # Errors
    /// There are none, or neither as many nor one.
    pub fn labels(&self, lanes: usize) -> Result<Tensor> {
        for_lanes(self.labels.as_ref(), "labels", lanes)
    }
}

/// One row for each lane of a tensor that has so many, or one.
fn for_lanes(tensor: Option<&Tensor>, name: &str, lanes: usize) -> Result<Tensor> {
    let Some(tensor) = tensor else {
        candle_core::bail!("the network takes `{}`, which is not among its conditions", echo(name))
    };
    let mut shape = tensor.dims().to_vec();
    match shape.first() {
        Some(&rows) if rows == lanes => return Ok(tensor.clone()),
        Some(1) => shape[0] = lanes,
        _ => candle_core::bail!(
            "the condition `{}` has shape {shape:?}; one row for each of {lanes} lanes is needed, or one for all",
            echo(name)
        ),
    }
    tensor.broadcast_as(shape)?.contiguous()
}

/// A network as a function of candle tensors.
pub trait TensorNetwork: Send + Sync {
    /// The raw output, of the shape of `x` `[n, ..]`, at times `t`, `[n]` (or `[1]` for all),
    /// carrying its graph.
    ///
    /// State and conditions are of the network's type of numbers (labels aside) and on its device,
    /// times of `f64` where that is, else of `f32`. Times are in the network's own units: steps of 0 to 999 for one that was trained
    /// on those.
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor>;

    /// Whether that graph leads back to the state, with derivatives that are right.
    fn differentiable(&self) -> bool {
        true
    }

    /// Type of numbers it computes in.
    fn dtype(&self) -> DType;

    /// Where it computes.
    fn device(&self) -> &Device;
}
