use std::fmt;
use std::sync::Arc;

use driftfield_solvers::field::{Additive, Diagonal, Times};
use driftfield_solvers::{FieldError, SdeProblem, State, StochasticField};

use super::fill;
use crate::predictor::{Predictor, Target};
use crate::process::{BrownianBridge, GaussianPath, check_time};

/// The path of a predictor is another than the bridge that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the predictor is on `{process}`, which has no diffusion of its own as `brownian-bridge` has; take `reverse_sde`"
)]
pub struct NotABridge {
    /// The predictor's path.
    pub process: String,
}

/// The bridge's own diffusion towards the data:
/// `dx = (x - E[x_0 | x_t = x]) / t dt + s dW` for time running downwards.
///
/// It shares the marginals of Anderson's reversal and of the exact conditional,
/// and is neither: its noise is that of the bridges, `s` at all times, and it is
/// defined at t = 1, where Anderson's is not.
pub struct BridgeDiffusion<S> {
    bridge: BrownianBridge,
    predictor: Arc<dyn Predictor<S>>,
}

impl<S> BridgeDiffusion<S> {
    /// The diffusion towards the data that `predictor` predicts, whose path must be a
    /// [`BrownianBridge`].
    pub fn new(predictor: Arc<dyn Predictor<S>>) -> Result<Self, NotABridge> {
        let path = predictor.path();
        match BrownianBridge::of(path) {
            Some(bridge) => Ok(BridgeDiffusion { bridge, predictor }),
            None => Err(NotABridge { process: path.spec() }),
        }
    }
}

impl<S: State> BridgeDiffusion<S> {
    /// The diffusion from `initial`; `span` must decrease and end above 0.
    pub fn problem(self, initial: S, span: (f64, f64)) -> SdeProblem<S, BridgeDiffusion<S>> {
        SdeProblem::from_field(self, initial, span)
    }
}

impl<S: State> StochasticField<S> for BridgeDiffusion<S> {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        check_time(&self.bridge, t)?;
        if t == 0.0 {
            return Err(FieldError::Domain {
                t,
                advice: "the bridge's drift divides by t; end at 1e-3, say".to_owned(),
            });
        }
        self.predictor.predict(Target::DATA.into(), out, u, t.into())?;
        Ok(out.linear_combination(-1.0 / t, &[(1.0 / t, u)])?)
    }
    fn diffusion(&self, _: usize, out: &mut S, _u: &S, _t: f64) -> Result<(), FieldError> {
        fill(out, self.bridge.s())
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
    }
}

impl<S> Clone for BridgeDiffusion<S> {
    fn clone(&self) -> Self {
        BridgeDiffusion { bridge: self.bridge, predictor: self.predictor.clone() }
    }
}

impl<S> fmt::Debug for BridgeDiffusion<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeDiffusion").field("bridge", &self.bridge).finish_non_exhaustive()
    }
}
