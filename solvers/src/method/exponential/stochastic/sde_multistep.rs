use super::{DiffusionNoise, Increment};
use crate::field::Counted;
use crate::method::exponential::multistep::{
    DpmSolverM, FinalOrders, MAX_VALUES, MultistepRule, MultistepStep, advance, known_values,
};
use crate::method::exponential::step::{History, Knot, check_transition};
use crate::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// The multistep methods of DPM-Solver on the reverse diffusion in place of the probability
/// flow, one evaluation a step: SDE-DPM-Solver++ 1 and 2M for the data, SDE-DPM-Solver-1 and
/// -2M for the noise (Lu et al., *DPM-Solver++*, 2022, appendix), and SDE-DPM-Solver++ 3M
/// (k-diffusion).
///
/// They are [`DpmSolverM`] with the [`Transition`] of the diffusion at `eta` in
/// place of the flow's, and [`DiffusionNoise`] on top. In the [notation] of this
/// module, with `D0`, `D1_0`, `D1`, `D2` those of [`DpmSolverM`], `H = (1 + eta) h` and `z` standard
/// normal, for the data:
///
/// - 1: `x_next = sigma_next / sigma e^(-eta h) x + alpha_next (1 - e^-H) D0 +
///   sigma_next sqrt(1 - e^(-2 eta h)) z`,
/// - 2M: the same with `D0 + 1/2 D1_0` in place of `D0`, or with
///   `alpha_next (1 - (1 - e^-H) / H) D1_0` added if [`Variant::Taylor`],
/// - 3M: the first with `alpha_next (1 - (1 - e^-H) / H) D1 +
///   2 alpha_next (1/2 - (e^-H - 1 + H) / H^2) D2` added;
///
/// for the noise:
///
/// - 1: `x_next = alpha_next / alpha x - (1 + eta) sigma_next (e^h - 1) D0 +
///   sigma_next sqrt(eta (e^(2 h) - 1)) z`,
/// - 2M: the same with `D0 + 1/2 D1_0` in place of `D0`, or with
///   `-(1 + eta) sigma_next ((e^h - 1) / h - 1) D1_0` added if [`Variant::Taylor`],
/// - 3M: the first with `-(1 + eta) sigma_next ((e^h - 1) / h - 1) D1 -
///   2 (1 + eta) sigma_next ((e^h - 1 - h) / h^2 - 1/2) D2` added.
///
/// The paper's are those of `eta = 1`. The [`Variant`]s are `midpoint`
/// (`DpmSolver`) and `heun` (`Taylor`) of k-diffusion and diffusers.
///
/// Without noise the order is the flow's. Weak order 1 with one value, else 2: with constant
/// coefficients the two-value rule is, but for a change of variable of order `h` that the
/// history undoes, Euler's on the diffusion's own modified equation, so that the errors of order 1
/// cancel; a third value leaves the covariance of drift and noise within a step at order 2.
///
/// [notation]: crate::method::exponential#notation
/// [`Transition`]: crate::method::exponential::Transition
/// [`Variant`]: crate::method::exponential::Variant
/// [`Variant::Taylor`]: crate::method::exponential::Variant::Taylor
#[derive(Debug, Clone)]
pub struct SdeMultistep {
    rule: DpmSolverM,
    noise: DiffusionNoise,
    final_orders: FinalOrders,
    last_order: usize,
}

impl SdeMultistep {
    /// `rule` with this noise.
    pub fn new(rule: DpmSolverM, noise: DiffusionNoise) -> Self {
        let final_orders = rule.final_orders();
        SdeMultistep { rule, noise, final_orders, last_order: 1 }
    }

    /// Other orders of the last steps.
    #[must_use]
    pub fn final_orders(mut self, orders: FinalOrders) -> Self {
        self.final_orders = orders;
        self
    }

    /// Order to which lowered orders come down, 1 if nothing else is said.
    #[must_use]
    pub fn last_order(mut self, order: usize) -> Self {
        self.last_order = order.max(1);
        self
    }

    fn name(&self) -> &'static str {
        match (self.rule.part(), self.rule.values()) {
            (NonlinearPart::Noise, 1) => "sde-dpm-solver-1",
            (NonlinearPart::Noise, 2) => "sde-dpm-solver-2m",
            (NonlinearPart::Noise, _) => "sde-dpm-solver-3m",
            (NonlinearPart::Data, 1) => "sde-dpm-solver++1",
            (NonlinearPart::Data, 2) => "sde-dpm-solver++2m",
            (NonlinearPart::Data, _) => "sde-dpm-solver++3m",
        }
    }
}

/// The method in the midst of a solve: the values of past steps, and room for noise.
#[derive(Debug)]
pub struct SdeMultistepStepper<S> {
    method: SdeMultistep,
    history: History<S>,
    increment: Increment<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for SdeMultistep {
    type Stepper = SdeMultistepStepper<S>;

    fn info(&self) -> MethodInfo {
        let draws_noise = self.noise.is_drawn();
        MethodInfo {
            weak_order: draws_noise.then(|| f64::from(self.rule.order().min(2))),
            draws_noise,
            history: self.rule.values() as u32 - 1,
            evaluations_to_data: Some(1),
            starts_from_data: self.rule.part() == NonlinearPart::Noise && !draws_noise,
            starts_from_noise: self.rule.part() == NonlinearPart::Data,
            ..MethodInfo::one_step(self.name(), Kind::Exponential, self.rule.order(), 1)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let history = History::new(self.rule.values(), initial);
        SdeMultistepStepper { method: self.clone(), history, increment: Increment::new() }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for SdeMultistepStepper<S> {
    fn look_back(&mut self, field: &Counted<&F>, past: &[(f64, S)]) -> Result<(), StepError> {
        self.history.seed(field, self.method.rule.part(), past)
    }

    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, grid, .. } = step;
        let SdeMultistepStepper { method, history, increment } = self;
        let part = method.rule.part();
        let (start, end) = (Knot::at_end(field, t)?, Knot::at_end(field, t_next)?);
        let std = method.noise.std(part, &start, &end)?;
        let whole = method.noise.transition(part, &start, &end);
        check_transition(&start, &end, &whole, 1)?;
        history.evaluate_once(start, u, |value| field.predict(part.into(), value, u, t.into()))?;
        let held = method.rule.values().min(known_values(&method.rule, history, &whole));
        let values = method.final_orders.limit(held, method.last_order, grid);
        let time_at_log_snr = |log_snr: f64| field.schedule().time_at_log_snr(log_snr);
        let knots = &history.knots()[..values];
        let view = MultistepStep { whole, end, knots, grid, time_at_log_snr: &time_at_log_snr };
        let mut weights = [0.0; MAX_VALUES];
        method.rule.weights(&view, &mut weights[..values])?;
        advance(next, u, &[whole.scale], &weights[..values], history, None)?;
        increment.add_to(next, std, noise, (t, t_next))
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.increment.tell(told)?;
        self.history.tell(told)
    }
}
