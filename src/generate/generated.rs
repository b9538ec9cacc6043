use std::error::Error;
use std::fmt;

use driftfield_solvers::{Outcome, SolveError, Statistics};
use ndarray::ArrayD;

use super::{GenerateError, LaneEvaluations, Note, Span};

/// What a generation returned, complete or partial.
///
/// A solve that fails on its way still returns what it has, which is noise in part: `outcome` says
/// what happened, and [`Generated::complete`] asks.
#[derive(Debug, Clone)]
#[must_use = "a generation may have ended early: `complete()?` gives the samples only if it did not"]
pub struct Generated<T> {
    /// The state at the end, in the units of the model's data.
    pub samples: ArrayD<T>,
    /// The states that were asked for, the first being the initial one.
    pub trajectory: Vec<ArrayD<T>>,
    /// Their times.
    pub times: Vec<f64>,
    /// Exact counts, denoising included.
    pub statistics: Statistics,
    /// How the solve ended.
    pub outcome: Outcome,
    /// Wall time of the solve.
    pub seconds: f64,
    /// Start and end of the integration.
    pub span: Span,
    /// Steps of a fixed grid; `None` for adaptive steps.
    pub steps: Option<usize>,
    /// What each lane cost, where the steps were its own.
    pub lane_evaluations: Option<LaneEvaluations>,
    /// What may not be as it was meant.
    pub notes: Vec<Note>,
}

/// A generation that did not come to its end, with what there is of it. Its source is the error of
/// the step that failed, if one did.
#[derive(Debug, Clone)]
pub struct Incomplete<T>(pub Box<Generated<T>>);

impl<T> fmt::Display for Incomplete<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the generation is incomplete: {}", self.0.outcome)
    }
}

impl<T: fmt::Debug> Error for Incomplete<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.outcome.error()?)
    }
}

impl<T> Generated<T> {
    /// The samples; nothing of a solve that was not completed.
    ///
    /// # Errors
    ///
    /// [`Incomplete`], which holds the partial result.
    pub fn complete(self) -> Result<ArrayD<T>, Incomplete<T>> {
        match self.outcome.is_success() {
            true => Ok(self.samples),
            false => Err(Incomplete(Box::new(self))),
        }
    }

    /// The same, unless an error came before the first step: its samples are the initial state.
    pub(super) fn unless_nothing_was_made(self) -> Result<Self, GenerateError> {
        match SolveError::no_step(&self.outcome, self.statistics) {
            Some(error) => Err(error.into()),
            None => Ok(self),
        }
    }
}
