use candle_core::{Device, Tensor, Var};
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};

use crate::host::values_like;
use crate::network::{Mlp, MlpPlan, Parameters};
use crate::predictor::{
    Cotangent, DifferentiablePredictor, NetworkPredictor, Prediction, Predictor, Target,
};
use crate::process::{GaussianPath, SharedPath, check_time};

/// A residual MLP as a predictor that can be differentiated: predictions by its plan, pullbacks
/// by candle's reverse mode, in `f32` on the CPU.
#[derive(Debug, Clone)]
pub struct MlpPredictor {
    forward: NetworkPredictor<MlpPlan>,
    differentiable: Mlp,
}

impl MlpPredictor {
    /// The network of `parameters`, trained to make `prediction` on `path`.
    pub fn new(
        parameters: &Parameters,
        prediction: Prediction,
        path: SharedPath,
    ) -> Result<Self, FieldError> {
        let differentiable = Mlp::new(parameters, &Device::Cpu).map_err(backend)?;
        let forward = NetworkPredictor::new(MlpPlan::new(parameters), prediction, path);
        Ok(MlpPredictor { forward, differentiable })
    }

    /// `(a, b)` such that the predicted data is `a x + b n`, `n` the network's output: with
    /// `n = n_d E[x_0] + n_n E[eps]`, `a = n_n / det`, `b = -sigma / det`,
    /// `det = alpha n_n - sigma n_d`.
    fn data_weights(&self, t: f64) -> Result<(f64, f64), FieldError> {
        let path = &self.forward.path;
        check_time(path, t)?;
        let own = self.forward.prediction.target(path, t);
        if own.noise == 0.0 {
            return Ok((0.0, 1.0 / own.data));
        }
        let det = path.alpha(t) * own.noise - path.sigma(t) * own.data;
        let weights = (own.noise / det, -path.sigma(t) / det);
        if weights.0.is_finite() && weights.1.is_finite() {
            return Ok(weights);
        }
        Err(FieldError::Domain {
            t,
            advice: format!(
                "the network's prediction ({}) does not determine the data here; use a time \
                 between {} and {}",
                self.forward.prediction.name(),
                path.default_span().1,
                path.start_with_finite_log_snr()
            ),
        })
    }
}

fn backend(error: candle_core::Error) -> FieldError {
    FieldError::State(StateError::Backend(error.to_string()))
}

impl<S: HostState> Predictor<S> for MlpPredictor
where
    NetworkPredictor<MlpPlan>: Predictor<S>,
{
    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self.forward.predict(target, out, x, t)
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError>
    where
        S: driftfield_solvers::State,
    {
        self.forward.predict_lanes(targets, out, x, t)
    }

    fn network_forwards(&self) -> u64 {
        1
    }
}

impl<S: HostState> DifferentiablePredictor<S> for MlpPredictor
where
    NetworkPredictor<MlpPlan>: Predictor<S>,
{
    fn predict_data_with_pullback(
        &self,
        data: &mut S,
        gradient: &mut S,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        let (a, b) = self.data_weights(t)?;
        let time = self.forward.model_time.at(&self.forward.path, t)?;
        let dimension = self.differentiable.config().dimension;
        let lanes = x.lane_count();
        let state: Vec<f64> = x.values().ok_or(StateError::NotContiguous)?.to_f64();
        if lanes == 0 || state.len() != lanes * dimension {
            return Err(FieldError::Shape {
                expected: format!("one or more lanes of {dimension} component(s)"),
                found: format!("{} value(s) in {lanes} lane(s)", state.len()),
            });
        }
        let tape = Tape::record(&self.differentiable, &state, dimension, time).map_err(backend)?;
        let predicted: Vec<f64> =
            state.iter().zip(&tape.output).map(|(x, n)| a * x + b * f64::from(*n)).collect();
        let mut cotangents = vec![0.0; state.len()];
        let rows = predicted.chunks_exact(dimension).zip(cotangents.chunks_exact_mut(dimension));
        rows.enumerate().for_each(|(lane, (data, c))| cotangent(lane, data, c));
        let pulled = tape.pull_back(&cotangents).map_err(backend)?;
        let data = values_like(data, lanes, state.len())?;
        data.iter_mut().zip(predicted).for_each(|(out, x)| *out = S::Scalar::from_f64(x));
        let gradient = values_like(gradient, lanes, state.len())?;
        for ((out, c), pulled) in gradient.iter_mut().zip(cotangents).zip(pulled) {
            *out = S::Scalar::from_f64(a * c + b * f64::from(pulled));
        }
        Ok(())
    }
}

/// Numbers of either width as `f64`.
trait ToF64 {
    fn to_f64(&self) -> Vec<f64>;
}

impl<T: Scalar> ToF64 for [T] {
    fn to_f64(&self) -> Vec<f64> {
        self.iter().map(|value| value.into_f64()).collect()
    }
}

/// One evaluation of the network and what its derivative needs.
struct Tape {
    state: Var,
    result: Tensor,
    output: Vec<f32>,
}

impl Tape {
    fn record(mlp: &Mlp, state: &[f64], dimension: usize, time: f64) -> candle_core::Result<Self> {
        let state: Vec<f32> = state.iter().map(|&value| value as f32).collect();
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
