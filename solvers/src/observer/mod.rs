//! Observers of the solve loop: saving, events, callbacks, streams, progress.

mod event;
mod record;
mod save;

pub(crate) use event::crossing_in_step;
pub use event::{Crossing, Event};
pub use record::{Progress, Record, Sink};
pub use save::Save;

use crate::solution::Statistics;
use crate::state::State;

/// An accepted step, as an observer sees it.
#[derive(Debug)]
pub struct AcceptedStep<'a, S> {
    /// Time at the start of the step.
    pub t_previous: f64,
    /// Time at its end.
    pub t: f64,
    /// Span of the problem.
    pub span: (f64, f64),
    /// State at the start.
    pub previous: &'a S,
    /// Counts so far.
    pub statistics: Statistics,
    pub(crate) u: &'a mut S,
    pub(crate) modified: &'a mut bool,
}

impl<S: State> AcceptedStep<'_, S> {
    /// State at the end of the step.
    pub fn u(&self) -> &S {
        self.u
    }

    /// State at the end of the step, to be changed: what the method had cached
    /// at it is forgotten.
    pub fn u_mut(&mut self) -> &mut S {
        *self.modified = true;
        self.u
    }

    /// Share of the span behind us, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        (self.t - self.span.0) / (self.span.1 - self.span.0)
    }
}

/// Whether the solve goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop here, for this reason; the partial solution is returned.
    Stop(String),
}

/// Called after every accepted step, when saving and events are done.
///
/// Any closure `|step: &mut AcceptedStep<S>| -> Flow` is one, and so is a
/// mutable reference to an observer, which can then be read after the solve.
pub trait Observer<S> {
    /// Looks at the step; may change the state through
    /// [`AcceptedStep::u_mut`].
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow;
}

impl<S, C> Observer<S> for C
where
    C: FnMut(&mut AcceptedStep<'_, S>) -> Flow,
{
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        self(step)
    }
}
