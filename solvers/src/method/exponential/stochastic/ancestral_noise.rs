use super::step_noise::{NoiseSettingError, checked, length_towards_data};
use crate::field::FieldError;
use crate::method::exponential::step::Knot;
use crate::semilinear::Level;

/// The noise of ancestral steps: the probability flow is followed down to a `sigma_down`
/// below the `sigma` that the step ends at, and fresh noise of standard deviation `sigma_up`
/// leads back up, `sigma_down^2 + sigma_up^2 = sigma^2`. Every marginal is kept, whatever `eta`.
///
/// `sigma_up = eta sigma sqrt(1 - e^(-2 h))` with `h` the step on the clock `ln(alpha / sigma)`.
/// This is Song et al., *Denoising Diffusion Implicit Models* (2021), eq. 16, where on a
/// variance-preserving path `sigma_up = eta (sigma_u / sigma_t) sqrt(1 - alpha_t^2 / alpha_u^2)`
/// from `t` to `u`; and, in `x / alpha` with `rho = sigma / alpha`, k-diffusion's
/// `eta (rho_u / rho_t) sqrt(rho_t^2 - rho_u^2)`: both are `eta sigma_u sqrt(1 - (rho_u / rho_t)^2)`
/// and `rho_u / rho_t = e^-h`.
///
/// In the limit of small steps `eta` is the noise level of the reverse diffusion: 0 is the
/// probability flow, 1 Anderson's reversal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AncestralNoise {
    eta: f64,
    factor: f64,
}

/// Where the probability flow is followed to, and the noise that comes on top.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AncestralSplit {
    pub down: Level,
    pub up: f64,
}

impl AncestralNoise {
    /// No noise: the probability flow.
    pub const NONE: AncestralNoise = AncestralNoise { eta: 0.0, factor: 1.0 };

    /// All of the noise of the process's posterior: `eta = 1`.
    pub const FULL: AncestralNoise = AncestralNoise { eta: 1.0, factor: 1.0 };

    /// The share `eta`, from 0 to 1: above 1 a long step would have to go below `sigma = 0`.
    pub fn new(eta: f64) -> Result<Self, NoiseSettingError> {
        let eta = checked("eta", eta, 1.0, "a number from 0 to 1")?;
        Ok(AncestralNoise { eta, ..Self::NONE })
    }

    /// Noise drawn `factor` times as large as the marginals ask for (`s_noise` of Karras et
    /// al. 2022, slightly above 1 to make up for what a network smooths away).
    pub fn factor(self, factor: f64) -> Result<Self, NoiseSettingError> {
        let factor = checked("noise", factor, f64::INFINITY, "a finite number of at least 0")?;
        Ok(AncestralNoise { factor, ..self })
    }

    /// Whether anything is drawn.
    pub fn is_drawn(&self) -> bool {
        self.eta > 0.0 && self.factor > 0.0
    }

    /// Divides a step.
    pub(crate) fn split(&self, start: &Knot, end: &Knot) -> Result<AncestralSplit, FieldError> {
        if self.eta == 0.0 {
            return Ok(AncestralSplit { down: end.level, up: 0.0 });
        }
        let h = length_towards_data(start, end)?;
        let Level { alpha, sigma, log_snr } = end.level;
        // 1 - eta^2 (1 - e^(-2 h)), without cancellation.
        let kept =
            ((1.0 - self.eta) * (1.0 + self.eta) + self.eta.powi(2) * (-2.0 * h).exp()).sqrt();
        let down = Level { alpha, sigma: sigma * kept, log_snr: log_snr - kept.ln() };
        let up = self.factor * self.eta * sigma * (-(-2.0 * h).exp_m1()).sqrt();
        Ok(AncestralSplit { down, up })
    }
}
