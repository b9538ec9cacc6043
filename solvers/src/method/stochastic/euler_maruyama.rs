use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, request};
use crate::field::{ReadAsIto, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Euler-Maruyama: `u_next = u + h f(u, t) + sum_k g_k(u, t) dW_k` (Maruyama,
/// *Rend. Circ. Mat. Palermo* 4, 1955). Ito, any noise; strong order 1/2 (1 for
/// additive noise), weak order 1.
///
/// Over decreasing time `h < 0` while `dW` has variance `|h|`.
///
/// A problem without noise is no problem for it, says the compiler:
///
/// ```compile_fail
/// use driftfield_solvers::{OdeProblem, SolveOptions, method::EulerMaruyama, solve};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
/// let _ = solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(10));
/// ```
///
/// Nor is one in the sense of Stratonovich:
///
/// ```compile_fail
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::EulerMaruyama, solve};
/// let f = |du: &mut f64, u: &f64, _t: f64| *du = -u;
/// let g = |g: &mut f64, u: &f64, _t: f64| *g = 0.1 * u;
/// let problem = SdeProblem::stratonovich(f, g, 1.0, (0.0, 1.0));
/// solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(10)).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct EulerMaruyama;

impl EulerMaruyama {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        EulerMaruyama
    }
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Ito],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.0, 1.0),
        Orders::of(NoiseKind::Scalar, 0.5, 1.0),
        Orders::of(NoiseKind::Diagonal, 0.5, 1.0),
        Orders::of(NoiseKind::General, 0.5, 1.0),
    ],
};

/// Scratch of an Euler-Maruyama solve.
#[derive(Debug)]
pub struct EulerMaruyamaStepper<S> {
    diffusion: S,
    wiener: Wiener<S>,
}

impl<S, F> Method<S, F> for EulerMaruyama
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
{
    type Stepper = EulerMaruyamaStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("euler-maruyama", 1, 1, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        EulerMaruyamaStepper { diffusion: initial.zeros_like(), wiener: Wiener::new() }
    }
}

impl<S, F> Stepper<S, F> for EulerMaruyamaStepper<S>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let EulerMaruyamaStepper { diffusion, wiener } = self;
        // The drift waits where the sum goes: one state less to pass through the caches.
        field.drift(next, u, t)?;
        check_like(u, next)?;
        wiener.draw(noise, field.channels(), u, (t, t_next))?;
        wiener.combine_with_noise(field, diffusion, next, (h, &[(1.0, u)]), (u, t))
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.wiener.states().chain([&mut self.diffusion]))
    }
}

/// Refuses a drift shaped unlike the state it was asked for. One whose values cannot be
/// counted is left to the sum, which says why.
fn check_like<S: State>(u: &S, drift: &S) -> Result<(), StateError> {
    let ((expected_lanes, lane_len), (found_lanes, found)) =
        ((u.lanes(), u.lane_len()), (drift.lanes(), drift.lane_len()));
    if found == 0 || (expected_lanes, lane_len) == (found_lanes, found) {
        return Ok(());
    }
    let (expected_len, found_len) = (expected_lanes * lane_len, found_lanes * found);
    Err(StateError::ShapeMismatch { expected_lanes, expected_len, found_lanes, found_len })
}
