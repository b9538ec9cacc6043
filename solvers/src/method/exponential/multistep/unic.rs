use super::unipc::{Bh, coefficients};
use super::{MAX_VALUES, MultistepStep};

/// UniC, the corrector of UniPC (Zhao et al., *UniPC*, 2023, algorithm 5), for any
/// multistep method of the same nonlinear part.
///
/// It evaluates at the predicted end, which the next step has to do anyway, and
/// integrates the polynomial through that value as well: a predictor of order p becomes a
/// method of order p + 1 at no cost. The next step takes the value over as it is, although
/// the state has been corrected since.
///
/// [`Bh`] is how the system of one unknown is solved, that of order 1.
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
