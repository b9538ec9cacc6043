//! What the events did in a step.

use super::Integrator;
use super::roster::Departure;
use crate::field::FieldError;
use crate::method::{Interpolant, InterpolantWeights, Method, StepError, Stepper};
use crate::observer::{Change, Course, Event, Side, View, follow};
use crate::problem::Problem;
use crate::solution::{EventRecord, Outcome};
use crate::state::{State, StateError};

/// An event and what is known of it: of the batch, or of each of its lanes.
pub(super) struct Watched<'a, S> {
    pub(super) event: Event<'a, S>,
    sides: Vec<Side>,
    /// Crossings so far.
    counts: Vec<u64>,
}

impl<'a, S: State> Watched<'a, S> {
    pub(super) fn new(event: Event<'a, S>, lanes: usize) -> Self {
        let watched = if event.per_lane { lanes } else { 1 };
        Watched { event, sides: vec![Side::AtZero; watched], counts: vec![0; watched] }
    }

    pub(super) fn move_lanes(&mut self, from: &[usize]) {
        if self.event.per_lane {
            self.sides = from.iter().map(|&lane| self.sides[lane]).collect();
            self.counts = from.iter().map(|&lane| self.counts[lane]).collect();
        }
    }

    /// Counts a crossing; whether it is the one that ends the solve.
    fn crossed(&mut self, at: usize) -> bool {
        self.counts[at] += 1;
        Some(self.counts[at]) == self.event.terminates_at
    }
}

/// One crossing, or NaN, in a step.
struct Happening {
    theta: f64,
    event: usize,
    is_nan: bool,
}

/// In order of time.
fn happenings(courses: impl Iterator<Item = (usize, Course)>) -> Vec<Happening> {
    let mut all = Vec::new();
    for (event, course) in courses {
        let crossing = |theta| Happening { theta, event, is_nan: false };
        all.extend(course.crossings.into_iter().map(crossing));
        all.extend(course.nan.map(|theta| Happening { theta, event, is_nan: true }));
    }
    all.sort_by(|a, b| a.theta.total_cmp(&b.theta));
    all
}

/// One lane of a step just made.
struct LaneView<S> {
    slot: usize,
    before: S,
    after: S,
    /// Of the continuous extension, if there is one.
    stages: Vec<S>,
    weights: Option<InterpolantWeights>,
}

impl<S: State> LaneView<S> {
    fn new(
        slot: usize,
        (before, after): (&S, &S),
        interpolant: Option<Interpolant<'_, S>>,
    ) -> Result<Self, StateError> {
        let lane = |state: &S| state.select_lanes(&[slot]);
        let stages = interpolant.iter().flat_map(|interpolant| interpolant.stages);
        let stages = stages.map(lane).collect::<Result<_, _>>()?;
        let weights = interpolant.map(|interpolant| interpolant.weights);
        Ok(LaneView { slot, before: lane(before)?, after: lane(after)?, stages, weights })
    }

    /// The lane at a share of the step, a little beyond it too; on its chord without extension.
    fn at(&self, out: &mut S, theta: f64) -> Result<(), StateError> {
        match &self.weights {
            _ if theta == 1.0 => out.copy_from(&self.after),
            Some(weights) => {
                let interpolant = Interpolant { stages: &self.stages, weights: weights.clone() };
                match weights {
                    InterpolantWeights::Tableau { .. } => interpolant.at(out, &self.before, theta),
                    InterpolantWeights::States(_) => {
                        interpolant.at_lanes(out, &self.before, &[theta], |_| self.slot)
                    }
                }
            }
            None => {
                let terms = [(1.0 - theta, &self.before), (theta, &self.after)];
                out.linear_combination(0.0, &terms)
            }
        }
    }
}

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    /// Sides of the events at the present state, which no crossing leads to.
    pub(super) fn look_at_events(&mut self) {
        let blame = |u: &P::State, slot: Option<usize>| match slot {
            Some(slot) => Some(slot),
            None => lane_to_blame(u).ok().flatten(),
        };
        for (index, watched) in self.watched.iter_mut().enumerate() {
            let function = &watched.event.function;
            for (slot, side) in watched.sides.iter_mut().enumerate() {
                let lane = watched.event.per_lane.then_some(slot);
                let t = self.own.as_ref().map_or(self.t, |own| own.paces[slot].t);
                let value = match lane {
                    None => function(&self.u, t),
                    Some(slot) => match self.u.select_lanes(&[slot]) {
                        Ok(state) => function(&state, t),
                        Err(error) => {
                            let error = error.into();
                            self.outcome.get_or_insert(Outcome::Failed { t, error });
                            return;
                        }
                    },
                };
                match Side::of(value) {
                    Some(known) => *side = known,
                    None => {
                        let lane = blame(&self.u, lane);
                        self.outcome.get_or_insert(Outcome::EventNan { t, event: index, lane });
                    }
                }
            }
        }
    }

    /// Records what the events of the whole batch did in the step, in order of time, and ends it
    /// at the first that ends the solve or changes the state: `self.t` becomes its time and
    /// `self.scratch` its state. Returns the event that changes it.
    pub(super) fn locate_events(
        &mut self,
        t_previous: f64,
        h: f64,
    ) -> Result<Option<usize>, StepError> {
        let mut courses = Vec::new();
        for index in 0..self.watched.len() {
            if self.watched[index].event.per_lane {
                continue;
            }
            let course = self.follow_event(index, t_previous, h)?;
            self.watched[index].sides[0] = course.side;
            courses.push((index, course));
        }
        for Happening { theta, event, is_nan } in happenings(courses.into_iter()) {
            let t = self.time_of_share(t_previous, h, theta);
            self.seen_by_events(theta)?;
            if is_nan {
                let lane = lane_to_blame(&self.scratch)?;
                self.outcome = Some(Outcome::EventNan { t, event, lane });
                break;
            }
            let u = self.whole(self.scratch.clone())?;
            self.crossings.push(EventRecord { event, t, u, lane: None });
            if self.watched[event].crossed(0) {
                self.arrive(t);
                self.outcome = Some(Outcome::Terminated { event, t });
                break;
            }
            if self.watched[event].event.effect.is_some() {
                self.arrive(t);
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn follow_event(&mut self, index: usize, t_previous: f64, h: f64) -> Result<Course, StepError> {
        let Watched { event, sides, .. } = &self.watched[index];
        let (&Event { crossing, probes, .. }, side) = (event, sides[0]);
        let at_end = || Side::of((self.watched[index].event.function)(&self.u, self.step_end));
        if probes == 0 && at_end() == Some(side) {
            return Ok(Course { crossings: Vec::new(), nan: None, side });
        }
        let inside = self.extend_for_events(t_previous, h)?;
        let view = View::new(probes, inside, self.step_end, h);
        let value = |theta: f64| {
            let t = self.time_of_share(t_previous, h, theta);
            if theta == 1.0 {
                return Ok((self.watched[index].event.function)(&self.u, t));
            }
            self.seen_by_events(theta)?;
            Ok((self.watched[index].event.function)(&self.scratch, t))
        };
        Ok(follow(value, crossing, side, view)?)
    }

    /// Makes the continuous extension of the step ready, if that can be; whether it is.
    fn extend_for_events(&mut self, t_previous: f64, h: f64) -> Result<bool, StepError> {
        match self.prepare_interpolant(t_previous, h) {
            // The step is made: what its extension alone would evaluate is no part of it. Without
            // one the event is looked at on its ends.
            Err(StepError::Field(FieldError::BudgetSpent | FieldError::Domain { .. })) => {}
            prepared => prepared?,
        }
        Ok(self.is_extended() && self.stepper.interpolant().is_some())
    }

    /// The same a little beyond the step too, and on its chord for a method without interpolant:
    /// what an event sees.
    fn seen_by_events(&mut self, theta: f64) -> Result<(), StateError> {
        match self.stepper.interpolant() {
            _ if theta == 1.0 => self.scratch.copy_from(&self.u),
            Some(interpolant) if self.is_extended() => {
                interpolant.at(&mut self.scratch, &self.other, theta)
            }
            _ => {
                let terms = [(1.0 - theta, &self.other), (theta, &self.u)];
                self.scratch.linear_combination(0.0, &terms)
            }
        }
    }

    /// The time of a share of the step.
    fn time_of_share(&self, t_previous: f64, h: f64, theta: f64) -> f64 {
        if theta == 1.0 { self.step_end } else { t_previous + theta * h }
    }

    /// Whether events of single lanes are watched.
    pub(super) fn watches_lanes(&self) -> bool {
        self.watched.iter().any(|watched| watched.event.per_lane)
    }

    /// Records what the events of single lanes did in a shared step; the lanes that leave.
    pub(super) fn locate_lane_events(
        &mut self,
        t_previous: f64,
        h: f64,
    ) -> Result<Vec<Departure<P::State>>, StepError> {
        if !self.watches_lanes() {
            return Ok(Vec::new());
        }
        // An event of the whole batch may have ended the step before.
        let last = if self.t == self.step_end { 1.0 } else { (self.t - t_previous) / h };
        self.extend_for_events(t_previous, h)?;
        let mut leaving = Vec::new();
        for slot in 0..self.u.lanes() {
            let end = self.step_end;
            let time = |theta: f64| if theta == 1.0 { end } else { t_previous + theta * h };
            let made = self.lane_events(slot, h, last, time)?;
            let Some((t, outcome, state)) = made else { continue };
            let report = self.statistics().report(t, outcome);
            leaving.push(Departure { slot, report, state: Some(state) });
        }
        Ok(leaving)
    }

    /// Records what the events of one lane did in its step of length `h`, up to a share `last` of
    /// it; when, how and where the lane ends, if it does.
    pub(super) fn lane_events(
        &mut self,
        slot: usize,
        h: f64,
        last: f64,
        time: impl Fn(f64) -> f64,
    ) -> Result<Option<(f64, Outcome, P::State)>, StepError> {
        let extended = self.own.is_some() || self.is_extended();
        let interpolant = self.stepper.interpolant().filter(|_| extended);
        let view = LaneView::new(slot, (&self.other, &self.u), interpolant)?;
        let inside = view.weights.is_some();
        let mut state = view.before.clone();
        let mut courses = Vec::new();
        for (index, watched) in self.watched.iter_mut().enumerate() {
            if !watched.event.per_lane {
                continue;
            }
            let function = &watched.event.function;
            let value = |theta: f64| {
                view.at(&mut state, theta)?;
                Ok(function(&state, time(theta)))
            };
            let look = View::new(watched.event.probes, inside, time(1.0), h);
            let course = follow(value, watched.event.crossing, watched.sides[slot], look)?;
            watched.sides[slot] = course.side;
            courses.push((index, course));
        }
        let number = self.number(slot);
        for Happening { theta, event, is_nan } in happenings(courses.into_iter()) {
            if theta > last {
                break;
            }
            let t = time(theta);
            view.at(&mut state, theta)?;
            if is_nan {
                return Ok(Some((t, Outcome::EventNan { t, event, lane: Some(number) }, state)));
            }
            let u = state.clone();
            self.crossings.push(EventRecord { event, t, u, lane: Some(number) });
            if self.watched[event].crossed(slot) {
                return Ok(Some((t, Outcome::Terminated { event, t }, state)));
            }
        }
        Ok(None)
    }

    /// Lets an event change the state it has led to.
    pub(super) fn affect(&mut self, event: usize) {
        if let Some(effect) = &self.watched[event].event.effect {
            effect(&mut self.u, self.t);
            self.forget_cached(Change::Replaced);
        }
    }
}

/// The lane of a state at which an event function is NaN, where that can be known.
fn lane_to_blame<S: State>(state: &S) -> Result<Option<usize>, StateError> {
    let only = (state.lanes() == 1).then_some(0);
    Ok(state.first_non_finite_lane()?.or(only))
}
