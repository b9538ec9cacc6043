use std::sync::Arc;

use driftfield_solvers::FieldError;

use super::{Network, Predictor};

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

/// Where the results of [`DifferentiableNetwork::forward_with_pullback`] go.
#[derive(Debug)]
pub struct Pullback<'a, S> {
    /// The network's output `n(x)`.
    pub output: &'a mut S,
    /// What the cotangent wrote: `c`.
    pub direction: &'a mut S,
    /// `J_n(x)^T c`.
    pub gradient: &'a mut S,
}

/// A network whose output can be differentiated in the state.
pub trait DifferentiableNetwork<S>: Network<S> {
    /// Evaluates the network and goes back along what `cotangent(lane, n(x), c)` writes, lane by
    /// lane.
    fn forward_with_pullback(
        &self,
        results: Pullback<'_, S>,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError>;
}

impl<S, N: DifferentiableNetwork<S> + ?Sized> DifferentiableNetwork<S> for Arc<N> {
    fn forward_with_pullback(
        &self,
        results: Pullback<'_, S>,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        (**self).forward_with_pullback(results, x, t, cotangent)
    }
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
