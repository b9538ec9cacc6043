use super::step_noise::{NoiseSettingError, checked, length_towards_data};
use crate::field::FieldError;
use crate::method::exponential::step::{Knot, Transition};
use crate::semilinear::NonlinearPart;

/// The noise of the SDE-DPM-Solvers: that of the reverse diffusion at noise level `sqrt(eta)`,
/// whose linear part and noise are solved exactly over a step.
///
/// With the clock `lambda = ln(alpha / sigma)` this diffusion is
///
/// `dx = (x' of the probability flow - eta sigma E) dlambda + sqrt(2 eta) sigma dW`,
///
/// and over a step `h` of the clock, to `sigma`, its noise has the variance
///
/// - `sigma^2 (1 - e^(-2 eta h))` where the nonlinear part is the data,
/// - `sigma^2 eta (e^(2 h) - 1)` where it is the noise
///
/// (Lu et al., *DPM-Solver++*, 2022, appendix, with `eta = 1`; general `eta` as in k-diffusion).
/// `eta = 0` is the probability flow, 1 Anderson's reversal. Between the two it is not the
/// `eta` of [`AncestralNoise`](super::AncestralNoise), of which it is the square for small steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiffusionNoise {
    eta: f64,
    factor: f64,
}

impl DiffusionNoise {
    /// Anderson's reversal: `eta = 1`.
    pub const FULL: DiffusionNoise = DiffusionNoise { eta: 1.0, factor: 1.0 };

    /// The reverse diffusion at noise level `sqrt(eta)`.
    pub fn new(eta: f64) -> Result<Self, NoiseSettingError> {
        let eta = checked("eta", eta, f64::INFINITY, "a finite number of at least 0")?;
        Ok(DiffusionNoise { eta, ..Self::FULL })
    }

    /// Noise drawn `factor` times as large as the marginals ask for (`s_noise` of Karras et
    /// al. 2022).
    pub fn factor(self, factor: f64) -> Result<Self, NoiseSettingError> {
        let factor = checked("noise", factor, f64::INFINITY, "a finite number of at least 0")?;
        Ok(DiffusionNoise { factor, ..self })
    }

    /// Whether anything is drawn.
    pub fn is_drawn(&self) -> bool {
        self.eta > 0.0 && self.factor > 0.0
    }

    /// The step without its noise.
    pub(super) fn transition(&self, part: NonlinearPart, start: &Knot, end: &Knot) -> Transition {
        Transition::of_diffusion(part, &start.level, &end.level, self.eta)
    }

    /// Standard deviation of the noise of a step.
    pub(super) fn std(
        &self,
        part: NonlinearPart,
        start: &Knot,
        end: &Knot,
    ) -> Result<f64, FieldError> {
        if self.eta == 0.0 {
            return Ok(0.0);
        }
        let h = length_towards_data(start, end)?;
        if h == f64::INFINITY && part == NonlinearPart::Noise {
            // sigma e^h = alpha rho_start, which no sigma of 0 takes away.
            let left = end.level.alpha * start.level.rho();
            return Ok(self.factor * left * self.eta.sqrt());
        }
        let share = match part {
            NonlinearPart::Data => -(-2.0 * self.eta * h).exp_m1(),
            NonlinearPart::Noise => self.eta * (2.0 * h).exp_m1(),
        };
        Ok(self.factor * end.level.sigma * share.sqrt())
    }
}
