//! What the linear-beta paths VP and sub-VP share: `alpha(t)`, whose logarithm
//! is a quadratic, and its inverse.

use super::SharedPath;
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;
use driftfield_solvers::number::Number;

/// `beta(t) = beta_min + t (beta_max - beta_min)` and
/// `ln alpha = -1/2 int_0^t beta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LinearBeta {
    pub min: f64,
    pub max: f64,
}

const MIN: &str = "beta_min";
const MAX: &str = "beta_max";

impl LinearBeta {
    /// The rates of Ho et al. 2020, in continuous time.
    pub const STANDARD: LinearBeta = LinearBeta { min: 0.1, max: 20.0 };

    pub fn new(name: &str, min: f64, max: f64) -> Result<Self, SpecError> {
        if !(min >= 0.0 && min.is_finite()) {
            return Err(SpecError::number(name, "beta_min", min, "finite and not negative"));
        }
        // The bound keeps every power of alpha's exponent far from overflow.
        if !(max > 0.0 && max <= 1e6) {
            return Err(SpecError::number(name, "beta_max", max, "positive and at most 1e6"));
        }
        if min > max {
            return Err(SpecError::number(
                name,
                "beta_min",
                min,
                format!("at most beta_max = {}", Number(max)),
            ));
        }
        Ok(LinearBeta { min, max })
    }

    /// The entry of a path made of these rates.
    pub fn entry(
        name: &'static str,
        summary: &'static str,
        path: fn(LinearBeta) -> SharedPath,
    ) -> Entry<SharedPath> {
        Entry::new(name, summary, move |beta| {
            LinearBeta::new(name, beta.number(MIN)?, beta.number(MAX)?).map(path)
        })
        .keys([
            Key::number(MIN, LinearBeta::STANDARD.min, "beta at the data").not_negative(),
            Key::number(MAX, LinearBeta::STANDARD.max, "beta at the noise").positive(),
        ])
    }

    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![(MIN, self.min), (MAX, self.max)]
    }

    /// `beta(t)`.
    pub fn beta(&self, t: f64) -> f64 {
        self.min + t * (self.max - self.min)
    }

    /// `ln alpha(t) <= 0`.
    pub fn log_alpha(&self, t: f64) -> f64 {
        -0.25 * t * t * (self.max - self.min) - 0.5 * t * self.min
    }

    /// The time at which `-ln alpha` is `decay`, by the root formula in which
    /// nothing cancels.
    pub fn time_at_decay(&self, decay: f64) -> f64 {
        let half = 0.5 * self.min;
        let root = (half * half + (self.max - self.min) * decay).sqrt();
        // The inverse stays in the domain, also where rounding or a log-SNR
        // beyond its ends would leave it.
        if decay == 0.0 { 0.0 } else { (2.0 * decay / (half + root)).min(1.0) }
    }
}

/// `ln(1 - e^x)` for `x <= 0`, accurate at both ends (Maechler 2012).
pub(super) fn ln_one_minus_exp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// `ln(1 + e^x)`.
pub(super) fn ln_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
