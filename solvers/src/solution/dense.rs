use crate::method::{Interpolant, InterpolantWeights};
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

/// The continuous extension over one step ([`Interpolant`]).
#[derive(Debug, Clone)]
pub struct DenseSegment<S> {
    /// Start of the step.
    pub t: f64,
    /// End of the step.
    pub t_next: f64,
    /// The method's step, of which `[t, t_next]` may be a part (an event ended it).
    h: f64,
    u: S,
    /// None of an empty span.
    stages: Vec<S>,
    weights: Option<InterpolantWeights>,
}

impl<S: State> DenseSegment<S> {
    pub(crate) fn new(
        t: f64,
        t_next: f64,
        h: f64,
        u: &S,
        interpolant: &Interpolant<'_, S>,
    ) -> Self {
        let weights = Some(interpolant.weights.clone());
        DenseSegment { t, t_next, h, u: u.clone(), stages: interpolant.stages.to_vec(), weights }
    }

    /// All there is of an empty span.
    pub(crate) fn point(t: f64, u: S) -> Self {
        DenseSegment { t, t_next: t, h: 0.0, u, stages: Vec::new(), weights: None }
    }

    pub(crate) fn contains(&self, t: f64) -> bool {
        (self.t.min(self.t_next)..=self.t.max(self.t_next)).contains(&t)
    }

    pub(crate) fn at(&self, t: f64) -> Result<S, StateError> {
        let Some(weights) = self.weights.clone().filter(|_| self.t != self.t_next) else {
            return Ok(self.u.clone());
        };
        let mut out = self.u.zeros_like();
        let interpolant = Interpolant { stages: &self.stages, weights };
        interpolant.at(&mut out, &self.u, (t - self.t) / self.h)?;
        Ok(out)
    }
}
