//! Observers of the solve loop: saving, events, callbacks, streams, progress.

mod course;
mod event;
mod record;
mod save;

pub(crate) use course::{Course, Side, View, follow};
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
    pub(crate) change: &'a mut Change,
}

/// What was done to a state from outside, and so what a method must forget of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Change {
    /// Nothing.
    #[default]
    None,
    /// It was moved a little: [`Method::corrected`](crate::method::Method::corrected).
    Corrected,
    /// It is another: [`Method::modified`](crate::method::Method::modified).
    Replaced,
}

impl Change {
    /// Both one after the other.
    pub(crate) fn and(&mut self, other: Change) {
        *self = (*self).max(other);
    }
}

impl<S: State> AcceptedStep<'_, S> {
    /// State at the end of the step.
    pub fn u(&self) -> &S {
        self.u
    }

    /// State at the end of the step, to be replaced by another: everything the method knows
    /// is forgotten, the history of a multistep method too, which starts anew.
    pub fn u_mut(&mut self) -> &mut S {
        self.change.and(Change::Replaced);
        self.u
    }

    /// State at the end of the step, to be corrected: what the method had cached *at* it (the
    /// last stage of a first-same-as-last method, the value at the predicted end of a corrector)
    /// is forgotten and evaluated anew, the values at earlier times are kept.
    ///
    /// This is for changes made after every step, as guidance makes them. They are part of the
    /// dynamics, of the size of a step, and the field along the corrected path is as smooth as
    /// without them: a multistep method that forgot its history every time would never leave its
    /// first, lowest order. For a jump use [`AcceptedStep::u_mut`].
    pub fn correct(&mut self) -> &mut S {
        self.change.and(Change::Corrected);
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
    /// Looks at the step; may change the state through [`AcceptedStep::u_mut`] or
    /// [`AcceptedStep::correct`].
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
