//! Host arrays as states.

use std::ops::Range;

use candle_core::{DType, Device, Tensor};
use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Inputs, Network, Pullback, Times};
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use ndarray::Array;

use super::Conditioned;
use crate::tensor_layers::backend;

/// The rows of a state as a tensor, in double precision where the state is.
fn tensor_of<H: HostState>(x: &H) -> Result<Tensor, FieldError> {
    let values = x.values().ok_or(StateError::NotContiguous)?;
    let lanes = x.lane_count();
    let shape = (lanes, values.len() / lanes.max(1));
    let double = size_of::<H::Scalar>() > size_of::<f32>();
    let tensor = match double {
        true => Tensor::from_iter(values.iter().map(|value| value.into_f64()), &Device::Cpu),
        false => {
            Tensor::from_iter(values.iter().map(|value| value.into_f64() as f32), &Device::Cpu)
        }
    };
    tensor.and_then(|tensor| tensor.reshape(shape)).map_err(backend)
}

/// Writes a tensor's values, row after row.
fn store<T: Scalar>(out: &mut [T], tensor: &Tensor) -> Result<(), FieldError> {
    let flat = tensor.flatten_all().map_err(backend)?;
    if tensor.dtype() == DType::F64 {
        let values = flat.to_vec1::<f64>().map_err(backend)?;
        out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(value));
    } else {
        let values = flat.to_vec1::<f32>().map_err(backend)?;
        out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(f64::from(value)));
    }
    Ok(())
}

/// A state whose lanes have as many values as the network's, in any shape. Products with the Jacobian
/// in the states from the left are candle's.
impl<T, D> Network<Array<T, D>> for Conditioned
where
    Array<T, D>: HostState,
{
    fn forward(
        &self,
        out: &mut Array<T, D>,
        x: &Array<T, D>,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let result = self.evaluate(&tensor_of(x)?, t)?;
        let len = result.elem_count();
        store(values_like(out, x.lane_count(), len)?, &result)
    }

    fn pull_back(
        &self,
        pull: Pullback<'_, Array<T, D>>,
        x: &Array<T, D>,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let states = tensor_of(x)?;
        let (lanes, len) = (x.lane_count(), states.elem_count());
        pull.without_time()?;
        pull.inputs.none()?;
        let Pullback { value, cotangent, state, .. } = pull;
        // The cotangent is of host states.
        let of_rows = |rows: Range<usize>, output: &Tensor, c: &mut Tensor| {
            let mut piece = x.zeros_of_lanes(rows.len()).ok_or(StateError::LanesInseparable)?;
            store(values_like(&mut piece, rows.len(), output.elem_count())?, output)?;
            let mut along = piece.zeros();
            cotangent(rows, &piece, &mut along)?;
            *c = tensor_of(&along)?;
            Ok(())
        };
        let (mut output, mut product) = (states.clone(), states.clone());
        let inner = Pullback {
            value: &mut output,
            cotangent: &of_rows,
            state: &mut product,
            time: None,
            inputs: Inputs::default(),
        };
        self.pull_back_tensor(inner, &states, t)?;
        store(values_like(value, lanes, len)?, &output)?;
        store(values_like(state, lanes, len)?, &product)
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.passes(t)
    }
}
