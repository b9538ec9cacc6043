//! A plan as an operation on candle tensors.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};
use driftfield_problems::predictor::Network;
use driftfield_solvers::{FieldError, StateError};

use super::{Plan, Pulled};
use crate::pass::Times;

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

fn message(error: FieldError) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
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
        self.plan.evaluate(&mut out, &values[start..end], self.times()).map_err(message)?;
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (states, g) = (values(x)?, values(g)?);
        let width = self.plan.outputs();
        let given = |row: usize, _: &[f64], c: &mut [f64]| {
            let from = &g[row * width..][..width];
            c.iter_mut().zip(from).for_each(|(c, &from)| *c = f64::from(from));
        };
        let (mut output, mut direction) = (vec![0.0; g.len()], vec![0.0; g.len()]);
        let mut gradient = vec![0.0; states.len()];
        let results = Pulled {
            output: &mut output,
            direction: &mut direction,
            states: Some(&mut gradient),
            times: None,
            parameters: None,
        };
        self.plan.pull_back(results, &states, self.times(), &given).map_err(message)?;
        Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
    }
}

impl Plan {
    /// The network at states `x` of `f32` on the CPU, row after row. Differentiable in the states.
    ///
    /// The way back evaluates the network again: nothing but `x` is kept for it. The gradient
    /// carries no graph of its own, so that there is none of second order.
    pub fn forward_tensor(&self, x: &Tensor, times: Times<'_>) -> Result<Tensor> {
        let (time, times) = match times {
            Times::One(t) => (t, None),
            Times::Each(times) => (0.0, Some(times.to_vec())),
        };
        x.contiguous()?.apply_op1(Evaluation { plan: self.clone(), times, time })
    }
}

/// A [`Plan`] as a [`Network`] of candle tensors, of `f32` or `f64` and on any device. It is
/// evaluated on the CPU, and the result carries no graph.
#[derive(Debug, Clone)]
pub struct OnTensors(pub Plan);

impl Network<Tensor> for OnTensors {
    fn forward(&self, out: &mut Tensor, x: &Tensor, t: f64) -> std::result::Result<(), FieldError> {
        let backend =
            |error: candle_core::Error| FieldError::State(StateError::Backend(error.to_string()));
        let states = x.to_dtype(DType::F32).and_then(|x| x.flatten_all()?.to_vec1());
        let states: Vec<f32> = states.map_err(backend)?;
        let mut result = vec![0.0; states.len()];
        self.0.evaluate(&mut result, &states, Times::One(t))?;
        *out = Tensor::from_vec(result, x.shape(), x.device())
            .and_then(|result| result.to_dtype(x.dtype()))
            .map_err(backend)?;
        Ok(())
    }
}
