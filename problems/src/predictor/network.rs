use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};

use super::{
    Cotangent, DifferentiableNetwork, DifferentiablePredictor, ModelTime, Network, Prediction,
    Predictor, Pullback, Target,
};
use crate::process::{GaussianPath, SharedPath, check_time};

/// A network trained to make one prediction on one path, giving any other.
///
/// With `x_t = alpha E[x_0] + sigma E[eps]` and the network's output
/// `n = n_d E[x_0] + n_n E[eps]`, every target `c` is `a x_t + b n`:
/// `b = (alpha c_n - sigma c_d) / det`, `a = (c_d n_n - c_n n_d) / det`,
/// `det = alpha n_n - sigma n_d`. Nothing is divided but by `det`, which for
/// velocity and v vanishes nowhere; where it does (noise at `alpha = 0`,
/// data at `sigma = 0`), only multiples of the prediction itself are known and
/// everything else is refused.
#[derive(Debug, Clone)]
pub struct NetworkPredictor<N> {
    /// The network.
    pub network: N,
    /// What it was trained to predict.
    pub prediction: Prediction,
    /// The path it was trained on.
    pub path: SharedPath,
    /// What it is given as its time.
    pub model_time: ModelTime,
}

impl<N> NetworkPredictor<N> {
    /// `network` as trained to predict `prediction` on `path`, at the path's own times.
    pub fn new(network: N, prediction: Prediction, path: SharedPath) -> Self {
        NetworkPredictor { network, prediction, path, model_time: ModelTime::Path }
    }

    /// A network that knows time otherwise: by the timesteps of a discrete-time model, say.
    #[must_use]
    pub fn model_time(mut self, model_time: ModelTime) -> Self {
        self.model_time = model_time;
        self
    }

    /// `(a, b)` such that the target is `a x + b n`.
    fn weights(&self, target: Target, t: f64) -> Result<(f64, f64), FieldError> {
        check_time(&self.path, t)?;
        let own = self.prediction.target(&self.path, t);
        let cross = target.data * own.noise - target.noise * own.data;
        // A multiple of the prediction needs no state, so no det either.
        if cross == 0.0 {
            let b =
                if own.noise != 0.0 { target.noise / own.noise } else { target.data / own.data };
            if b.is_finite() {
                return Ok((0.0, b));
            }
        }
        let (alpha, sigma) = (self.path.alpha(t), self.path.sigma(t));
        let det = alpha * own.noise - sigma * own.data;
        let (a, b) = (cross / det, (alpha * target.noise - sigma * target.data) / det);
        if own.is_finite() && a.is_finite() && b.is_finite() {
            return Ok((a, b));
        }
        Err(FieldError::Domain {
            t,
            advice: format!(
                "a network trained to predict {} on `{}` does not determine what is asked of it \
                 here (alpha = {}, sigma = {}); use a time strictly inside [{}, {}], \
                 such as those between {} and {}",
                self.prediction.name(),
                self.path.spec(),
                Number(alpha),
                Number(sigma),
                Number(self.path.domain().data.t),
                Number(self.path.domain().noise.t),
                Number(self.path.default_span().1),
                Number(self.path.start_with_finite_log_snr()),
            ),
        })
    }
}

impl<S: State, N: Network<S>> Predictor<S> for NetworkPredictor<N> {
    fn path(&self) -> &SharedPath {
        &self.path
    }

    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        let (a, b) = self.weights(target, t)?;
        self.network.forward(out, x, self.model_time.at(&self.path, t)?)?;
        if a == 0.0 {
            // Not even a non-finite state may leak into a pure prediction.
            if b != 1.0 {
                out.linear_combination(b, &[])?;
            }
            return Ok(());
        }
        Ok(out.linear_combination(b, &[(a, x)])?)
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError> {
        let lanes = targets.iter().zip(t);
        let (of_state, of_output): (Vec<f64>, Vec<f64>) =
            lanes.map(|(&target, &t)| self.weights(target, t)).collect::<Result<_, _>>()?;
        let times: Vec<f64> =
            t.iter().map(|&t| self.model_time.at(&self.path, t)).collect::<Result<_, _>>()?;
        self.network.forward_lanes(out, x, &times)?;
        Ok(out.combine_lanes(&of_output, &[(&of_state, x)])?)
    }

    fn network_forwards(&self) -> u64 {
        self.network.forwards()
    }
}

/// With `D = a x + b n(x)`: `J^T c = a c + b J_n^T c`.
impl<S: HostState + State, N: DifferentiableNetwork<S>> DifferentiablePredictor<S>
    for NetworkPredictor<N>
{
    fn predict_data_with_pullback(
        &self,
        data: &mut S,
        gradient: &mut S,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        let (a, b) = self.weights(Target::DATA, t)?;
        let values = x.values().ok_or(StateError::NotContiguous)?;
        let len = x.lane_len();
        let of_data = |lane: usize, output: &[f64], direction: &mut [f64]| {
            let x = &values[lane * len..][..len];
            let data: Vec<f64> =
                x.iter().zip(output).map(|(x, output)| a * x.into_f64() + b * output).collect();
            cotangent(lane, &data, direction);
        };
        let mut direction = x.zeros_like();
        let results = Pullback { output: &mut *data, direction: &mut direction, gradient };
        let time = self.model_time.at(&self.path, t)?;
        self.network.forward_with_pullback(results, x, time, &of_data)?;
        gradient.linear_combination(b, &[(a, &direction)])?;
        Ok(data.linear_combination(b, &[(a, x)])?)
    }
}
