use super::deis::rho_length;
use super::{MultistepRule, MultistepStep};
use crate::field::FieldError;
use crate::semilinear::NonlinearPart;

/// iPNDM (Zhang & Chen, DEIS, 2023, after Liu et al., *Pseudo Numerical Methods for
/// Diffusion Models on Manifolds*, 2022): a DDIM step with a combination `E'` of the last noise
/// predictions in place of the newest, the weights of Adams and Bashforth for equal steps whatever
/// the steps are. It starts with those of lower orders. In the [notation] of this
/// module:
///
/// - `x_next = alpha_next / alpha x + (sigma_next - alpha_next sigma / alpha) E'`,
/// - `E' = E_0` in the first step,
/// - `E' = (3 E_0 - E_1) / 2` in the second,
/// - `E' = (23 E_0 - 16 E_1 + 5 E_2) / 12` in the third,
/// - `E' = (55 E_0 - 59 E_1 + 37 E_2 - 9 E_3) / 24` in all others.
///
/// The combination is the mean of the noise over a step in which all times count alike, while the
/// exact one weighs them with `rho'(t)`: beyond the first two, the weights gain a smaller error but
/// no order. The order is 2, on grids whose steps change smoothly.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Ipndm;

impl Ipndm {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        Ipndm
    }
}

/// Adams-Bashforth weights of order 1 to 4, newest first.
const ADAMS_BASHFORTH: [&[f64]; 4] = [
    &[1.0],
    &[3.0 / 2.0, -1.0 / 2.0],
    &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
    &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
];

impl MultistepRule for Ipndm {
    fn name(&self) -> &'static str {
        "ipndm"
    }

    fn part(&self) -> NonlinearPart {
        NonlinearPart::Noise
    }

    fn values(&self) -> usize {
        ADAMS_BASHFORTH.len()
    }

    fn order(&self) -> u32 {
        2
    }

    fn finite_at_data(&self) -> bool {
        true
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let length = step.end.level.alpha * rho_length(step);
        let shares = ADAMS_BASHFORTH[weights.len() - 1];
        for (weight, share) in weights.iter_mut().zip(shares) {
            *weight = length * share;
        }
        Ok(())
    }
}
