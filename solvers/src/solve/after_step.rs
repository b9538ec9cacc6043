//! What happens between an accepted step and the next: events, saving,
//! observers.

use super::Integrator;
use super::integrator::Steps;
use super::roster::Departure;
use crate::method::{Interpolant, Method, Step, StepError, Stepper, Told};
use crate::observer::{AcceptedStep, Change, Flow};
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
    pub(super) fn whole(&self, u: &P::State) -> Result<P::State, StateError> {
        match &self.roster {
            Some(roster) => roster.whole(u),
            None => Ok(u.clone()),
        }
    }

    /// `self.t`, `self.u` are the end of the step, `self.other` its start.
    pub(super) fn after_step(&mut self, t_previous: f64, h: f64) -> Result<(), StepError> {
        self.step_end = self.t;
        let effect = self.locate_events(t_previous, h)?;
        let leaving = self.locate_lane_events(t_previous, h)?;
        self.save_times(t_previous, h, &leaving)?;
        self.record_times(t_previous, h)?;
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
            if let Steps::Fixed { next, .. } = &mut self.steps {
                // What is left of the step of the grid is the next one.
                *next -= 1;
            }
        }
        if self.save.every.is_some_and(|n| self.statistics.accepted.is_multiple_of(n)) {
            let whole = self.whole(&self.u)?;
            self.keep(self.t, whole);
        }
        if let Some(event) = effect {
            self.affect(event);
        }
        if self.is_steady(t_previous)? {
            self.outcome.get_or_insert(Outcome::Steady { t: self.t });
        }
        self.notify(t_previous)?;
        if self.t == self.target && self.target != self.t1 {
            self.pass_stop();
        }
        Ok(self.dismiss(leaving)?)
    }

    /// The same for lanes that have steps of their own, of which these were accepted.
    pub(super) fn after_round(&mut self, accepted: &[usize]) -> Result<(), StepError> {
        let slowest = |times: &mut dyn Iterator<Item = f64>| {
            let forwards = self.t1 >= self.t0;
            times.fold(self.t1, |slowest, t| if (t < slowest) == forwards { t } else { slowest })
        };
        let t_previous = self.t;
        let Some(own) = &self.own else { return Ok(()) };
        self.t = slowest(&mut own.paces.iter().map(|pace| pace.t));
        self.statistics.accepted += accepted.len() as u64;
        if !self.attended {
            return Ok(());
        }
        let steps = own.steps.steps.clone();
        // What the interpolant lacks is evaluated for these lanes alone.
        let watched = self.watches_lanes() || self.save.dense;
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
        Ok(self.notify(t_previous)?)
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
        let step = Step {
            field: &self.field,
            t,
            t_next: self.step_end,
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

    /// Whether a solve that has reached `end` is past `t`.
    fn passed(&self, t: f64, end: f64) -> bool {
        if self.t1 >= self.t0 { t <= end } else { t >= end }
    }

    /// Saves at the times asked for within the step, up to `self.t`.
    fn save_times(
        &mut self,
        t_previous: f64,
        h: f64,
        leaving: &[Departure<P::State>],
    ) -> Result<(), StepError> {
        if self.next_save_time == self.save.times.len() {
            return Ok(());
        }
        let event_state = (self.t != self.step_end).then(|| self.scratch.clone());
        while let Some(&t) = self.save.times.get(self.next_save_time) {
            if !self.passed(t, self.t) {
                break;
            }
            let mut state = if t == self.step_end {
                self.u.clone()
            } else {
                self.prepare_interpolant(t_previous, h)?;
                self.interpolate((t - t_previous) / h)?;
                self.scratch.clone()
            };
            let gone: Vec<f64> = (0..state.lanes())
                .map(|slot| match leaving.iter().find(|lane| lane.slot == slot) {
                    Some(lane) if !self.passed(t, lane.report.t) => f64::NAN,
                    _ => 1.0,
                })
                .collect();
            if gone.iter().any(|factor| factor.is_nan()) {
                state.combine_lanes(&gone, &[])?;
            }
            let whole = self.whole(&state)?;
            self.keep(t, whole);
            self.next_save_time += 1;
        }
        if let Some(state) = event_state {
            self.scratch = state;
        }
        Ok(())
    }

    /// Calls whoever wants to see the state at given times.
    fn record_times(&mut self, t_previous: f64, h: f64) -> Result<(), StepError> {
        for index in 0..self.recorders.len() {
            while let Some(t) = self.recorders[index].next() {
                if !self.passed(t, self.t) {
                    break;
                }
                let event_state = self.scratch.clone();
                if t == self.step_end {
                    self.scratch.copy_from(&self.u)?;
                } else {
                    self.prepare_interpolant(t_previous, h)?;
                    self.interpolate((t - t_previous) / h)?;
                }
                let state = self.whole(&self.scratch)?;
                self.recorders[index].record(&state);
                self.scratch = event_state;
            }
        }
        Ok(())
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

    fn notify(&mut self, t_previous: f64) -> Result<(), StateError> {
        if self.observers.is_empty() {
            return Ok(());
        }
        let mut change = Change::None;
        let mut moves = Vec::new();
        self.statistics.set_evaluations(self.field.evaluations());
        let times: Option<Vec<f64>> =
            self.own.as_ref().map(|own| own.paces.iter().map(|pace| pace.t).collect());
        for observer in &mut self.observers {
            let mut step = AcceptedStep {
                t_previous,
                t: self.t,
                lane_times: times.as_deref(),
                numbers: self.roster.as_ref().map(|roster| roster.numbers.as_slice()),
                span: (self.t0, self.t1),
                previous: &self.other,
                statistics: self.statistics,
                u: &mut self.u,
                change: &mut change,
                moves: &mut moves,
            };
            if let Flow::Stop(reason) = observer.observe(&mut step) {
                // What ended the solve first stays its outcome.
                self.outcome.get_or_insert(Outcome::Stopped { t: self.t, reason });
            }
        }
        for (from, moved) in moves {
            self.follow_move(&from, moved)?;
        }
        self.forget_cached(change);
        Ok(())
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
