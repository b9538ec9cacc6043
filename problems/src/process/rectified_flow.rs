use std::sync::Arc;

use super::{GaussianPath, SharedPath, TimeDomain};
use crate::catalog::Entry;

/// The straight path: `alpha = 1 - t`, `sigma = t` (Liu et al., *Flow Straight
/// and Fast*, 2022; Lipman et al., *Flow Matching*, 2022).
///
/// `f = -1 / (1 - t)`, `g^2 = 2 t / (1 - t)`, both infinite at t = 1. The
/// velocity `E[eps - x_0]` is finite at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RectifiedFlow;

const NAME: &str = "rectified-flow";

pub(super) fn entry() -> Entry<SharedPath> {
    Entry::new(NAME, "straight line from data to noise", |_| Ok(Arc::new(RectifiedFlow) as _))
}

impl GaussianPath for RectifiedFlow {
    fn name(&self) -> &'static str {
        NAME
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT_TO_PURE_NOISE
    }
    fn alpha(&self, t: f64) -> f64 {
        1.0 - t
    }
    fn sigma(&self, t: f64) -> f64 {
        t
    }
    fn alpha_derivative(&self, _t: f64) -> f64 {
        -1.0
    }
    fn sigma_derivative(&self, _t: f64) -> f64 {
        1.0
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * t
    }
    fn log_snr(&self, t: f64) -> f64 {
        // Near the middle the logarithm's argument is near 1, and 1 - 2t exact.
        if (0.25..=0.75).contains(&t) {
            ((1.0 - 2.0 * t) / t).ln_1p()
        } else {
            (-t).ln_1p() - t.ln()
        }
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        let odds = (-lambda.abs()).exp();
        if lambda > 0.0 { odds / (1.0 + odds) } else { 1.0 / (1.0 + odds) }
    }
    fn drift_rate(&self, t: f64) -> f64 {
        -1.0 / (1.0 - t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        2.0 * t / (1.0 - t)
    }
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        2.0 / (1.0 - t)
    }
}
