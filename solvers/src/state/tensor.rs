//! `candle_core::Tensor` as a state, on any device.
//!
//! On the CPU a linear combination is one pass over the buffers; elsewhere it
//! is a chain of the backend's own kernels. Either way the result is detached
//! from the graph that made its terms, so that a long solve does not keep it.

use candle_core::{CpuStorage, DType, Device, Storage, Tensor, WithDType};
use ndarray::{Array, IxDyn};

use super::{LaneNumbers, PerLane, Scalar, State, StateError, Tolerance};
use crate::cause::Cause;

pub(super) fn backend(error: candle_core::Error) -> StateError {
    StateError::Backend(Cause::new(error))
}

pub(super) fn check_shape(expected: &Tensor, found: &Tensor) -> Result<(), StateError> {
    if expected.shape() == found.shape() {
        return Ok(());
    }
    Err(StateError::ShapeMismatch {
        expected_lanes: expected.lanes(),
        expected_len: expected.elem_count(),
        found_lanes: found.lanes(),
        found_len: found.elem_count(),
    })
}

/// The tensor as an array in host memory.
fn to_host<T: Scalar + WithDType>(tensor: &Tensor) -> Result<Array<T, IxDyn>, StateError> {
    let dims = tensor.dims().to_vec();
    let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<T>()).map_err(backend)?;
    Array::from_shape_vec(dims, values).map_err(|error| StateError::Backend(Cause::new(error)))
}

/// An array in host memory as a tensor like `like`.
fn from_host<T: Scalar + WithDType>(
    array: Array<T, IxDyn>,
    like: &Tensor,
) -> Result<Tensor, StateError> {
    let (values, _) = array.into_raw_vec_and_offset();
    Tensor::from_vec(values, like.shape(), like.device()).map_err(backend)
}

/// Runs `$body` with `$t` the host scalar of the tensor's dtype.
macro_rules! with_scalar {
    ($tensor:expr, $t:ident => $body:expr) => {
        match $tensor.dtype() {
            DType::F32 => {
                type $t = f32;
                $body
            }
            DType::F64 => {
                type $t = f64;
                $body
            }
            other => Err(StateError::backend(format!(
                "a tensor of {other:?} cannot be a state; convert it with `to_dtype(DType::F32)`"
            ))),
        }
    };
}

/// One pass over the buffers of CPU tensors in standard layout; `None` where
/// some term is not one.
fn combine_on_cpu<T: Scalar + WithDType>(
    own: Option<(f64, &Tensor)>,
    terms: &[(f64, &Tensor)],
) -> Result<Option<Tensor>, StateError> {
    let all: Vec<(f64, &Tensor)> = own.into_iter().chain(terms.iter().copied()).collect();
    let Some(&(_, first)) = all.first() else { return Ok(None) };
    let guards: Vec<_> = all.iter().map(|(_, tensor)| tensor.storage_and_layout()).collect();
    let mut slices: Vec<(T, &[T])> = Vec::with_capacity(all.len());
    for ((guard, layout), &(c, _)) in guards.iter().zip(&all) {
        let Storage::Cpu(storage) = &**guard else { return Ok(None) };
        let Some((start, end)) = layout.contiguous_offsets() else { return Ok(None) };
        let values = cpu_values::<T>(storage)?;
        slices.push((<T as Scalar>::from_f64(c), &values[start..end]));
    }
    let len = first.elem_count();
    let mut sums = vec![T::zero(); len];
    const BLOCK: usize = 256;
    for start in (0..len).step_by(BLOCK) {
        let block = &mut sums[start..len.min(start + BLOCK)];
        for &(c, values) in &slices {
            for (sum, &value) in block.iter_mut().zip(&values[start..]) {
                *sum += c * value;
            }
        }
    }
    Tensor::from_vec(sums, first.shape(), &Device::Cpu).map(Some).map_err(backend)
}

fn cpu_values<T: WithDType>(storage: &CpuStorage) -> Result<&[T], StateError> {
    storage.as_slice::<T>().map_err(backend)
}

/// The sum as a chain of the backend's kernels, part of the terms' graph.
pub(super) fn sum_by_kernels<'a>(
    terms: impl Iterator<Item = (f64, &'a Tensor)>,
) -> candle_core::Result<Option<Tensor>> {
    let mut sum: Option<Tensor> = None;
    for (c, tensor) in terms {
        let term = if c == 1.0 { tensor.clone() } else { (tensor * c)? };
        sum = Some(match sum {
            None => term,
            Some(sum) => (sum + term)?,
        });
    }
    Ok(sum)
}

impl State for Tensor {
    fn lanes(&self) -> usize {
        self.dims().first().copied().unwrap_or(1)
    }

    fn lane_len(&self) -> usize {
        self.elem_count().checked_div(self.lanes()).unwrap_or(0)
    }

    fn zeros_like(&self) -> Self {
        // A tensor of zeros of an existing shape fails only where the device
        // is out of memory; the (empty-handed) detached copy then keeps the
        // shape, and every method overwrites its buffers before reading them.
        Tensor::zeros_like(self).unwrap_or_else(|_| self.detach())
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        check_shape(self, other)?;
        *self = other.detach();
        Ok(())
    }

    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError> {
        for (_, tensor) in terms {
            check_shape(self, tensor)?;
        }
        let own = (own != 0.0).then_some((own, &*self));
        let fused = if terms.iter().all(|(_, k)| k.dtype() == self.dtype()) {
            with_scalar!(self, T => combine_on_cpu::<T>(own, terms))?
        } else {
            return Err(StateError::backend(format!(
                "states of different dtype cannot be combined; the state is {:?}",
                self.dtype()
            )));
        };
        let sum = match fused {
            Some(sum) => Some(sum),
            None => {
                sum_by_kernels(own.into_iter().chain(terms.iter().copied())).map_err(backend)?
            }
        };
        *self = match sum {
            Some(sum) => sum.detach(),
            None => Tensor::zeros_like(self).map_err(backend)?,
        };
        Ok(())
    }

    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError> {
        check_shape(self, a)?;
        check_shape(self, b)?;
        let sum = (a.detach() * b.detach()).and_then(|product| &*self + product);
        *self = sum.map_err(backend)?.detach();
        Ok(())
    }

    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError> {
        with_scalar!(self, T => to_host::<T>(self)?.weighted_mean_squares(
            &to_host::<T>(before)?,
            &to_host::<T>(after)?,
            tolerance,
            mean_squares,
        ))
    }

    fn select_lanes(&self, lanes: &[usize]) -> Result<Self, StateError> {
        let count = State::lanes(self);
        if self.rank() == 0 {
            return if lanes == [0] {
                Ok(self.detach())
            } else {
                Err(StateError::LanesInseparable)
            };
        }
        if let Some(&lane) = lanes.iter().find(|&&lane| lane >= count) {
            return Err(StateError::NoSuchLane { lane, lanes: count });
        }
        let lanes: Vec<u32> = lanes.iter().map(|&lane| lane as u32).collect();
        let select = || self.detach().index_select(&Tensor::new(lanes, self.device())?, 0);
        select().map_err(backend)
    }

    fn assign_lanes(&mut self, other: &Self, pairs: &[(usize, usize)]) -> Result<(), StateError> {
        with_scalar!(self, T => {
            let mut host = to_host::<T>(self)?;
            host.assign_lanes(&to_host::<T>(other)?, pairs)?;
            *self = from_host(host, self)?;
            Ok(())
        })
    }

    fn combine_lanes(&mut self, own: &[f64], terms: &[(&[f64], &Self)]) -> Result<(), StateError> {
        with_scalar!(self, T => {
            let mut host = to_host::<T>(self)?;
            let terms: Vec<(&[f64], Array<T, IxDyn>)> = terms
                .iter()
                .map(|&(coefficients, term)| Ok((coefficients, to_host::<T>(term)?)))
                .collect::<Result<_, StateError>>()?;
            let terms: Vec<_> = terms.iter().map(|(c, term)| (*c, term)).collect();
            host.combine_lanes(own, &terms)?;
            *self = from_host(host, self)?;
            Ok(())
        })
    }

    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError> {
        check_shape(self, other)?;
        with_scalar!(self, T => to_host::<T>(self)?.dot_lanes(&to_host::<T>(other)?))
    }

    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        with_scalar!(self, T => to_host::<T>(self)?.first_non_finite_lane())
    }

    fn fill_lanes(&mut self, fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        with_scalar!(self, T => {
            let mut host = Array::<T, IxDyn>::zeros(self.dims().to_vec());
            host.fill_lanes(fill)?;
            *self = from_host(host, self)?;
            Ok(())
        })
    }

    fn draw_lanes(
        states: &mut [Self],
        each: PerLane,
        scales: &[f64],
        numbers: &mut impl LaneNumbers,
    ) -> Result<(), StateError> {
        let Some(first) = states.first() else { return Ok(()) };
        with_scalar!(first, T => {
            let zeros = |state: &Tensor| Array::<T, IxDyn>::zeros(state.dims().to_vec());
            let mut hosts: Vec<_> = states.iter().map(zeros).collect();
            Array::<T, IxDyn>::draw_lanes(&mut hosts[..], each, scales, numbers)?;
            for (state, host) in states.iter_mut().zip(hosts) {
                *state = from_host(host, state)?;
            }
            Ok(())
        })
    }
}
