use super::{Singlestep, SinglestepStepper};
use crate::method::exponential::step::{StepInterpolant, ends_in_data, step_to_data};
use crate::method::{Interpolant, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// DPM-2: the midpoint rule in `rho = sigma / alpha` with the midpoint at the geometric mean
/// (`sample_dpm_2` of k-diffusion, after DPM-Solver-2 of Lu et al. 2022). Order 2. In the
/// [notation] of this module:
///
/// - `rho_mid = sqrt(rho rho_next)`, `y = x / alpha`,
/// - `y_mid = y + (rho_mid - rho) E(x)`,
/// - `x_next = alpha_next (y + (rho_next - rho) E(alpha_mid y_mid))`.
///
/// This is [DPM-Solver-2](Singlestep::second) with its node at half the step on the clock: its
/// weight of the first value, `w_1 - w_1 / (2 r_1)`, is 0. The name is apart because that solver
/// by name lets its node follow the spacing, and refuses a step to where there is no noise left,
/// which here is Euler's, as published.
///
/// [notation]: crate::method::exponential#notation
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

/// DPM-2 in the midst of a solve.
#[derive(Debug)]
pub struct Dpm2Stepper<S> {
    singlestep: SinglestepStepper<S>,
    /// Of a step to the data.
    continuous: StepInterpolant<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Dpm2 {
    type Stepper = Dpm2Stepper<S>;

    fn info(&self) -> MethodInfo {
        let own = Method::<S, F>::info(&self.0);
        MethodInfo { name: "dpm-2", evaluations_to_data: Some(1), ..own }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let singlestep = SinglestepStepper::new(self.0.clone(), initial);
        Dpm2Stepper { singlestep, continuous: StepInterpolant::default() }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for Dpm2Stepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let end = step.field.schedule().at_end(step.t_next)?;
        if ends_in_data(&end) { step_to_data(step, &end) } else { self.singlestep.step(step) }
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.continuous.tell(told)?;
        Stepper::<S, F>::tell(&mut self.singlestep, told)
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        if ends_in_data(&step.field.schedule().at_end(step.t_next)?) {
            return self.continuous.prepare_to_data(step);
        }
        self.singlestep.prepare_interpolant(step)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        let to_data = self.continuous.interpolant();
        to_data.or_else(|| Stepper::<S, F>::interpolant(&self.singlestep))
    }
}
