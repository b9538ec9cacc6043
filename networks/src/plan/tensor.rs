//! A plan as an operation on candle tensors.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor};
use driftfield_problems::predictor::{Network, Pullback, Pushforward, Times};
use driftfield_solvers::{FieldError, State, TrackedTensor};

use super::network::{add, check_inputs};
use super::{Plan, Pulled, Pushed};
use crate::modules::{Conditions, TensorNetwork};
use crate::tensor_layers::backend;

/// The network at fixed times and labels, as a function of the states.
struct Evaluation {
    plan: Plan,
    times: Option<Vec<f64>>,
    /// That of all, if they have none of their own.
    time: f64,
}

impl Evaluation {
    fn times(&self) -> Times<'_> {
        self.times.as_deref().map_or(Times::One(self.time), Times::Each)
    }
}

/// What the network refuses, as candle hands on an error of another library with its source:
/// `Error::wrap` keeps the words alone.
fn carried(error: FieldError) -> candle_core::Error {
    candle_core::Error::Io(std::io::Error::other(error))
}

/// What candle refuses, or what the network refused and candle [carried].
pub(crate) fn uncarried(error: candle_core::Error) -> FieldError {
    match error {
        candle_core::Error::Io(error) => match error.downcast::<FieldError>() {
            Ok(error) => error,
            Err(error) => backend(error.into()),
        },
        error => backend(error),
    }
}

impl CustomOp1 for Evaluation {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = storage.as_slice::<f32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the states must be contiguous")
        };
        let mut out = vec![0.0; end - start];
        self.plan.evaluate(&mut out, &values[start..end], self.times()).map_err(carried)?;
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (states, g) = (values(x)?, values(g)?);
        let width = self.plan.outputs();
        let given = |rows: Range<usize>, _: &[f32], c: &mut [f32]| {
            c.copy_from_slice(&g[rows.start * width..rows.end * width]);
            Ok(())
        };
        let (mut output, mut gradient) = (vec![0.0; g.len()], vec![0.0; states.len()]);
        let results = Pulled {
            output: &mut output,
            states: Some(&mut gradient),
            times: None,
            parameters: None,
        };
        self.plan.pull_back(results, &states, self.times(), &given).map_err(carried)?;
        Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
    }
}

impl Plan {
    /// The network at states `x` of `f32` on the CPU, row after row. Differentiable in the states.
    ///
    /// The way back evaluates the network again: nothing but `x` is kept for it. The gradient
    /// carries no graph of its own, so that there is none of second order.
    ///
    /// # Errors
    ///
    /// Candle's own, and the [`FieldError`] of a network that refuses inside its `Error::Io`.
    pub fn forward_tensor(&self, x: &Tensor, times: Times<'_>) -> Result<Tensor> {
        let (time, times) = match times {
            Times::One(t) => (t, None),
            Times::Each(times) => (0.0, Some(times.to_vec())),
        };
        x.contiguous()?.apply_op1(Evaluation { plan: self.clone(), times, time })
    }
}

/// A [`Plan`] as a [`Network`] of candle tensors, of `f32` or `f64` and on any device. It is
/// evaluated on the CPU; of a [`Tensor`] the result carries no graph, of a [`TrackedTensor`] that
/// of the states.
#[derive(Debug, Clone)]
pub struct OnTensors(pub Plan);

/// In the precision of the kernels.
fn single(x: &Tensor) -> std::result::Result<Vec<f32>, FieldError> {
    let values = x.to_dtype(DType::F32).and_then(|x| x.flatten_all()?.to_vec1());
    values.map_err(backend)
}

/// Rows on the device and in the precision of `like`.
fn rows_like(
    like: &Tensor,
    rows: usize,
    values: Vec<f32>,
) -> std::result::Result<Tensor, FieldError> {
    let mut shape = like.dims().to_vec();
    if let Some(first) = shape.first_mut() {
        *first = rows;
    }
    let tensor = Tensor::from_vec(values, shape, like.device());
    tensor.and_then(|tensor| tensor.to_dtype(like.dtype())).map_err(backend)
}

impl Network<Tensor> for OnTensors {
    fn forward(
        &self,
        out: &mut Tensor,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        self.0.check_times(x, t)?;
        let states = single(x)?;
        let mut result = vec![0.0; states.len()];
        self.0.evaluate(&mut result, &states, t)?;
        *out = rows_like(x, x.lanes(), result)?;
        Ok(())
    }

    fn pull_back(
        &self,
        pull: Pullback<'_, Tensor>,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        self.0.check_times(x, t)?;
        let states = single(x)?;
        check_inputs(&pull.inputs)?;
        let Pullback { value, cotangent, state, time, inputs } = pull;
        let parameters = inputs.parameters;
        let of_rows = |rows: Range<usize>, output: &[f32], c: &mut [f32]| {
            let piece = rows_like(x, rows.len(), output.to_vec())?;
            let mut along = piece.zeros_like().map_err(backend)?;
            cotangent(rows, &piece, &mut along)?;
            c.copy_from_slice(&single(&along)?);
            Ok(())
        };
        let (mut output, mut gradient) = (vec![0.0; states.len()], vec![0.0; states.len()]);
        let mut sums = parameters.as_ref().map(|_| vec![0.0; self.0.weights()]);
        let results = Pulled {
            output: &mut output,
            states: Some(&mut gradient),
            times: time,
            parameters: sums.as_deref_mut(),
        };
        self.0.pull_back(results, &states, t, &of_rows)?;
        if let (Some(parameters), Some(sums)) = (parameters, sums) {
            add(parameters, &sums)?;
        }
        *value = rows_like(x, x.lanes(), output)?;
        *state = rows_like(x, x.lanes(), gradient)?;
        Ok(())
    }

    fn push_forward(
        &self,
        push: Pushforward<'_, Tensor>,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        self.0.check_times(x, t)?;
        let (states, direction) = (single(x)?, single(push.direction)?);
        let (mut output, mut product) = (vec![0.0; states.len()], vec![0.0; states.len()]);
        let results = Pushed { output: &mut output, product: &mut product };
        let tau: Vec<f64> = (0..x.lanes()).map(|lane| push.time.of(lane)).collect();
        self.0.push_forward(results, (&states, &direction), (t, &tau))?;
        *push.value = rows_like(x, x.lanes(), output)?;
        *push.tangent = rows_like(x, x.lanes(), product)?;
        Ok(())
    }

    fn forwards(&self, _t: Times<'_>) -> u64 {
        self.0.guidance.passes() as u64
    }
}

/// The result carries the graph of the states, so that gradients go back through a solve.
impl Network<TrackedTensor> for OnTensors {
    fn forward(
        &self,
        out: &mut TrackedTensor,
        x: &TrackedTensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        self.0.check_times(x, t)?;
        let evaluate = || {
            let states = x.0.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
            self.0.forward_tensor(&states, t)?.to_dtype(x.0.dtype())?.to_device(x.0.device())
        };
        out.0 = evaluate().map_err(uncarried)?;
        Ok(())
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        Network::<Tensor>::forwards(self, t)
    }
}

/// A plan under conditions of its own: labels that are told go before those that it has.
impl TensorNetwork for Plan {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let lanes = x.dim(0)?;
        let told = conditions.labels.as_ref().map(|_| conditions.labels(lanes));
        let labelled = match told.transpose()? {
            Some(labels) => self.with_labels(labels.to_vec1()?).map_err(carried)?,
            None => self.clone(),
        };
        let times = t.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let times = if let [one] = times[..] { Times::One(one) } else { Times::Each(&times) };
        labelled.forward_tensor(x, times)
    }

    fn dtype(&self) -> DType {
        DType::F32
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MlpConfig, Parameters};

    #[test]
    fn what_the_network_refuses_is_itself_behind_candles_error() {
        let plan = Plan::new(&Parameters::initialise(&MlpConfig::new(2), 1).unwrap());
        let x = Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap();
        let refused = plan.forward_tensor(&x, f64::NAN.into()).unwrap_err();
        let candle_core::Error::Io(inside) = &refused else { panic!("{refused:?}") };
        let field = inside.get_ref().and_then(|error| error.downcast_ref::<FieldError>());
        assert!(matches!(field, Some(FieldError::Domain { .. })), "{refused}");
        let mut out = TrackedTensor(x.clone());
        let tracked = TrackedTensor(x);
        let refused = OnTensors(plan).forward(&mut out, &tracked, f64::NAN.into());
        assert!(matches!(refused, Err(FieldError::Domain { .. })), "{refused:?}");
        let other = candle_core::Error::Io(std::io::Error::other("of the disk"));
        assert!(matches!(uncarried(other), FieldError::State(_)));
    }
}
