//! One call of a graph.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{DType, Device, Result, Tensor, bail};
use driftfield_problems::echo::echo;
use rten::{Model, NodeId, Value};

use super::inputs::{Input, Inputs};
use crate::modules::Conditions;

/// The output of a graph at states, times and conditions of as many lanes, or of one for all.
pub(super) fn once(
    model: &Model,
    (inputs, output): (&Inputs, NodeId),
    x: &Tensor,
    t: &Tensor,
    conditions: &Conditions,
) -> Result<Tensor> {
    let lanes = x.dim(0)?;
    let mut given = vec![(inputs.state.id, value(&inputs.state, x)?)];
    if let Some(time) = &inputs.time {
        given.push((time.id, value(time, &times(time, t, lanes)?)?));
    }
    if let Some(input) = &inputs.labels {
        given.push((input.id, value(input, &conditions.labels(lanes)?)?));
    }
    for input in &inputs.others {
        given.push((input.id, value(input, &conditions.rows(&input.name, lanes)?)?));
    }
    let given = given.into_iter().map(|(id, value)| (id, value.into())).collect();
    // Shapes that the graph does not expect may break what an operator takes for granted.
    let run = || model.run(given, &[output], None);
    let results = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(results)) => results,
        Ok(Err(error)) => bail!("the graph cannot be run: {}", echo(&error.to_string())),
        Err(_) => {
            bail!("the graph broke; are its weights and the state's shape as they should be?")
        }
    };
    match results.into_iter().next() {
        Some(Value::FloatTensor(result)) => {
            let shape = rten_tensor::Layout::shape(&result).to_vec();
            Tensor::from_vec(rten_tensor::AsView::to_vec(&result), shape, &Device::Cpu)
        }
        _ => bail!("the graph's output is no tensor of numbers"),
    }
}

/// Times as the input takes them: one, one for each lane, or a column.
fn times(input: &Input, t: &Tensor, lanes: usize) -> Result<Tensor> {
    let t = t.flatten_all()?;
    match input.shape.as_deref() {
        Some([]) => t.get(0),
        Some([Some(1)]) => t.narrow(0, 0, 1),
        Some([_, _]) => t.broadcast_as(lanes)?.reshape((lanes, 1)),
        _ => t.broadcast_as(lanes)?.contiguous(),
    }
}

/// A tensor as a value of the graph's, in whole numbers where it takes those.
fn value(input: &Input, tensor: &Tensor) -> Result<Value> {
    let shape = tensor.dims().to_vec();
    let flat = tensor.flatten_all()?;
    if input.whole {
        let whole = flat.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        if let Some(number) = whole.iter().find(|number| number.fract() != 0.0) {
            bail!(
                "the graph takes whole numbers for `{}`, and is given {number}; round times to whole \
                 timesteps (`time=nearest-timestep`)",
                echo(&input.name)
            )
        }
        let whole: Vec<i32> = whole.into_iter().map(|number| number as i32).collect();
        return Ok(rten_tensor::Tensor::from_data(&shape, whole).into());
    }
    let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    Ok(rten_tensor::Tensor::from_data(&shape, values).into())
}
