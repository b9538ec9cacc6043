use driftfield_solvers::field::affine;
use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, State};

use super::from_data::{Weights, by_lane};
use super::{
    ModelTime, Network, Prediction, Predictor, Pullback, Pushforward, Target, Targets, Times,
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
///
/// Its products with the Jacobian are those of the network, in the state and in the parameters;
/// in time where the network is asked for its own prediction.
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

    /// The weights of every lane.
    fn weights_by_lane<'r>(
        &self,
        target: Targets<'_>,
        t: Times<'_>,
        room: &'r mut (Vec<f64>, Vec<f64>),
    ) -> Result<Weights<'r>, FieldError> {
        by_lane(target, t, room, |target, t| self.weights(target, t))
    }

    /// What the network is given as its times.
    fn network_times<'r>(
        &self,
        t: Times<'_>,
        room: &'r mut Vec<f64>,
    ) -> Result<Times<'r>, FieldError> {
        t.map(room, |t| self.model_time.at(&self.path, t))
    }

    /// Refuses products in time of anything but multiples of the network's own noise or data,
    /// whose weights do not move with the time.
    fn check_time_products(&self, target: Targets<'_>, lanes: usize) -> Result<(), FieldError> {
        let own = match self.prediction {
            Prediction::Noise => Target::NOISE,
            Prediction::Data => Target::DATA,
            _ => Target { data: f64::NAN, noise: f64::NAN },
        };
        let is_own = |target: Target| target.data * own.noise == target.noise * own.data;
        if matches!(self.model_time, ModelTime::Path) && (0..lanes).all(|i| is_own(target.of(i))) {
            return Ok(());
        }
        Err(FieldError::Refused(
            "products in time of what is converted from its network's prediction".to_owned(),
        ))
    }
}

impl<S: State + Send + Sync, N: Network<S>> Predictor<S> for NetworkPredictor<N> {
    fn path(&self) -> &SharedPath {
        &self.path
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let (mut room, mut times) = Default::default();
        let weights = self.weights_by_lane(target, t, &mut room)?;
        self.network.forward(out, x, self.network_times(t, &mut times)?)?;
        Ok(affine(out, weights, x)?)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        if pull.time.is_some() {
            self.check_time_products(target, x.lanes())?;
        }
        let (mut room, mut times) = Default::default();
        let weights = self.weights_by_lane(target, t, &mut room)?;
        let t = self.network_times(t, &mut times)?;
        pull.through(weights, x, |inner| self.network.pull_back(inner, x, t))
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        if push.time != 0.0 {
            self.check_time_products(target, x.lanes())?;
        }
        let (mut room, mut times) = Default::default();
        let weights = self.weights_by_lane(target, t, &mut room)?;
        let t = self.network_times(t, &mut times)?;
        push.through(weights, x, |inner| self.network.push_forward(inner, x, t))
    }

    fn forwards(&self) -> u64 {
        self.network.forwards()
    }
}
