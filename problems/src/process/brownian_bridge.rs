use std::sync::Arc;

use super::{GaussianPath, Posterior, SharedPath, TimeDomain};
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;

/// Brownian bridges from the data to Gaussian noise, averaged over the noise:
/// `alpha = 1 - t`, `sigma^2 = t^2 + s^2 t (1 - t)` (a stochastic interpolant,
/// Albergo et al. 2023, whose far end is `N(0, I)`; cf. Li et al., *BBDM*, 2023).
///
/// `f = -1 / (1 - t)`, `g^2 = s^2 + 2 t / (1 - t)`, both infinite at t = 1.
///
/// Three samplers share these marginals: Anderson's reversal
/// ([`reverse_sde`](crate::flow::reverse_sde)), the bridge's own diffusion towards
/// the data ([`BridgeDiffusion`](crate::flow::BridgeDiffusion)), and the exact
/// conditional of this path's [`posterior`](GaussianPath::posterior), which
/// [`Ancestral`](crate::method::Ancestral) draws from. With `s = 0` this is the
/// rectified flow, and that conditional is deterministic: `x_u = (1 - d) x_t + d x_0`,
/// `d = (t - u) / t`, the iteration of InDI (Delbracio & Milanfar, *Inversion by Direct
/// Iteration*, 2023), whose noise `epsilon` is `s`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrownianBridge {
    s: f64,
}

const NAME: &str = "brownian-bridge";

pub(super) fn entry() -> Entry<SharedPath> {
    Entry::new(NAME, "Brownian bridge from data to Gaussian noise", |path| {
        Ok(Arc::new(BrownianBridge::new(path.number("s")?)?) as _)
    })
    .keys([Key::number("s", BrownianBridge::default().s, "noise of the bridges").not_negative()])
}

impl BrownianBridge {
    /// The path whose bridges have noise `s`.
    pub fn new(s: f64) -> Result<Self, SpecError> {
        if (0.0..=1e50).contains(&s) {
            return Ok(BrownianBridge { s });
        }
        Err(SpecError::number(NAME, "s", s, "between 0 and 1e50"))
    }

    /// The bridge that `path` is, if it is one.
    pub fn of(path: &impl GaussianPath) -> Option<Self> {
        match (path.name(), path.parameters().as_slice()) {
            (name, &[("s", s)]) if name == NAME => Some(BrownianBridge { s }),
            _ => None,
        }
    }

    /// The noise of the bridges.
    pub fn s(&self) -> f64 {
        self.s
    }
}

/// `s = 0.5`.
impl Default for BrownianBridge {
    fn default() -> Self {
        BrownianBridge { s: 0.5 }
    }
}

impl GaussianPath for BrownianBridge {
    fn name(&self) -> &'static str {
        NAME
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("s", self.s)]
    }
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let &[s] = values else { return None };
        Some(Arc::new(BrownianBridge::new(s).ok()?))
    }
    fn domain(&self) -> TimeDomain {
        TimeDomain::UNIT_TO_PURE_NOISE
    }
    fn alpha(&self, t: f64) -> f64 {
        1.0 - t
    }
    fn sigma(&self, t: f64) -> f64 {
        t.sqrt() * (t + self.s * self.s * (1.0 - t)).sqrt()
    }
    fn alpha_derivative(&self, _t: f64) -> f64 {
        -1.0
    }
    fn sigma_derivative(&self, t: f64) -> f64 {
        // Without bridge noise sigma = t, and the quotient below is 0 / 0 at 0.
        if self.s == 0.0 { 1.0 } else { self.sigma_squared_derivative(t) / (2.0 * self.sigma(t)) }
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        2.0 * t + self.s * self.s * (1.0 - 2.0 * t)
    }
    fn log_snr(&self, t: f64) -> f64 {
        (-t).ln_1p() - 0.5 * (t.ln() + (t + self.s * self.s * (1.0 - t)).ln())
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        // With y = t / (1 - t) and r = sigma / alpha: y^2 + s^2 y = r^2.
        let r = (-lambda).exp();
        let variance = self.s * self.s;
        if r == 0.0 {
            return 0.0;
        }
        let y = if r.is_finite() {
            r * (2.0 * r / (variance + variance.hypot(2.0 * r)))
        } else {
            f64::INFINITY
        };
        if y > 1.0 { 1.0 / (1.0 + 1.0 / y) } else { y / (1.0 + y) }
    }
    fn drift_rate(&self, t: f64) -> f64 {
        -1.0 / (1.0 - t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.s * self.s + 2.0 * t / (1.0 - t)
    }
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        // As for sigma': the quotient is 0 / 0 at t = 0 without bridge noise.
        if self.s == 0.0 { 2.0 / (1.0 - t) } else { self.diffusion_squared(t) / self.sigma(t) }
    }
    /// The bridge's own conditional: weights `u / t` and `(t - u) / t`,
    /// variance `s^2 u (t - u) / t`. It needs no finite log-SNR.
    fn posterior(&self, t: f64, u: f64) -> Posterior {
        if u == t {
            return Posterior::STAY;
        }
        let data = (t - u) / t;
        Posterior { state: u / t, data, variance: self.s * self.s * u * data }
    }
}
