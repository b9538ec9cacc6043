use driftfield_solvers::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use driftfield_solvers::{SemilinearField, State, StateError};

/// Reverse-diffusion sampling (Song et al., *Score-Based Generative Modeling through SDEs*,
/// 2021, appendix E): the forward step `x_t = a x_u + G z` of the diffusion, reversed like the
/// diffusion itself,
///
/// `x_u = (2 - a) x_t + (1 + L^2) / 2 G^2 score(x_t, t) + L G z`,
///
/// with `a = alpha_t / alpha_u` and `G^2 = sigma_t^2 - a^2 sigma_u^2` exact over the step
/// and `L` the noise level of the field (1 is Anderson's reversal, 0 the probability flow). It
/// is Euler-Maruyama with the coefficients of a whole step, and needs no derivative of the
/// path: the paper's predictor for both VP and VE, weak order 1.
///
/// The noise of a step is the Brownian increment over it, scaled to unit variance.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReverseDiffusion;

/// The score and the increment of a step.
#[derive(Debug)]
pub struct ReverseDiffusionStepper<S> {
    score: S,
    increment: S,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for ReverseDiffusion {
    type Stepper = ReverseDiffusionStepper<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo {
            weak_order: Some(1.0),
            draws_noise: true,
            ..MethodInfo::one_step("reverse-diffusion", Kind::Stochastic, 1, 1)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        ReverseDiffusionStepper { score: initial.zeros_like(), increment: initial.zeros_like() }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for ReverseDiffusionStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let ReverseDiffusionStepper { score, increment } = self;
        let kernel = field.schedule().transition(t, t_next)?;
        let level = field.noise_level(t)?;
        field.score(score, u, t)?;
        noise.increment(t, t_next, increment)?;
        // The increment has variance |t_next - t|.
        let draw = level * (kernel.variance / (t_next - t).abs()).sqrt();
        let pull = 0.5 * (1.0 + level * level) * kernel.variance;
        next.linear_combination(0.0, &[(2.0 - kernel.scale, u), (pull, score), (draw, increment)])?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes([&mut self.score, &mut self.increment])
    }
}
