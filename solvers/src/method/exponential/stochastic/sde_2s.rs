use super::AncestralNoise;
use crate::method::exponential::singlestep::{Division, Nodes};
use crate::method::exponential::step::{Knot, Transition, ends_in_data, step_to_data};
use crate::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// The singlestep stochastic DPM-Solver++ of k-diffusion (`dpmpp_sde`, `r = 1/2`): an ancestral
/// step of order 1 to the node `s` in the middle on the clock, then an ancestral step from the
/// start over the whole with the data predicted at the node. In the [notation] of
/// this module:
///
/// - `x_s = sigma_down,s / sigma x + alpha_s (1 - e^(lambda - lambda_down,s)) D(x) + sigma_up,s z_s`,
/// - `x_next = sigma_down / sigma x + alpha_next (1 - e^(lambda - lambda_down)) D(x_s) + sigma_up z`,
///
/// with `sigma_down`, `sigma_up` and their like at `s` as [`AncestralNoise`] divides the step and its
/// first half, `lambda_down = ln(alpha_next / sigma_down)`, and `z`, `z_s` the increments of the
/// Brownian path over the step and to the node in units of their standard deviations.
///
/// Both steps draw from one Brownian path: the increment to the node is the first part of
/// the whole step's. On a fixed grid the path is a
/// [`BrownianTree`](crate::noise::BrownianTree), so that the increments of the steps do not
/// depend on the node. How much of a step's increment falls before the node follows `t`, which
/// in a small step is half.
///
/// Order 2 without noise. Weak order 2 with `eta = 1`, where the coefficients are those of
/// Anderson's reversal and the node sees the first half of its noise; 1 otherwise. The step to
/// where there is no noise left is Euler's, as in k-diffusion.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy)]
pub struct Sde2S {
    noise: AncestralNoise,
}

impl Sde2S {
    /// With this noise, the same share of it at the node as at the end.
    pub fn new(noise: AncestralNoise) -> Self {
        Sde2S { noise }
    }
}

/// The predicted data, the state at the node, and the increments before and after it.
#[derive(Debug)]
pub struct Sde2SStepper<S> {
    method: Sde2S,
    data: S,
    stage: S,
    before: S,
    after: S,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Sde2S {
    type Stepper = Sde2SStepper<S>;

    fn info(&self) -> MethodInfo {
        let draws_noise = self.noise.is_drawn();
        let weak_order = if self.noise == AncestralNoise::FULL { 2.0 } else { 1.0 };
        MethodInfo {
            weak_order: draws_noise.then_some(weak_order),
            draws_noise,
            evaluations_to_data: Some(1),
            ..MethodInfo::one_step("sde-dpm-solver++2s", Kind::Exponential, 2, 2)
        }
    }

    fn noise(&self, _field: &F) -> Option<NoiseRequest> {
        let request = NoiseRequest { inside_steps: true, ..NoiseRequest::default() };
        self.noise.is_drawn().then_some(request)
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let state = || initial.zeros_like();
        Sde2SStepper {
            method: *self,
            data: state(),
            stage: state(),
            before: state(),
            after: state(),
        }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for Sde2SStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        const PART: NonlinearPart = NonlinearPart::Data;
        let end = step.field.schedule().at_end(step.t_next)?;
        if ends_in_data(&end) {
            return step_to_data(step, &end);
        }
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let Sde2SStepper { method, data, stage, before, after } = self;
        let (start, end) = (Knot::at(field, t)?, Knot::at(field, t_next)?);
        let division = Division { t, t_next, start: &start.level, end: &end.level };
        let node = Nodes::LogSnr.place(&**field.schedule(), &division, 1, 2)?;
        let node = Knot { t: node.t, level: node.level };
        let half = method.noise.split(&start, &node)?;
        let whole = method.noise.split(&start, &end)?;

        field.predict(PART.into(), data, u, t.into())?;
        let flow = Transition::new(PART, &start.level, &half.down);
        stage.linear_combination(0.0, &[(flow.scale, u), (flow.weight(1), data)])?;
        if method.noise.is_drawn() {
            noise.increment(t, node.t, before)?;
            noise.increment(node.t, t_next, after)?;
            // Their sum, the increment of the step.
            after.linear_combination(1.0, &[(1.0, before)])?;
            let scale = half.up / (node.t - t).abs().sqrt();
            stage.linear_combination(1.0, &[(scale, before)])?;
        }
        field.predict(PART.into(), data, stage, node.t.into())?;
        let flow = Transition::new(PART, &start.level, &whole.down);
        next.linear_combination(0.0, &[(flow.scale, u), (flow.weight(1), data)])?;
        if method.noise.is_drawn() {
            let scale = whole.up / (t_next - t).abs().sqrt();
            next.linear_combination(1.0, &[(scale, after)])?;
        }
        Ok(())
    }
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        let Sde2SStepper { data, stage, before, after, .. } = self;
        told.move_lanes([data, stage, before, after])
    }
}
