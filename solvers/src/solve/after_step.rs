//! What happens between an accepted step and the next: events, saving,
//! observers.

use super::Integrator;
use super::by_hand::slowest;
use super::roster::Departure;
use super::steps::Steps;
use crate::method::{Interpolant, Method, Step, StepError, Stepper, Told};
use crate::observer::{AcceptedStep, Change, Flow, Moved, Observer};
use crate::problem::Problem;
use crate::solution::{DenseSegment, Outcome};
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

    /// What is wanted of the initial state.
    pub(super) fn record_start(&mut self) {
        for recorder in &mut self.recorders {
            if recorder.next() == Some(self.t0) {
                recorder.record(&self.u);
            }
        }
    }

    /// States of all lanes at the times asked for, each filled in as the lanes pass.
    pub(super) fn save_lanes_start(&mut self) -> Result<(), StateError> {
        self.save.times.dedup();
        let mut unknown = self.u.zeros_like();
        unknown.fill_lanes(|_, block| block.fill(f64::NAN))?;
        self.saved = (self.save.times.clone(), vec![unknown; self.save.times.len()]);
        if self.save.start && self.save.times.first() != Some(&self.t0) {
            self.saved.0.insert(0, self.t0);
            self.saved.1.insert(0, self.u.clone());
            self.save.times.insert(0, self.t0);
        }
        if self.save.times.first() == Some(&self.t0) {
            self.saved.1[0].copy_from(&self.u)?;
            if let Some(own) = &mut self.own {
                own.paces.iter_mut().for_each(|pace| pace.next_save = 1);
            }
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, t: f64, u: P::State) {
        if self.saved.0.last() != Some(&t) {
            self.saved.0.push(t);
            self.saved.1.push(u);
        }
    }

    /// A state of the lanes on their way as one of all lanes, NaN in those that left.
    pub(super) fn whole(&self, u: P::State) -> Result<P::State, StateError> {
        match &self.roster {
            Some(roster) => roster.whole(&u),
            None => Ok(u),
        }
    }

    /// `self.t`, `self.u` are the end of the step, `self.other` its start.
    pub(super) fn after_step(&mut self, t_previous: f64, h: f64) -> Result<(), StepError> {
        self.step_end = self.t;
        let effect = self.locate_events(t_previous, h)?;
        let mut leaving = self.locate_lane_events(t_previous, h)?;
        self.save_times(t_previous, h, &leaving)?;
        if self.save.dense {
            self.prepare_interpolant(t_previous, h)?;
            if let Some(interpolant) = self.stepper.interpolant() {
                let mut segment =
                    DenseSegment::new(t_previous, self.t, h, &self.other, &interpolant);
                segment.of_lanes(self.roster.as_ref().map(|roster| roster.numbers.clone()));
                for Departure { slot, report, .. } in &leaving {
                    segment.ends(*slot, report.t);
                }
                self.dense.push(segment);
            }
        }
        if self.t != self.step_end {
            self.u.copy_from(&self.scratch)?;
            // The rest may end where this step would have.
            self.interpolated_to = f64::NAN;
            if let Steps::Fixed { next, .. } = &mut self.steps {
                // What is left of the step of the grid is the next one.
                *next -= 1;
            }
        }
        if self.save.every.is_some_and(|n| self.statistics.accepted.is_multiple_of(n)) {
            let mut state = self.u.clone();
            self.blank(&mut state, self.t, &leaving)?;
            let whole = self.whole(state)?;
            self.keep(self.t, whole);
        }
        if let Some(event) = effect {
            self.affect(event);
        }
        if self.is_steady(t_previous)? {
            self.outcome.get_or_insert(Outcome::Steady { t: self.t });
        }
        self.notify(t_previous, &mut leaving)?;
        if self.t == self.target && self.target != self.t1 {
            self.pass_stop();
        }
        Ok(self.dismiss(leaving)?)
    }

    /// The same for lanes that have steps of their own, of which these were accepted.
    pub(super) fn after_round(&mut self, accepted: &[usize]) -> Result<(), StepError> {
        let t_previous = self.t;
        let Some(own) = &self.own else { return Ok(()) };
        let times = own.paces.iter().map(|pace| pace.t);
        self.t = slowest(times, self.t1 >= self.t0).unwrap_or(self.t1);
        self.statistics.accepted += accepted.len() as u64;
        if !self.attended {
            return Ok(());
        }
        let steps = own.steps.steps.clone();
        // What the interpolant lacks is evaluated for these lanes alone.
        let watched = self.extends_every_step();
        let passes = |slot: &usize| {
            let pace = &own.paces[*slot];
            let next = self.save.times.get(pace.next_save);
            next.is_some_and(|&t| self.passed(t, steps[*slot].t_next) && t != steps[*slot].t_next)
        };
        let wanted: Vec<usize> =
            accepted.iter().copied().filter(|slot| watched || passes(slot)).collect();
        if !wanted.is_empty() {
            self.extend_lanes(wanted.clone())?;
        }
        if self.watches_lanes() {
            for &slot in accepted {
                let step = steps[slot];
                let made = self.lane_events(slot, step.h, 1.0, |theta| step.at(theta))?;
                let Some((t, outcome, state)) = made else { continue };
                self.u.assign_lanes(&state, &[(slot, 0)])?;
                if let Some(own) = &mut self.own {
                    own.paces[slot].t = t;
                }
                self.end_lane(slot, outcome);
            }
        }
        self.save_lanes(accepted, &steps)?;
        if self.save.dense
            && let (Some(interpolant), Some(own)) = (self.stepper.interpolant(), &self.own)
        {
            let lanes = wanted.iter().map(|&slot| {
                let number = self.number(slot);
                (slot, number, steps[slot], own.paces[slot].t)
            });
            let lanes: Vec<_> = lanes.collect();
            self.dense.push(DenseSegment::of_own_steps(&self.other, &interpolant, lanes)?);
        }
        Ok(self.notify(t_previous, &mut Vec::new())?)
    }

    /// The steps' continuous extension, in these lanes.
    fn extend_lanes(&mut self, wanted: Vec<usize>) -> Result<(), StepError> {
        let Some(own) = &mut self.own else { return Ok(()) };
        own.steps.interpolated = wanted;
        let step = Step {
            field: &self.field,
            t: 0.0,
            t_next: 1.0,
            h: 1.0,
            u: &self.other,
            next: &mut self.u,
            noise: self.noise.as_mut(),
            grid: None,
            lanes: Some(&own.steps),
        };
        self.stepper.prepare_interpolant(step)
    }

    pub(super) fn prepare_interpolant(&mut self, t: f64, h: f64) -> Result<(), StepError> {
        if self.is_extended() {
            return Ok(());
        }
        let (from, until) = self.asked;
        let step = Step {
            field: &self.field,
            t: from,
            t_next: until,
            h,
            u: &self.other,
            next: &mut self.u,
            noise: self.noise.as_mut(),
            grid: None,
            lanes: None,
        };
        self.stepper.prepare_interpolant(step)?;
        // Stages that the step itself does without may be bad where its end is good.
        let interpolant = self.stepper.interpolant();
        for stage in interpolant.iter().flat_map(|interpolant| interpolant.stages) {
            if let Some(lane) = stage.first_non_finite_lane()? {
                return Err(StepError::NonFiniteInterpolant { t, lane });
            }
        }
        self.interpolated_to = self.step_end;
        Ok(())
    }

    /// Whether the continuous extension of the step is ready.
    pub(super) fn is_extended(&self) -> bool {
        self.interpolated_to == self.step_end
    }

    /// The state at `t + theta h`; the end of the step for a method without interpolant.
    fn interpolated(&self, theta: f64) -> Result<P::State, StateError> {
        match self.stepper.interpolant() {
            Some(interpolant) if theta < 1.0 => {
                let mut state = self.u.zeros_like();
                interpolant.at(&mut state, &self.other, theta)?;
                Ok(state)
            }
            _ => Ok(self.u.clone()),
        }
    }

    /// Whether a solve that has reached `end` is past `t`.
    fn passed(&self, t: f64, end: f64) -> bool {
        if self.t1 >= self.t0 { t <= end } else { t >= end }
    }

    /// Saves at the times asked for within the step, up to `self.t`, and shows the state to whoever
    /// wants to see it at such times.
    fn save_times(
        &mut self,
        t_previous: f64,
        h: f64,
        leaving: &[Departure<P::State>],
    ) -> Result<(), StepError> {
        while let Some(&t) = self.save.times.get(self.next_save_time)
            && self.passed(t, self.t)
        {
            let state = self.state_at(t, (t_previous, h), leaving)?;
            self.keep(t, state);
            self.next_save_time += 1;
        }
        for index in 0..self.recorders.len() {
            while let Some(t) = self.recorders[index].next()
                && self.passed(t, self.t)
            {
                let state = self.state_at(t, (t_previous, h), leaving)?;
                self.recorders[index].record(&state);
            }
        }
        Ok(())
    }

    /// The state of the whole batch at a time of the step, NaN in lanes that have ended before it.
    fn state_at(
        &mut self,
        t: f64,
        (t_previous, h): (f64, f64),
        leaving: &[Departure<P::State>],
    ) -> Result<P::State, StepError> {
        let mut state = if t == self.step_end {
            self.u.clone()
        } else {
            self.prepare_interpolant(t_previous, h)?;
            self.interpolated((t - t_previous) / h)?
        };
        self.blank(&mut state, t, leaving)?;
        Ok(self.whole(state)?)
    }

    /// NaN in the lanes that ended before `t`.
    fn blank(
        &self,
        state: &mut P::State,
        t: f64,
        leaving: &[Departure<P::State>],
    ) -> Result<(), StateError> {
        let mut gone = leaving.iter().filter(|lane| !self.passed(t, lane.report.t)).peekable();
        if gone.peek().is_none() {
            return Ok(());
        }
        let mut factors = vec![1.0; state.lanes()];
        gone.for_each(|lane| factors[lane.slot] = f64::NAN);
        state.combine_lanes(&factors, &[])
    }

    /// Saves the lanes that pass a time asked for.
    fn save_lanes(
        &mut self,
        accepted: &[usize],
        steps: &[crate::method::LaneStep],
    ) -> Result<(), StepError> {
        loop {
            // Each lane's next time within its step, if there is one.
            let due = accepted.iter().filter_map(|&slot| {
                let pace = &self.own.as_ref()?.paces[slot];
                let t = *self.save.times.get(pace.next_save)?;
                self.passed(t, pace.t).then_some((slot, t))
            });
            let due: Vec<(usize, f64)> = due.collect();
            if due.is_empty() {
                return Ok(());
            }
            let between = due.iter().any(|&(slot, t)| t != steps[slot].t_next);
            let interpolated = match self.stepper.interpolant().filter(|_| between) {
                Some(interpolant) => Some(interpolate_due(&interpolant, &self.other, &due, steps)?),
                None => None,
            };
            let suspect = match &interpolated {
                Some(interpolated) => interpolated.first_non_finite_lane()?.is_some(),
                None => false,
            };
            for (slot, t) in due {
                let at_end = t == steps[slot].t_next;
                let from = interpolated.as_ref().filter(|_| !at_end).unwrap_or(&self.u);
                let bad = || Ok(from.select_lanes(&[slot])?.first_non_finite_lane()?.is_some());
                let is_bad: Result<bool, StateError> = if suspect { bad() } else { Ok(false) };
                let is_bad = is_bad?;
                let number = self.number(slot);
                let Some(own) = &mut self.own else { continue };
                let index = own.paces[slot].next_save;
                own.paces[slot].next_save += 1;
                self.saved.1[index].assign_lanes(from, &[(number, slot)])?;
                if is_bad {
                    let outcome = Outcome::NonFinite { t: steps[slot].t, lane: number };
                    self.end_lane(slot, outcome);
                }
            }
        }
    }

    /// Whether the state moves no faster than is asked for.
    fn is_steady(&mut self, t_previous: f64) -> Result<bool, StateError> {
        let Some(tolerance) = &self.steady else { return Ok(false) };
        let rate = 1.0 / (self.t - t_previous);
        self.scratch.linear_combination(0.0, &[(rate, &self.u), (-rate, &self.other)])?;
        let mut squares = Vec::new();
        self.scratch.weighted_mean_squares(&self.u, &self.u, tolerance, &mut squares)?;
        Ok(squares.iter().all(|&square| square <= 1.0))
    }

    /// Shows the step to the observers, one after the other, each of which sees the lanes where
    /// those before it moved them.
    fn notify(
        &mut self,
        t_previous: f64,
        leaving: &mut Vec<Departure<P::State>>,
    ) -> Result<(), StateError> {
        if self.observers.is_empty() {
            return Ok(());
        }
        self.statistics.set_evaluations(self.field.evaluations());
        let (mut change, mut observers) = (Change::None, std::mem::take(&mut self.observers));
        let seen = observers.iter_mut().try_for_each(|observer| {
            for (from, moved) in self.show(&mut **observer, t_previous, &mut change) {
                self.follow_move(&from, moved)?;
                *leaving = moved_departures(leaving, &from);
            }
            Ok(())
        });
        self.observers = observers;
        self.forget_cached(change);
        seen
    }

    /// Shows the step to an observer; how it moved the lanes.
    fn show(
        &mut self,
        observer: &mut dyn Observer<P::State>,
        t_previous: f64,
        change: &mut Change,
    ) -> Vec<(Vec<usize>, Moved)> {
        let times = self.own.as_ref().map(|own| own.paces.iter().map(|pace| pace.t).collect());
        let times: Option<Vec<f64>> = times;
        let mut moves = Vec::new();
        let mut step = AcceptedStep {
            t_previous,
            t: self.t,
            lane_times: times.as_deref(),
            numbers: self.roster.as_ref().map(|roster| roster.numbers.as_slice()),
            span: (self.t0, self.t1),
            previous: &self.other,
            statistics: self.statistics,
            u: &mut self.u,
            change,
            moves: &mut moves,
        };
        if let Flow::Stop(reason) = observer.observe(&mut step) {
            // What ended the solve first stays its outcome.
            self.outcome.get_or_insert(Outcome::Stopped { t: self.t, reason });
        }
        moves
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
}

/// Lanes that leave from wherever they, or copies of them, were moved.
fn moved_departures<S: State>(leaving: &[Departure<S>], from: &[usize]) -> Vec<Departure<S>> {
    let places = from.iter().enumerate();
    let left = places.filter_map(|(slot, &old)| {
        let lane = leaving.iter().find(|lane| lane.slot == old)?;
        Some(Departure { slot, ..lane.clone() })
    });
    left.collect()
}

/// The lanes that are due, each at its time.
fn interpolate_due<S: State>(
    interpolant: &Interpolant<'_, S>,
    u: &S,
    due: &[(usize, f64)],
    steps: &[crate::method::LaneStep],
) -> Result<S, StateError> {
    let mut thetas = vec![0.0; u.lanes()];
    for &(slot, t) in due {
        thetas[slot] = (t - steps[slot].t) / steps[slot].h;
    }
    let mut out = u.zeros_like();
    interpolant.at_lanes(&mut out, u, &thetas, |lane| lane)?;
    Ok(out)
}
