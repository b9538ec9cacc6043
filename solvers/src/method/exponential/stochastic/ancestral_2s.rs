use super::{AncestralNoise, Increment};
use crate::method::exponential::singlestep::{Division, Nodes};
use crate::method::exponential::step::{Knot, Transition, ends_in_data, step_to_data};
use crate::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// Ancestral steps whose probability flow is followed by a singlestep method of order 2:
/// DPM-Solver++(2S) ancestral for the data, DPM-2 ancestral for the noise (k-diffusion).
///
/// One step of DPM-Solver-2 to the `sigma_down` of [`AncestralNoise`], then noise. With
/// `h = ln(alpha_next / sigma_down) - lambda`, `s` the node at `lambda + h / 2`, `z` standard normal,
/// and else the [notation] of this module, for the data:
///
/// - `x_s = sigma_s / sigma x + alpha_s (1 - e^(-h / 2)) D(x)`,
/// - `x_next = sigma_down / sigma x + alpha_next (1 - e^-h) D(x_s) + sigma_up z`;
///
/// for the noise:
///
/// - `x_s = alpha_s / alpha x - sigma_s (e^(h / 2) - 1) E(x)`,
/// - `x_next = alpha_next / alpha x - sigma_down (e^h - 1) E(x_s) + sigma_up z`.
///
/// In `x / alpha` over `rho` the latter is the midpoint rule of k-diffusion's DPM-2.
///
/// Order 2 without noise. With noise the weak order is 1, as a step longer than `h` of the
/// flow stands for a step `h` of the diffusion; from exact marginals, though, the marginals
/// are kept to order 2, the flow being all that errs. The step to where there is no noise left is
/// Euler's, as in k-diffusion.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy)]
pub struct Ancestral2S {
    part: NonlinearPart,
    noise: AncestralNoise,
}

impl Ancestral2S {
    /// With the nonlinear part `part`.
    pub fn new(part: NonlinearPart, noise: AncestralNoise) -> Self {
        Ancestral2S { part, noise }
    }
}

/// A value of the nonlinear part, the state at the node, and room for noise.
#[derive(Debug)]
pub struct Ancestral2SStepper<S> {
    method: Ancestral2S,
    value: S,
    stage: S,
    increment: Increment<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Ancestral2S {
    type Stepper = Ancestral2SStepper<S>;

    fn info(&self) -> MethodInfo {
        let name = match self.part {
            NonlinearPart::Data => "dpm-solver++2s-ancestral",
            NonlinearPart::Noise => "dpm-2-ancestral",
        };
        let draws_noise = self.noise.is_drawn();
        MethodInfo {
            weak_order: draws_noise.then_some(1.0),
            draws_noise,
            evaluations_to_data: Some(1),
            ..MethodInfo::one_step(name, Kind::Exponential, 2, 2)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let state = || initial.zeros_like();
        Ancestral2SStepper {
            method: *self,
            value: state(),
            stage: state(),
            increment: Increment::new(),
        }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for Ancestral2SStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let end = step.field.schedule().at_end(step.t_next)?;
        if ends_in_data(&end) {
            return step_to_data(step, &end);
        }
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let Ancestral2SStepper { method, value, stage, increment } = self;
        let (start, end) = (Knot::at(field, t)?, Knot::at(field, t_next)?);
        let split = method.noise.split(&start, &end)?;
        let division = Division { t, t_next, start: &start.level, end: &split.down };
        let node = Nodes::LogSnr.place(&**field.schedule(), &division, 1, 2)?;
        field.predict(method.part.into(), value, u, t.into())?;
        let half = Transition::new(method.part, &start.level, &node.level);
        stage.linear_combination(0.0, &[(half.scale, u), (half.weight(1), value)])?;
        field.predict(method.part.into(), value, stage, node.t.into())?;
        let whole = Transition::new(method.part, &start.level, &split.down);
        next.linear_combination(0.0, &[(whole.scale, u), (whole.weight(1), value)])?;
        increment.add_to(next, split.up, noise, (t, t_next))
    }
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.increment.tell(told)?;
        told.move_lanes([&mut self.value, &mut self.stage])
    }
}
