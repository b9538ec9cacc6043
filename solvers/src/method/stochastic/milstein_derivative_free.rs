use super::info::StochasticInfo;
use super::milstein::{INFO, MilsteinMemory};
use super::wiener::request;
use crate::field::{Interpretation, OneColumn, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError};
use crate::noise::NoiseRequest;
use crate::state::State;

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
pub struct MilsteinDerivativeFree;

impl<S, F> Method<S, F> for MilsteinDerivativeFree
where
    S: State,
    F: StochasticField<S>,
    F::Noise: OneColumn,
{
    type Memory = MilsteinMemory<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("milstein-derivative-free", 1, 1, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        MilsteinMemory::new(initial)
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let ito_term = F::Interpretation::ITO_TERM;
        let root = h.abs().sqrt();
        field.drift(&mut memory.drift, u, t)?;
        field.diffusion(0, &mut memory.diffusion, u, t)?;
        let MilsteinMemory { drift, diffusion, derivative, support, iterated, .. } = memory;
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
        memory.wiener.draw(noise, 1, u, (t, t_next))?;
        memory.advance(next, u, ito_term, h)?;
        Ok(())
    }
}
