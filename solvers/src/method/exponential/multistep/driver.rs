use std::sync::Arc;

use super::rule::{FinalOrders, MAX_VALUES, MultistepRule, MultistepStep};
use super::starter::{Starter, extra_evaluations};
use super::{Bh, UniC};
use crate::field::Counted;
use crate::method::exponential::step::{
    History, Knot, MadeStep, StepInterpolant, Transition, check_transition, continuous_order,
    ends_in_data, undivided,
};
use crate::method::{
    GridPosition, Interpolant, Kind, Method, MethodInfo, Step, StepError, Stepper, Told, move_lanes,
};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// A multistep method, one evaluation a step: a [`MultistepRule`] with its history, its
/// start, its end, and a corrector if one is asked for.
///
/// The order is that of the steps. By default the first ones are of lower
/// order ([`Start`]), which leaves an error of the order of theirs, small where the first
/// steps are easy; with a [`SolveOptions::history`](crate::SolveOptions::history) every
/// step is of full order.
///
/// ```
/// use driftfield_solvers::method::exponential::{DpmSolverM, Multistep, Start};
/// use driftfield_solvers::{Decay, NonlinearPart, OdeProblem, SolveOptions, solve};
/// let field = Decay::new(50.0, |n: &mut f64, _u: &f64, t: f64| *n = 50.0 * t.cos()).unwrap();
/// let problem = OdeProblem::new(field, 1.0, (0.0, 1.0));
/// let method = Multistep::new(DpmSolverM::third(NonlinearPart::Data)).start(Start::Matching);
/// let solution = solve(&problem, &method, SolveOptions::steps(20)).unwrap();
/// assert_eq!(solution.statistics.nfe, 25);
/// ```
#[derive(Debug)]
pub struct Multistep<R> {
    rule: Arc<R>,
    start: Start,
    final_orders: FinalOrders,
    last_order: usize,
    corrector: Option<UniC>,
    uncorrected: usize,
}

/// How a multistep method that is given no history gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// By steps of lower order, one evaluation each (the published codes).
    #[default]
    Lower,
    /// By dividing the first step: for `n` values in `n - 1` parts, equal on the clock, each
    /// made by a singlestep method of order `min(n, 3)`. The error it leaves is of order 4 at
    /// least, once.
    Matching,
    /// By Heun's step in place of the first: one of order 1, and again from its start with the
    /// mean of the values at its ends, which costs one evaluation more. The steps after it are
    /// of lower order, but none is of order 1. For the noise this is Heun's method in
    /// `rho = sigma / alpha` and the start of PLMS (Liu et al., *Pseudo Numerical Methods for
    /// Diffusion Models on Manifolds*, 2022, as latent diffusion runs it): with it
    /// [`Ipndm`](super::Ipndm) is PLMS.
    Heun,
}

// By hand: `derive` would ask the rule to be `Clone`.
impl<R> Clone for Multistep<R> {
    fn clone(&self) -> Self {
        Multistep { rule: self.rule.clone(), ..*self }
    }
}

impl<R: MultistepRule> Multistep<R> {
    /// `rule` with its own defaults.
    pub fn new(rule: R) -> Self {
        Multistep {
            start: Start::default(),
            final_orders: rule.final_orders(),
            last_order: 1,
            corrector: rule.corrector(),
            uncorrected: 0,
            rule: Arc::new(rule),
        }
    }

    /// Another start.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Other orders of the last steps.
    #[must_use]
    pub fn final_orders(mut self, orders: FinalOrders) -> Self {
        self.final_orders = orders;
        self
    }

    /// Order to which lowered orders come down: 1, if nothing else is said. With 2 the
    /// denoising of the final state takes the place of the step of order 1.
    #[must_use]
    pub fn last_order(mut self, order: usize) -> Self {
        self.last_order = order.max(1);
        self
    }

    /// Corrects every step but the last of a fixed grid, which raises the order by one and
    /// costs no evaluation; or none, with `None`.
    #[must_use]
    pub fn corrector(mut self, corrector: impl Into<Option<UniC>>) -> Self {
        self.corrector = corrector.into();
        self
    }

    /// Leaves the first `steps` steps of a fixed grid uncorrected, which under strong guidance
    /// keeps the corrector from amplifying predictions that are far off.
    #[must_use]
    pub fn uncorrected(mut self, steps: usize) -> Self {
        self.uncorrected = steps;
        self
    }

    /// The rule.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    fn values(&self) -> usize {
        self.rule.values().clamp(1, MAX_VALUES)
    }

    fn states(&self) -> usize {
        self.rule.states().clamp(1, MAX_VALUES)
    }

    /// Room for what a step combines. After a corrected step the value at its end is held beside
    /// those that it was made of. The state at the start of a step is at hand anyway.
    fn room<S: State>(&self, initial: &S) -> History<S> {
        let corrected = usize::from(self.corrector.is_some());
        let states = match self.states() {
            1 => 0,
            states => states + corrected,
        };
        let values = self.values() + corrected;
        History::with_states(values.max(states), states, initial)
    }
}

/// A multistep method in the midst of a solve: the values of past steps, and what the start and the
/// corrector need.
#[derive(Debug)]
pub struct MultistepStepper<R, S> {
    method: Multistep<R>,
    history: History<S>,
    starter: Option<Starter<S>>,
    /// The value at the predicted end of a corrected step.
    at_end: Option<(Knot, S)>,
    corrected: bool,
    continuous: StepInterpolant<S>,
}

impl<S: State, F: SemilinearField<S>, R: MultistepRule + 'static> Method<S, F> for Multistep<R> {
    type Stepper = MultistepStepper<R, S>;

    fn info(&self) -> MethodInfo {
        let order = self.rule.order() + u32::from(self.corrector.is_some());
        // A first step of infinite length has no parts.
        let divisible = self.start != Start::Matching || self.values() == 1;
        MethodInfo {
            evaluations_at_start: match self.start {
                Start::Lower => 0,
                Start::Heun => u64::from(self.values() > 1),
                Start::Matching => extra_evaluations(self.values(), &self.rule.starter()),
            },
            interpolant_order: continuous_order(order),
            interpolant_evaluations: 1,
            history: self.values().max(self.states()) as u32 - 1,
            evaluations_to_data: Some(1),
            starts_from_data: divisible && self.rule.part() == NonlinearPart::Noise,
            starts_from_noise: divisible && self.rule.part() == NonlinearPart::Data,
            ..MethodInfo::one_step(self.rule.name(), Kind::Exponential, order, 1)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let starts = self.start == Start::Matching && self.values() > 1;
        let evaluates_ends = self.corrector.is_some() || self.start == Start::Heun;
        MultistepStepper {
            method: self.clone(),
            history: self.room(initial),
            starter: starts.then(|| Starter::new(self.values(), self.rule.starter(), initial)),
            at_end: evaluates_ends.then(|| (Knot::NONE, initial.zeros_like())),
            corrected: false,
            continuous: StepInterpolant::default(),
        }
    }
}

impl<S: State, F: SemilinearField<S>, R: MultistepRule> Stepper<S, F> for MultistepStepper<R, S> {
    fn look_back(&mut self, field: &Counted<&F>, past: &[(f64, S)]) -> Result<(), StepError> {
        self.history.seed(field, self.method.rule.part(), past)
    }

    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let MultistepStepper { method, history, starter, at_end, corrected, .. } = self;
        let field = step.field;
        let (start, end) = (Knot::at_end(field, step.t)?, Knot::at_end(field, step.t_next)?);
        let part = method.rule.part();
        let whole = Transition::new(part, &start.level, &end.level);
        check_transition(&start, &end, &whole, 1)?;
        if starter.is_some() && start.log_snr().is_infinite() {
            return Err(undivided(&start).into());
        }
        let to_data = ends_in_data(&end.level);
        let to_noise = end.log_snr() == f64::NEG_INFINITY;
        *corrected = false;
        if let Some(starter) = starter.as_mut() {
            starter.forget_attempt(history);
        }
        history.evaluate_once(start, step.u, |value| {
            field.predict(part.into(), value, step.u, step.t.into())
        })?;
        if let (Some(starter), 1, false) = (starter, history.len(), whole.is_infinite()) {
            return starter.make(step, start, end, history);
        }
        let Step { u, next, grid, .. } = step;
        let known = if to_noise { 1 } else { known_values(&*method.rule, history, &whole) };
        let held = method.values().min(known);
        let values = method.final_orders.limit(held, method.last_order, grid);
        let time_at_log_snr = |log_snr: f64| field.schedule().time_at_log_snr(log_snr);
        let states = if to_noise { 1 } else { method.states().min(history.len()) };
        let knots = &history.knots()[..values.max(states)];
        let view = MultistepStep { whole, end, knots, grid, time_at_log_snr: &time_at_log_snr };
        let mut weights = [0.0; MAX_VALUES + 1];
        let mut of_states = [whole.scale; MAX_VALUES];
        if to_noise {
            // That of a constant, for rules in `rho` as well, which is infinite.
            weights[0] = whole.weight(1);
        } else {
            method.rule.weights(&view, &mut weights[..values])?;
            method.rule.state_weights(&view, &mut of_states[..states])?;
        }
        advance(next, u, &of_states[..states], &weights[..values], history, None)?;
        let uncorrected =
            |grid: GridPosition<'_>| grid.remaining() == 1 || grid.index < method.uncorrected;
        let heun = method.start == Start::Heun && history.len() == 1 && method.values() > 1;
        let corrector = match (heun, method.corrector) {
            // Of order 1 with `bh2` it gives half the step's weight to either end.
            (true, _) => Some(UniC(Bh::Bh2)),
            (false, corrector) => corrector.filter(|_| !grid.is_some_and(uncorrected)),
        };
        if let (Some(corrector), Some((knot, at_end)), false) =
            (corrector, at_end, to_data || to_noise)
        {
            corrector.weights(&view, &mut weights[..=values]);
            // Where a value at the data is none for the corrector, the prediction stands.
            if !weights[..=values].iter().all(|weight| weight.is_finite()) {
                return Ok(());
            }
            field.predict(part.into(), at_end, next, step.t_next.into())?;
            advance(next, u, &[whole.scale], &weights[..=values], history, Some(at_end))?;
            *knot = end;
            // The step after Heun's evaluates anew.
            *corrected = !heun;
        }
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.continuous.tell(told)?;
        self.history.tell(told)?;
        if let Some(starter) = &mut self.starter {
            starter.tell(told)?;
        }
        let Some((knot, value)) = &mut self.at_end else { return Ok(()) };
        match told {
            // The value at the predicted end is the next step's first.
            Told::Accepted if self.corrected => self.history.insert_newest(*knot, value),
            Told::Lanes(from) => move_lanes([value], from)?,
            _ => {}
        }
        Ok(())
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let part = self.method.rule.part();
        let MultistepStepper { history, corrected, continuous, .. } = self;
        if !*corrected || continuous.is_ready() {
            return continuous.prepare_next(step, part, history);
        }
        // The value at the predicted end is there already.
        let made = MadeStep::of(&step, part)?;
        Ok(continuous.prepare(made, history.value(1), Some(history.value(0)))?)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.continuous.interpolant()
    }
}

/// How many of the newest values the weights of a step can be had for. Polynomials in the clock
/// have none where it is infinite, but for a constant.
pub(crate) fn known_values<S: State>(
    rule: &impl MultistepRule,
    history: &History<S>,
    whole: &Transition,
) -> usize {
    if rule.finite_at_data() {
        return history.len();
    }
    if whole.is_infinite() {
        return 1;
    }
    history.knots().iter().take_while(|knot| knot.log_snr().is_finite()).count()
}

/// `next <- sum_j v_j x_j + sum_j w_j N_j`, `x_0` being `u`, and the last weight that of `at_end` if
/// there is one.
pub(crate) fn advance<S: State>(
    next: &mut S,
    u: &S,
    of_states: &[f64],
    weights: &[f64],
    history: &History<S>,
    at_end: Option<&S>,
) -> Result<(), StepError> {
    let mut terms = [(0.0, u); 2 * MAX_VALUES + 1];
    let (states, values) = terms.split_at_mut(of_states.len());
    for (age, (term, &weight)) in states.iter_mut().zip(of_states).enumerate() {
        *term = (weight, if age == 0 { u } else { history.state(age) });
    }
    for (age, (term, &weight)) in values.iter_mut().zip(weights).enumerate() {
        let value = match at_end {
            Some(at_end) if age + 1 == weights.len() => at_end,
            _ => history.value(age),
        };
        *term = (weight, value);
    }
    next.linear_combination(0.0, &terms[..of_states.len() + weights.len()])?;
    Ok(())
}
