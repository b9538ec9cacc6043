use driftfield_solvers::field::affine;
use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, State};

use super::weights::{by_lane, in_terms_of, pull_through, push_through};
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
/// Its products with the Jacobian are those of the network; in time and in the process's parameters
/// the weights `a` and `b` move too, whose derivatives are taken numerically, to about 1e-11.
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

    /// `(a, b)` such that the target is `a x + b n`, `n` being what the network predicts on `path`.
    fn weights(&self, path: &SharedPath, target: Target, t: f64) -> Result<(f64, f64), FieldError> {
        check_time(path, t)?;
        let own = self.prediction.target(path, t);
        let cross = target.data * own.noise - target.noise * own.data;
        // A multiple of the prediction needs no state, so no det either.
        if cross == 0.0 {
            let b =
                if own.noise != 0.0 { target.noise / own.noise } else { target.data / own.data };
            if b.is_finite() {
                return Ok((0.0, b));
            }
        }
        let (alpha, sigma) = (path.alpha(t), path.sigma(t));
        let (a, b) = in_terms_of(own, target, (alpha, sigma));
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
                path.spec(),
                Number(alpha),
                Number(sigma),
                Number(path.domain().data.t),
                Number(path.domain().noise.t),
                Number(path.default_span().1),
                Number(path.start_with_finite_log_snr()),
            ),
        })
    }

    /// What the network is given as its times.
    fn network_times<'r>(
        &self,
        t: Times<'_>,
        room: &'r mut Vec<f64>,
    ) -> Result<Times<'r>, FieldError> {
        t.map(room, |t| self.model_time.at(&self.path, t))
    }

    /// How fast the network's time goes, if that is asked for.
    fn time_rates<'r>(
        &self,
        t: Times<'_>,
        asked: bool,
        room: &'r mut Vec<f64>,
    ) -> Result<Times<'r>, FieldError> {
        if !asked {
            return Ok(Times::One(1.0));
        }
        t.map(room, |t| self.model_time.rate(&self.path, t))
    }
}

impl<S: State, N: Network<S>> Predictor<S> for NetworkPredictor<N> {
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
        let weights = |target, t| self.weights(&self.path, target, t);
        let weights = by_lane(target, t, &mut room, weights)?;
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
        let (mut times, mut speeds) = Default::default();
        let speeds = self.time_rates(t, pull.time.is_some(), &mut speeds)?;
        let at = (target, t);
        let t = self.network_times(t, &mut times)?;
        let weights = |path: &SharedPath, target, t| self.weights(path, target, t);
        pull_through(&self.path, at, pull, x, weights, |mut inner| {
            // A network knows nothing of its process.
            inner.inputs.process = None;
            let Pullback { value, cotangent, state, mut time, inputs } = inner;
            let inner = Pullback { value, cotangent, state, time: time.as_deref_mut(), inputs };
            self.network.pull_back(inner, x, t)?;
            let times = time.into_iter().flatten().enumerate();
            times.for_each(|(lane, time)| *time *= speeds.of(lane));
            Ok(())
        })
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let (mut times, mut speeds) = Default::default();
        let speeds = self.time_rates(t, push.time != Times::One(0.0), &mut speeds)?;
        let at = (target, t);
        let t = self.network_times(t, &mut times)?;
        let weights = |path: &SharedPath, target, t| self.weights(path, target, t);
        push_through(&self.path, at, push, x, weights, |inner| {
            let time: Vec<f64> = match (inner.time, speeds) {
                (Times::One(time), Times::One(speed)) => vec![time * speed],
                (time, _) => (0..x.lanes()).map(|lane| time.of(lane) * speeds.of(lane)).collect(),
            };
            let time = if let &[time] = &time[..] { Times::One(time) } else { Times::Each(&time) };
            self.network.push_forward(Pushforward { time, ..inner }, x, t)
        })
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        let mut times = Vec::new();
        // A time that the network has none for is refused when it is evaluated.
        self.network_times(t, &mut times).map_or(1, |t| self.network.forwards(t))
    }
}
