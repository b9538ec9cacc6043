use std::sync::Arc;

use driftfield_solvers::FieldError;

use super::Predictor;

/// What a lane's prediction is multiplied with: given a lane's number and its predicted data,
/// writes a vector of the same length.
///
/// Called once for every lane, in any order and on any thread.
pub type Cotangent<'a> = dyn Fn(usize, &[f64], &mut [f64]) + Sync + 'a;

/// A predictor whose predicted data can be differentiated in the state.
///
/// With `D(x) = E[x_0 | x_t = x]` and its Jacobian `J`, which for an exact predictor is
/// `alpha / sigma^2` times the covariance of `x_0` given `x_t`. Posterior sampling asks for
/// `J^T c`, where `c` depends on what `D` is: the misfit of a measurement.
pub trait DifferentiablePredictor<S>: Predictor<S> {
    /// Writes `D(x)` into `data` and `J(x)^T c` into `gradient`, lane by lane, where
    /// `cotangent(lane, D(x), c)` writes `c`.
    ///
    /// One evaluation of the predictor and one way back, whatever it is made of; the network
    /// forward passes are those of one prediction.
    fn predict_data_with_pullback(
        &self,
        data: &mut S,
        gradient: &mut S,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError>;
}

macro_rules! forward_differentiable {
    ($pointer:ty) => {
        impl<S, P: DifferentiablePredictor<S> + ?Sized> DifferentiablePredictor<S> for $pointer {
            fn predict_data_with_pullback(
                &self,
                data: &mut S,
                gradient: &mut S,
                x: &S,
                t: f64,
                cotangent: &Cotangent<'_>,
            ) -> Result<(), FieldError> {
                (**self).predict_data_with_pullback(data, gradient, x, t, cotangent)
            }
        }
    };
}
forward_differentiable!(Arc<P>);
forward_differentiable!(Box<P>);
forward_differentiable!(&P);
