use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use super::variance_preserving::ln_one_plus_exp;
use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;

/// The variance-preserving path with cosine schedule:
/// `alpha = cos(theta) / cos(theta_0)`, `theta = pi/2 (t + s) / (1 + s)`,
/// `sigma^2 = 1 - alpha^2` (Nichol & Dhariwal, *Improved DDPM*, 2021).
///
/// `f = -theta' tan(theta)`, `g^2 = -2 f`, both infinite at t = 1, where
/// `alpha = 0`; generation starts at 0.9946, as in DPM-Solver's code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VpCosine {
    s: f64,
}

const NAME: &str = "vp-cosine";

pub(super) fn entry() -> Entry<SharedPath> {
    Entry::new(NAME, "variance preserving, cosine schedule", |path| {
        Ok(Arc::new(VpCosine::new(path.number("s")?)?) as _)
    })
    .keys([Key::number(
        "s",
        VpCosine::default().s,
        "offset, which keeps the rate at the data positive",
    )
    .not_negative()])
}

impl VpCosine {
    /// The path with offset `s`, which keeps the noise rate at t = 0 positive.
    pub fn new(s: f64) -> Result<Self, SpecError> {
        if (0.0..=1e3).contains(&s) {
            return Ok(VpCosine { s });
        }
        Err(SpecError::number(NAME, "s", s, "between 0 and 1000"))
    }

    /// `theta'`.
    fn rate(&self) -> f64 {
        FRAC_PI_2 / (1.0 + self.s)
    }

    /// `(sin, cos)` of `theta_0`; the cosine as the sine of the complement,
    /// which stays accurate for large `s`.
    fn origin(&self) -> (f64, f64) {
        ((self.rate() * self.s).sin(), self.rate().sin())
    }

    /// `cos(theta)` as the sine of the complement, exactly 0 at t = 1.
    fn cosine(&self, t: f64) -> f64 {
        (self.rate() * (1.0 - t)).sin()
    }

    /// `sin(theta)`, not as the cosine of the complement, which near t = 0 would
    /// lose the digits of a small angle.
    fn sine(&self, t: f64) -> f64 {
        (self.rate() * (t + self.s)).sin()
    }
}

/// `s = 0.008`.
impl Default for VpCosine {
    fn default() -> Self {
        VpCosine { s: 0.008 }
    }
}

impl GaussianPath for VpCosine {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("s", self.s)]
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[s] = values else { return None };
        Some(Arc::new(VpCosine::new(s).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT_TO_PURE_NOISE
    }
    fn default_span(&self) -> (f64, f64) {
        (0.9946, 1e-3)
    }
    fn alpha(&self, t: f64) -> f64 {
        self.cosine(t) / self.origin().1
    }
    fn sigma(&self, t: f64) -> f64 {
        // cos^2(theta_0) - cos^2(theta) = sin(theta - theta_0) sin(theta + theta_0).
        let rate = self.rate();
        ((rate * t).sin() * (rate * (t + 2.0 * self.s)).sin()).sqrt() / self.origin().1
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        -self.rate() * self.sine(t) / self.origin().1
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        -2.0 * self.alpha(t) * self.alpha_derivative(t)
    }
    fn log_snr(&self, t: f64) -> f64 {
        self.alpha(t).ln() - self.sigma(t).ln()
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        let alpha = (-0.5 * ln_one_plus_exp(-2.0 * lambda)).exp();
        let sigma = (-0.5 * ln_one_plus_exp(2.0 * lambda)).exp();
        let (sine_0, cosine_0) = self.origin();
        // The angle travelled, theta - theta_0, from its sine and cosine; the
        // difference of two products in the sine is multiplied out, or t would lose
        // its digits near 0.
        let cosine = alpha * cosine_0;
        let sine = (sine_0 * sine_0 + (sigma * cosine_0).powi(2)).sqrt();
        let travelled = (sigma * cosine_0).powi(2) / (cosine_0 * sine + sine_0 * cosine);
        if sigma == 0.0 {
            return 0.0;
        }
        (travelled.atan2(cosine * cosine_0 + sine * sine_0) / self.rate()).min(1.0)
    }
    fn drift_rate(&self, t: f64) -> f64 {
        -self.rate() * self.sine(t) / self.cosine(t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        -2.0 * self.drift_rate(t)
    }
}
