//! Observers of the solve loop: saving, events, callbacks, streams, progress.

mod course;
mod event;
mod record;
mod save;

pub(crate) use course::{Course, Side, View, follow};
pub use event::{Crossing, Event};
pub use record::{Progress, Record, Sink};
pub use save::Save;

use crate::field::Times;
use crate::solution::Statistics;
use crate::state::{State, StateError};

/// An accepted step, as an observer sees it.
#[derive(Debug)]
pub struct AcceptedStep<'a, S> {
    /// Time at the start of the step.
    pub t_previous: f64,
    /// Time at its end. With steps of the lanes' own, here and above, that of the lane which is
    /// furthest behind; [`AcceptedStep::times`] has them all.
    pub t: f64,
    /// Time of every lane of the state, where lanes have steps of their own.
    pub(crate) lane_times: Option<&'a [f64]>,
    /// Number in the whole batch of every lane of the state, once some have left it or have
    /// changed places.
    pub(crate) numbers: Option<&'a [usize]>,
    /// Span of the problem.
    pub span: (f64, f64),
    /// State at the start.
    pub previous: &'a S,
    /// Counts so far.
    pub statistics: Statistics,
    pub(crate) u: &'a mut S,
    pub(crate) change: &'a mut Change,
    pub(crate) moves: &'a mut Vec<(Vec<usize>, Moved)>,
}

/// What it means that lanes change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// They are the same lanes under other numbers: each keeps its noise.
    Renumbered,
    /// They are drawn from the lanes there were: the noise stays with the place.
    Resampled,
}

/// What was done to a state from outside, and so what a method must forget of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Change {
    /// Nothing.
    #[default]
    None,
    /// It was moved a little: [`Told::Corrected`](crate::method::Told::Corrected).
    Corrected,
    /// It is another: [`Told::Replaced`](crate::method::Told::Replaced).
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

    /// The time that the state is at, of all lanes or of each.
    pub fn times(&self) -> Times<'_> {
        self.lane_times.map_or(Times::One(self.t), Times::Each)
    }

    /// The number that a lane of the state has in the whole batch: lanes that end apart leave it.
    pub fn number(&self, lane: usize) -> usize {
        self.numbers.map_or(lane, |numbers| numbers[lane])
    }

    /// Puts lane `from[i]` into place `i`, and all that is kept of it
    /// ([`Integrator::move_lanes`](crate::Integrator::move_lanes)); the other observers of this
    /// step see the lanes in their new places.
    pub fn move_lanes(&mut self, from: &[usize], moved: Moved) -> Result<(), StateError> {
        let lanes = self.u.lanes();
        if from.len() != lanes {
            return Err(StateError::LaneCoefficients { lanes, found: from.len() });
        }
        *self.u = self.u.select_lanes(from)?;
        self.moves.push((from.to_vec(), moved));
        Ok(())
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

    /// Looks at an attempt that was rejected: from `t`, of this signed length. Lanes with steps of
    /// their own are not reported.
    fn rejected(&mut self, _t: f64, _h: f64) {}
}

impl<S, C> Observer<S> for C
where
    C: FnMut(&mut AcceptedStep<'_, S>) -> Flow,
{
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        self(step)
    }
}
