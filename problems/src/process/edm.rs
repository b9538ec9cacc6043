use std::sync::Arc;

use super::{DomainEnd, GaussianPath, SharedPath, TimeDomain};
use crate::catalog::Entry;
use crate::spacing::Spacing;

/// The path whose time is sigma itself: `alpha = 1`, `sigma = t` (Karras et
/// al., *Elucidating the Design Space of Diffusion-Based Generative Models*,
/// 2022).
///
/// `f = 0`, `g^2 = 2 t`. Times run over `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Edm;

const NAME: &str = "edm";

pub(super) fn entry() -> Entry<SharedPath> {
    Entry::new(NAME, "variance exploding, time is sigma", |_| Ok(Arc::new(Edm) as _))
}

impl GaussianPath for Edm {
    fn name(&self) -> &'static str {
        NAME
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain {
            data: DomainEnd { t: 0.0, finite_log_snr: false, finite_diffusion: true },
            noise: DomainEnd { t: f64::INFINITY, finite_log_snr: false, finite_diffusion: false },
        }
    }
    fn default_span(&self) -> (f64, f64) {
        (80.0, 0.002)
    }
    fn default_spacing(&self) -> Spacing {
        Spacing::KARRAS
    }
    fn alpha(&self, _t: f64) -> f64 {
        1.0
    }
    fn sigma(&self, t: f64) -> f64 {
        t
    }
    fn alpha_derivative(&self, _t: f64) -> f64 {
        0.0
    }
    fn sigma_derivative(&self, _t: f64) -> f64 {
        1.0
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * t
    }
    fn log_snr(&self, t: f64) -> f64 {
        -t.ln()
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        (-lambda).exp()
    }
    fn drift_rate(&self, _t: f64) -> f64 {
        0.0
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        2.0 * t
    }
    fn diffusion_squared_over_sigma(&self, _t: f64) -> f64 {
        2.0
    }
}
