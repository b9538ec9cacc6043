use super::events::Watched;
use super::own_steps::OwnSteps;
use super::recorder::Recorder;
use super::roster::Roster;
use super::start::{
    adaptive_steps, brownian_path, check_adaptive, check_history, check_lanes, check_problem,
    check_save, sort_along,
};
use super::steps::Steps;
use super::{SolveError, SolveOptions};
use crate::control::{GridTimes, StepControl};
use crate::field::{Counted, FieldError};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::{Landing, Noise};
use crate::observer::{Change, Observer, Save};
use crate::problem::Problem;
use crate::solution::{DenseSegment, EventRecord, Outcome, Statistics};
use crate::state::{State, Tolerance};

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A step was accepted, and the end is not reached.
    Stepped,
    /// The solve is over; [`Integrator::outcome`] says how.
    Finished,
}

/// A solve in progress, stepped by hand with [`Integrator::step`]; [`solve`](super::solve)
/// is nothing but this loop.
pub struct Integrator<'a, P: Problem, M: Method<P::State, P::Field>> {
    pub(super) field: Counted<&'a P::Field>,
    pub(super) method: &'a M,
    pub(super) stepper: M::Stepper,
    pub(super) t: f64,
    pub(super) t1: f64,
    pub(super) t0: f64,
    /// The end of the span, or a time to land on before it.
    pub(super) target: f64,
    /// The times to land on, in the order of integration, from the one after `target` on.
    stops: std::vec::IntoIter<f64>,
    /// Where the next step asks the field first: `t`, or a moment after it if `t` is a time to land
    /// on, next to which the equation may be another one.
    from: f64,
    pub(super) info: MethodInfo,
    /// State at `t`.
    pub(super) u: P::State,
    /// The state being computed during a step, the previous one after it.
    pub(super) other: P::State,
    pub(super) scratch: P::State,
    pub(super) steps: Steps,
    pub(super) noise: Box<dyn Noise<P::State> + 'a>,
    pub(super) watched: Vec<Watched<'a, P::State>>,
    pub(super) recorders: Vec<Recorder<'a, P::State>>,
    /// The rate below which the state counts as steady.
    pub(super) steady: Option<Tolerance>,
    pub(super) observers: Vec<Box<dyn Observer<P::State> + 'a>>,
    pub(super) save: Save,
    pub(super) next_save_time: usize,
    pub(super) saved: (Vec<f64>, Vec<P::State>),
    pub(super) crossings: Vec<EventRecord<P::State>>,
    pub(super) dense: Vec<DenseSegment<P::State>>,
    pub(super) statistics: Statistics,
    pub(super) max_steps: u64,
    pub(super) outcome: Option<Outcome>,
    /// Where the attempt rejected last started, and its first lane that was not finite, if there
    /// was one.
    non_finite: Option<(f64, usize)>,
    /// The end of the step made last, and of that whose continuous extension is ready.
    pub(super) step_end: f64,
    /// Where that step asked the field first and last.
    pub(super) asked: (f64, f64),
    pub(super) interpolated_to: f64,
    /// Lanes with steps of their own.
    pub(super) own: Option<Box<OwnSteps>>,
    /// Who is on the way, once lanes have left or changed places.
    pub(super) roster: Option<Box<Roster<P::State>>>,
    /// Something is to be done after every step.
    pub(super) attended: bool,
    /// What was done to the state by hand since the last step.
    pub(super) change: Change,
}

/// Most attempted adaptive steps where nothing is said: they may go on for ever.
pub const MAX_ADAPTIVE_STEPS: u64 = 1_000_000;

/// Prepares a solve to be stepped by hand.
///
/// ```
/// use driftfield_solvers::{OdeProblem, SolveOptions, Status, init, method::Rk4};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = *u, 1.0, (0.0, 1.0));
/// let method = Rk4::new();
/// let mut integrator = init(&problem, &method, SolveOptions::steps(4)).unwrap();
/// while integrator.step() == Status::Stepped {
///     if integrator.t() == 0.5 {
///         *integrator.u_mut() = 1.0;
///     }
/// }
/// assert!((integrator.u() - 0.5_f64.exp()).abs() < 1e-3);
/// ```
pub fn init<'a, P, M>(
    problem: &'a P,
    method: &'a M,
    options: SolveOptions<'a, P::State>,
) -> Result<Integrator<'a, P, M>, SolveError>
where
    P: Problem,
    M: Method<P::State, P::Field>,
{
    let (t0, t1) = problem.span();
    let initial = problem.initial();
    options.check_settings()?;
    options.check_events()?;
    check_problem(initial, (t0, t1), options.may_be_endless())?;
    let info = method.info();
    let is_empty = t0 == t1;
    let stops = options.stops_within(t0, t1)?;
    let of_lanes = options.is_of_lanes();
    if of_lanes {
        check_lanes(&info, initial, &options, &stops)?;
    }
    let (grid, adaptive) = match options.control {
        StepControl::Fixed(grid) => (Some(grid.over(t0, t1)?.with(&stops)), None),
        StepControl::Adaptive(control) => (None, Some(control)),
    };
    check_save(&options.save, &info, (t0, t1), grid.as_ref())?;
    for recorder in &options.recorders {
        check_save(&Save::at(recorder.times()), &info, (t0, t1), grid.as_ref())?;
    }
    let past = match is_empty {
        true => &[],
        false => check_history(&options.history, &info, initial, (t0, t1))?,
    };
    let max_steps = adaptive.as_ref().map_or(u64::MAX, |_| MAX_ADAPTIVE_STEPS);
    let mut stops = stops.into_iter();
    let target = stops.next().unwrap_or(t1);
    let field = Counted::new(problem.field(), options.nfe_budget.filter(|_| !of_lanes));
    let mut stepper = method.begin(initial);
    let mut outcome = match stepper.look_back(&field, past) {
        // There is nothing to be done on an empty span.
        Ok(()) => is_empty.then_some(Outcome::Success),
        Err(error) => Some(failure(error, t0, &field)),
    };
    let mut own = None;
    let steps = match adaptive {
        Some(control) if is_empty => {
            let order = check_adaptive(&control, &info, initial.lane_len())?;
            if of_lanes {
                field.count_by_lane(initial.lanes());
                let still = vec![0.0; initial.lanes()];
                let clocks = (t0, t0, t0);
                own = Some(Box::new(OwnSteps::new(Box::new(control), order, clocks, &still, None)));
            }
            Steps::Fixed { times: GridTimes::point(t0), next: 1 }
        }
        Some(control) => {
            let budget = options.nfe_budget;
            let begun = adaptive_steps(
                &field,
                method,
                &mut stepper,
                control,
                initial,
                (t0, t1, target),
                budget,
            )?;
            outcome = outcome.or(begun.outcome);
            own = begun.own;
            begun.steps
        }
        None => Steps::Fixed { times: grid.unwrap_or(GridTimes::point(t0)), next: 1 },
    };
    let request = method.noise(problem.field());
    let seed = (options.seed, options.first_lane);
    let mut noise = brownian_path(options.noise, request, seed, initial, &steps, (t0, t1))?;
    if info.draws_noise && target != t1 {
        let stops = std::iter::once(target).chain(stops.as_slice().iter().copied()).collect();
        noise = Box::new(Landing::new(noise, stops));
    }
    let mut save = options.save;
    sort_along(&mut save.times, t0, t1);
    let watched: Vec<Watched<'a, P::State>> =
        options.events.into_iter().map(|event| Watched::new(event, initial.lanes())).collect();
    let mut recorders = options.recorders;
    for recorder in &mut recorders {
        recorder.sort_along(t0, t1);
    }
    let attended = save.times.len() + watched.len() + options.observers.len() > 0
        || !recorders.is_empty()
        || save.every.is_some()
        || save.dense
        || options.steady.is_some()
        || target != t1;
    let mut integrator = Integrator {
        field,
        method,
        stepper,
        t: t0,
        t1,
        t0,
        target,
        stops,
        from: t0,
        info,
        u: initial.clone(),
        other: initial.zeros_like(),
        scratch: initial.zeros_like(),
        steps,
        noise,
        watched,
        recorders,
        steady: options.steady,
        observers: options.observers,
        save,
        next_save_time: 0,
        saved: (Vec::new(), Vec::new()),
        crossings: Vec::new(),
        dense: Vec::new(),
        statistics: Statistics::default(),
        max_steps: options.max_steps.unwrap_or(max_steps),
        outcome,
        non_finite: None,
        step_end: t0,
        asked: (t0, t0),
        interpolated_to: f64::NAN,
        own,
        roster: None,
        attended,
        change: Change::None,
    };
    integrator.look_at_events();
    match integrator.own {
        Some(_) => integrator.save_lanes_start()?,
        None => integrator.save_start(),
    }
    integrator.record_start();
    Ok(integrator)
}

/// How a solve ends that an error stops at `t`.
fn failure<F>(error: StepError, t: f64, field: &Counted<F>) -> Outcome {
    match error {
        StepError::Field(FieldError::BudgetSpent) => {
            Outcome::BudgetSpent { t, nfe: field.evaluations().nfe, budget: field.budget() }
        }
        StepError::NonFiniteInterpolant { t, lane } => Outcome::NonFinite { t, lane },
        error => Outcome::Failed { t, error },
    }
}

/// An attempted step. Handed on by value, so that it can stay in registers.
#[derive(Clone, Copy)]
struct Attempt {
    h: f64,
    /// Its start and length on the method's clock, for adaptive steps.
    clock: f64,
    length: f64,
    t_next: f64,
    /// Where the step asks the field last: `t_next`, or a moment before it if it is a time to land on.
    until: f64,
}

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    /// Makes one accepted step, with all rejections it takes.
    #[inline]
    pub fn step(&mut self) -> Status {
        if self.outcome.is_none() {
            if self.change != Change::None {
                let change = std::mem::take(&mut self.change);
                self.forget_cached(change);
                if self.outcome.is_some() {
                    return Status::Finished;
                }
            }
            if let Steps::OfLanes = self.steps {
                self.step_lanes();
            } else {
                match self.accepted_attempt() {
                    Ok(attempt) => self.accept(attempt),
                    Err(outcome) => self.outcome = Some(*outcome),
                }
            }
        }
        match self.outcome {
            None => Status::Stepped,
            Some(_) => Status::Finished,
        }
    }

    #[inline(always)]
    fn accepted_attempt(&mut self) -> Result<Attempt, Box<Outcome>> {
        loop {
            let attempt = self.next_attempt()?;
            self.try_step(attempt).map_err(|error| self.step_failure(error, attempt))?;
            if self.judge(attempt)? {
                return Ok(attempt);
            }
            self.statistics.rejected += 1;
        }
    }

    #[inline(always)]
    fn next_attempt(&self) -> Result<Attempt, Box<Outcome>> {
        let steps = self.statistics.accepted + self.statistics.rejected;
        if steps >= self.max_steps {
            return Err(Outcome::MaxSteps { t: self.t, steps }.into());
        }
        match &self.steps {
            Steps::Fixed { times, next } => {
                let t_next = times.at(*next);
                let until = if t_next == self.target { self.before_target() } else { t_next };
                let h = t_next - self.t;
                Ok(Attempt { h, clock: self.t, length: h, t_next, until })
            }
            Steps::Adaptive { h, end, .. } => self.adaptive_attempt(*h, *end),
            Steps::OfLanes => Err(Outcome::Success.into()),
        }
    }

    #[inline(always)]
    fn adaptive_attempt(&self, h: f64, end: f64) -> Result<Attempt, Box<Outcome>> {
        let clock = self.method.clock(&self.field, self.t).map_err(|error| self.failure(error))?;
        let rest = end - clock;
        let attempt = |length: f64, t_next: f64, until: f64| {
            Ok(Attempt { h: t_next - self.t, clock, length, t_next, until })
        };
        if h.abs() >= rest.abs() {
            return attempt(rest, self.target, self.before_target());
        }
        let t_next = self.method.time_at_clock(&self.field, clock + h);
        let t_next = t_next.map_err(|error| self.failure(error))?;
        if t_next == self.t {
            return Err(self.too_small(h));
        }
        // A clock read backwards is off by its rounding, which must not pass the end.
        if (self.target - t_next) * (self.t1 - self.t0) <= 0.0 {
            return attempt(h, self.target, self.before_target());
        }
        attempt(h, t_next, t_next)
    }

    /// The end of the way, or a moment before a time to land on: what holds within the step holds
    /// there.
    ///
    /// Seldom asked for: a branch, which can be foreseen, rather than a choice of numbers that every
    /// stage would wait for.
    #[cold]
    #[inline(never)]
    fn before_target(&self) -> f64 {
        match self.target == self.t1 {
            true => self.target,
            false if self.t1 > self.t0 => self.target.next_down(),
            false => self.target.next_up(),
        }
    }

    #[inline(always)]
    fn try_step(&mut self, attempt: Attempt) -> Result<(), StepError> {
        let step = Step {
            field: &self.field,
            t: self.from,
            t_next: attempt.until,
            h: attempt.h,
            u: &self.u,
            next: &mut self.other,
            noise: self.noise.as_mut(),
            grid: self.steps.grid(),
            lanes: None,
        };
        self.stepper.step(step)
    }

    /// Whether the attempt is accepted.
    #[inline(always)]
    fn judge(&mut self, attempt: Attempt) -> Result<bool, Box<Outcome>> {
        let Steps::Adaptive { control, h, order, history, scratch, .. } = &mut self.steps else {
            return match self.other.first_non_finite_lane() {
                Ok(None) => Ok(true),
                Ok(Some(lane)) => Err(Outcome::NonFinite { t: self.t, lane }.into()),
                Err(error) => Err(self.failure(error.into())),
            };
        };
        let estimate = self.stepper.error();
        let (u, next) = (&self.u, &self.other);
        let square =
            match control.norm.measure_squared(&estimate, u, next, &control.tolerance, scratch) {
                Ok(square) => square,
                Err(error) => return Err(self.failure(error.into())),
            };
        let verdict = control.controller.judge_squared(square, *order, history);
        let planned = *h;
        *h = control.next_length(attempt.length, &verdict);
        if verdict.accept {
            if self.target != self.t1 && attempt.t_next == self.target && h.abs() < planned.abs() {
                // Cut short by a time to land on, not by the error.
                *h = planned;
            }
            return Ok(true);
        }
        let proposal = *h;
        self.rejected(attempt, square, proposal)
    }

    /// Whether a step that was rejected is the last one.
    #[cold]
    fn rejected(
        &mut self,
        attempt: Attempt,
        square: f64,
        proposal: f64,
    ) -> Result<bool, Box<Outcome>> {
        let Steps::Adaptive { control, end, .. } = &self.steps else {
            return Ok(false);
        };
        // A norm that is not finite may be that of a finite error, too large to be squared.
        self.non_finite = if square.is_finite() {
            None
        } else {
            let estimate = self.stepper.error();
            let lane = estimate.first_non_finite_lane(&self.other);
            lane.map_err(|error| self.failure(error.into()))?.map(|lane| (self.t, lane))
        };
        let smallest = control.smallest_step(attempt.clock, *end);
        for observer in &mut self.observers {
            observer.rejected(self.t, attempt.h);
        }
        if proposal.abs() >= smallest {
            return Ok(false);
        }
        if control.force_dtmin && self.non_finite.is_none() {
            return self.forced(attempt, smallest);
        }
        self.statistics.rejected += 1;
        Err(self.too_small(proposal))
    }

    /// Goes on at the smallest step: the attempt is accepted if it was one, else made again as one.
    #[cold]
    fn forced(&mut self, attempt: Attempt, smallest: f64) -> Result<bool, Box<Outcome>> {
        let Steps::Adaptive { h, .. } = &mut self.steps else { return Ok(false) };
        *h = smallest.copysign(attempt.length);
        let is_smallest = attempt.length.abs() <= smallest;
        self.statistics.forced += u64::from(is_smallest);
        Ok(is_smallest)
    }

    /// Why no step is made where one of length `h` on the clock would be too small: the field's
    /// doing, if what was rejected last was not finite.
    #[cold]
    fn too_small(&self, h: f64) -> Box<Outcome> {
        Box::new(match self.non_finite {
            Some((t, lane)) if t == self.t => Outcome::NonFinite { t, lane },
            _ => Outcome::StepTooSmall { t: self.t, h: h.copysign(self.t1 - self.t0) },
        })
    }

    #[cold]
    fn step_failure(&self, error: StepError, attempt: Attempt) -> Box<Outcome> {
        match error {
            StepError::TooShort { .. } if self.steps.grid().is_none() => {
                self.too_small(attempt.length)
            }
            error => self.failure(error),
        }
    }

    /// A time to land on is reached: what comes after it may be another equation.
    pub(super) fn pass_stop(&mut self) {
        self.from = match self.t1 > self.t0 {
            true => self.t.next_up(),
            false => self.t.next_down(),
        };
        self.target = self.stops.next().unwrap_or(self.t1);
        if let Steps::Adaptive { end, .. } = &mut self.steps {
            match self.method.clock(&self.field, self.target) {
                Ok(clock) => *end = clock,
                Err(error) => self.outcome = Some(*self.failure(error)),
            }
        }
        self.forget_cached(Change::Replaced);
    }

    /// The next step starts at `t`.
    #[inline(always)]
    pub(super) fn arrive(&mut self, t: f64) {
        (self.t, self.from) = (t, t);
    }

    /// Tells the stepper what happened; a state that cannot follow ends the solve.
    #[inline(always)]
    pub(super) fn tell(&mut self, told: Told<'_>) {
        if let Err(error) = self.stepper.tell(told) {
            self.outcome = Some(*self.failure(error.into()));
        }
    }

    // Boxed, as a failure is seldom and a step is not: what a step returns stays small.
    #[cold]
    pub(super) fn failure(&self, error: StepError) -> Box<Outcome> {
        Box::new(failure(error, self.t, &self.field))
    }

    #[inline(always)]
    fn accept(&mut self, attempt: Attempt) {
        let (t_previous, from) = (self.t, self.from);
        std::mem::swap(&mut self.u, &mut self.other);
        self.arrive(attempt.t_next);
        if let Steps::Fixed { next, .. } = &mut self.steps {
            *next += 1;
        }
        self.statistics.accepted += 1;
        self.tell(Told::Accepted);
        if self.attended {
            self.asked = (from, attempt.until);
            if let Err(error) = self.after_step(t_previous, attempt.h) {
                self.outcome = Some(*self.failure(error));
            }
        }
        if self.t == self.t1 && self.outcome.is_none() {
            self.outcome = Some(Outcome::Success);
        }
    }
}
