//! The one loop that solves every problem with every method.

mod after_step;
mod by_hand;
mod error;
mod events;
mod integrator;
mod moves;
mod options;
mod own_steps;
mod recorder;
mod roster;
mod start;
mod steps;

pub use error::SolveError;
pub use integrator::{Integrator, MAX_ADAPTIVE_STEPS, Status, init};
pub use options::SolveOptions;
pub use start::check_adaptive;

use crate::method::Method;
use crate::problem::Problem;
use crate::solution::Solution;
#[cfg(doc)]
use crate::state::State;

/// Solves `problem` with `method`.
///
/// What is wrong with the call is a [`SolveError`], and so is an error that leaves not a single
/// step; what goes wrong later is the [`Outcome`](crate::Outcome) of the (partial) solution, which
/// [`Solution::complete`] asks for. Over an empty span the initial state is the solution, and
/// nothing is evaluated.
///
/// # States
///
/// | container | lanes | numbers |
/// |---|---|---|
/// | a number `T` | one | any |
/// | `[T; N]`, nalgebra's `SVector<T, N>` and `DVector<T>` | one, of as many components | any |
/// | ndarray's arrays of any dimension | along the first axis; of `Array1` every element is one | any |
/// | candle's `Tensor`, `TrackedTensor` (feature `candle`) | along the first axis | `F32`, `F64` |
/// | [`WithNumbers<S>`](crate::WithNumbers) | those of `S`, each with a number more | those of `S`, and `f64` |
/// | a [`HostState`](crate::HostState) or a [`State`] of your own | as it says | as it says |
///
/// Any number is `f64`, `f32`, half precision [`f16`](crate::half::f16) or
/// [`bf16`](crate::half::bf16), whose sums are rounded once a step and whose adaptive steps ask
/// for no less than their rounding ([`Scalar`](crate::Scalar)), and
/// [`Complex<f32>`](crate::num_complex::Complex) and `Complex<f64>`, whose errors are measured by
/// modulus ([`Element`](crate::Element)).
///
/// # Examples
///
/// ```
/// use driftfield_solvers::{OdeProblem, SolveOptions, solve, method::{Heun, Tsit5}};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, t: f64| *du = -u + t, 1.0, (0.0, 2.0));
/// let exact = 2.0 * (-2.0_f64).exp() + 1.0;
/// let heun = solve(&problem, &Heun::new(), SolveOptions::steps(10))?;
/// assert_eq!(heun.statistics.nfe, 20);
/// let tsit5 = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-8, 1e-8))?;
/// assert!((heun.complete()? - exact).abs() < 1e-2 && (tsit5.complete()? - exact).abs() < 1e-7);
/// # Ok(())
/// # }
/// ```
///
/// Lanes with steps of their own, each with its own frequency:
///
/// ```
/// use driftfield_solvers::field::EachLane;
/// use driftfield_solvers::{ErrorNorm, OdeProblem, SolveOptions, solve, method::Tsit5};
/// use ndarray::array;
/// let field = EachLane(|du: &mut [f64], u: &[f64], _t| {
///     (du[0], du[1]) = (u[1] * u[1].signum() * u[0], 0.0);
/// });
/// let problem = OdeProblem::new(field, array![[1.0, 0.1], [1.0, 8.0]], (0.0, 2.0));
/// let own = SolveOptions::adaptive(1e-8, 1e-8).norm(ErrorNorm::EachLane);
/// let own = solve(&problem, &Tsit5::new(), own).unwrap();
/// let shared = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-8, 1e-8)).unwrap();
/// assert!(own.lanes[0].nfe < own.lanes[1].nfe / 2);
/// assert!(own.lane_evaluations() < 2 * shared.statistics.nfe);
/// assert!((own.complete().unwrap()[[1, 0]] / 16.0_f64.exp() - 1.0).abs() < 1e-6);
/// ```
pub fn solve<P, M>(
    problem: &P,
    method: &M,
    options: SolveOptions<'_, P::State>,
) -> Result<Solution<P::State>, SolveError>
where
    P: Problem,
    M: Method<P::State, P::Field>,
{
    let mut integrator = init(problem, method, options)?;
    while integrator.step() == Status::Stepped {}
    let solution = integrator.finish();
    match SolveError::no_step(&solution.outcome, solution.statistics) {
        Some(error) => Err(error),
        None => Ok(solution),
    }
}
