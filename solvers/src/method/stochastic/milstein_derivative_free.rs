use super::info::StochasticInfo;
use super::milstein::{INFO, MilsteinScratch};
use super::wiener::request;
use crate::field::{Interpretation, OneColumn, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Milstein's method with a difference quotient for `g g'`. Ito or Stratonovich,
/// diagonal or scalar noise; strong and weak order 1.
///
/// Ito: `(g(v) - g(u)) / sqrt(h)` at `v = u + h f + g sqrt(h)` (Kloeden & Platen,
/// *Numerical Solution of SDEs*, 11.1). Stratonovich: the central quotient
/// `(g(u + g sqrt(h)) - g(u - g sqrt(h))) / (2 sqrt(h))`. The error of the one-sided
/// quotient, `g'' g^2 sqrt(h) / 2`, is multiplied by `dW^2 - h`, of mean zero, in the
/// sense of Ito, but by `dW^2` in that of Stratonovich, where it would add up to
/// strong order 1/2.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct MilsteinDerivativeFree;

impl MilsteinDerivativeFree {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        MilsteinDerivativeFree
    }
}

/// The method in the midst of a solve.
#[derive(Debug)]
pub struct MilsteinDerivativeFreeStepper<S>(MilsteinScratch<S>);

impl<S, F> Method<S, F> for MilsteinDerivativeFree
where
    S: State,
    F: StochasticField<S>,
    F::Noise: OneColumn,
{
    type Stepper = MilsteinDerivativeFreeStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("milstein-derivative-free", 1, 1, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        MilsteinDerivativeFreeStepper(MilsteinScratch::new(initial))
    }
}

impl<S, F> Stepper<S, F> for MilsteinDerivativeFreeStepper<S>
where
    S: State,
    F: StochasticField<S>,
    F::Noise: OneColumn,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let scratch = &mut self.0;
        let ito_term = F::Interpretation::ITO_TERM;
        let root = h.abs().sqrt();
        field.drift(&mut scratch.drift, u, t)?;
        field.diffusion(0, &mut scratch.diffusion, u, t)?;
        let MilsteinScratch { drift, diffusion, derivative, support, iterated, .. } = &mut *scratch;
        let terms = [(1.0, u), (ito_term * h, drift), (root, diffusion)];
        support.linear_combination(0.0, &terms)?;
        field.diffusion(0, derivative, support, t)?;
        if ito_term == 0.0 {
            support.linear_combination(0.0, &[(1.0, u), (-root, diffusion)])?;
            field.diffusion(0, iterated, support, t)?;
            derivative.linear_combination(0.5 / root, &[(-0.5 / root, iterated)])?;
        } else {
            derivative.linear_combination(1.0 / root, &[(-1.0 / root, diffusion)])?;
        }
        scratch.wiener.draw(noise, 1, u, (t, t_next))?;
        scratch.advance(next, u, ito_term, h)?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.0.states())
    }
}
