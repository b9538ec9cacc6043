use super::to_data::{ends_in_data, step_to_data};
use super::{Singlestep, SinglestepMemory};
use crate::method::{Method, MethodInfo, Step, StepError};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

/// DPM-2: the midpoint rule in `rho = sigma / alpha` with the midpoint at the geometric mean,
/// `u_next / alpha_next = u / alpha + (rho_next - rho) E_mid`, `rho_mid^2 = rho rho_next`
/// (`sample_dpm_2` of k-diffusion, after DPM-Solver-2 of Lu et al. 2022). Order 2.
///
/// This is [DPM-Solver-2](Singlestep::second) with its node at half the step on the clock: its
/// weight of the first value, `w_1 - w_1 / (2 r_1)`, is 0. The name is apart because that solver
/// by name lets its node follow the spacing, and refuses a step to where there is no noise left,
/// which here is Euler's, as published.
#[derive(Debug, Clone)]
pub struct Dpm2(Singlestep);

impl Dpm2 {
    /// The method; it has no settings.
    pub fn new() -> Self {
        Dpm2(Singlestep::second(NonlinearPart::Noise))
    }
}

impl Default for Dpm2 {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Dpm2 {
    type Memory = SinglestepMemory<S>;

    fn info(&self) -> MethodInfo {
        let own = Method::<S, F>::info(&self.0);
        MethodInfo { name: "dpm-2", evaluations_to_data: Some(1), ..own }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        Method::<S, F>::memory(&self.0, initial)
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let end = step.field.schedule().at_end(step.t_next)?;
        if ends_in_data(&end) { step_to_data(step, &end) } else { self.0.step(step, memory) }
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        Method::<S, F>::accepted(&self.0, memory);
    }

    fn modified(&self, memory: &mut Self::Memory) {
        Method::<S, F>::modified(&self.0, memory);
    }
}
