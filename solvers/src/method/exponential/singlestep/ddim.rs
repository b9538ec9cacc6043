use crate::method::exponential::step::{
    History, Knot, StepInterpolant, continuous_order, ends_in_data,
};
use crate::method::exponential::stochastic::{AncestralNoise, Increment};
use crate::method::{Interpolant, Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// DDIM: data and noise as predicted at the start of the step, joined anew (Song et al., *Denoising
/// Diffusion Implicit Models*, 2021, eq. 12 and 16). In the [notation] of this
/// module, with `z` standard normal:
///
/// - `x_next = alpha_next D + sigma_down E + sigma_up z`, `E = (x - alpha D) / sigma`,
/// - `sigma_up = eta sigma_next sqrt(1 - e^(-2 h))`, `sigma_down^2 = sigma_next^2 - sigma_up^2`,
///
/// as [`AncestralNoise`] divides the step. The paper's `alpha` is the square of ours, its `sigma_t` is
/// `sigma_up`.
///
/// Without noise, the default, it is of order 1, and the same numbers as DPM-Solver-1 and
/// DPM-Solver++1. With `eta = 1` it draws from the process's posterior on every path that is a
/// diffusion, which is ancestral sampling, and SDE-DPM-Solver++1. Weak order 1.
///
/// The formula is finite at `sigma = 0` too: a step that ends there leads to the data, and one that
/// starts there, from clean data, takes the noise as predicted. It is finite at `alpha = 0` as well,
/// where the state is the noise and the data is as predicted.
///
/// k-diffusion's Euler-ancestral is the same step: an Euler step of the probability flow in
/// `x / alpha` over `rho = sigma / alpha` leads from `rho` to
/// `D + rho_down (x / alpha - D) / rho`, which times `alpha_next` is the formula above.
/// [`Ddim::euler_ancestral`] is this method under that name.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy)]
pub struct Ddim {
    name: &'static str,
    noise: AncestralNoise,
}

impl Ddim {
    /// DDIM with this noise.
    pub fn new(noise: AncestralNoise) -> Self {
        Ddim { name: "ddim", noise }
    }

    /// The same under its name in k-diffusion.
    pub fn euler_ancestral(noise: AncestralNoise) -> Self {
        Ddim { name: "euler-ancestral", noise }
    }
}

impl Default for Ddim {
    /// No noise.
    fn default() -> Self {
        Ddim::new(AncestralNoise::NONE)
    }
}

/// DDIM in the midst of a solve.
#[derive(Debug)]
pub struct DdimStepper<S> {
    noise: AncestralNoise,
    /// The predicted data; from clean data the noise.
    history: History<S>,
    increment: Increment<S>,
    continuous: StepInterpolant<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Ddim {
    type Stepper = DdimStepper<S>;

    fn info(&self) -> MethodInfo {
        let draws_noise = self.noise.is_drawn();
        MethodInfo {
            weak_order: draws_noise.then_some(1.0),
            draws_noise,
            interpolant_order: continuous_order(1).filter(|_| !draws_noise),
            interpolant_evaluations: 1,
            evaluations_to_data: Some(1),
            starts_from_data: !draws_noise,
            starts_from_noise: true,
            ..MethodInfo::one_step(self.name, Kind::Exponential, 1, 1)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        DdimStepper {
            noise: self.noise,
            history: History::new(1, initial),
            increment: Increment::new(),
            continuous: StepInterpolant::default(),
        }
    }
}

/// What is predicted at the start of a step: clean data does not say where it goes.
fn part_from(start: &Knot) -> NonlinearPart {
    if ends_in_data(&start.level) { NonlinearPart::Noise } else { NonlinearPart::Data }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for DdimStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let (start, end) = (Knot::at_end(field, t)?, Knot::at_end(field, t_next)?);
        let split = self.noise.split(&start, &end)?;
        let part = part_from(&start);
        let predict = |value: &mut S| field.predict(part.into(), value, u, t.into());
        self.history.evaluate_once(start, u, predict)?;
        let value = self.history.value(0);
        if part == NonlinearPart::Noise {
            // Here E says what D does not: where the clean state goes.
            let scale = split.down.alpha / start.level.alpha;
            let terms = [(scale, u), (split.down.sigma, value)];
            return Ok(next.linear_combination(0.0, &terms)?);
        }
        // E = (u - alpha D) / sigma.
        let scale = split.down.sigma / start.level.sigma;
        let data = split.down.alpha - scale * start.level.alpha;
        next.linear_combination(0.0, &[(scale, u), (data, value)])?;
        self.increment.add_to(next, split.up, noise, (t, t_next))
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.continuous.tell(told)?;
        self.increment.tell(told)?;
        self.history.tell(told)
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let part = part_from(&Knot::at_end(step.field, step.t)?);
        self.continuous.prepare_next(step, part, &mut self.history)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.continuous.interpolant()
    }
}
