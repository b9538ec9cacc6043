use std::sync::Arc;

use driftfield_solvers::FieldError;

use super::{Pullback, Pushforward, Target, Targets, Times};
use crate::process::{GaussianPath, SharedPath};

/// What is known of the data and the noise, given a noisy state of a path.
///
/// A predictor knows the path that its states are of, so that what is made of it
/// ([`flow`](crate::flow)) cannot be on another. A closure becomes one as the
/// [`Network`](super::Network) of a [`NetworkPredictor`](super::NetworkPredictor):
///
/// ```
/// use driftfield_problems::flow::probability_flow;
/// use driftfield_problems::predictor::{NetworkPredictor, Prediction};
/// use driftfield_problems::process;
/// // Of data at 2 the prediction is 2.
/// let data = |out: &mut [f64; 1], _x: &[f64; 1], _t: f64| *out = [2.0];
/// let path = process::parse("vp").unwrap();
/// let flow = probability_flow(NetworkPredictor::new(data, Prediction::Data, path));
/// let problem = flow.problem([0.3], (1.0, 1e-3));
/// # let _ = problem;
/// ```
///
/// One that takes one time for all lanes begins with `target.one()?` and `t.one()?`.
pub trait Predictor<S>: Send + Sync {
    /// The path of the states.
    fn path(&self) -> &SharedPath;

    /// Writes `E[target.data * x_0 + target.noise * eps | x_t = x]` into `out`, lane by lane.
    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError>;

    /// Writes `data * E[x_0 | x_t = x] + score * grad log p_t(x)` into `out`.
    ///
    /// The score is `-E[eps] / sigma`, so this is [`Predictor::predict`] with
    /// other coefficients wherever `sigma > 0`. Where `sigma = 0` the score can be
    /// finite while `eps` carries no information: exact fields, which know the score
    /// without that division, override this, and a drift such as that of `vp`
    /// can then be followed to t = 0 itself.
    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        let noise = if score == 0.0 { 0.0 } else { -score / self.path().sigma(t) };
        let target = Target { data, noise };
        if target.is_finite() {
            return self.predict(target.into(), out, x, t.into());
        }
        Err(FieldError::Domain {
            t,
            advice: "there is no noise here, and this predictor knows the score only through \
                     the noise; end at a slightly later time"
                .to_owned(),
        })
    }

    /// Predicts, and multiplies the prediction's Jacobian from the left: guidance by a
    /// measurement, gradients through a solve. The time moves while the target stays.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the predictor says how.
    fn pull_back(
        &self,
        _target: Targets<'_>,
        _pull: Pullback<'_, S>,
        _x: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(
            "products with the Jacobian of its predictor from the left; implement \
             `Predictor::pull_back`"
                .to_owned(),
        ))
    }

    /// Predicts, and multiplies the prediction's Jacobian from the right: divergences,
    /// sensitivities. The time moves while the target stays.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the predictor says how.
    fn push_forward(
        &self,
        _target: Targets<'_>,
        _push: Pushforward<'_, S>,
        _x: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(
            "products with the Jacobian of its predictor from the right; implement \
             `Predictor::push_forward`"
                .to_owned(),
        ))
    }

    /// Network forward passes made by one prediction at `t`.
    fn forwards(&self, _t: Times<'_>) -> u64 {
        0
    }
}

/// Forwards every method, the provided ones too.
macro_rules! forward_predictor {
    ($pointer:ty) => {
        impl<S, P: Predictor<S> + ?Sized> Predictor<S> for $pointer {
            fn path(&self) -> &SharedPath {
                (**self).path()
            }
            fn predict(
                &self,
                target: Targets<'_>,
                out: &mut S,
                x: &S,
                t: Times<'_>,
            ) -> Result<(), FieldError> {
                (**self).predict(target, out, x, t)
            }
            fn predict_with_score(
                &self,
                data: f64,
                score: f64,
                out: &mut S,
                x: &S,
                t: f64,
            ) -> Result<(), FieldError> {
                (**self).predict_with_score(data, score, out, x, t)
            }
            fn pull_back(
                &self,
                target: Targets<'_>,
                pull: Pullback<'_, S>,
                x: &S,
                t: Times<'_>,
            ) -> Result<(), FieldError> {
                (**self).pull_back(target, pull, x, t)
            }
            fn push_forward(
                &self,
                target: Targets<'_>,
                push: Pushforward<'_, S>,
                x: &S,
                t: Times<'_>,
            ) -> Result<(), FieldError> {
                (**self).push_forward(target, push, x, t)
            }
            fn forwards(&self, t: Times<'_>) -> u64 {
                (**self).forwards(t)
            }
        }
    };
}
forward_predictor!(Arc<P>);
forward_predictor!(Box<P>);
forward_predictor!(&P);
