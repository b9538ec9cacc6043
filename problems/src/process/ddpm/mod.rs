//! Discrete-time models on continuous time.

mod betas;
mod interpolation;
mod spline;

use std::path::Path;
use std::sync::Arc;

use driftfield_solvers::number::Number;

pub use betas::{BetaSchedule, BetasError};
pub use interpolation::Interpolation;

use self::interpolation::Knots;
use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::{Entry, Key, Parameters};
use crate::npy;
use crate::spec::SpecError;

/// The variance-preserving path through the timesteps of a discrete-time model:
/// `alpha^2 = prod_(j <= i) (1 - beta_j)` and `sigma^2 = 1 - alpha^2` at timestep
/// `i = 0 .. N - 1`, which is `t = (i + 1) / N` (Ho et al., *DDPM*, 2020), and
/// `alpha = 1` at `t = 0`. Between the timesteps an [`Interpolation`]
/// decides.
///
/// With `r = sigma / alpha`: `f = -r r' / (1 + r^2)`, `g^2 = -2 f`.
///
/// A network trained as a discrete DDPM is used with
/// [`ModelTime::Timestep`](crate::predictor::ModelTime::Timestep), which hands it `t N - 1`.
///
/// ```
/// use driftfield_problems::process::{BetaSchedule, Ddpm, GaussianPath};
/// let path = Ddpm::new(BetaSchedule::LINEAR, 1000).unwrap();
/// assert_eq!(path.time_of(0.0), 0.001);
/// assert!((path.alpha(path.time_of(0.0)).powi(2) - (1.0 - 1e-4)).abs() < 1e-15);
/// let own = Ddpm::from_betas(&[0.1, 0.2, 0.3, 0.4]).unwrap();
/// assert!((own.alpha(0.5).powi(2) - 0.9 * 0.8).abs() < 1e-15);
/// ```
#[derive(Debug, Clone)]
pub struct Ddpm {
    knots: Knots,
    origin: Origin,
    rescaled: bool,
}

/// Where the betas came from.
#[derive(Debug, Clone)]
enum Origin {
    Schedule(BetaSchedule),
    /// A file, or a table in memory.
    Table(Option<String>),
}

const ZERO_TERMINAL_SNR: &str = "zero_terminal_snr";
const SCHEDULES: [&str; 3] = ["linear", "scaled-linear", "cosine"];

const NAME: &str = "ddpm";
const INTERPOLATION: &str = "interpolation";

pub(super) fn entry() -> Entry<SharedPath> {
    Entry::new(NAME, "discrete-time model from a table of betas", |path| {
        Ok(Arc::new(build(path)?) as _)
    })
    .keys([
        Key::integer("timesteps", 1000, "of the model"),
        Key::choice("schedule", &SCHEDULES, "the rule of the betas"),
        beta_key("beta_min", 1e-4, "first beta; 0.00085 if scaled-linear, none if cosine"),
        beta_key("beta_max", 0.02, "last beta; 0.012 if scaled-linear, none if cosine"),
        Key::number("s", 0.008, "offset, for the cosine schedule alone; 0.008 unless given")
            .within("between 0 and 1000", |s| (0.0..=1e3).contains(&s))
            .without_default(),
        Key::text("betas", "FILE.npy", "a table in place of a schedule"),
        Key::flag(
            ZERO_TERMINAL_SNR,
            false,
            "rescaled so that nothing is left of the data at t = 1",
        ),
        Key::choice(INTERPOLATION, &Interpolation::NAMES, "between the timesteps"),
    ])
}

fn build(parameters: &Parameters<'_>) -> Result<Ddpm, SpecError> {
    let path = match (parameters.text("betas")?, parameters.word("schedule")?) {
        (Some(file), _) => {
            parameters.only(&["betas", ZERO_TERMINAL_SNR, INTERPOLATION])?;
            Ddpm::read(file).map_err(|error| {
                SpecError::value(NAME, "betas", file, format!("a usable table: {error}"))
            })?
        }
        (None, "cosine") => {
            parameters.only(&["timesteps", "schedule", "s", ZERO_TERMINAL_SNR, INTERPOLATION])?;
            let s = parameters.optional_number("s")?.unwrap_or(0.008);
            scheduled(parameters, BetaSchedule::Cosine { s })?
        }
        (None, name) => {
            let keys = ["timesteps", "schedule", "beta_min", "beta_max"];
            parameters.only(&[&keys[..], &[ZERO_TERMINAL_SNR, INTERPOLATION]].concat())?;
            let scaled = name == "scaled-linear";
            let min = beta(parameters, "beta_min", scaled.then_some(0.00085))?;
            let max = beta(parameters, "beta_max", scaled.then_some(0.012))?;
            let schedule = match scaled {
                false => BetaSchedule::Linear { min, max },
                true => BetaSchedule::ScaledLinear { min, max },
            };
            scheduled(parameters, schedule)?
        }
    };
    let path = path.interpolation(Interpolation::from_name(parameters.word(INTERPOLATION)?));
    Ok(if parameters.flag(ZERO_TERMINAL_SNR)? { path.zero_terminal_snr() } else { path })
}

fn beta_key(name: &'static str, usual: f64, about: &'static str) -> Key {
    Key::number(name, usual, about).within("inside (0, 1)", |beta| beta > 0.0 && beta < 1.0)
}

/// A beta, where it is left out `usual` if the schedule has one of its own.
fn beta(parameters: &Parameters<'_>, key: &str, usual: Option<f64>) -> Result<f64, SpecError> {
    match usual {
        Some(usual) if !parameters.given(key) => Ok(usual),
        _ => parameters.number(key),
    }
}

fn scheduled(parameters: &Parameters<'_>, schedule: BetaSchedule) -> Result<Ddpm, SpecError> {
    let timesteps = parameters.integer("timesteps")?;
    Ddpm::new(schedule, timesteps).map_err(|error| {
        SpecError::value(NAME, "timesteps", timesteps, format!("a usable table: {error}"))
    })
}

impl Ddpm {
    /// The path of a schedule of `timesteps` betas.
    pub fn new(schedule: BetaSchedule, timesteps: usize) -> Result<Self, BetasError> {
        if timesteps > betas::MOST {
            return Err(BetasError::Count(timesteps));
        }
        Self::of_table(&schedule.betas(timesteps), Origin::Schedule(schedule))
    }

    /// The path of these betas, those of timesteps 0, 1, 2, ... Its
    /// [`spec`](GaussianPath::spec) cannot be read back; that of [`Ddpm::read`] can.
    pub fn from_betas(betas: &[f64]) -> Result<Self, BetasError> {
        Self::of_table(betas, Origin::Table(None))
    }

    /// The path of the betas in an `.npy` file of one axis.
    pub fn read(file: impl AsRef<Path>) -> Result<Self, BetasError> {
        let file = file.as_ref();
        let betas: Vec<f64> = npy::read_vector(file)?;
        Self::of_table(&betas, Origin::Table(Some(file.display().to_string())))
    }

    fn of_table(betas: &[f64], origin: Origin) -> Result<Self, BetasError> {
        let knots = Knots::new(betas::log_alphas(betas)?, Interpolation::default());
        Ok(Ddpm { knots, origin, rescaled: false })
    }

    /// Another interpolation between the timesteps.
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.knots.interpolation = interpolation;
        self
    }

    /// The same rescaled to zero terminal SNR: nothing is left of the data at the last timestep,
    /// `alpha(1) = 0`, and the first stays as it is (Lin et al., *Common Diffusion Noise Schedules
    /// and Sample Steps are Flawed*, 2024). A solve that starts there asks for a network that
    /// predicts v or the data; noise says nothing of the data where there is none.
    #[must_use]
    pub fn zero_terminal_snr(self) -> Self {
        Ddpm { knots: self.knots.ending_in_noise(), rescaled: true, ..self }
    }

    /// The time of a timestep, which may lie between two: `(timestep + 1) / N`.
    pub fn time_of(&self, timestep: f64) -> f64 {
        (timestep + 1.0) / self.knots.count() as f64
    }
}

impl GaussianPath for Ddpm {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let timesteps = ("timesteps", self.knots.count() as f64);
        match self.origin {
            Origin::Schedule(
                BetaSchedule::Linear { min, max } | BetaSchedule::ScaledLinear { min, max },
            ) => vec![timesteps, ("beta_min", min), ("beta_max", max)],
            Origin::Schedule(BetaSchedule::Cosine { s }) => vec![timesteps, ("s", s)],
            Origin::Table(_) => vec![],
        }
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let Origin::Schedule(schedule) = &self.origin else { return None };
        let schedule = match (schedule, values) {
            (BetaSchedule::Linear { .. }, &[_, min, max]) => BetaSchedule::Linear { min, max },
            (BetaSchedule::ScaledLinear { .. }, &[_, min, max]) => {
                BetaSchedule::ScaledLinear { min, max }
            }
            (BetaSchedule::Cosine { .. }, &[_, s]) => BetaSchedule::Cosine { s },
            _ => return None,
        };
        let count = self.knots.count();
        if values[0] != count as f64 {
            return None;
        }
        let path = Ddpm::new(schedule, count).ok()?.interpolation(self.knots.interpolation);
        Some(Arc::new(if self.rescaled { path.zero_terminal_snr() } else { path }))
    }
    fn spec(&self) -> String {
        let mut words = Vec::new();
        match &self.origin {
            Origin::Schedule(schedule) => words.push(format!(
                "schedule={}",
                match schedule {
                    BetaSchedule::Linear { .. } => SCHEDULES[0],
                    BetaSchedule::ScaledLinear { .. } => SCHEDULES[1],
                    BetaSchedule::Cosine { .. } => SCHEDULES[2],
                }
            )),
            Origin::Table(Some(file)) => words.push(format!("betas={file}")),
            Origin::Table(None) => words.push("betas=in memory".to_owned()),
        }
        words.extend(
            self.parameters().iter().map(|(key, value)| format!("{key}={}", Number(*value))),
        );
        if self.rescaled {
            words.push(format!("{ZERO_TERMINAL_SNR}=true"));
        }
        words.push(format!("interpolation={}", self.knots.interpolation.name()));
        format!("{}:{}", NAME, words.join(","))
    }
    fn timesteps(&self) -> Option<usize> {
        Some(self.knots.count())
    }
    fn domain(&self) -> TimeDomain {
        if self.knots.ends_in_noise() { TimeDomain::UNIT_TO_PURE_NOISE } else { TimeDomain::UNIT }
    }
    fn default_span(&self) -> (f64, f64) {
        (1.0, self.time_of(0.0))
    }
    fn start_with_finite_log_snr(&self) -> f64 {
        let last = self.knots.count() - 1 - usize::from(self.knots.ends_in_noise());
        self.time_of(last as f64)
    }
    fn alpha(&self, t: f64) -> f64 {
        self.knots.at(t).alpha()
    }
    fn sigma(&self, t: f64) -> f64 {
        self.knots.at(t).sigma()
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        self.knots.at(t).alpha_derivative()
    }
    fn sigma_derivative(&self, t: f64) -> f64 {
        self.knots.at(t).sigma_derivative()
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        self.knots.at(t).sigma_squared_derivative()
    }
    fn log_snr(&self, t: f64) -> f64 {
        self.knots.at(t).log_snr()
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        self.knots.time_at_log_snr(lambda)
    }
    fn drift_rate(&self, t: f64) -> f64 {
        self.knots.at(t).drift_rate()
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.knots.at(t).diffusion_squared()
    }
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        self.knots.at(t).diffusion_squared_over_sigma()
    }
}
