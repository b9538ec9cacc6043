//! The one loop that solves every problem with every method.

mod after_step;
mod by_hand;
mod error;
mod integrator;
mod options;
pub(crate) mod start;

pub use error::SolveError;
pub use integrator::{Integrator, MAX_ADAPTIVE_STEPS, Status, init};
pub use options::SolveOptions;
pub use start::check_adaptive;

use crate::method::Method;
use crate::problem::Problem;
use crate::solution::Solution;

/// Solves `problem` with `method`.
///
/// What is wrong with the call is a [`SolveError`]; what goes wrong during the
/// solve is the [`Outcome`](crate::Outcome) of the (partial) solution. Over an empty span the
/// initial state is the solution, and nothing is evaluated.
///
/// ```
/// use driftfield_solvers::{OdeProblem, SolveOptions, solve, method::{Heun, Tsit5}};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, t: f64| *du = -u + t, 1.0, (0.0, 2.0));
/// let exact = 2.0 * (-2.0_f64).exp() + 1.0;
/// let heun = solve(&problem, &Heun::new(), SolveOptions::steps(10)).unwrap();
/// let tsit5 = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-8, 1e-8)).unwrap();
/// assert_eq!(heun.statistics.nfe, 20);
/// assert!((heun.u_last - exact).abs() < 1e-2 && (tsit5.u_last - exact).abs() < 1e-7);
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
    Ok(integrator.finish())
}
