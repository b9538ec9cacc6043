use std::sync::Arc;

use driftfield_solvers::number::Number;

use super::{DomainEnd, GaussianPath, SharedPath, TimeDomain};
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;

/// The variance-exploding path: `alpha = 1`,
/// `sigma = sigma_min (sigma_max / sigma_min)^t` (Song et al. 2021).
///
/// `f = 0`, `g^2 = 2 sigma^2 ln(sigma_max / sigma_min)`. The data end keeps
/// noise of size `sigma_min`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ve {
    sigma_min: f64,
    sigma_max: f64,
}

const NAME: &str = "ve";

pub(super) fn entry() -> Entry<SharedPath> {
    let Ve { sigma_min, sigma_max } = Ve::default();
    Entry::new(NAME, "variance exploding, geometric sigma", |path| {
        Ok(Arc::new(Ve::new(path.number("sigma_min")?, path.number("sigma_max")?)?) as _)
    })
    .keys([
        Key::number("sigma_min", sigma_min, "noise at the data").positive(),
        Key::number("sigma_max", sigma_max, "noise at t = 1").positive(),
    ])
}

impl Ve {
    /// The path whose sigma runs from `sigma_min` (t = 0) to `sigma_max` (t = 1).
    pub fn new(sigma_min: f64, sigma_max: f64) -> Result<Self, SpecError> {
        // The bounds keep sigma^2 and the ratio far from under- and overflow.
        if !(1e-100..=1e100).contains(&sigma_min) {
            return Err(SpecError::number(
                NAME,
                "sigma_min",
                sigma_min,
                "between 1e-100 and 1e100",
            ));
        }
        if !(sigma_max > sigma_min && sigma_max <= 1e100) {
            let expected = format!("above sigma_min = {} and at most 1e100", Number(sigma_min));
            return Err(SpecError::number(NAME, "sigma_max", sigma_max, expected));
        }
        Ok(Ve { sigma_min, sigma_max })
    }

    /// `ln(sigma_max / sigma_min)`.
    fn log_ratio(&self) -> f64 {
        (self.sigma_max / self.sigma_min).ln()
    }
}

/// Sigma from 0.01 to 50.
impl Default for Ve {
    fn default() -> Self {
        Ve { sigma_min: 0.01, sigma_max: 50.0 }
    }
}

impl GaussianPath for Ve {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("sigma_min", self.sigma_min), ("sigma_max", self.sigma_max)]
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[min, max] = values else { return None };
        Some(Arc::new(Ve::new(min, max).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain {
            data: DomainEnd { t: 0.0, finite_log_snr: true, finite_diffusion: true },
            noise: DomainEnd { t: 1.0, finite_log_snr: true, finite_diffusion: true },
        }
    }
    fn default_span(&self) -> (f64, f64) {
        (1.0, 1e-5)
    }
    fn alpha(&self, _t: f64) -> f64 {
        1.0
    }
    fn sigma(&self, t: f64) -> f64 {
        self.sigma_min * (self.sigma_max / self.sigma_min).powf(t)
    }
    fn alpha_derivative(&self, _t: f64) -> f64 {
        0.0
    }
    fn sigma_derivative(&self, t: f64) -> f64 {
        self.sigma(t) * self.log_ratio()
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * self.sigma(t).powi(2) * self.log_ratio()
    }
    fn log_snr(&self, t: f64) -> f64 {
        -(self.sigma_min.ln() + t * self.log_ratio())
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        (-(lambda + self.sigma_min.ln()) / self.log_ratio()).clamp(0.0, 1.0)
    }
    fn drift_rate(&self, _t: f64) -> f64 {
        0.0
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.sigma_squared_derivative(t)
    }
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        2.0 * self.sigma_derivative(t)
    }
}
