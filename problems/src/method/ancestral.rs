use driftfield_solvers::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use driftfield_solvers::{SemilinearField, State, StateError, Target};

/// Ancestral sampling: every step draws `x_u` from the process's exact posterior
/// `p(x_u | x_t, x_0)` with the predicted data in place of `x_0` (Ho et al.,
/// *DDPM*, 2020, on diffusions; on the Brownian bridge its own conditional).
///
/// The noise of a step is the Brownian increment over it, scaled to the
/// posterior's variance.
///
/// By default every step draws its noise, so that the marginal at the end of the
/// span is the path's; a step to `sigma = 0` draws none, its variance being 0.
/// DDPM's code leaves out the noise of the last step wherever that ends:
/// [`Ancestral::noiseless_at`] the span's end does this.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ancestral {
    noiseless_at: Option<f64>,
}

impl Ancestral {
    /// Draws the noise of every step.
    pub fn new() -> Self {
        Ancestral::default()
    }

    /// Leaves out the noise of the step that ends at `end`, which becomes the
    /// posterior's mean.
    pub fn noiseless_at(end: f64) -> Self {
        Ancestral { noiseless_at: Some(end) }
    }
}

/// The predicted data and the increment of a step.
#[derive(Debug)]
pub struct AncestralStepper<S> {
    noiseless_at: Option<f64>,
    data: S,
    increment: S,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Ancestral {
    type Stepper = AncestralStepper<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo {
            weak_order: Some(1.0),
            draws_noise: true,
            ..MethodInfo::one_step("ancestral", Kind::Ancestral, 1, 1)
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let (data, increment) = (initial.zeros_like(), initial.zeros_like());
        AncestralStepper { noiseless_at: self.noiseless_at, data, increment }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for AncestralStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, .. } = step;
        let AncestralStepper { noiseless_at, data, increment } = self;
        let posterior = field.schedule().posterior(t, t_next)?;
        field.predict(Target::DATA, data, u, t.into())?;
        let mean = [(posterior.state, u), (posterior.data, &*data)];
        if posterior.variance > 0.0 && *noiseless_at != Some(t_next) {
            noise.increment(t, t_next, increment)?;
            // The increment has variance |t_next - t|.
            let scale = (posterior.variance / (t_next - t).abs()).sqrt();
            next.linear_combination(0.0, &[mean[0], mean[1], (scale, increment)])?;
        } else {
            next.linear_combination(0.0, &mean)?;
        }
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes([&mut self.data, &mut self.increment])
    }
}
