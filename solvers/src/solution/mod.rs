//! What a solve returns: states, statistics and how it ended.

mod dense;
mod lanes;
mod outcome;
mod statistics;

use dense::Quantity;
pub use dense::{DenseSegment, InterpolationError};
pub use lanes::LaneReport;
pub use outcome::Outcome;
pub use statistics::Statistics;

use std::error::Error;
use std::fmt;

use crate::state::State;

/// A moment at which an event function crossed zero.
#[derive(Debug, Clone)]
pub struct EventRecord<S> {
    /// Which event, in the order they were given.
    pub event: usize,
    /// Time of the crossing.
    pub t: f64,
    /// State at the crossing; of an event of single lanes, that lane's.
    pub u: S,
    /// The lane, of an event of single lanes.
    pub lane: Option<usize>,
}

/// The result of a solve, complete or partial.
///
/// A solve that fails on its way still returns what it has: `t` and `u` end at the last
/// accepted step, and `outcome` says what happened. [`Solution::complete`] asks.
#[derive(Debug, Clone)]
#[must_use = "a solve may have ended early: `complete()?` gives the state only if it did not"]
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
    /// How each lane fared, where lanes had steps of their own or left before the others; else
    /// empty.
    pub lanes: Vec<LaneReport>,
}

/// A solve that did not come to its end, with what there is of it. Its source is the error of the
/// step that [failed](Outcome::Failed), if one did.
#[derive(Debug, Clone)]
pub struct Incomplete<S>(pub Box<Solution<S>>);

impl<S> fmt::Display for Incomplete<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the solve is incomplete: {}", self.0.outcome)
    }
}

impl<S: fmt::Debug> Error for Incomplete<S> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.outcome.error()?)
    }
}

impl<S> Solution<S> {
    /// The state at the end of the span, or at the event that ended the solve; nothing of a solve
    /// that was not completed.
    ///
    /// # Errors
    ///
    /// [`Incomplete`], which holds the partial solution.
    pub fn complete(self) -> Result<S, Incomplete<S>> {
        match self.outcome.is_success() {
            true => Ok(self.u_last),
            false => Err(Incomplete(Box::new(self))),
        }
    }

    /// Evaluations summed over lanes, where lanes had steps of their own: rows that went through
    /// the field. One shared step would have cost the number of lanes times its NFE.
    pub fn lane_evaluations(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.nfe).sum()
    }
}

impl<S: State> Solution<S> {
    /// The state at `t`, from the continuous extension of the method.
    ///
    /// Needs [`Save::dense`](crate::Save::dense).
    pub fn interpolate(&self, t: f64) -> Result<S, InterpolationError> {
        self.look(t, Quantity::State)
    }

    /// The derivative in time of [`Solution::interpolate`], within the step that `t` lies in.
    ///
    /// The weights of a continuous extension are smooth in time; they are differentiated through
    /// their values at 17 Chebyshev points of the step, which is exact to rounding for those of
    /// Runge-Kutta methods, polynomials of degree 8 at most.
    pub fn derivative(&self, t: f64) -> Result<S, InterpolationError> {
        self.look(t, Quantity::Slope)
    }

    fn look(&self, t: f64, quantity: Quantity) -> Result<S, InterpolationError> {
        let (Some(first), Some(last)) = (self.dense.first(), self.dense.last()) else {
            return Err(InterpolationError::NotDense);
        };
        if !self.dense.iter().all(DenseSegment::is_shared) {
            return self.look_at_lanes(t, quantity);
        }
        let backwards = first.t_next < first.t;
        let index = self.dense.partition_point(|segment| {
            if backwards { segment.t_next > t } else { segment.t_next < t }
        });
        match self.dense.get(index) {
            Some(segment) if segment.contains(t) => segment.look(t, quantity),
            _ => Err(InterpolationError::Outside { t, t0: first.t, t1: last.t_next }),
        }
    }

    /// The same where lanes have steps or ends of their own; NaN in lanes that are not there at
    /// `t`.
    fn look_at_lanes(&self, t: f64, quantity: Quantity) -> Result<S, InterpolationError> {
        let mut state = self.u_last.zeros_like();
        state.fill_lanes(|_, block| block.fill(f64::NAN))?;
        let mut written = vec![false; state.lanes()];
        for segment in &self.dense {
            segment.write_lanes((t, quantity), &mut state, &mut written)?;
        }
        if written.contains(&true) {
            return Ok(state);
        }
        let (t0, t1) = (self.dense[0].t, self.t_last);
        Err(InterpolationError::Outside { t, t0, t1 })
    }
}
