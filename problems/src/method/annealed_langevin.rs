use driftfield_solvers::method::exponential::NoiseSettingError;
use driftfield_solvers::method::{Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use driftfield_solvers::noise::NoiseRequest;
use driftfield_solvers::{SemilinearField, State, StateError};

use super::langevin_steps::{LangevinRule, LangevinScratch, LangevinSteps, Level, Parts};

/// Annealed Langevin dynamics (SMLD; Song & Ermon, *Generative Modeling by Estimating Gradients
/// of the Data Distribution*, 2019, algorithm 1): the times of the grid after the first are the
/// ladder of noise levels, and at each of them come `count` steps
///
/// `x <- x + a / 2 score(x, t) + sqrt(a) z`, `a = step sigma_t^2`.
///
/// The paper's `epsilon` is `step` times the square of the last level. Its levels are geometric,
/// which is the uniform grid of `ve`; on any other path they are what the spacing makes
/// them. Like every unadjusted Langevin sampler it stays off the marginal by
/// what `step` makes it: a Gaussian's variance by the factor `1 / (1 - step / 4)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnealedLangevin(LangevinSteps);

impl AnnealedLangevin {
    /// `count` steps at every level, each of `step` squared noise levels.
    pub fn new(step: f64, count: usize) -> Result<Self, NoiseSettingError> {
        let range = "finite and above 0";
        if !(step > 0.0 && step.is_finite()) {
            return Err(NoiseSettingError { name: "step", value: step, range });
        }
        // `a / 2` is the `2 (snr sigma)^2` of the corrector.
        LangevinSteps::new(LangevinRule::Annealed, 0.5 * step.sqrt(), count).map(AnnealedLangevin)
    }

    fn parts(&self, t: f64, t_next: f64) -> Parts {
        Parts { t, t_next, count: self.0.count }
    }
}

/// A `step` of 0.2, the paper's on its ladder from 1 to 0.01, and ten of them at a level.
impl Default for AnnealedLangevin {
    fn default() -> Self {
        let rule = LangevinRule::Annealed;
        AnnealedLangevin(LangevinSteps { rule, snr: 0.5 * 0.2f64.sqrt(), count: 10 })
    }
}

/// Scratch of a solve by annealed Langevin dynamics.
#[derive(Debug)]
pub struct AnnealedLangevinStepper<S> {
    method: AnnealedLangevin,
    scratch: LangevinScratch<S>,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for AnnealedLangevin {
    type Stepper = AnnealedLangevinStepper<S>;

    fn info(&self) -> MethodInfo {
        let evaluations = self.0.count as u64;
        MethodInfo {
            draws_noise: true,
            ..MethodInfo::one_step("annealed-langevin", Kind::Langevin, 1, evaluations)
        }
    }

    fn noise(&self, _field: &F) -> Option<NoiseRequest> {
        Some(NoiseRequest { inside_steps: self.0.count > 1, ..NoiseRequest::default() })
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        AnnealedLangevinStepper { method: *self, scratch: LangevinScratch::new(initial) }
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for AnnealedLangevinStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, noise, .. } = step;
        // Towards the data only, as the ladder goes.
        field.schedule().transition(t, t_next)?;
        next.copy_from(u)?;
        let level = Level { t: t_next, damping: 1.0 };
        let AnnealedLangevinStepper { method, scratch } = self;
        method.0.run(field, level, next, noise, method.parts(t, t_next), scratch)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.scratch.states())
    }
}
