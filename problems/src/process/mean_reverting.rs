use std::sync::Arc;

use super::variance_preserving::{ln_one_minus_exp, ln_one_plus_exp};
use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;

/// The Ornstein-Uhlenbeck process `dx = -rate x dt + sigma sqrt(2 rate) dW`, which forgets the
/// data and settles at noise of size `sigma`: `alpha = e^(-rate t)`,
/// `sigma_t^2 = sigma^2 (1 - alpha^2)`.
///
/// Reverting to a given mean `mu` instead of 0, as where the mean is a degraded picture and the
/// data what it was made from (Luo et al., *Image Restoration with Mean-Reverting SDEs*, 2023),
/// it is this path for `x - mu`: [`Shifted`](crate::predictor::Shifted) makes a network of
/// `x` one of `x - mu`, and every solver applies. The exponential integrators are then the
/// semi-analytic samplers of Li et al. (*MaRS*, 2025).
///
/// `f = -rate`, `g^2 = 2 rate sigma^2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanReverting {
    rate: f64,
    sigma: f64,
}

const NAME: &str = "mean-reverting";

pub(super) fn entry() -> Entry<SharedPath> {
    let MeanReverting { rate, sigma } = MeanReverting::default();
    Entry::new(NAME, "Ornstein-Uhlenbeck process of constant rate", |path| {
        Ok(Arc::new(MeanReverting::new(path.number("rate")?, path.number("sigma")?)?) as _)
    })
    .keys([
        Key::number("rate", rate, "how fast the data is forgotten").positive(),
        Key::number("sigma", sigma, "noise in the end").positive(),
    ])
}

impl MeanReverting {
    /// The process with that rate, and with noise of size `sigma` in the end.
    pub fn new(rate: f64, sigma: f64) -> Result<Self, SpecError> {
        // The bounds keep alpha(1) and the squares far from under- and overflow.
        if !(1e-6..=100.0).contains(&rate) {
            return Err(SpecError::number(NAME, "rate", rate, "between 1e-6 and 100"));
        }
        if !(1e-50..=1e50).contains(&sigma) {
            return Err(SpecError::number(NAME, "sigma", sigma, "between 1e-50 and 1e50"));
        }
        Ok(MeanReverting { rate, sigma })
    }
}

/// Rate 4, of which `alpha(1) = 0.018` is left, and `sigma = 1`.
impl Default for MeanReverting {
    fn default() -> Self {
        MeanReverting { rate: 4.0, sigma: 1.0 }
    }
}

impl GaussianPath for MeanReverting {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("rate", self.rate), ("sigma", self.sigma)]
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[rate, sigma] = values else { return None };
        Some(Arc::new(MeanReverting::new(rate, sigma).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT
    }
    fn default_span(&self) -> (f64, f64) {
        (1.0, 1e-3)
    }
    fn alpha(&self, t: f64) -> f64 {
        (-self.rate * t).exp()
    }
    fn sigma(&self, t: f64) -> f64 {
        self.sigma * (-(-2.0 * self.rate * t).exp_m1()).sqrt()
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        -self.rate * self.alpha(t)
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * self.rate * self.sigma * self.sigma * (-2.0 * self.rate * t).exp()
    }
    fn log_snr(&self, t: f64) -> f64 {
        let decay = -self.rate * t;
        decay - self.sigma.ln() - 0.5 * ln_one_minus_exp(2.0 * decay)
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        // alpha^-2 = 1 + (rho / sigma)^2 with rho = e^-lambda.
        let growth = ln_one_plus_exp(-2.0 * (lambda + self.sigma.ln()));
        (0.5 * growth / self.rate).min(1.0)
    }
    fn drift_rate(&self, _t: f64) -> f64 {
        -self.rate
    }
    fn diffusion_squared(&self, _t: f64) -> f64 {
        2.0 * self.rate * self.sigma * self.sigma
    }
}
