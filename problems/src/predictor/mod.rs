//! Predictors: a network or an exact function, and what it predicts.

mod differentiable;
mod from_data;
mod lanes;
mod model_time;
mod network;
mod prediction;
mod shifted;
mod threshold;

use std::sync::Arc;

use driftfield_solvers::field::FieldOutcome;
use driftfield_solvers::{FieldError, State};

pub use differentiable::{Cotangent, DifferentiableNetwork, DifferentiablePredictor, Pullback};
pub(crate) use from_data::{target_from_data, targets_from_data};
pub use model_time::ModelTime;
pub use network::NetworkPredictor;
pub use prediction::Prediction;
pub use shifted::Shifted;
pub use threshold::{Threshold, Thresholded};

use crate::process::SharedPath;

/// The quantity `E[data * x_0 + noise * eps | x_t]`.
///
/// Noise, data, velocity, v, score and every drift of a Gaussian path are of
/// this form, so that a predictor that can give any such combination directly
/// never divides by an alpha or a sigma that vanishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Coefficient of `E[x_0 | x_t]`.
    pub data: f64,
    /// Coefficient of `E[eps | x_t]`.
    pub noise: f64,
}

impl Target {
    /// `E[x_0 | x_t]`.
    pub const DATA: Target = Target { data: 1.0, noise: 0.0 };
    /// `E[eps | x_t]`.
    pub const NOISE: Target = Target { data: 0.0, noise: 1.0 };

    /// Whether both coefficients are finite.
    pub fn is_finite(&self) -> bool {
        self.data.is_finite() && self.noise.is_finite()
    }
}

/// What is known of the data and the noise, given a noisy state of a path.
///
/// A predictor knows the path that its states are of, so that what is made of it
/// ([`flow`](crate::flow)) cannot be on another. A closure becomes one as the [`Network`] of a
/// [`NetworkPredictor`]:
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
pub trait Predictor<S>: Send + Sync {
    /// The path of the states.
    fn path(&self) -> &SharedPath;

    /// Writes `E[target.data * x_0 + target.noise * eps | x_t = x]` into `out`.
    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;

    /// Writes `data * E[x_0 | x_t = x] + score * grad log p_t(x)` into `out`,
    /// where `sigma` is that of the path at `t`.
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
        sigma: f64,
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        let target = Target { data, noise: if score == 0.0 { 0.0 } else { -score / sigma } };
        if target.is_finite() {
            return self.predict(target, out, x, t);
        }
        Err(FieldError::Domain {
            t,
            advice: "there is no noise here, and this predictor knows the score only through \
                     the noise; end at a slightly later time"
                .to_owned(),
        })
    }

    /// [`Predictor::predict`] with a target and a time of every lane's own.
    ///
    /// By default lanes that share both are predicted together and the others one by one,
    /// which suits an exact function. A predictor that evaluates a network writes its own,
    /// so that one forward pass serves all lanes.
    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError>
    where
        S: State,
    {
        lanes::one_time_after_the_other(self, targets, out, x, t)
    }

    /// Network forward passes made by one prediction.
    fn network_forwards(&self) -> u64 {
        0
    }
}

macro_rules! forward_predictor {
    ($pointer:ty) => {
        impl<S, P: Predictor<S> + ?Sized> Predictor<S> for $pointer {
            fn path(&self) -> &SharedPath {
                (**self).path()
            }
            fn predict(
                &self,
                target: Target,
                out: &mut S,
                x: &S,
                t: f64,
            ) -> Result<(), FieldError> {
                (**self).predict(target, out, x, t)
            }
            fn predict_with_score(
                &self,
                data: f64,
                score: f64,
                sigma: f64,
                out: &mut S,
                x: &S,
                t: f64,
            ) -> Result<(), FieldError> {
                (**self).predict_with_score(data, score, sigma, out, x, t)
            }
            fn predict_lanes(
                &self,
                targets: &[Target],
                out: &mut S,
                x: &S,
                t: &[f64],
            ) -> Result<(), FieldError>
            where
                S: State,
            {
                (**self).predict_lanes(targets, out, x, t)
            }
            fn network_forwards(&self) -> u64 {
                (**self).network_forwards()
            }
        }
    };
}
forward_predictor!(Arc<P>);
forward_predictor!(Box<P>);
forward_predictor!(&P);

/// A function of state and time, trained to be some prediction. Every closure
/// `|out: &mut S, x: &S, t: f64|` is one.
pub trait Network<S>: Send + Sync {
    /// Writes the network's raw output at `(x, t)` into `out`.
    fn forward(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;

    /// The same with a time of every lane's own, in one pass.
    fn forward_lanes(&self, _out: &mut S, _x: &S, _t: &[f64]) -> Result<(), FieldError> {
        Err(FieldError::Other(
            "this network takes one time for all lanes; implement `Network::forward_lanes`, or \
             take one step for all lanes"
                .to_owned(),
        ))
    }

    /// Forward passes that one evaluation counts as: two under classifier-free guidance.
    fn forwards(&self) -> u64 {
        1
    }
}

impl<S, R, C> Network<S> for C
where
    C: Fn(&mut S, &S, f64) -> R + Send + Sync,
    R: FieldOutcome,
{
    fn forward(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self(out, x, t).into_result()
    }
}

impl<S, N: Network<S> + ?Sized> Network<S> for Arc<N> {
    fn forward(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        (**self).forward(out, x, t)
    }
    fn forward_lanes(&self, out: &mut S, x: &S, t: &[f64]) -> Result<(), FieldError> {
        (**self).forward_lanes(out, x, t)
    }
    fn forwards(&self) -> u64 {
        (**self).forwards()
    }
}
