//! A network of tensors with what it is told, as a network of predictors.

mod conditions;
mod guidance;
mod host;
mod one_thread;
mod tensor_fn;
mod tensors;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use driftfield_problems::predictor::Times;
use driftfield_solvers::FieldError;

use crate::modules::{Conditions, TensorNetwork};
use crate::plan::{check_rows, check_time, uncarried};
use crate::tensor_layers::backend;
use guidance::Sides;
pub use guidance::{Guidance, GuidanceError};
pub use one_thread::OneThread;
pub use tensor_fn::{TensorFn, timeless};

/// A [`TensorNetwork`] with its conditions, and guidance by them, for states of any kind: host
/// arrays, candle tensors, and tensors that carry their graph.
///
/// States are converted to the network's type of numbers and its device and back, so that a network
/// of `f16` serves states of `f32`. Every lane is evaluated in one call, also where lanes are at
/// times of their own, and under [`Guidance`] in one call of two rows for each.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use driftfield_networks::modules::Conditions;
/// use driftfield_networks::{Conditioned, Guidance, TensorFn};
/// use driftfield_problems::predictor::Network;
///
/// // A network that predicts its label.
/// let network = TensorFn::new(DType::F32, Device::Cpu, |x: &Tensor, _: &Tensor, told: &Conditions| {
///     told.labels(x.dim(0)?)?.to_dtype(DType::F32)?.reshape((x.dim(0)?, 1))?.broadcast_as(x.shape())
/// });
/// let label = |label: u32| Conditions::labelled(&[label]);
/// let network = Conditioned::new(network, [2], label(3)?)?;
/// let guided = network.guided(Guidance::new(1.5, label(1)?)?)?;
/// let (x, mut out) = (ndarray::arr2(&[[0.5f64, -1.0]]).into_dyn(), ndarray::arr2(&[[0.0; 2]]).into_dyn());
/// guided.forward(&mut out, &x, 0.3.into())?;
/// assert_eq!(out[[0, 1]], 1.0 + 1.5 * (3.0 - 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Conditioned {
    network: Arc<dyn TensorNetwork>,
    row_shape: Arc<[usize]>,
    /// With conditions, and without where guidance asks for both.
    sides: Sides,
}

impl fmt::Debug for Conditioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = &self.row_shape;
        f.debug_struct("Conditioned").field("row_shape", shape).finish_non_exhaustive()
    }
}

impl Conditioned {
    /// `network` of lanes of shape `row_shape` with these conditions, of which every tensor has one
    /// row for each lane, or one for all.
    ///
    /// # Errors
    ///
    /// A condition that cannot be brought to the network's type of numbers or its device.
    pub fn new(
        network: impl TensorNetwork + 'static,
        row_shape: impl Into<Vec<usize>>,
        conditions: Conditions,
    ) -> Result<Self, FieldError> {
        let sides = Sides::new(conditions, &network).map_err(backend)?;
        Ok(Conditioned { network: Arc::new(network), row_shape: row_shape.into().into(), sides })
    }

    /// The same under guidance.
    ///
    /// # Errors
    ///
    /// As [`Conditioned::new`].
    pub fn guided(self, guidance: Guidance) -> Result<Self, FieldError> {
        let sides = self.sides.guided(guidance, &*self.network).map_err(backend)?;
        Ok(Conditioned { sides, ..self })
    }

    /// Shape of a lane.
    pub fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    /// Values of a lane.
    pub fn dimension(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// Forward passes that an evaluation counts as.
    fn passes(&self, t: Times<'_>) -> u64 {
        let of_one = |&t: &f64| self.sides.passes(t);
        match t {
            Times::One(t) => of_one(&t),
            Times::Each(times) => times.iter().map(of_one).max().unwrap_or(1),
        }
    }

    /// The output at states of any shape with as many values a lane, as they are laid out and in
    /// their type of numbers, with its graph.
    fn evaluate(&self, x: &Tensor, t: Times<'_>) -> Result<Tensor, FieldError> {
        let lanes = x.dims().first().copied().unwrap_or(0);
        check_rows(lanes, x.elem_count(), self.dimension())?;
        let times = self.times(lanes, t)?;
        let evaluate = || {
            let shape = [&[lanes], &*self.row_shape].concat();
            let inside = x.reshape(shape)?.to_dtype(self.network.dtype())?;
            let inside = inside.to_device(self.network.device())?;
            let out = self.sides.evaluate(&*self.network, &inside, &times)?;
            if out.elem_count() != x.elem_count() {
                candle_core::bail!(
                    "the network made {:?} of states {:?}; its output has to have their shape",
                    out.dims(),
                    inside.dims()
                )
            }
            out.reshape(x.shape())?.to_dtype(x.dtype())?.to_device(x.device())
        };
        evaluate().map_err(uncarried)
    }

    /// The times, if they are finite and one or as many as there are lanes; conditions of lanes of
    /// their own are those of the lanes by number, and no lane may have left the batch.
    fn times(&self, lanes: usize, t: Times<'_>) -> Result<Vec<f64>, FieldError> {
        let times = match t {
            Times::One(t) => vec![t],
            Times::Each(times) => times.to_vec(),
        };
        times.iter().try_for_each(|&t| check_time(t))?;
        if times.len() != 1 && times.len() != lanes {
            return Err(FieldError::Shape {
                expected: format!("one time, or one for each of {lanes} lane(s)"),
                found: format!("{} times", times.len()),
            });
        }
        self.sides.check_lanes(lanes)?;
        Ok(times)
    }
}

/// Times on the device of a network: in single precision for one of halves, which hold too few
/// digits for a time of 999.
fn vector(values: &[f64], network: &dyn TensorNetwork) -> candle_core::Result<Tensor> {
    let dtype = if network.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu)?;
    tensor.to_dtype(dtype)?.to_device(network.device())
}
