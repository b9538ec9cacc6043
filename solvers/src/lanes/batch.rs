//! The loop: one attempt of all lanes that are on their way, again and again.

use super::first_step::first_lengths;
use super::paced::{LaneStep, Paced, in_place};
use super::saving::{Place, Saving};
use super::{LaneOptions, LaneReport, LaneSolution};
use crate::control::{ErrorHistory, ErrorNorm, NormScratch};
use crate::field::{Counted, VectorField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoNoise;
use crate::solution::Outcome;
use crate::solve::SolveError;
use crate::state::{State, StateError};

/// A lane on its way.
#[derive(Debug, Clone)]
struct Lane {
    /// Its number in the whole batch.
    number: usize,
    t: f64,
    /// Length of the coming step.
    h: f64,
    history: ErrorHistory,
    accepted: u64,
    rejected: u64,
    /// What was rejected last, from where the lane is, was NaN or infinite.
    non_finite: bool,
    /// Set when the lane is done.
    outcome: Option<Outcome>,
}

impl Lane {
    /// Why the coming step is not made, being too small: the field's doing, if what was rejected
    /// last was not finite.
    fn too_small(&self) -> Outcome {
        if self.non_finite {
            return Outcome::NonFinite { t: self.t, lane: self.number };
        }
        Outcome::StepTooSmall { t: self.t, h: self.h }
    }
}

/// The lanes on their way, and where the others arrived.
struct Batch<'a, S: State, F: VectorField<S>, P: Stepper<S, Paced<S, F>>> {
    field: Counted<&'a Paced<S, F>>,
    paced: &'a Paced<S, F>,
    info: MethodInfo,
    /// Of the error estimate.
    order: f64,
    stepper: P,
    lanes: Vec<Lane>,
    u: S,
    next: S,
    scratch: NormScratch,
    options: LaneOptions,
    /// Evaluations of a lane that an interpolant takes besides those of its step.
    of_interpolant: u64,
    t1: f64,
    direction: f64,
    saving: Saving<S>,
    arrived: S,
    reports: Vec<Option<LaneReport>>,
}

pub(super) fn solve<S: State, F: VectorField<S>, M: Method<S, Paced<S, F>>>(
    paced: &Paced<S, F>,
    method: &M,
    initial: &S,
    (t0, t1): (f64, f64),
    order: f64,
    mut options: LaneOptions,
) -> Result<LaneSolution<S>, SolveError> {
    let info = method.info();
    let direction = (t1 - t0).signum();
    let times = std::mem::take(&mut options.save_times);
    let saving = Saving::new(times, initial, (t0, t1))?;
    let (lengths, failure) = lengths(paced, order, &options, initial, (t0, t1));
    let longest = options.adaptive.dtmax.unwrap_or(f64::INFINITY);
    let lane = |(number, length): (usize, f64)| Lane {
        number,
        t: t0,
        h: direction * length.min(longest),
        history: ErrorHistory::default(),
        accepted: 0,
        rejected: 0,
        non_finite: false,
        outcome: failure.clone(),
    };
    let mut batch = Batch {
        field: Counted::new(paced, None),
        paced,
        stepper: method.begin(initial),
        lanes: lengths.into_iter().enumerate().map(lane).collect(),
        u: initial.clone(),
        next: initial.zeros_like(),
        scratch: NormScratch::default(),
        of_interpolant: info.interpolant_evaluations,
        t1,
        direction,
        saving,
        arrived: initial.clone(),
        reports: vec![None; initial.lanes()],
        options,
        info,
        order,
    };
    batch.dismiss()?;
    while !batch.lanes.is_empty() {
        batch.round()?;
    }
    Ok(batch.finish())
}

/// Lengths of the first steps, and how the lanes already ended if the span is empty or the field
/// cannot be evaluated.
fn lengths<S: State, F: VectorField<S>>(
    paced: &Paced<S, F>,
    order: f64,
    options: &LaneOptions,
    initial: &S,
    (t0, t1): (f64, f64),
) -> (Vec<f64>, Option<Outcome>) {
    let all = |length: f64| vec![length; initial.lanes()];
    let whole = (t1 - t0).abs();
    if whole == 0.0 {
        return (all(0.0), Some(Outcome::Success));
    }
    if let Some(length) = options.adaptive.initial_step {
        return (all(length), None);
    }
    if options.nfe_budget.is_some_and(|budget| budget < 2) {
        return (all(whole), None);
    }
    match first_lengths(paced, &options.adaptive, initial, (t0, t1), order) {
        Ok(lengths) => (lengths, None),
        Err(error) => (all(whole), Some(Outcome::Failed { t: t0, reason: error.to_string() })),
    }
}

/// A step of all lanes on the clock of their own steps.
fn from_0_to_1<'a, S: State, F>(
    field: &'a Counted<&'a Paced<S, F>>,
    u: &'a S,
    next: &'a mut S,
    noise: &'a mut NoNoise,
) -> Step<'a, S, Paced<S, F>> {
    Step { field, t: 0.0, t_next: 1.0, h: 1.0, u, next, noise, grid: None }
}

impl<S: State, F: VectorField<S>, P: Stepper<S, Paced<S, F>>> Batch<'_, S, F, P> {
    /// One attempt of every lane that can make one.
    fn round(&mut self) -> Result<(), StateError> {
        let mut steps = Vec::with_capacity(self.lanes.len());
        for here in 0..self.lanes.len() {
            match self.next_step(here) {
                Ok(step) => steps.push(step),
                Err(outcome) => self.lanes[here].outcome = Some(outcome),
            }
        }
        self.dismiss()?;
        if steps.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.attempt(&steps) {
            let reason = error.to_string();
            for lane in &mut self.lanes {
                // A lane that arrived with times still to be saved did not get through either.
                let arrived = lane.outcome.as_ref().is_some_and(Outcome::is_success);
                if lane.outcome.is_none() || arrived && !self.saving.is_done(lane.number) {
                    lane.outcome = Some(Outcome::Failed { t: lane.t, reason: reason.clone() });
                }
            }
        }
        self.dismiss()
    }

    /// Evaluations that a step may take of a lane: the interpolant's, if a save time may
    /// fall into it, among them.
    fn cost(&self, here: usize) -> u64 {
        let known = u64::from(self.paced.knows_first(here));
        let step = self.info.evaluations_at_start + self.info.evaluations_per_step - known;
        if self.saving.is_done(self.lanes[here].number) { step } else { step + self.of_interpolant }
    }

    /// The step a lane attempts, or why it cannot go on.
    fn next_step(&self, here: usize) -> Result<LaneStep, Outcome> {
        let lane = &self.lanes[here];
        let &Lane { t, h, accepted, rejected, .. } = lane;
        let steps = accepted + rejected;
        if steps >= self.options.max_steps {
            return Err(Outcome::MaxSteps { t, steps });
        }
        let nfe = self.paced.evaluations(here);
        if let Some(budget) = self.options.nfe_budget
            && nfe + self.cost(here) > budget
        {
            return Err(Outcome::BudgetSpent { t, nfe, budget });
        }
        let rest = self.t1 - t;
        let t_next = t + h;
        if h.abs() >= rest.abs() || (self.t1 - t_next) * self.direction <= 0.0 {
            return Ok(LaneStep { t, t_next: self.t1, h: rest });
        }
        if t_next == t {
            return Err(lane.too_small());
        }
        Ok(LaneStep { t, t_next, h: t_next - t })
    }

    fn attempt(&mut self, steps: &[LaneStep]) -> Result<(), StepError> {
        self.paced.start(steps.iter().copied());
        self.stepper.tell(Told::Replaced)?;
        let mut no_noise = NoNoise;
        let step = from_0_to_1(&self.field, &self.u, &mut self.next, &mut no_noise);
        self.stepper.step(step)?;
        let estimate = self.stepper.error();
        let tolerance = &self.options.adaptive.tolerance;
        ErrorNorm::lane_squares(&estimate, &self.u, &self.next, tolerance, &mut self.scratch)?;
        let accepted = self.judge(steps)?;
        if accepted.is_empty() {
            return Ok(());
        }
        self.paced.accept(&accepted)?;
        self.stepper.tell(Told::Accepted)?;
        // Accepted is accepted, even if saving fails.
        let saved = self.save(steps, &accepted);
        if accepted.len() == self.lanes.len() {
            self.u.take_from(&mut self.next)?;
        } else {
            self.u.assign_lanes(&self.next, &in_place(&accepted))?;
        }
        saved
    }

    /// Lets every lane's own controller judge its step; the lanes whose steps are accepted.
    fn judge(&mut self, steps: &[LaneStep]) -> Result<Vec<usize>, StateError> {
        let control = &self.options.adaptive;
        let order = self.order;
        let estimate = self.stepper.error();
        let mut accepted = Vec::with_capacity(steps.len());
        for (here, (lane, step)) in self.lanes.iter_mut().zip(steps).enumerate() {
            let square = self.scratch.high[here];
            let verdict = control.controller.judge_squared(square, order, &mut lane.history);
            lane.h = control.next_length(step.h, &verdict);
            if verdict.accept {
                lane.accepted += 1;
                lane.non_finite = false;
                lane.t = step.t_next;
                if lane.t == self.t1 {
                    lane.outcome = Some(Outcome::Success);
                }
                accepted.push(here);
                continue;
            }
            lane.rejected += 1;
            // A square that is not finite may be that of a finite error.
            lane.non_finite =
                !square.is_finite() && !estimate.is_finite_in_lane(&self.next, here)?;
            if lane.h.abs() < control.smallest_step(step.t, self.t1) {
                lane.outcome = Some(lane.too_small());
            }
        }
        Ok(accepted)
    }

    /// Saves the lanes that pass a time asked for.
    fn save(&mut self, steps: &[LaneStep], accepted: &[usize]) -> Result<(), StepError> {
        let lanes = &self.lanes;
        let places: Vec<Place> =
            accepted.iter().map(|&here| Place { here, lane: lanes[here].number }).collect();
        let between = self.saving.between(&places, steps);
        if between.is_empty() {
            self.saving.save(&places, steps, (&self.u, &self.next), None)?;
            return Ok(());
        }
        // What the interpolant lacks is evaluated for these lanes alone.
        self.paced.interpolate(Some(between));
        let mut no_noise = NoNoise;
        let step = from_0_to_1(&self.field, &self.u, &mut self.next, &mut no_noise);
        let prepared = self.stepper.prepare_interpolant(step);
        self.paced.interpolate(None);
        prepared?;
        let interpolant = self.stepper.interpolant();
        let states = (&self.u, &self.next);
        for Place { here, lane } in
            self.saving.save(&places, steps, states, interpolant.as_ref())?
        {
            self.lanes[here].outcome = Some(Outcome::NonFinite { t: steps[here].t, lane });
        }
        Ok(())
    }

    /// Lets the lanes go that are done.
    fn dismiss(&mut self) -> Result<(), StateError> {
        if self.lanes.iter().all(|lane| lane.outcome.is_none()) {
            return Ok(());
        }
        let (mut pairs, mut staying) = (Vec::new(), Vec::new());
        for (here, lane) in self.lanes.iter().enumerate() {
            let Some(outcome) = lane.outcome.clone() else {
                staying.push(here);
                continue;
            };
            pairs.push((lane.number, here));
            self.reports[lane.number] = Some(LaneReport {
                t: lane.t,
                outcome,
                nfe: self.paced.evaluations(here),
                accepted: lane.accepted,
                rejected: lane.rejected,
            });
        }
        self.arrived.assign_lanes(&self.u, &pairs)?;
        self.lanes.retain(|lane| lane.outcome.is_none());
        if staying.is_empty() {
            return Ok(());
        }
        self.u = self.u.select_lanes(&staying)?;
        self.next = self.u.zeros_like();
        self.stepper.tell(Told::Lanes(&staying))?;
        self.paced.keep(&staying)
    }

    fn finish(self) -> LaneSolution<S> {
        let (t_saved, saved) = self.saving.finish();
        LaneSolution {
            u: self.arrived,
            lanes: self.reports.into_iter().flatten().collect(),
            t_saved,
            saved,
            calls: self.paced.calls(),
            network_forwards: self.paced.calls() * self.paced.forwards_per_call(),
        }
    }
}
