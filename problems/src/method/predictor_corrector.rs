use driftfield_solvers::method::exponential::NoiseSettingError;
use driftfield_solvers::method::{
    GridPosition, Kind, Method, MethodInfo, Step, StepError, Stepper, StochasticInfo, Told,
};
use driftfield_solvers::noise::{Noise, NoiseError, NoiseRequest};
use driftfield_solvers::{SemilinearField, State, StateError};

use super::ReverseDiffusion;
use super::langevin_steps::{
    LangevinRule, LangevinScratch, LangevinSteps, Level, PUBLISHED_SNR, Parts,
};

/// Predictor-corrector sampling (Song et al., *Score-Based Generative Modeling through SDEs*,
/// 2021, algorithm 1): Langevin steps at the noise level where a step starts, then the step
/// of any method from there.
///
/// A step divides its Brownian increment: the Langevin steps draw from equal parts of it, one
/// each, and the predictor from the last part, scaled to the length of the step. A recorded
/// path must know the ends of the parts, which [`PredictorCorrector::noise_times`] lists.
///
/// The Langevin steps do not shorten with the grid, so that a corrected method has no order of
/// convergence: at the signal-to-noise ratio `snr` they leave a relative bias of about
/// `snr^2` in the variance. The order stated is that of the predictor alone. To the
/// predictor every step is a solve of its own, for what it keeps belongs to the state before the
/// correction; multistep methods are thereby of order 1.
///
/// ```
/// use driftfield_problems::method::{LangevinRule, PredictorCorrector, ReverseDiffusion};
/// let method = PredictorCorrector::new(ReverseDiffusion, LangevinRule::Annealed, 0.16, 1).unwrap();
/// assert!(PredictorCorrector::new(ReverseDiffusion, LangevinRule::Annealed, 0.0, 1).is_err());
/// # let _ = method;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PredictorCorrector<M> {
    predictor: M,
    corrector: LangevinSteps,
    final_noise: bool,
}

impl<M> PredictorCorrector<M> {
    /// `predictor`, after `count` Langevin steps of signal-to-noise ratio `snr`; the
    /// published ratio is 0.16.
    pub fn new(
        predictor: M,
        rule: LangevinRule,
        snr: f64,
        count: usize,
    ) -> Result<Self, NoiseSettingError> {
        let corrector = LangevinSteps::new(rule, snr, count)?;
        Ok(PredictorCorrector { predictor, corrector, final_noise: true })
    }

    /// Whether the predictor draws noise in the last step of a fixed grid too. It does by
    /// default, so that the marginal at the end is the path's; the published samplers end with the
    /// mean.
    #[must_use]
    pub fn final_noise(mut self, drawn: bool) -> Self {
        self.final_noise = drawn;
        self
    }

    /// The same corrections of another predictor.
    pub fn around<P>(&self, predictor: P) -> PredictorCorrector<P> {
        let PredictorCorrector { corrector, final_noise, .. } = *self;
        PredictorCorrector { predictor, corrector, final_noise }
    }

    /// The grid that a recorded path needs for steps between `times`.
    pub fn noise_times<S: State, F>(&self, times: &[f64]) -> Vec<f64>
    where
        M: Method<S, F>,
    {
        let draws = self.predictor.info().draws_noise;
        let ends = times.windows(2).flat_map(|ends| {
            let parts = parts(&self.corrector, (ends[0], ends[1]), draws);
            (1..=parts.count).map(move |k| parts.at(k))
        });
        times.first().copied().into_iter().chain(ends).collect()
    }
}

/// The parts of a step: one for each Langevin step, and one for a predictor that draws noise.
fn parts(corrector: &LangevinSteps, (t, t_next): (f64, f64), predictor_draws: bool) -> Parts {
    Parts { t, t_next, count: corrector.count + usize::from(predictor_draws) }
}

/// The paper's predictor with one step of [`LangevinRule::Annealed`], which keeps lanes
/// apart, at the published ratio.
impl Default for PredictorCorrector<ReverseDiffusion> {
    fn default() -> Self {
        let corrector =
            LangevinSteps { rule: LangevinRule::Annealed, snr: PUBLISHED_SNR, count: 1 };
        PredictorCorrector { predictor: ReverseDiffusion, corrector, final_noise: true }
    }
}

/// The method in the midst of a solve: the predictor, the corrected state, and scratch of the
/// Langevin steps.
#[derive(Debug)]
pub struct PredictorCorrectorStepper<S, P> {
    predictor: P,
    predictor_draws: bool,
    corrector: LangevinSteps,
    final_noise: bool,
    corrected: S,
    scratch: LangevinScratch<S>,
}

impl<S: State, F: SemilinearField<S>, M: Method<S, F>> Method<S, F> for PredictorCorrector<M> {
    type Stepper = PredictorCorrectorStepper<S, M::Stepper>;

    fn info(&self) -> MethodInfo {
        let own = self.predictor.info();
        let extra = own.evaluations_at_start + self.corrector.count as u64;
        let coupled = self.corrector.rule == LangevinRule::SignalToNoise;
        MethodInfo {
            draws_noise: true,
            couples_lanes: own.couples_lanes || coupled,
            evaluations_to_data: own.evaluations_to_data.map(|evaluations| evaluations + extra),
            starts_from_noise: own.starts_from_noise,
            ..MethodInfo::one_step("pc", own.kind, own.order, own.evaluations_per_step + extra)
        }
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        self.predictor.stochastic()
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        let own = self.predictor.noise(field);
        let divided = parts(&self.corrector, (0.0, 1.0), own.is_some()).count > 1;
        let own = own.unwrap_or_default();
        Some(NoiseRequest { inside_steps: own.inside_steps || divided, ..own })
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        PredictorCorrectorStepper {
            predictor: self.predictor.begin(initial),
            predictor_draws: self.predictor.info().draws_noise,
            corrector: self.corrector,
            final_noise: self.final_noise,
            corrected: initial.zeros_like(),
            scratch: LangevinScratch::new(initial),
        }
    }
}

impl<S: State, F: SemilinearField<S>, P: Stepper<S, F>> Stepper<S, F>
    for PredictorCorrectorStepper<S, P>
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, grid, .. } = step;
        let PredictorCorrectorStepper { predictor, corrector, corrected, scratch, .. } = self;
        let parts = parts(corrector, (t, t_next), self.predictor_draws);
        let damping = field.schedule().transition(t, t_next)?.scale.powi(2);
        corrected.copy_from(u)?;
        corrector.run(field, Level { t, damping }, corrected, noise, parts, scratch)?;
        let last = grid.is_some_and(|grid| grid.remaining() == 1);
        let drawn = self.final_noise || !last;
        let mut noise = LastPart::new(noise, parts, corrector.count, drawn);
        predictor.tell(Told::Replaced)?;
        // What the predictor sees is a solve of one step, the first and the last.
        let alone = grid.map(|grid| GridPosition { index: grid.steps - 1, ..grid });
        let noise = &mut noise;
        let step =
            Step { field, t, t_next, h, u: corrected, next, noise, grid: alone, lanes: None };
        predictor.step(step)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.predictor.tell(told)?;
        told.move_lanes(self.scratch.states().into_iter().chain([&mut self.corrected]))
    }
}

/// The part of a step that is the predictor's, stretched to the whole step: by the scaling of
/// Brownian motion a path of the same law.
struct LastPart<'a, S> {
    noise: &'a mut dyn Noise<S>,
    start: f64,
    step: Parts,
    scale: f64,
}

impl<'a, S: State> LastPart<'a, S> {
    fn new(noise: &'a mut dyn Noise<S>, step: Parts, corrections: usize, drawn: bool) -> Self {
        let start = step.at(corrections);
        let stretch = (step.t_next - step.t) / (step.t_next - start);
        LastPart { noise, start, step, scale: if drawn { stretch.sqrt() } else { 0.0 } }
    }

    /// Where a time of the step lies in the part.
    fn within(&self, time: f64) -> f64 {
        let Parts { t, t_next, .. } = self.step;
        if time == t {
            return self.start;
        }
        t_next - (t_next - time) / (t_next - t) * (t_next - self.start)
    }

    fn stretched(&self, states: &mut [S]) -> Result<(), NoiseError> {
        for state in states {
            state.linear_combination(self.scale, &[])?;
        }
        Ok(())
    }
}

impl<S: State> Noise<S> for LastPart<'_, S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.noise.increments(self.within(a), self.within(b), dw)?;
        self.stretched(dw)
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.noise.increments_and_areas(self.within(a), self.within(b), dw, areas)?;
        self.stretched(dw)?;
        self.stretched(areas)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.noise.provides(request)
    }
}

/// No predictor: time moves on and the state stays, so that a [`PredictorCorrector`] follows the
/// marginals by Langevin steps alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPredictor;

/// Nothing to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NoPredictorStepper;

impl<S: State, F> Method<S, F> for NoPredictor {
    type Stepper = NoPredictorStepper;

    fn info(&self) -> MethodInfo {
        MethodInfo::one_step("none", Kind::Langevin, 1, 0)
    }

    fn begin(&self, _initial: &S) -> Self::Stepper {
        NoPredictorStepper
    }
}

impl<S: State, F> Stepper<S, F> for NoPredictorStepper {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        Ok(step.next.copy_from(step.u)?)
    }

    fn tell(&mut self, _told: Told<'_>) -> Result<(), StateError> {
        Ok(())
    }
}
