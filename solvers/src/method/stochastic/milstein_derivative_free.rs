use super::info::StochasticInfo;
use super::milstein::{INFO, MilsteinMemory};
use super::wiener::request;
use crate::field::{Interpretation, OneColumn, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError};
use crate::noise::NoiseRequest;
use crate::state::State;

/// Milstein's method with a difference quotient for `g g'`:
/// `(g(v) - g(u)) / sqrt(h)` at `v = u + c h f + g sqrt(h)`, with `c` as in
/// [`Milstein`](super::Milstein) (Kloeden & Platen, *Numerical Solution of SDEs*,
/// 11.1). Ito or Stratonovich, diagonal or scalar noise; strong and weak order 1.
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
        let MilsteinMemory { drift, diffusion, derivative, support, .. } = memory;
        support.linear_combination(0.0, &[(1.0, u), (ito_term * h, drift), (root, diffusion)])?;
        field.diffusion(0, derivative, support, t)?;
        derivative.linear_combination(1.0 / root, &[(-1.0 / root, diffusion)])?;
        memory.wiener.draw(noise, 1, u, (t, t_next))?;
        next.linear_combination(0.0, &[(1.0, u), (h, &memory.drift)])?;
        memory.add_noise(next, ito_term, h)?;
        Ok(())
    }
}
