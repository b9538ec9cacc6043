//! Step control of lanes that have steps of their own.
//!
//! With one shared step ([`ErrorNorm::Batch`](crate::ErrorNorm::Batch) or
//! [`ErrorNorm::WorstLane`](crate::ErrorNorm::WorstLane), "lock-step") the most difficult lane sets
//! the pace of all. Here each goes at its own, and still the field is evaluated once for all lanes
//! that are on their way; lanes that are done leave the batch, so that nothing is evaluated for them
//! any more. A lane's result depends on no other lane: it is the same, to the bit, in any batch and
//! any order.

use super::Integrator;
use super::moves::number_in;
use super::roster::Departure;
use crate::control::{Adaptive, ErrorHistory, ErrorNorm, NormScratch};
use crate::control::{length_of_first_step, length_of_probe};
use crate::field::{Counted, Times};
use crate::method::{LaneStep, LaneSteps, Method, Step, StepError, Stepper, Told, copy_lanes};
use crate::problem::Problem;
use crate::solution::{LaneReport, Outcome};
use crate::state::{State, StateError};

/// A lane on its way.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    pub(super) t: f64,
    /// Length of the coming step on the method's clock.
    h: f64,
    /// Where it starts on the clock.
    clock: f64,
    history: ErrorHistory,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    /// What was rejected last, from where the lane is, was NaN or infinite.
    non_finite: bool,
    /// Set when the lane is done.
    outcome: Option<Outcome>,
    /// Its next time to be saved.
    pub(super) next_save: usize,
}

/// The lanes on their way.
pub(super) struct OwnSteps {
    control: Box<Adaptive>,
    /// Of the error estimate.
    order: f64,
    /// The end of the span on the clock.
    end: f64,
    scratch: NormScratch,
    nfe_budget: Option<u64>,
    pub(super) paces: Vec<Pace>,
    /// The steps of the round.
    pub(super) steps: LaneSteps,
}

impl OwnSteps {
    /// All lanes of a batch, whose first steps have these lengths on the clock.
    pub(super) fn new(
        control: Box<Adaptive>,
        order: f64,
        (t0, start, end): (f64, f64, f64),
        lengths: &[f64],
        nfe_budget: Option<u64>,
    ) -> Self {
        let longest = control.dtmax.unwrap_or(f64::INFINITY);
        let pace = |&length: &f64| Pace {
            t: t0,
            h: length.min(longest).copysign(end - start),
            clock: start,
            history: ErrorHistory::default(),
            accepted: 0,
            rejected: 0,
            non_finite: false,
            outcome: None,
            next_save: 0,
        };
        let paces = lengths.iter().map(pace).collect();
        let (scratch, steps) = (NormScratch::default(), LaneSteps::default());
        OwnSteps { control, order, end, scratch, nfe_budget, paces, steps }
    }

    /// The lanes changed places.
    pub(super) fn move_lanes(&mut self, from: &[usize]) {
        self.paces = from.iter().map(|&slot| self.paces[slot].clone()).collect();
    }
}

impl Pace {
    pub(super) fn report(&self, nfe: u64, outcome: Outcome) -> LaneReport {
        let &Pace { t, accepted, rejected, .. } = self;
        LaneReport { t, outcome, nfe, accepted, rejected }
    }

    /// Why the coming step is not made, being too small: the field's doing, if what was rejected
    /// last was not finite. `number` is the lane's in the whole batch.
    fn too_small(&self, number: usize, direction: f64) -> Outcome {
        if self.non_finite {
            return Outcome::NonFinite { t: self.t, lane: number };
        }
        Outcome::StepTooSmall { t: self.t, h: self.h.copysign(direction) }
    }
}

/// The automatic first step of Hairer, Norsett & Wanner, lane by lane; two evaluations for every
/// lane, the first of which is the first stage of its first step. Positive lengths, or none if the
/// method has no slope.
pub(super) fn first_lengths<S: State, F, P: Stepper<S, F>>(
    field: &Counted<&F>,
    stepper: &mut P,
    adaptive: &Adaptive,
    u: &S,
    (t0, t1): (f64, f64),
    order: f64,
) -> Result<Option<Vec<f64>>, StepError> {
    let direction = (t1 - t0).signum();
    let norms = |value: &S| -> Result<Vec<f64>, StateError> {
        let mut squares = Vec::new();
        value.weighted_mean_squares(u, u, &adaptive.tolerance, &mut squares)?;
        squares.iter_mut().for_each(|square| *square = square.sqrt());
        Ok(squares)
    };
    let mut slope = u.zeros_like();
    let start = vec![t0; u.lanes()];
    if !stepper.slope(field, &mut slope, (u, Times::Each(&start)), true)? {
        return Ok(None);
    }
    let (d0, d1) = (norms(u)?, norms(&slope)?);
    let probes: Vec<f64> =
        d0.iter().zip(&d1).map(|(&d0, &d1)| length_of_probe(d0, d1).min((t1 - t0).abs())).collect();
    let signed: Vec<f64> = probes.iter().map(|h0| direction * h0).collect();
    let times: Vec<f64> = signed.iter().map(|h0| t0 + h0).collect();
    let ones = vec![1.0; u.lanes()];
    let mut probe = u.clone();
    probe.combine_lanes(&ones, &[(&signed, &slope)])?;
    let mut change = u.zeros_like();
    stepper.slope(field, &mut change, (&probe, Times::Each(&times)), false)?;
    change.linear_combination(1.0, &[(-1.0, &slope)])?;
    let d2 = norms(&change)?;
    let lengths = probes.iter().zip(d1.iter().zip(&d2));
    let lengths = lengths.map(|(&h0, (&d1, &d2))| length_of_first_step(h0, d1, d2 / h0, order));
    Ok(Some(lengths.collect()))
}

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    /// Rounds until the step of at least one lane is accepted or the solve is over.
    pub(super) fn step_lanes(&mut self) {
        while self.outcome.is_none() {
            match self.round() {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => self.outcome = Some(*self.failure(error)),
            }
        }
    }

    /// One attempt of every lane that can make one; whether a step was accepted.
    fn round(&mut self) -> Result<bool, StepError> {
        let Some(mut own) = self.own.take() else { return Ok(false) };
        own.steps.steps.clear();
        own.steps.interpolated.clear();
        for slot in 0..own.paces.len() {
            match self.next_lane_step(&own, slot) {
                Ok((clock, step)) => {
                    own.paces[slot].clock = clock;
                    own.steps.steps.push(step);
                }
                Err(outcome) => own.paces[slot].outcome = Some(outcome),
            }
        }
        let attempts = !own.steps.steps.is_empty();
        self.own = Some(own);
        self.dismiss_lanes_that_are_done()?;
        if !attempts || self.outcome.is_some() {
            return Ok(false);
        }
        let accepted = match self.attempt_lanes() {
            Ok(accepted) => accepted,
            Err(error) => {
                self.fail_lanes(&error);
                Vec::new()
            }
        };
        self.dismiss_lanes_that_are_done()?;
        Ok(!accepted.is_empty())
    }

    /// An error ends all lanes, but for a step that was too short, which ends its own. One that
    /// arrived with times still to be saved did not get through either.
    fn fail_lanes(&mut self, error: &StepError) {
        let number = number_in(&self.roster);
        let Some(own) = &mut self.own else { return };
        let direction = (self.t1 - self.t0).signum();
        let is_too_short = |step: &LaneStep| matches!(*error, StepError::TooShort { t, t_next } if (t, t_next) == (step.t, step.t_next));
        let mut ended = false;
        for (slot, (pace, step)) in own.paces.iter_mut().zip(&own.steps.steps).enumerate() {
            if is_too_short(step) {
                pace.outcome = Some(pace.too_small(number(slot), direction));
                ended = true;
            }
        }
        if ended {
            return;
        }
        for pace in &mut own.paces {
            let arrived = pace.outcome.as_ref().is_some_and(Outcome::is_success);
            if pace.outcome.is_none() || arrived && pace.next_save < self.save.times.len() {
                pace.outcome = Some(Outcome::Failed { t: pace.t, error: error.clone() });
            }
        }
    }

    /// Whether every step of the lanes' own is looked into.
    pub(super) fn extends_every_step(&self) -> bool {
        self.save.dense || self.watches_lanes()
    }

    /// Evaluations that a lane's step may take: the interpolant's, if it may be looked into, among
    /// them.
    fn cost(&self, slot: usize, next_save: usize) -> u64 {
        let step = self.info.evaluations_at_start + self.info.evaluations_per_step;
        let step = step - self.stepper.known(slot);
        let may_be_extended = self.extends_every_step() || next_save < self.save.times.len();
        if may_be_extended { step + self.info.interpolant_evaluations } else { step }
    }

    /// The step a lane attempts and where it starts on the clock, or why it cannot go on.
    fn next_lane_step(&self, own: &OwnSteps, slot: usize) -> Result<(f64, LaneStep), Outcome> {
        let pace = &own.paces[slot];
        let &Pace { t, h, accepted, rejected, .. } = pace;
        let (number, direction) = (self.number(slot), (self.t1 - self.t0).signum());
        let steps = accepted + rejected;
        if steps >= self.max_steps {
            return Err(Outcome::MaxSteps { t, steps });
        }
        let nfe = self.field.of_lane(slot);
        if let Some(budget) = own.nfe_budget
            && nfe + self.cost(slot, pace.next_save) > budget
        {
            return Err(Outcome::BudgetSpent { t, nfe, budget });
        }
        let failed = |error: StepError| Outcome::Failed { t, error };
        let clock = self.method.clock(&self.field, t).map_err(failed)?;
        let step = |t_next: f64| Ok((clock, LaneStep { t, t_next, h: t_next - t }));
        if h.abs() >= (own.end - clock).abs() {
            return step(self.t1);
        }
        let t_next = self.method.time_at_clock(&self.field, clock + h).map_err(failed)?;
        if (self.t1 - t_next) * direction <= 0.0 {
            return step(self.t1);
        }
        if t_next == t {
            return Err(pace.too_small(number, direction));
        }
        step(t_next)
    }

    /// Attempts the steps of the round; the lanes whose steps are accepted.
    fn attempt_lanes(&mut self) -> Result<Vec<usize>, StepError> {
        let Some(own) = &mut self.own else { return Ok(Vec::new()) };
        let step = Step {
            field: &self.field,
            t: 0.0,
            t_next: 1.0,
            h: 1.0,
            u: &self.u,
            next: &mut self.other,
            noise: self.noise.as_mut(),
            grid: None,
            lanes: Some(&own.steps),
        };
        self.stepper.step(step)?;
        let accepted = self.judge_lanes()?;
        self.statistics.rejected += (self.u.lanes() - accepted.len()) as u64;
        if accepted.is_empty() {
            return Ok(accepted);
        }
        self.stepper.tell(Told::AcceptedLanes(&accepted))?;
        if accepted.len() < self.u.lanes() {
            let is_accepted = |slot: &usize| accepted.binary_search(slot).is_ok();
            let rejected = (0..self.u.lanes()).filter(|slot| !is_accepted(slot));
            copy_lanes(&mut self.other, &self.u, rejected)?;
        }
        std::mem::swap(&mut self.u, &mut self.other);
        self.after_round(&accepted)?;
        Ok(accepted)
    }

    /// Lets every lane's own controller judge its step; the lanes whose steps are accepted.
    fn judge_lanes(&mut self) -> Result<Vec<usize>, StateError> {
        let number = number_in(&self.roster);
        let Some(own) = &mut self.own else { return Ok(Vec::new()) };
        let direction = (self.t1 - self.t0).signum();
        let estimate = self.stepper.error();
        let (control, scratch) = (&own.control, &mut own.scratch);
        ErrorNorm::lane_squares(&estimate, &self.u, &self.other, &control.tolerance, scratch)?;
        let mut accepted = Vec::with_capacity(own.paces.len());
        for (slot, (pace, step)) in own.paces.iter_mut().zip(&own.steps.steps).enumerate() {
            let square = scratch.high[slot];
            let verdict = control.controller.judge_squared(square, own.order, &mut pace.history);
            let reached = self.method.clock(&self.field, step.t_next).unwrap_or(own.end);
            pace.h = control.next_length(reached - pace.clock, &verdict);
            if verdict.accept {
                pace.accepted += 1;
                pace.non_finite = false;
                pace.t = step.t_next;
                if pace.t == self.t1 {
                    pace.outcome = Some(Outcome::Success);
                }
                accepted.push(slot);
                continue;
            }
            pace.rejected += 1;
            // A square that is not finite may be that of a finite error.
            pace.non_finite =
                !square.is_finite() && !estimate.is_finite_in_lane(&self.other, slot)?;
            if pace.h.abs() < control.smallest_step(pace.clock, own.end) {
                pace.outcome = Some(pace.too_small(number(slot), direction));
            }
        }
        Ok(accepted)
    }

    /// Ends a lane whose step was accepted, but not all that belongs to it.
    pub(super) fn end_lane(&mut self, slot: usize, outcome: Outcome) {
        if let Some(own) = &mut self.own {
            own.paces[slot].outcome = Some(outcome);
        }
    }

    fn dismiss_lanes_that_are_done(&mut self) -> Result<(), StateError> {
        let Some(own) = &self.own else { return Ok(()) };
        let done = own.paces.iter().enumerate().filter_map(|(slot, pace)| {
            let outcome = pace.outcome.clone()?;
            let report = pace.report(self.field.of_lane(slot), outcome);
            Some(Departure { slot, report, state: None })
        });
        let done: Vec<Departure<P::State>> = done.collect();
        self.dismiss(done)
    }
}
