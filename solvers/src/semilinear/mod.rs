//! Fields whose linear part an exponential integrator solves exactly.

mod decay;
mod schedule;
mod target;

use std::sync::Arc;

use crate::field::{Counted, FieldError, Pullback, Pushforward, Times, VectorField};

pub use decay::Decay;
pub use schedule::{Level, Posterior, Schedule, TransitionKernel};
pub use target::{NonlinearPart, Target};

/// The refinement of a [`VectorField`] that an exponential integrator asks for:
/// a linear part known exactly by its scale and its clock, and the rest.
///
/// The state is split as `u = alpha(t) D(u, t) + sigma(t) E(u, t)`, and with
/// `lambda = ln(alpha / sigma)` the field is, in either part,
///
/// `u' = (sigma' / sigma) u + alpha lambda' D = (alpha' / alpha) u - sigma lambda' E`.
///
/// Hence the two exact solutions that every method here discretises:
///
/// - `u(t) = sigma_t / sigma_s u(s) + alpha_t int e^(lambda - lambda_t) D dlambda`,
/// - `u(t) = alpha_t / alpha_s u(s) - sigma_t int e^(lambda_t - lambda) E dlambda`,
///
/// over `lambda_s .. lambda_t` (Lu et al., *DPM-Solver*, 2022, prop. 3.1, and
/// *DPM-Solver++*, 2022, prop. 4.1).
///
/// The probability flow of a Gaussian path is the case that gave the names.
/// Any `u' = a(t) u + b(t) N(u, t)` is another: take `sigma = exp(int a)`, a
/// positive `alpha` that makes `lambda` monotone, and `D = b N / (alpha lambda')`.
/// With `a < 0` the choice is `alpha = 1`, and `D = -b N / a` is the state
/// that the linear part decays to: [`Decay`].
///
/// The same predictions serve methods that draw from the schedule's [`Posterior`] (ancestral
/// sampling) or follow the [score](SemilinearField::score) (Langevin dynamics).
pub trait SemilinearField<S>: VectorField<S> {
    /// The linear part at every time.
    fn schedule(&self) -> &Arc<dyn Schedule>;

    /// Writes `target.data D(u, t) + target.noise E(u, t)` into `out`: one evaluation.
    fn predict(&self, target: Target, out: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError>;

    /// [`VectorField::pull_back`] of a prediction.
    fn pull_back_prediction(
        &self,
        _target: Target,
        _pull: Pullback<'_, S>,
        _u: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused("products with its predictions' Jacobian from the left".to_owned()))
    }

    /// [`VectorField::push_forward`] of a prediction.
    fn push_forward_prediction(
        &self,
        _target: Target,
        _push: Pushforward<'_, S>,
        _u: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(
            "products with its predictions' Jacobian from the right".to_owned(),
        ))
    }

    /// Writes the score of the marginal at `t`, `-E / sigma`, into `out`: one evaluation. A field
    /// that knows it without that division writes its own.
    fn score(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        let target = Target { data: 0.0, noise: -1.0 / self.schedule().at_end(t)?.sigma };
        self.predict(target, out, u, t.into())
    }

    /// How much of Anderson's noise the reverse diffusion carries at `t`.
    fn noise_level(&self, _t: f64) -> Result<f64, FieldError> {
        Ok(1.0)
    }
}

impl<S, F: SemilinearField<S>> SemilinearField<S> for Counted<&F> {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        self.uncounted().schedule()
    }
    fn predict(&self, target: Target, out: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.count(self.uncounted().forwards(t))?;
        self.uncounted().predict(target, out, u, t)
    }
    fn pull_back_prediction(
        &self,
        target: Target,
        pull: Pullback<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.count(self.uncounted().forwards(t))?;
        self.uncounted().pull_back_prediction(target, pull, u, t)
    }
    fn push_forward_prediction(
        &self,
        target: Target,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.count(self.uncounted().forwards(t))?;
        self.uncounted().push_forward_prediction(target, push, u, t)
    }
    fn score(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.uncounted().forwards(t.into()))?;
        self.uncounted().score(out, u, t)
    }
    fn noise_level(&self, t: f64) -> Result<f64, FieldError> {
        self.uncounted().noise_level(t)
    }
}
