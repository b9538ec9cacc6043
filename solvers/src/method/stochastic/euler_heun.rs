use super::heun::HeunScratch;
use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::request;
use crate::field::{ReadAsStratonovich, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Euler-Heun: `u_next = u + h f(u, t) + 1/2 sum_k (g_k(u, t) + g_k(v, t + h)) dW_k`
/// with `v = u + sum_k g_k(u, t) dW_k` (Kloeden & Platen, *Numerical Solution of
/// SDEs*, 11.1; Ruemelin, *SIAM J. Numer. Anal.* 19, 1982). Stratonovich, any
/// noise; strong order 1, but 1/2 for general noise, weak order 1.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct EulerHeun;

impl EulerHeun {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        EulerHeun
    }
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Stratonovich],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.0, 1.0),
        Orders::of(NoiseKind::Scalar, 1.0, 1.0),
        Orders::of(NoiseKind::Diagonal, 1.0, 1.0),
        Orders::of(NoiseKind::General, 0.5, 1.0),
    ],
};

/// Euler-Heun in the midst of a solve.
#[derive(Debug)]
pub struct EulerHeunStepper<S>(HeunScratch<S>);

impl<S, F> Method<S, F> for EulerHeun
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsStratonovich,
{
    type Stepper = EulerHeunStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("euler-heun", 1, 1, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        EulerHeunStepper(HeunScratch::new(initial))
    }
}

impl<S, F> Stepper<S, F> for EulerHeunStepper<S>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsStratonovich,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let scratch = &mut self.0;
        scratch.start(field, noise, u, (t, t_next))?;
        let HeunScratch { drift, predicted, start_noise, .. } = &mut *scratch;
        predicted.linear_combination(0.0, &[(1.0, u), (1.0, start_noise)])?;
        next.linear_combination(0.0, &[(1.0, u), (h, drift)])?;
        scratch.add_mean_noise(field, next, t_next)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.0.states())
    }
}
