use crate::method::Interpolant;
use crate::number::Number;
use crate::state::{State, StateError};

/// Why a solution cannot be interpolated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InterpolationError {
    /// The interpolants were not kept.
    #[error("the solution kept no interpolants; solve with `Save::dense()`")]
    NotDense,
    /// A time outside the solution.
    #[error(
        "t = {t} lies outside the solution's span from {t0} to {t1}",
        t = Number(*t), t0 = Number(*t0), t1 = Number(*t1)
    )]
    Outside {
        /// Time asked for.
        t: f64,
        /// Start of the solution.
        t0: f64,
        /// End of the solution.
        t1: f64,
    },
    /// An operation on states failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The continuous extension over one step:
/// `u(t + theta h) = u + h sum_i w_i(theta) k_i`.
#[derive(Debug, Clone)]
pub struct DenseSegment<S> {
    /// Start of the step.
    pub t: f64,
    /// End of the step.
    pub t_next: f64,
    /// The method's step, of which `[t, t_next]` may be a part (an event ended it).
    h: f64,
    u: S,
    stages: Vec<S>,
    weights: fn(f64, &mut [f64]),
}

impl<S: State> DenseSegment<S> {
    pub(crate) fn new(
        t: f64,
        t_next: f64,
        h: f64,
        u: &S,
        interpolant: &Interpolant<'_, S>,
    ) -> Self {
        DenseSegment {
            t,
            t_next,
            h,
            u: u.clone(),
            stages: interpolant.stages.to_vec(),
            weights: interpolant.weights,
        }
    }

    /// All there is of an empty span.
    pub(crate) fn point(t: f64, u: S) -> Self {
        DenseSegment { t, t_next: t, h: 0.0, u, stages: Vec::new(), weights: |_, _| () }
    }

    pub(crate) fn contains(&self, t: f64) -> bool {
        (self.t.min(self.t_next)..=self.t.max(self.t_next)).contains(&t)
    }

    pub(crate) fn at(&self, t: f64) -> Result<S, StateError> {
        if self.t == self.t_next {
            return Ok(self.u.clone());
        }
        let mut out = self.u.zeros_like();
        let interpolant = Interpolant { stages: &self.stages, weights: self.weights };
        evaluate(&interpolant, &mut out, &self.u, self.h, (t - self.t) / self.h)?;
        Ok(out)
    }
}

/// Writes `u + h sum_i w_i(theta) k_i` into `out`.
pub(crate) fn evaluate<S: State>(
    interpolant: &Interpolant<'_, S>,
    out: &mut S,
    u: &S,
    h: f64,
    theta: f64,
) -> Result<(), StateError> {
    let mut weights = vec![0.0; interpolant.stages.len()];
    (interpolant.weights)(theta, &mut weights);
    out.stage_sum(Some(u), h, &weights, interpolant.stages)
}
