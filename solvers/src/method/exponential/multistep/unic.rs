use super::unipc::{Bh, coefficients};
use super::{MAX_VALUES, MultistepStep};

/// UniC, the corrector of UniPC (Zhao et al., *UniPC*, 2023, algorithm 5), for any
/// multistep method of the same nonlinear part.
///
/// It evaluates at the predicted end, `N_end`, which the next step has to do anyway, and
/// integrates the polynomial through that value as well: a predictor of order p becomes a
/// method of order p + 1 at no cost. The next step takes the value over as it is, although
/// the state has been corrected since.
///
/// The sums of [`UniPc`](super::UniPc) gain a term at `r = 1`, `D_end = N_end - N_0`, and the system
/// an equation, so that its `a_m` are others. In the [notation] of this module:
///
/// - `x_next = alpha_next / alpha x - sigma_next (e^h - 1) N_0 -
///   sigma_next B (sum_m a_m D_m / r_m + a_end D_end)` for the noise,
/// - `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) N_0 +
///   alpha_next B (sum_m a_m D_m / r_m + a_end D_end)` for the data,
/// - `sum_m a_m r_m^(i - 1) + a_end = h i! phi_(i + 1)(z) / B` for `i = 1 .. p`.
///
/// [`Bh`] is how the system of one unknown is solved, that of order 1.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UniC(pub Bh);

impl UniC {
    /// The weights of the values of `step`, then that of the value at its end.
    pub(super) fn weights(self, step: &MultistepStep<'_>, weights: &mut [f64]) {
        let past = weights.len() - 2;
        // Distances of the past values, then that of the end.
        let mut r = [1.0; MAX_VALUES];
        for (age, r) in r[..past].iter_mut().enumerate() {
            *r = step.distance(age + 1);
        }
        let c = coefficients(self.0, &step.whole, &r[..=past]);
        weights[0] = step.whole.weight(1);
        for (j, (c, r)) in c.iter().zip(r).take(past + 1).enumerate() {
            weights[0] -= c / r;
            weights[j + 1] = c / r;
        }
    }
}
