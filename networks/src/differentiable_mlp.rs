//! The residual MLP, forward by its plan and back by candle.

use candle_core::{Device, Tensor, Var};
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};

use super::mlp::check_rows;
use super::{Mlp, MlpPlan, Parameters};
use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Network, Pullback, Times};

/// A residual MLP that can be differentiated: evaluated by its plan, and where a gradient is
/// wanted by candle's reverse mode, in `f32` on the CPU.
#[derive(Debug, Clone)]
pub struct DifferentiableMlp {
    plan: MlpPlan,
    mlp: Mlp,
}

impl DifferentiableMlp {
    /// The network of `parameters`.
    pub fn new(parameters: &Parameters) -> Result<Self, FieldError> {
        let mlp = Mlp::new(parameters, &Device::Cpu).map_err(backend)?;
        Ok(DifferentiableMlp { plan: MlpPlan::new(parameters), mlp })
    }
}

fn backend(error: candle_core::Error) -> FieldError {
    FieldError::State(StateError::backend(error))
}

impl<H: HostState> Network<H> for DifferentiableMlp {
    fn forward(&self, out: &mut H, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        self.plan.forward(out, x, t)
    }

    fn pull_back(&self, pull: Pullback<'_, H>, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        pull.without_parameters()?;
        pull.without_time()?;
        let Pullback { value, cotangent, state, .. } = pull;
        t.check(x)?;
        let dimension = self.plan.config().dimension;
        let (lanes, values) = (x.lane_count(), x.values().ok_or(StateError::NotContiguous)?);
        check_rows(lanes, values.len(), dimension)?;
        let one;
        let times = match t {
            Times::One(t) => {
                one = [t];
                &one[..]
            }
            Times::Each(times) => times,
        };
        let tape = Tape::record(&self.mlp, values, dimension, times).map_err(backend)?;
        store(value, lanes, &tape.output)?;
        cotangent(0..lanes, value, state)?;
        let c = state.values().ok_or(StateError::NotContiguous)?;
        let c: Vec<f32> = c.iter().map(|&value| value.into_f64() as f32).collect();
        let pulled = tape.pull_back(c).map_err(backend)?;
        store(state, lanes, &pulled)
    }
}

fn store<H: HostState>(to: &mut H, lanes: usize, from: &[f32]) -> Result<(), FieldError> {
    let to = values_like(to, lanes, from.len())?;
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = H::Scalar::from_f64(f64::from(from)));
    Ok(())
}

/// One evaluation of the network and what its derivative needs.
struct Tape {
    state: Var,
    result: Tensor,
    output: Vec<f32>,
}

impl Tape {
    fn record<T: Scalar>(
        mlp: &Mlp,
        state: &[T],
        dimension: usize,
        times: &[f64],
    ) -> candle_core::Result<Self> {
        let state: Vec<f32> = state.iter().map(|&value| value.into_f64() as f32).collect();
        let rows = state.len() / dimension;
        let state = Var::from_tensor(&Tensor::from_vec(state, (rows, dimension), &Device::Cpu)?)?;
        let result = mlp.forward_rows(state.as_tensor(), times)?;
        let output = result.flatten_all()?.to_vec1()?;
        Ok(Tape { state, result, output })
    }

    /// `J^T c`, row by row.
    fn pull_back(&self, c: Vec<f32>) -> candle_core::Result<Vec<f32>> {
        let c = Tensor::from_vec(c, self.result.shape(), &Device::Cpu)?;
        let gradients = (&self.result * c)?.sum_all()?.backward()?;
        match gradients.get(&self.state) {
            Some(gradient) => gradient.flatten_all()?.to_vec1(),
            None => candle_core::bail!("the network's output does not depend on its input"),
        }
    }
}
