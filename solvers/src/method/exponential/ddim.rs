use super::step_noise::Increment;
use super::to_data::ends_in_data;
use super::{AncestralNoise, History, Knot};
use crate::method::{Kind, Method, MethodInfo, Step, StepError};
use crate::semilinear::{SemilinearField, Target};
use crate::state::State;

/// DDIM: `u_next = alpha_next D + sigma_down E + sigma_up z` with data and noise as predicted
/// at the start of the step (Song et al., *Denoising Diffusion Implicit Models*, 2021, eq. 12
/// and 16), `sigma_down` and `sigma_up` as [`AncestralNoise`] divides the step.
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
/// `x / alpha` over `rho = sigma / alpha` leads from `rho_t` to
/// `D + rho_down (x / alpha - D) / rho_t`, which times `alpha_next` is the formula above.
/// [`Ddim::euler_ancestral`] is this method under that name.
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

/// The predicted data, and room for noise.
#[derive(Debug)]
pub struct DdimMemory<S> {
    history: History<S>,
    increment: Increment<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Ddim {
    type Memory = DdimMemory<S>;

    fn info(&self) -> MethodInfo {
        let draws_noise = self.noise.is_drawn();
        MethodInfo {
            weak_order: draws_noise.then_some(1.0),
            draws_noise,
            evaluations_to_data: Some(1),
            starts_from_data: !draws_noise,
            starts_from_noise: true,
            ..MethodInfo::one_step(self.name, Kind::Exponential, 1, 1)
        }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        DdimMemory { history: History::new(1, initial), increment: Increment::new() }
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let DdimMemory { history, increment } = memory;
        let (start, end) = (Knot::at_end(field, t)?, Knot::at_end(field, t_next)?);
        let split = self.noise.split(&start, &end)?;
        if ends_in_data(&start.level) {
            // Here E says what D does not: where the clean state goes.
            history.evaluate_once(start, |e| field.predict(Target::NOISE, e, u, t.into()))?;
            let scale = split.down.alpha / start.level.alpha;
            let terms = [(scale, u), (split.down.sigma, history.value(0))];
            return Ok(next.linear_combination(0.0, &terms)?);
        }
        history.evaluate_once(start, |data| field.predict(Target::DATA, data, u, t.into()))?;
        // E = (u - alpha D) / sigma.
        let scale = split.down.sigma / start.level.sigma;
        let data = split.down.alpha - scale * start.level.alpha;
        next.linear_combination(0.0, &[(scale, u), (data, history.value(0))])?;
        increment.add_to(next, split.up, noise, (t, t_next))
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        memory.history.keep();
    }

    fn modified(&self, memory: &mut Self::Memory) {
        memory.history.clear();
    }
}
