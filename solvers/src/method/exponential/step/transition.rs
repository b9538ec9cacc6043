use super::phi;
use crate::semilinear::{Level, NonlinearPart};

/// The exact solution of a semilinear field over one step, but for its
/// nonlinear part:
///
/// `x_to = scale x_from + gain h int_0^1 e^((1 - s) z) N(s) ds`
///
/// with `h = lambda_to - lambda_from`; `z = h`, `gain = -sigma_to` for the noise and
/// `z = -h`, `gain = alpha_to` for the data. A polynomial `N = sum_k c_k s^k / k!`
/// contributes exactly `sum_k c_k weight(k + 1)`.
///
/// A step from or to where there is no noise, `sigma = 0`, or nothing but noise, `alpha = 0`, is of
/// infinite length on the clock. What a constant contributes may be finite all the same: `alpha_to`
/// times the data on the way to the data, or `alpha_to (rho_to - rho_from)` times the noise,
/// `rho = sigma / alpha`. The other weights then are NaN, and what is built on them cannot make
/// the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Factor of the state.
    pub scale: f64,
    /// Length of the step on the clock.
    pub h: f64,
    /// Weight of the nonlinear part per unit of the clock, at the end.
    pub gain: f64,
    z: f64,
    /// The first weight of a step of infinite length.
    limit: f64,
}

impl Transition {
    /// From one time to another.
    pub fn new(part: NonlinearPart, from: &Level, to: &Level) -> Self {
        let h = to.log_snr - from.log_snr;
        let (scale, gain, z) = match part {
            NonlinearPart::Noise => (to.alpha / from.alpha, -to.sigma, h),
            // A sigma that has underflowed still has its ratio on the clock.
            NonlinearPart::Data if from.sigma < f64::MIN_POSITIVE => {
                (to.alpha / from.alpha * (-h).exp(), to.alpha, -h)
            }
            NonlinearPart::Data => (to.sigma / from.sigma, to.alpha, -h),
        };
        let limit = match part {
            NonlinearPart::Noise if to.alpha == 0.0 => to.sigma,
            NonlinearPart::Noise => to.alpha * (to.rho() - from.rho()),
            NonlinearPart::Data if h > 0.0 => to.alpha,
            NonlinearPart::Data => to.alpha - scale * from.alpha,
        };
        Transition { scale, h, gain, z, limit }
    }

    /// The same of the reverse diffusion at noise level `sqrt(eta)`, but for its noise: the
    /// weight of the noise is `1 + eta` times that in the probability flow, so that `z` and
    /// `gain` grow by this factor for the data, `gain` alone for the noise.
    pub fn of_diffusion(part: NonlinearPart, from: &Level, to: &Level, eta: f64) -> Self {
        let flow = Self::new(part, from, to);
        if eta == 0.0 {
            return flow;
        }
        let gain = (1.0 + eta) * flow.gain;
        match part {
            NonlinearPart::Noise => Transition { gain, limit: (1.0 + eta) * flow.limit, ..flow },
            NonlinearPart::Data => Transition {
                scale: flow.scale * (-eta * flow.h).exp(),
                gain,
                z: (1.0 + eta) * flow.z,
                ..flow
            },
        }
    }

    /// Whether the step starts or ends where there is no noise, or nothing else.
    pub(crate) fn is_infinite(&self) -> bool {
        self.h.is_infinite()
    }

    /// `gain h phi_k(z)`.
    pub fn weight(&self, k: usize) -> f64 {
        if self.is_infinite() {
            return if k == 1 { self.limit } else { f64::NAN };
        }
        self.gain * self.h * phi(k, self.z)
    }
}
