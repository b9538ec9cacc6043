//! What happens between an accepted step and the next: events, saving,
//! observers.

use super::Integrator;
use crate::field::FieldError;
use crate::method::{Method, Step, StepError, Stepper, Told};
use crate::observer::{AcceptedStep, Change, Course, Event, Flow, Side, View, follow};
use crate::problem::Problem;
use crate::solution::{DenseSegment, EventRecord, Outcome};
use crate::state::{State, StateError};

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    pub(super) fn save_start(&mut self) {
        let at_start = self.save.times.iter().take_while(|&&t| t == self.t0).count();
        self.next_save_time = at_start;
        if self.save.start || at_start > 0 {
            self.keep(self.t, self.u.clone());
        }
        if self.save.dense && self.t0 == self.t1 {
            self.dense.push(DenseSegment::point(self.t0, self.u.clone()));
        }
    }

    pub(super) fn keep(&mut self, t: f64, u: P::State) {
        if self.saved.0.last() != Some(&t) {
            self.saved.0.push(t);
            self.saved.1.push(u);
        }
    }

    /// `self.t`, `self.u` are the end of the step, `self.other` its start.
    pub(super) fn after_step(&mut self, t_previous: f64, h: f64) -> Result<(), StepError> {
        let t_step_end = self.t;
        self.locate_events(t_previous, h)?;
        self.save_times(t_previous, t_step_end, h)?;
        if self.save.dense {
            self.prepare_interpolant(t_previous, t_step_end, h)?;
            if let Some(interpolant) = self.stepper.interpolant() {
                let segment = DenseSegment::new(t_previous, self.t, h, &self.other, &interpolant);
                self.dense.push(segment);
            }
        }
        if self.t != t_step_end {
            self.u.copy_from(&self.scratch)?;
        }
        if self.save.every.is_some_and(|n| self.statistics.accepted.is_multiple_of(n)) {
            self.keep(self.t, self.u.clone());
        }
        self.notify(t_previous);
        Ok(())
    }

    fn prepare_interpolant(&mut self, t: f64, t_next: f64, h: f64) -> Result<(), StepError> {
        if self.interpolated_to == t_next {
            return Ok(());
        }
        let step = Step {
            field: &self.field,
            t,
            t_next,
            h,
            u: &self.other,
            next: &mut self.u,
            noise: self.noise.as_mut(),
            grid: None,
        };
        self.stepper.prepare_interpolant(step)?;
        // Stages that the step itself does without may be bad where its end is good.
        let interpolant = self.stepper.interpolant();
        for stage in interpolant.iter().flat_map(|interpolant| interpolant.stages) {
            if let Some(lane) = stage.first_non_finite_lane()? {
                return Err(StepError::NonFiniteInterpolant { t, lane });
            }
        }
        self.interpolated_to = t_next;
        Ok(())
    }

    /// Writes the state at `t + theta h` into `self.scratch`; the end of the
    /// step for a method without interpolant.
    fn interpolate(&mut self, theta: f64) -> Result<(), StateError> {
        match self.stepper.interpolant() {
            Some(interpolant) if theta < 1.0 => {
                interpolant.at(&mut self.scratch, &self.other, theta)
            }
            _ => self.scratch.copy_from(&self.u),
        }
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

    /// Whether the continuous extension of the step to `self.t` is ready.
    fn is_extended(&self) -> bool {
        self.interpolated_to == self.t
    }

    /// The time of a share of the step to `self.t`.
    fn time_of_share(&self, t_previous: f64, h: f64, theta: f64) -> f64 {
        if theta == 1.0 { self.t } else { t_previous + theta * h }
    }

    /// Records what the events did in the step, in order of time, and ends it at the first that
    /// ends the solve: `self.t` becomes its time and `self.scratch` its state.
    fn locate_events(&mut self, t_previous: f64, h: f64) -> Result<(), StepError> {
        let mut happenings = Vec::new();
        for index in 0..self.events.len() {
            let course = self.follow_event(index, t_previous, h)?;
            self.event_sides[index] = course.side;
            let crossings = course.crossings.into_iter().map(|theta| (theta, index, false));
            happenings.extend(crossings.chain(course.nan.map(|theta| (theta, index, true))));
        }
        happenings.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (theta, event, is_nan) in happenings {
            let t = self.time_of_share(t_previous, h, theta);
            self.seen_by_events(theta)?;
            if is_nan {
                let lane = lane_to_blame(&self.scratch)?;
                self.outcome = Some(Outcome::EventNan { t, event, lane });
                break;
            }
            self.crossings.push(EventRecord { event, t, u: self.scratch.clone() });
            if self.events[event].terminate {
                self.t = t;
                self.outcome = Some(Outcome::Terminated { event, t });
                break;
            }
        }
        Ok(())
    }

    fn follow_event(&mut self, index: usize, t_previous: f64, h: f64) -> Result<Course, StepError> {
        let &Event { crossing, probes, .. } = &self.events[index];
        let side = self.event_sides[index];
        let at_end = || Side::of((self.events[index].function)(&self.u, self.t));
        if probes == 0 && at_end() == Some(side) {
            return Ok(Course { crossings: Vec::new(), nan: None, side });
        }
        match self.prepare_interpolant(t_previous, self.t, h) {
            // The step is made: what its extension alone would evaluate is no part of it. Without
            // one the event is looked at on its ends.
            Err(StepError::Field(FieldError::BudgetSpent | FieldError::Domain { .. })) => {}
            prepared => prepared?,
        }
        let inside = self.is_extended() && self.stepper.interpolant().is_some();
        let view = View::new(probes, inside, self.t, h);
        let value = |theta: f64| {
            let t = self.time_of_share(t_previous, h, theta);
            if theta == 1.0 {
                return Ok((self.events[index].function)(&self.u, t));
            }
            self.seen_by_events(theta)?;
            Ok((self.events[index].function)(&self.scratch, t))
        };
        Ok(follow(value, crossing, side, view)?)
    }

    /// Saves at the times asked for within the step, up to `self.t`.
    fn save_times(&mut self, t_previous: f64, t_step_end: f64, h: f64) -> Result<(), StepError> {
        let passed = |t: f64, end: f64| if h > 0.0 { t <= end } else { t >= end };
        let event_state = (self.t != t_step_end).then(|| self.scratch.clone());
        while let Some(&t) = self.save.times.get(self.next_save_time) {
            if !passed(t, self.t) {
                break;
            }
            if t == t_step_end {
                self.keep(t, self.u.clone());
            } else {
                self.prepare_interpolant(t_previous, t_step_end, h)?;
                self.interpolate((t - t_previous) / h)?;
                self.keep(t, self.scratch.clone());
            }
            self.next_save_time += 1;
        }
        if let Some(state) = event_state {
            self.scratch = state;
        }
        Ok(())
    }

    fn notify(&mut self, t_previous: f64) {
        let mut change = Change::None;
        self.statistics.set_evaluations(self.field.evaluations());
        for observer in &mut self.observers {
            let mut step = AcceptedStep {
                t_previous,
                t: self.t,
                span: (self.t0, self.t1),
                previous: &self.other,
                statistics: self.statistics,
                u: &mut self.u,
                change: &mut change,
            };
            if let Flow::Stop(reason) = observer.observe(&mut step) {
                // What ended the solve first stays its outcome.
                self.outcome.get_or_insert(Outcome::Stopped { t: self.t, reason });
            }
        }
        self.forget_cached(change);
    }

    /// The state was changed from outside: what was computed at it is void.
    pub(super) fn forget_cached(&mut self, change: Change) {
        match change {
            Change::None => return,
            Change::Corrected => self.tell(Told::Corrected),
            Change::Replaced => self.tell(Told::Replaced),
        }
        self.look_at_events();
    }

    /// Sides of the events at the present state, which no crossing leads to.
    pub(super) fn look_at_events(&mut self) {
        for (event, (side, watched)) in self.event_sides.iter_mut().zip(&self.events).enumerate() {
            match Side::of((watched.function)(&self.u, self.t)) {
                Some(known) => *side = known,
                None => {
                    let lane = lane_to_blame(&self.u).ok().flatten();
                    self.outcome.get_or_insert(Outcome::EventNan { t: self.t, event, lane });
                }
            }
        }
    }
}

/// The lane of a state at which an event function is NaN, where that can be known.
fn lane_to_blame<S: State>(state: &S) -> Result<Option<usize>, StateError> {
    let only = (state.lanes() == 1).then_some(0);
    Ok(state.first_non_finite_lane()?.or(only))
}
