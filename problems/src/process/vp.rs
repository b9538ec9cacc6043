use std::sync::Arc;

use super::variance_preserving::{LinearBeta, ln_one_minus_exp, ln_one_plus_exp};
use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::Entry;
use crate::spec::SpecError;

/// The variance-preserving path with linear beta:
/// `ln alpha = -t^2 (beta_max - beta_min) / 4 - t beta_min / 2`,
/// `sigma^2 = 1 - alpha^2` (Song et al., *Score-Based Generative Modeling
/// through SDEs*, 2021; the continuous limit of DDPM).
///
/// `f = -beta / 2`, `g^2 = beta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vp(LinearBeta);

const NAME: &str = "vp";

pub(super) fn entry() -> Entry<SharedPath> {
    LinearBeta::entry(NAME, "variance preserving, linear beta", |beta| Arc::new(Vp(beta)))
}

impl Vp {
    /// The path whose beta runs from `beta_min` (t = 0) to `beta_max` (t = 1).
    pub fn new(beta_min: f64, beta_max: f64) -> Result<Self, SpecError> {
        LinearBeta::new(NAME, beta_min, beta_max).map(Vp)
    }
}

/// Beta from 0.1 to 20.
impl Default for Vp {
    fn default() -> Self {
        Vp(LinearBeta::STANDARD)
    }
}

impl GaussianPath for Vp {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.0.parameters()
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[min, max] = values else { return None };
        Some(Arc::new(Vp::new(min, max).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT
    }
    fn alpha(&self, t: f64) -> f64 {
        self.0.log_alpha(t).exp()
    }
    fn sigma(&self, t: f64) -> f64 {
        (-(2.0 * self.0.log_alpha(t)).exp_m1()).sqrt()
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        -0.5 * self.0.beta(t) * self.alpha(t)
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        self.0.beta(t) * (2.0 * self.0.log_alpha(t)).exp()
    }
    fn log_snr(&self, t: f64) -> f64 {
        let log_alpha = self.0.log_alpha(t);
        log_alpha - 0.5 * ln_one_minus_exp(2.0 * log_alpha)
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        // alpha^2 = 1 / (1 + e^{-2 lambda}).
        self.0.time_at_decay(0.5 * ln_one_plus_exp(-2.0 * lambda))
    }
    fn drift_rate(&self, t: f64) -> f64 {
        -0.5 * self.0.beta(t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.0.beta(t)
    }
}
