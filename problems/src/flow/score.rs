use driftfield_solvers::{Counted, FieldError};

use crate::process::TransitionKernel;

/// What Langevin steps and the discretised reverse diffusion ask for: the score of every
/// marginal, and the forward diffusion between two times.
pub trait ScoreField<S> {
    /// Writes `grad log p_t(x)` into `out`: one evaluation.
    fn score(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;

    /// Standard deviation of the noise in `x_t`. Not an evaluation.
    fn sigma(&self, t: f64) -> Result<f64, FieldError>;

    /// `p(x_t | x_u)` for `u <= t`. Not an evaluation.
    fn transition(&self, t: f64, u: f64) -> Result<TransitionKernel, FieldError>;

    /// How much of Anderson's noise the reverse diffusion carries at `t`.
    fn reverse_noise_level(&self, _t: f64) -> Result<f64, FieldError> {
        Ok(1.0)
    }

    /// Network forward passes made by one score.
    fn score_network_forwards(&self) -> u64 {
        0
    }
}

impl<S, F: ScoreField<S>> ScoreField<S> for Counted<&F> {
    fn score(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.uncounted().score_network_forwards())?;
        self.uncounted().score(out, x, t)
    }
    fn sigma(&self, t: f64) -> Result<f64, FieldError> {
        self.uncounted().sigma(t)
    }
    fn transition(&self, t: f64, u: f64) -> Result<TransitionKernel, FieldError> {
        self.uncounted().transition(t, u)
    }
    fn reverse_noise_level(&self, t: f64) -> Result<f64, FieldError> {
        self.uncounted().reverse_noise_level(t)
    }
    fn score_network_forwards(&self) -> u64 {
        self.uncounted().score_network_forwards()
    }
}
