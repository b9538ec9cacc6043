//! The residual MLP, forward by its plan and back by candle.

use candle_core::{Device, Tensor, Var};
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};

use super::mlp::check_rows;
use super::{Mlp, MlpPlan, Parameters};
use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Cotangent, DifferentiableNetwork, Network, Pullback};

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
    FieldError::State(StateError::Backend(error.to_string()))
}

impl<H: HostState> Network<H> for DifferentiableMlp {
    fn forward(&self, out: &mut H, x: &H, t: f64) -> Result<(), FieldError> {
        self.plan.forward(out, x, t)
    }
    fn forward_lanes(&self, out: &mut H, x: &H, t: &[f64]) -> Result<(), FieldError> {
        self.plan.forward_lanes(out, x, t)
    }
}

impl<H: HostState> DifferentiableNetwork<H> for DifferentiableMlp {
    fn forward_with_pullback(
        &self,
        results: Pullback<'_, H>,
        x: &H,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        let dimension = self.plan.config().dimension;
        let (lanes, values) = (x.lane_count(), x.values().ok_or(StateError::NotContiguous)?);
        check_rows(lanes, values.len(), dimension)?;
        let tape = Tape::record(&self.mlp, values, dimension, t).map_err(backend)?;
        let output: Vec<f64> = tape.output.iter().map(|&value| f64::from(value)).collect();
        let mut direction = vec![0.0; output.len()];
        let rows = output.chunks_exact(dimension).zip(direction.chunks_exact_mut(dimension));
        rows.enumerate().for_each(|(lane, (output, c))| cotangent(lane, output, c));
        let pulled = tape.pull_back(&direction).map_err(backend)?;
        let pulled: Vec<f64> = pulled.into_iter().map(f64::from).collect();
        let targets = [results.output, results.direction, results.gradient];
        for (to, from) in targets.into_iter().zip([&output, &direction, &pulled]) {
            let to = values_like(to, lanes, from.len())?;
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = H::Scalar::from_f64(from));
        }
        Ok(())
    }
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
        time: f64,
    ) -> candle_core::Result<Self> {
        let state: Vec<f32> = state.iter().map(|&value| value.into_f64() as f32).collect();
        let rows = state.len() / dimension;
        let state = Var::from_tensor(&Tensor::from_vec(state, (rows, dimension), &Device::Cpu)?)?;
        let result = mlp.forward_rows(state.as_tensor(), &[time])?;
        let output = result.flatten_all()?.to_vec1()?;
        Ok(Tape { state, result, output })
    }

    /// `J^T c`, row by row.
    fn pull_back(&self, c: &[f64]) -> candle_core::Result<Vec<f32>> {
        let c: Vec<f32> = c.iter().map(|&value| value as f32).collect();
        let c = Tensor::from_vec(c, self.result.shape(), &Device::Cpu)?;
        let gradients = (&self.result * c)?.sum_all()?.backward()?;
        match gradients.get(&self.state) {
            Some(gradient) => gradient.flatten_all()?.to_vec1(),
            None => candle_core::bail!("the network's output does not depend on its input"),
        }
    }
}
