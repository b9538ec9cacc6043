use std::sync::Arc;

use super::variance_preserving::{LinearBeta, ln_one_minus_exp};
use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::Entry;
use crate::spec::SpecError;

/// The sub-variance-preserving path: `alpha` of [`Vp`](super::Vp) with
/// `sigma = 1 - alpha^2` (Song et al. 2021, section 3.4).
///
/// `f = -beta / 2`, `g^2 = beta (1 - alpha^4)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubVp(LinearBeta);

const NAME: &str = "sub-vp";

pub(super) fn entry() -> Entry<SharedPath> {
    LinearBeta::entry(NAME, "sub-variance preserving, linear beta", |beta| Arc::new(SubVp(beta)))
}

impl SubVp {
    /// The path whose beta runs from `beta_min` (t = 0) to `beta_max` (t = 1).
    pub fn new(beta_min: f64, beta_max: f64) -> Result<Self, SpecError> {
        LinearBeta::new(NAME, beta_min, beta_max).map(SubVp)
    }
}

/// Beta from 0.1 to 20.
impl Default for SubVp {
    fn default() -> Self {
        SubVp(LinearBeta::STANDARD)
    }
}

impl GaussianPath for SubVp {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.0.parameters()
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[min, max] = values else { return None };
        Some(Arc::new(SubVp::new(min, max).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT
    }
    fn alpha(&self, t: f64) -> f64 {
        self.0.log_alpha(t).exp()
    }
    fn sigma(&self, t: f64) -> f64 {
        -(2.0 * self.0.log_alpha(t)).exp_m1()
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        -0.5 * self.0.beta(t) * self.alpha(t)
    }
    fn sigma_derivative(&self, t: f64) -> f64 {
        self.0.beta(t) * (2.0 * self.0.log_alpha(t)).exp()
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * self.sigma(t) * self.sigma_derivative(t)
    }
    fn log_snr(&self, t: f64) -> f64 {
        let log_alpha = self.0.log_alpha(t);
        log_alpha - ln_one_minus_exp(2.0 * log_alpha)
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        // sigma / alpha = e^{-lambda} = r and sigma = 1 - alpha^2 make alpha the
        // root of alpha^2 + r alpha - 1; each branch is free of cancellation
        // and of overflow on its side.
        let decay = if lambda >= 0.0 {
            let r = (-lambda).exp();
            -0.5 * (-2.0 * r / (r + r.hypot(2.0))).ln_1p()
        } else {
            let twice = 2.0 * lambda.exp();
            (0.5 * (1.0 + twice.hypot(1.0))).ln() - lambda
        };
        self.0.time_at_decay(decay)
    }
    fn drift_rate(&self, t: f64) -> f64 {
        -0.5 * self.0.beta(t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        -self.0.beta(t) * (4.0 * self.0.log_alpha(t)).exp_m1()
    }
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        // (1 - alpha^4) / (1 - alpha^2).
        self.0.beta(t) * (1.0 + (2.0 * self.0.log_alpha(t)).exp())
    }
}
