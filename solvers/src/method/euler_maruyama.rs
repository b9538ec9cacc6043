use super::{Kind, Method, MethodInfo, Step, StepError};
use crate::field::StochasticField;
use crate::state::State;

/// Euler-Maruyama: `u_next = u + h f(u, t) + g(u, t) dW` (Maruyama, *Rend.
/// Circ. Mat. Palermo* 4, 1955). Ito; strong order 1/2 (1 for additive noise),
/// weak order 1.
///
/// Over decreasing time `h < 0` while `dW` has variance `|h|`.
///
/// A problem without noise is no problem for it, says the compiler:
///
/// ```compile_fail
/// use driftfield_solvers::{OdeProblem, SolveOptions, method::EulerMaruyama, solve};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
/// let _ = solve(&problem, &EulerMaruyama, SolveOptions::steps(10));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct EulerMaruyama;

/// Scratch of an Euler-Maruyama solve.
#[derive(Debug)]
pub struct EulerMaruyamaMemory<S> {
    drift: S,
    diffusion: S,
    dw: S,
}

impl<S: State, F: StochasticField<S>> Method<S, F> for EulerMaruyama {
    type Memory = EulerMaruyamaMemory<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo {
            strong_order: Some(0.5),
            weak_order: Some(1.0),
            draws_noise: true,
            ..MethodInfo::one_step("euler-maruyama", Kind::Stochastic, 1, 1)
        }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        EulerMaruyamaMemory {
            drift: initial.zeros_like(),
            diffusion: initial.zeros_like(),
            dw: initial.zeros_like(),
        }
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        field.drift(&mut memory.drift, u, t)?;
        field.diffusion(&mut memory.diffusion, u, t)?;
        noise.increment(t, t_next, &mut memory.dw)?;
        next.linear_combination(0.0, &[(1.0, u), (h, &memory.drift)])?;
        next.add_product(&memory.diffusion, &memory.dw)?;
        Ok(())
    }
}
