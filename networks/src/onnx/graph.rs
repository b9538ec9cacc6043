//! A graph as a network of tensors.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{DType, Device, Result, Tensor};
use driftfield_problems::echo::echo;
use rten::{Model, NodeId};

use super::inputs::{InputNames, Inputs};
use super::{OnnxError, run};
use crate::modules::{Conditions, TensorNetwork};

/// A graph in ONNX, in single precision on the CPU, as a [`TensorNetwork`]; it knows no way back, so
/// that gradients and products with its Jacobian are refused.
///
/// A graph of one time for the batch is evaluated in one call where all lanes are at one time, else
/// lane by lane; one of a fixed batch, in batches of that size.
pub struct Graph {
    model: Model,
    inputs: Inputs,
    output: NodeId,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Graph {
    /// The graph of the bytes of a file.
    ///
    /// # Errors
    ///
    /// No whole graph, operators that are not known, and inputs of which it is not clear which is
    /// the state.
    pub fn from_bytes(bytes: Vec<u8>, names: &InputNames) -> std::result::Result<Self, OnnxError> {
        // A damaged file may break what the reader takes for granted.
        let loaded = catch_unwind(AssertUnwindSafe(|| Model::load(bytes)));
        let model = match loaded {
            Ok(Ok(model)) => model,
            Ok(Err(error)) => return Err(OnnxError::Load(error.to_string())),
            Err(_) => return Err(OnnxError::Load("the file is damaged".to_owned())),
        };
        let inputs = Inputs::of(&model, names)?;
        let output = output_of(&model, names.output.as_deref())?;
        Ok(Graph { model, inputs, output })
    }

    /// Shape of a lane, if the graph says it.
    pub fn row_shape(&self) -> Option<Vec<usize>> {
        let shape = self.inputs.state.shape.as_ref()?;
        shape.get(1..)?.iter().copied().collect()
    }

    /// Whether what it calls its time is the size of the noise, `sigma`.
    pub fn time_is_sigma(&self) -> bool {
        self.inputs.time_is_level()
    }

    /// Whether it takes labels.
    pub fn takes_labels(&self) -> bool {
        self.inputs.labels.is_some()
    }

    /// What else it has to be told, by name.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        self.inputs.others.iter().map(|input| input.name.as_str())
    }

    /// Lanes that one call takes.
    fn batch(&self, lanes: usize, times: usize) -> usize {
        let fixed = self.inputs.state.shape.as_ref().and_then(|shape| *shape.first()?);
        let one_time = self.inputs.time.as_ref().is_some_and(|time| !time.by_lane());
        match fixed {
            Some(fixed) => fixed.max(1),
            None if one_time && times > 1 => 1,
            None => lanes.max(1),
        }
    }
}

fn output_of(model: &Model, name: Option<&str>) -> std::result::Result<NodeId, OnnxError> {
    let named = |id: &NodeId| {
        let info = model.node_info(*id);
        info.and_then(|info| info.name().map(str::to_owned)).unwrap_or_default()
    };
    let found = model.output_ids().iter().find(|id| name.is_none_or(|name| named(id) == name));
    found.copied().ok_or_else(|| OnnxError::Output {
        name: name.unwrap_or_default().to_owned(),
        outputs: model
            .output_ids()
            .iter()
            .map(|id| echo(&named(id)))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

impl TensorNetwork for Graph {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let lanes = x.dim(0)?;
        let times = t.elem_count();
        let batch = self.batch(lanes, times);
        if batch == lanes {
            return run::once(&self.model, (&self.inputs, self.output), x, t, conditions);
        }
        let parts = (0..lanes).step_by(batch).map(|first| {
            let count = batch.min(lanes - first);
            // A fixed batch is filled up with its last lane.
            let index: Vec<u32> =
                (0..batch).map(|row| (first + row.min(count - 1)) as u32).collect();
            let index = Tensor::from_vec(index, batch, &Device::Cpu)?;
            let rows = |tensor: &Tensor| match tensor.dim(0)? {
                1 => Ok(tensor.clone()),
                _ => tensor.index_select(&index, 0),
            };
            let told = conditions.each(&rows)?;
            let x = x.index_select(&index, 0)?;
            let out = run::once(
                &self.model,
                (&self.inputs, self.output),
                &x,
                &rows(&t.flatten_all()?)?,
                &told,
            )?;
            out.narrow(0, 0, count)
        });
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
    }

    fn dtype(&self) -> DType {
        DType::F32
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }

    fn differentiable(&self) -> bool {
        false
    }
}
