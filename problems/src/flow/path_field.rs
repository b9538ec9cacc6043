use std::fmt;
use std::sync::Arc;

use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::lanes::{check_times, in_some_lanes};
use driftfield_solvers::number::Number;
use driftfield_solvers::{
    FieldError, LaneField, OdeProblem, SdeProblem, State, StochasticField, VectorField,
};

use super::{MarginalScore, NoiseLevel, PosteriorField, ScoreField, fill};
use crate::predictor::{Predictor, Target};
use crate::process::{
    GaussianPath, Posterior, SharedPath, TransitionKernel, check_diffusion, check_time,
};

/// The fields of a predictor on its Gaussian path, both being
/// chosen at run time: as [`VectorField`] the probability flow, as [`StochasticField`]
/// the reverse diffusion at its noise level, as [`PosteriorField`] what
/// ancestral sampling needs.
pub struct PathField<S> {
    path: SharedPath,
    predictor: Arc<dyn Predictor<S>>,
    noise_level: NoiseLevel,
}

/// The probability flow of a predictor on its path: `dx/dt = E[alpha' x_0 + sigma' eps | x_t = x]`,
/// which equals `f x - g^2 / 2 score` (Song et al. 2021).
///
/// ```
/// use std::sync::Arc;
/// use driftfield_problems::{field::*, flow::probability_flow, process::{GaussianPath, RectifiedFlow, SharedPath}};
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
        PathField { path: predictor.path().clone(), predictor, noise_level }
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

    /// Refuses a step that leads away from the data.
    fn check_towards_data(&self, t: f64, u: f64) -> Result<(), FieldError> {
        check_time(&self.path, t)?;
        check_time(&self.path, u)?;
        if u <= t {
            return Ok(());
        }
        Err(FieldError::Domain {
            t,
            advice: format!(
                "steps that draw noise go towards the data, and t = {} is further from it; \
                 encode with the probability flow instead",
                Number(u)
            ),
        })
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
            self.predictor.predict(Target { data, noise }, out, x, t)
        } else {
            self.predictor.predict_with_score(data, score, path.sigma(t), out, x, t)
        }
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

impl<S> VectorField<S> for PathField<S> {
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.drift_at_level(0.0, du, u, t)
    }
    fn network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}

/// The probability flow, a time per lane.
impl<S: State> LaneField<S> for PathField<S> {
    fn eval_lanes(&self, du: &mut S, u: &S, t: &[f64]) -> Result<(), FieldError> {
        check_times(u, t)?;
        t.iter().try_for_each(|&t| check_time(&self.path, t))?;
        let target = |&t: &f64| Target {
            data: self.path.alpha_derivative(t),
            noise: self.path.sigma_derivative(t),
        };
        let targets: Vec<Target> = t.iter().map(target).collect();
        let (inside, at_data): (Vec<usize>, Vec<usize>) =
            (0..t.len()).partition(|&lane| targets[lane].noise.is_finite());
        if at_data.is_empty() {
            return self.predictor.predict_lanes(&targets, du, u, t);
        }
        // Where `sigma'` is infinite there is but one time, the end at the data.
        let end = t[at_data[0]];
        in_some_lanes(du, u, &at_data, |du, u| self.drift_at_level(0.0, du, u, end))?;
        if inside.is_empty() {
            return Ok(());
        }
        let targets: Vec<Target> = inside.iter().map(|&lane| targets[lane]).collect();
        let t: Vec<f64> = inside.iter().map(|&lane| t[lane]).collect();
        in_some_lanes(du, u, &inside, |du, u| self.predictor.predict_lanes(&targets, du, u, &t))
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
    fn network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}

impl<S> PosteriorField<S> for PathField<S> {
    fn predict_data(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self.predictor.predict(Target::DATA, out, x, t)
    }
    fn posterior(&self, t: f64, u: f64) -> Result<Posterior, FieldError> {
        self.check_towards_data(t, u)?;
        Ok(self.path.posterior(t, u))
    }
    fn data_network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}

impl<S> ScoreField<S> for PathField<S> {
    fn score(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        check_time(&self.path, t)?;
        self.predictor.predict_with_score(0.0, 1.0, self.path.sigma(t), out, x, t)
    }
    fn sigma(&self, t: f64) -> Result<f64, FieldError> {
        check_time(&self.path, t)?;
        Ok(self.path.sigma(t))
    }
    fn transition(&self, t: f64, u: f64) -> Result<TransitionKernel, FieldError> {
        self.check_towards_data(t, u)?;
        Ok(self.path.transition(t, u))
    }
    fn reverse_noise_level(&self, t: f64) -> Result<f64, FieldError> {
        self.noise_level.at(t)
    }
    fn score_network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}

impl<S> Clone for PathField<S> {
    fn clone(&self) -> Self {
        PathField {
            path: self.path.clone(),
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
