use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::{FieldError, SdeProblem, State, StochasticField};

use super::fill;
use crate::process::{GaussianPath, SharedPath, check_diffusion};

/// The diffusion that turns data into noise: `dx = f(t) x dt + g(t) dW`, whose
/// marginals are the path's.
#[derive(Debug, Clone)]
pub struct ForwardDiffusion {
    path: SharedPath,
}

impl ForwardDiffusion {
    /// The diffusion of `path`.
    pub fn new(path: SharedPath) -> Self {
        ForwardDiffusion { path }
    }

    /// The diffusion from `initial`. An increasing `span` within the times where
    /// `g^2` is finite noises data; `initial` is a state at its start.
    pub fn problem<S: State>(
        self,
        initial: S,
        span: (f64, f64),
    ) -> SdeProblem<S, ForwardDiffusion> {
        SdeProblem::from_field(self, initial, span)
    }
}

impl<S: State> StochasticField<S> for ForwardDiffusion {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        check_diffusion(&self.path, t)?;
        Ok(out.linear_combination(0.0, &[(self.path.drift_rate(t), u)])?)
    }
    fn diffusion(&self, _: usize, out: &mut S, _u: &S, t: f64) -> Result<(), FieldError> {
        check_diffusion(&self.path, t)?;
        fill(out, self.path.diffusion_squared(t).sqrt())
    }
}
