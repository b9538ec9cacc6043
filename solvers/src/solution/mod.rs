//! What a solve returns: states, statistics and how it ended.

mod dense;
mod outcome;
mod statistics;

pub use dense::{DenseSegment, InterpolationError};
pub use outcome::Outcome;
pub use statistics::Statistics;

use crate::state::State;

/// A moment at which an event function crossed zero.
#[derive(Debug, Clone)]
pub struct EventRecord<S> {
    /// Which event, in the order they were given.
    pub event: usize,
    /// Time of the crossing.
    pub t: f64,
    /// State at the crossing.
    pub u: S,
}

/// The result of a solve, complete or partial.
///
/// A solve that fails still returns what it has: `t` and `u` end at the last
/// accepted step, and `outcome` says what happened.
#[derive(Debug, Clone)]
pub struct Solution<S> {
    /// Times of the saved states, in the order of integration.
    pub t: Vec<f64>,
    /// Saved states.
    pub u: Vec<S>,
    /// Time of the last accepted step.
    pub t_last: f64,
    /// State at `t_last`, whatever was saved.
    pub u_last: S,
    /// Exact counts.
    pub statistics: Statistics,
    /// How the solve ended.
    pub outcome: Outcome,
    /// Zero crossings of the events, in order of time.
    pub events: Vec<EventRecord<S>>,
    /// Interpolants of all steps, if they were asked for.
    pub dense: Vec<DenseSegment<S>>,
}

impl<S: State> Solution<S> {
    /// The state at `t`, from the continuous extension of the method.
    ///
    /// Needs [`Save::dense`](crate::Save::dense).
    pub fn interpolate(&self, t: f64) -> Result<S, InterpolationError> {
        let (Some(first), Some(last)) = (self.dense.first(), self.dense.last()) else {
            return Err(InterpolationError::NotDense);
        };
        let backwards = first.t_next < first.t;
        let index = self.dense.partition_point(|segment| {
            if backwards { segment.t_next > t } else { segment.t_next < t }
        });
        match self.dense.get(index) {
            Some(segment) if segment.contains(t) => Ok(segment.at(t)?),
            _ => Err(InterpolationError::Outside { t, t0: first.t, t1: last.t_next }),
        }
    }
}
