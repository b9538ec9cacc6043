use super::phi;
use crate::semilinear::{NonlinearPart, Schedule};

/// The exact solution of a semilinear field over one step, but for its
/// nonlinear part:
///
/// `u_to = scale u_from + gain h int_0^1 e^((1 - s) z) N(s) ds`
///
/// with `h = lambda_to - lambda_from`; `z = h`, `gain = -sigma_to` for the noise and
/// `z = -h`, `gain = alpha_to` for the data. A polynomial `N = sum_k c_k s^k / k!`
/// contributes exactly `sum_k c_k weight(k + 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Factor of the state.
    pub scale: f64,
    /// Length of the step on the clock.
    pub h: f64,
    /// Weight of the nonlinear part per unit of the clock, at the end.
    pub gain: f64,
    z: f64,
}

impl Transition {
    /// From one time to another.
    pub fn new(part: NonlinearPart, from: &Schedule, to: &Schedule) -> Self {
        let h = to.log_snr - from.log_snr;
        let (scale, gain, z) = match part {
            NonlinearPart::Noise => (to.alpha / from.alpha, -to.sigma, h),
            // A sigma that has underflowed still has its ratio on the clock.
            NonlinearPart::Data if from.sigma < f64::MIN_POSITIVE => {
                (to.alpha / from.alpha * (-h).exp(), to.alpha, -h)
            }
            NonlinearPart::Data => (to.sigma / from.sigma, to.alpha, -h),
        };
        Transition { scale, h, gain, z }
    }

    /// The same of the reverse diffusion at noise level `sqrt(eta)`, but for its noise: the
    /// weight of the noise is `1 + eta` times that in the probability flow, so that `z` and
    /// `gain` grow by this factor for the data, `gain` alone for the noise.
    pub fn of_diffusion(part: NonlinearPart, from: &Schedule, to: &Schedule, eta: f64) -> Self {
        let flow = Self::new(part, from, to);
        let gain = (1.0 + eta) * flow.gain;
        match part {
            NonlinearPart::Noise => Transition { gain, ..flow },
            NonlinearPart::Data => Transition {
                scale: flow.scale * (-eta * flow.h).exp(),
                gain,
                z: (1.0 + eta) * flow.z,
                ..flow
            },
        }
    }

    /// `gain h phi_k(z)`.
    pub fn weight(&self, k: usize) -> f64 {
        self.gain * self.h * phi(k, self.z)
    }
}
