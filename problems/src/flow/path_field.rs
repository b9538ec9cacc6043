use std::fmt;
use std::sync::Arc;

use driftfield_solvers::field::{
    Additive, ByLane, Diagonal, Pullback, Pushforward, Targets, Times, in_some_lanes,
};
use driftfield_solvers::{
    FieldError, OdeProblem, Schedule, SdeProblem, SemilinearField, State, StochasticField, Target,
    VectorField,
};

use super::schedule::PathSchedule;
use super::{MarginalScore, NoiseLevel, fill};
use crate::predictor::{Asked, Predictor, Rates};
use crate::process::{GaussianPath, SharedPath, check_diffusion, check_time};

/// The fields of a predictor on its Gaussian path, both being
/// chosen at run time: as [`VectorField`] the probability flow, as [`StochasticField`]
/// the reverse diffusion at its noise level, as [`SemilinearField`] what exponential, ancestral
/// and Langevin methods ask for, whatever the predictor itself predicts.
///
/// Products with its Jacobian are the predictor's, and in time and in the parameters of the process
/// the second derivatives of the path's, which are taken numerically.
pub struct PathField<S> {
    path: SharedPath,
    schedule: Arc<dyn Schedule>,
    predictor: Arc<dyn Predictor<S>>,
    noise_level: NoiseLevel,
}

/// The probability flow of a predictor on its path: `dx/dt = E[alpha' x_0 + sigma' eps | x_t = x]`,
/// which equals `f x - g^2 / 2 score` (Song et al. 2021).
///
/// ```
/// use std::sync::Arc;
/// use driftfield_problems::{exact::*, flow::probability_flow, process::{GaussianPath, RectifiedFlow, SharedPath}};
/// let path: SharedPath = Arc::new(RectifiedFlow);
/// let mixture = GaussianMixture::isotropic(vec![1.0], vec![vec![2.0]], vec![0.1]).unwrap();
/// let field = probability_flow(MixturePredictor::new(mixture, path.clone()));
/// let problem = field.problem([0.3], path.default_span());
/// # let _ = problem;
/// ```
pub fn probability_flow<S>(predictor: impl Predictor<S> + 'static) -> PathField<S> {
    PathField::new(Arc::new(predictor), NoiseLevel::Constant(0.0))
}

/// The reverse diffusion of a predictor on its path at noise level `L`:
/// `dx = (f x - (1 + L^2) / 2 g^2 score) dt + L g dW` for time running downwards
/// (`dt < 0`). `L = 1` is Anderson's reversal (1982), `L = 0` the
/// probability flow.
pub fn reverse_sde<S>(
    predictor: impl Predictor<S> + 'static,
    noise_level: impl Into<NoiseLevel>,
) -> PathField<S> {
    PathField::new(Arc::new(predictor), noise_level.into())
}

impl<S> PathField<S> {
    /// The fields of `predictor` on its path; `noise_level` acts on the SDE only.
    pub fn new(predictor: Arc<dyn Predictor<S>>, noise_level: NoiseLevel) -> Self {
        let path = predictor.path().clone();
        let schedule = Arc::new(PathSchedule(path.clone()));
        PathField { path, schedule, predictor, noise_level }
    }

    /// The path.
    pub fn path(&self) -> &SharedPath {
        &self.path
    }

    /// The predictor.
    pub fn predictor(&self) -> &Arc<dyn Predictor<S>> {
        &self.predictor
    }

    /// The noise level of the SDE.
    pub fn noise_level(&self) -> &NoiseLevel {
        &self.noise_level
    }

    /// The score of the marginal at `t`, a vector field that does not depend on time: what
    /// [Langevin dynamics](crate::langevin) at one noise level follow.
    pub fn score_at(self, t: f64) -> MarginalScore<S> {
        MarginalScore::new(self, t)
    }

    /// The same fields at another noise level.
    pub fn with_noise_level(mut self, noise_level: impl Into<NoiseLevel>) -> Self {
        self.noise_level = noise_level.into();
        self
    }

    /// Velocity plus `level^2 / 2` times `-g^2 score`.
    ///
    /// `-g^2 score = (g^2 / sigma) E[eps]`, so the whole drift is one prediction. At
    /// a data end where `sigma'` is infinite, the same drift is asked for in
    /// terms of the score, whose coefficient stays finite.
    fn drift_at_level(&self, level: f64, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        check_time(&self.path, t)?;
        let path = &self.path;
        let half = 0.5 * level * level;
        let data = path.alpha_derivative(t);
        let mut noise = path.sigma_derivative(t);
        let mut score = -0.5 * path.sigma_squared_derivative(t);
        // A level of 0 must not meet an infinite g^2: 0 * inf is NaN.
        if level > 0.0 {
            check_diffusion(path, t)?;
            noise += half * path.diffusion_squared_over_sigma(t);
            score -= half * path.diffusion_squared(t);
        }
        if noise.is_finite() {
            self.predictor.predict(Target { data, noise }.into(), out, x, t.into())
        } else {
            self.predictor.predict_with_score(data, score, out, x, t)
        }
    }

    /// The velocity as a prediction, the noise's coefficient infinite where `sigma'` is.
    fn velocity<'r>(
        &self,
        t: Times<'_>,
        room: &'r mut Vec<Target>,
    ) -> Result<Targets<'r>, FieldError> {
        t.map(room, |t| {
            check_time(&self.path, t)?;
            let (data, noise) = (self.path.alpha_derivative(t), self.path.sigma_derivative(t));
            Ok(Target { data, noise })
        })
    }

    /// The velocity where it is a prediction of finite coefficients, as products need it.
    fn finite_velocity<'r>(
        &self,
        t: Times<'_>,
        room: &'r mut Vec<Target>,
    ) -> Result<Targets<'r>, FieldError> {
        let velocity = self.velocity(t, room)?;
        let all_finite = match velocity {
            ByLane::One(target) => target.is_finite(),
            ByLane::Each(targets) => targets.iter().all(Target::is_finite),
        };
        if all_finite {
            return Ok(velocity);
        }
        Err(FieldError::Refused(
            "products with its Jacobian where sigma' is infinite; end at a slightly later time"
                .to_owned(),
        ))
    }
}

impl<S: State> PathField<S> {
    /// The probability flow from `initial`. Generation runs over
    /// [`GaussianPath::default_span`]; an increasing span encodes.
    pub fn problem(self, initial: S, span: (f64, f64)) -> OdeProblem<S, PathField<S>> {
        OdeProblem::new(self, initial, span)
    }

    /// The reverse diffusion from `initial`; `span` must decrease, and start where
    /// `g^2` is finite ([`GaussianPath::start_with_finite_log_snr`]).
    pub fn sde_problem(self, initial: S, span: (f64, f64)) -> SdeProblem<S, PathField<S>> {
        SdeProblem::from_field(self, initial, span)
    }
}

/// The probability flow.
impl<S: State> VectorField<S> for PathField<S> {
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        let times = match t {
            ByLane::One(t) => return self.drift_at_level(0.0, du, u, t),
            ByLane::Each(times) => times,
        };
        t.check(u)?;
        let mut room = Vec::new();
        let targets = self.velocity(t, &mut room)?;
        let (inside, at_data): (Vec<usize>, Vec<usize>) =
            (0..times.len()).partition(|&lane| targets.of(lane).noise.is_finite());
        let Some(&first) = at_data.first() else {
            return self.predictor.predict(targets, du, u, t);
        };
        // Where `sigma'` is infinite there is but one time, the end at the data.
        let end = times[first];
        in_some_lanes(du, u, &at_data, |du, u| self.drift_at_level(0.0, du, u, end))?;
        if inside.is_empty() {
            return Ok(());
        }
        let (targets, t) = (targets.select(&inside), t.select(&inside));
        in_some_lanes(du, u, &inside, |du, u| {
            self.predictor.predict(Targets::Each(&targets), du, u, Times::Each(&t))
        })
    }
    fn pull_back(&self, pull: Pullback<'_, S>, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        let asked = Asked::of(&self.path, &pull)?;
        let mut room = Vec::new();
        let targets = self.finite_velocity(t, &mut room)?;
        let rates = Rates::of_velocity(&self.path, t, u.lanes(), asked)?;
        pull.through(rates.of_one(), u, |inner| self.predictor.pull_back(targets, inner, u, t))
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut room = Vec::new();
        let targets = self.finite_velocity(t, &mut room)?;
        let rates = Rates::of_velocity(&self.path, t, u.lanes(), Asked::along(&push))?;
        push.through(rates.of_one(), u, |inner| self.predictor.push_forward(targets, inner, u, t))
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
    }
}

impl<S: State> StochasticField<S> for PathField<S> {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.drift_at_level(self.noise_level.at(t)?, out, u, t)
    }
    fn diffusion(&self, _: usize, out: &mut S, _u: &S, t: f64) -> Result<(), FieldError> {
        let level = self.noise_level.at(t)?;
        if level == 0.0 {
            return fill(out, 0.0);
        }
        check_diffusion(&self.path, t)?;
        fill(out, level * self.path.diffusion_squared(t).sqrt())
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
    }
}

impl<S: State> SemilinearField<S> for PathField<S> {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        &self.schedule
    }
    fn predict(&self, target: Target, out: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.predictor.predict(target.into(), out, u, t)
    }
    fn pull_back_prediction(
        &self,
        target: Target,
        pull: Pullback<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.predictor.pull_back(target.into(), pull, u, t)
    }
    fn push_forward_prediction(
        &self,
        target: Target,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.predictor.push_forward(target.into(), push, u, t)
    }
    fn score(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        check_time(&self.path, t)?;
        self.predictor.predict_with_score(0.0, 1.0, out, u, t)
    }
    fn noise_level(&self, t: f64) -> Result<f64, FieldError> {
        self.noise_level.at(t)
    }
}

impl<S> Clone for PathField<S> {
    fn clone(&self) -> Self {
        PathField {
            path: self.path.clone(),
            schedule: self.schedule.clone(),
            predictor: self.predictor.clone(),
            noise_level: self.noise_level.clone(),
        }
    }
}

impl<S> fmt::Debug for PathField<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathField")
            .field("path", &self.path)
            .field("noise_level", &self.noise_level)
            .finish_non_exhaustive()
    }
}
