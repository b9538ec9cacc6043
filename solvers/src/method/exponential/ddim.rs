use super::{History, Knot};
use crate::method::{Kind, Method, MethodInfo, Step, StepError};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

/// Deterministic DDIM: `u_next = alpha_next D + sigma_next E` with data and noise as
/// predicted at the start of the step (Song et al., *Denoising Diffusion Implicit
/// Models*, 2021, eq. 12 with `eta = 0`). Order 1; the same numbers as DPM-Solver-1
/// and DPM-Solver++1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ddim;

impl<S: State, F: SemilinearField<S>> Method<S, F> for Ddim {
    type Memory = History<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo::one_step("ddim", Kind::Exponential, 1, 1)
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        History::new(1, initial)
    }

    fn step(&self, step: Step<'_, S, F>, history: &mut Self::Memory) -> Result<(), StepError> {
        let (start, end) = (Knot::at(step.field, step.t)?, step.field.schedule(step.t_next)?);
        history.evaluate_once(start, |data| {
            step.field.predict(NonlinearPart::Data, data, step.u, step.t)
        })?;
        // E = (u - alpha D) / sigma.
        let scale = end.sigma / start.schedule.sigma;
        let data = end.alpha - scale * start.schedule.alpha;
        step.next.linear_combination(0.0, &[(scale, step.u), (data, history.value(0))])?;
        Ok(())
    }

    fn accepted(&self, history: &mut Self::Memory) {
        history.keep();
    }

    fn modified(&self, history: &mut Self::Memory) {
        history.clear();
    }
}
