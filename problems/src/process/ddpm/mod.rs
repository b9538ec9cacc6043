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
use super::registry::ProcessEntry;
use super::{GaussianPath, TimeDomain};
use crate::npy;
use crate::spec::{Spec, SpecError};

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

pub(super) const ENTRY: ProcessEntry = ProcessEntry {
    name: "ddpm",
    keys: &[
        "timesteps",
        "schedule",
        "beta_min",
        "beta_max",
        "s",
        "betas",
        ZERO_TERMINAL_SNR,
        "interpolation",
    ],
    summary: "discrete-time model from a table of betas",
    build: |spec| Ok(Arc::new(build(spec)?)),
};

fn build(spec: &Spec) -> Result<Ddpm, SpecError> {
    let name = spec.choice("schedule", &SCHEDULES, "linear")?;
    let path = match (spec.text("betas"), name) {
        (Some(file), _) => {
            spec.only(&["betas", ZERO_TERMINAL_SNR, "interpolation"])?;
            Ddpm::read(file).map_err(|error| {
                SpecError::value(ENTRY.name, "betas", file, format!("a usable table: {error}"))
            })?
        }
        (None, "cosine") => {
            spec.only(&["timesteps", "schedule", "s", ZERO_TERMINAL_SNR, "interpolation"])?;
            let s = spec.number("s", 0.008)?;
            if !(0.0..=1e3).contains(&s) {
                return Err(SpecError::number(ENTRY.name, "s", s, "between 0 and 1000"));
            }
            scheduled(spec, BetaSchedule::Cosine { s })?
        }
        (None, name) => {
            let keys = ["timesteps", "schedule", "beta_min", "beta_max"];
            spec.only(&[&keys[..], &[ZERO_TERMINAL_SNR, "interpolation"]].concat())?;
            let (default_min, default_max) =
                if name == "linear" { (1e-4, 0.02) } else { (0.00085, 0.012) };
            let min = beta(spec, "beta_min", default_min)?;
            let max = beta(spec, "beta_max", default_max)?;
            let schedule = match name {
                "linear" => BetaSchedule::Linear { min, max },
                _ => BetaSchedule::ScaledLinear { min, max },
            };
            scheduled(spec, schedule)?
        }
    };
    let interpolation =
        spec.choice("interpolation", &Interpolation::NAMES, Interpolation::default().name())?;
    let path = path.interpolation(Interpolation::from_name(interpolation));
    Ok(if spec.boolean(ZERO_TERMINAL_SNR, false)? { path.zero_terminal_snr() } else { path })
}

fn beta(spec: &Spec, key: &str, default: f64) -> Result<f64, SpecError> {
    let value = spec.number(key, default)?;
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    Err(SpecError::number(ENTRY.name, key, value, "inside (0, 1)"))
}

fn scheduled(spec: &Spec, schedule: BetaSchedule) -> Result<Ddpm, SpecError> {
    let timesteps = spec.integer("timesteps", 1000)?;
    Ddpm::new(schedule, timesteps).map_err(|error| {
        SpecError::value(ENTRY.name, "timesteps", timesteps, format!("a usable table: {error}"))
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
        ENTRY.name
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
        format!("{}:{}", ENTRY.name, words.join(","))
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
