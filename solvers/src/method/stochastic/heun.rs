use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, request};
use crate::field::{Counted, ReadAsStratonovich, StochasticField};
use crate::method::{ErrorEstimate, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::{Noise, NoiseRequest};
use crate::state::{State, StateError};

/// Stochastic Heun, the trapezoidal rule in drift and diffusion alike:
/// `v = u + h f + sum_k g_k dW_k`, then
/// `u_next = u + h/2 (f + f(v, t + h)) + 1/2 sum_k (g_k + g_k(v, t + h)) dW_k`
/// (Ruemelin, *SIAM J. Numer. Anal.* 19, 1982; Kloeden & Platen, *Numerical
/// Solution of SDEs*, 15.5). Stratonovich, any noise; strong order 1, but 1/2 for
/// general noise; weak order 1, but 2 for additive noise.
///
/// The error estimate is the distance from `v`, the Euler step on the same noise.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct StochasticHeun;

impl StochasticHeun {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        StochasticHeun
    }
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Stratonovich],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.0, 2.0),
        Orders::of(NoiseKind::Scalar, 1.0, 1.0),
        Orders::of(NoiseKind::Diagonal, 1.0, 1.0),
        Orders::of(NoiseKind::General, 0.5, 1.0),
    ],
};

/// Scratch of a Heun or Euler-Heun step.
#[derive(Debug)]
pub(super) struct HeunScratch<S> {
    pub(super) drift: S,
    end_drift: S,
    diffusion: S,
    /// `sum_k g_k(u, t) dW_k`.
    pub(super) start_noise: S,
    /// `sum_k g_k(v, t + h) dW_k`.
    end_noise: S,
    /// `v`.
    pub(super) predicted: S,
    error: S,
    wiener: Wiener<S>,
}

impl<S: State> HeunScratch<S> {
    pub(super) fn new(initial: &S) -> Self {
        let zeros = || initial.zeros_like();
        HeunScratch {
            drift: zeros(),
            end_drift: zeros(),
            diffusion: zeros(),
            start_noise: zeros(),
            end_noise: zeros(),
            predicted: zeros(),
            error: zeros(),
            wiener: Wiener::new(),
        }
    }

    pub(super) fn states(&mut self) -> impl Iterator<Item = &mut S> {
        self.wiener.states().chain([
            &mut self.drift,
            &mut self.end_drift,
            &mut self.diffusion,
            &mut self.start_noise,
            &mut self.end_noise,
            &mut self.predicted,
            &mut self.error,
        ])
    }

    /// Drift and noise at the start of the step.
    pub(super) fn start<F: StochasticField<S>>(
        &mut self,
        field: &Counted<&F>,
        noise: &mut dyn Noise<S>,
        u: &S,
        (t, t_next): (f64, f64),
    ) -> Result<(), StepError> {
        field.drift(&mut self.drift, u, t)?;
        self.wiener.draw(noise, field.channels(), u, (t, t_next))?;
        let HeunScratch { diffusion, start_noise, wiener, .. } = self;
        wiener.combine_with_noise(field, diffusion, start_noise, (0.0, &[]), (u, t))
    }

    /// Adds the mean of the noise at the start and at the predicted end.
    pub(super) fn add_mean_noise<F: StochasticField<S>>(
        &mut self,
        field: &Counted<&F>,
        next: &mut S,
        t_next: f64,
    ) -> Result<(), StepError> {
        let HeunScratch { diffusion, start_noise, end_noise, predicted, wiener, .. } = self;
        let end = (&*predicted, t_next);
        wiener.combine_with_noise(field, diffusion, end_noise, (0.0, &[]), end)?;
        next.linear_combination(1.0, &[(0.5, start_noise), (0.5, end_noise)])?;
        Ok(())
    }
}

/// Stochastic Heun in the midst of a solve.
#[derive(Debug)]
pub struct StochasticHeunStepper<S>(HeunScratch<S>);

impl<S, F> Method<S, F> for StochasticHeun
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsStratonovich,
{
    type Stepper = StochasticHeunStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("stochastic-heun", 2, 2, Some(1))
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        StochasticHeunStepper(HeunScratch::new(initial))
    }
}

impl<S, F> Stepper<S, F> for StochasticHeunStepper<S>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsStratonovich,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let scratch = &mut self.0;
        scratch.start(field, noise, u, (t, t_next))?;
        let HeunScratch { drift, end_drift, predicted, start_noise, .. } = &mut *scratch;
        predicted.linear_combination(0.0, &[(1.0, u), (h, drift), (1.0, start_noise)])?;
        field.drift(end_drift, predicted, t_next)?;
        next.linear_combination(0.0, &[(1.0, u), (0.5 * h, drift), (0.5 * h, end_drift)])?;
        scratch.add_mean_noise(field, next, t_next)?;
        let HeunScratch { error, predicted, .. } = &mut *scratch;
        error.linear_combination(0.0, &[(1.0, &*next), (-1.0, predicted)])?;
        Ok(())
    }

    fn error(&self) -> ErrorEstimate<'_, S> {
        ErrorEstimate::Single(&self.0.error)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.0.states())
    }
}
