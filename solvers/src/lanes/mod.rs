//! Adaptive steps lane by lane: every lane of a batch has a time and a step of its own.
//!
//! With one shared step ([`solve`](crate::solve()) with
//! [`ErrorNorm::Batch`](crate::ErrorNorm::Batch) or
//! [`ErrorNorm::WorstLane`](crate::ErrorNorm::WorstLane), "lock-step") the most difficult lane sets the
//! pace of all. [`solve_lanes`] lets each go at its own, still evaluating the field
//! once for all lanes that are on their way; lanes that are done leave the batch, so that nothing
//! is evaluated for them any more. A lane's result depends on no other lane: it is the
//! same, to the bit, in any batch and any order. A lane that turns NaN, or asks for too small a
//! step, or has spent its budget, ends alone; a field that returns an error ends all.
//!
//! Lanes share the span and the tolerances. There are no events, observers or dense output here:
//! what watches a solve watches steps, and lanes have none in common; states at given times there
//! are ([`LaneOptions::save_at`]).

mod batch;
mod first_step;
mod options;
mod paced;
mod saving;
mod solution;

pub use options::LaneOptions;
pub use paced::Paced;
pub use solution::{LaneReport, LaneSolution};

use crate::control::ControlError;
use crate::field::VectorField;
use crate::method::Method;
use crate::problem::Problem;
use crate::solve::SolveError;
use crate::solve::start::{check_problem, check_save_times, sort_along};
use crate::state::State;

/// Solves every lane of `problem` with steps of its own.
///
/// `method` is an adaptive Runge-Kutta method, unchanged: it sees the field through [`Paced`],
/// on a clock on which every lane's step has length 1. The field is cloned once; put its large
/// members into an `Arc`.
///
/// ```
/// use driftfield_solvers::lanes::{EachLane, LaneOptions, solve_lanes};
/// use driftfield_solvers::{OdeProblem, SolveOptions, solve, method::Tsit5};
/// use ndarray::array;
/// // Each lane holds its own frequency.
/// let field = EachLane(|du: &mut [f64], u: &[f64], _t| {
///     (du[0], du[1]) = (u[1] * u[1].signum() * u[0], 0.0);
/// });
/// let problem = OdeProblem::new(field, array![[1.0, 0.1], [1.0, 8.0]], (0.0, 2.0));
/// let own = solve_lanes(&problem, &Tsit5::new(), LaneOptions::adaptive(1e-8, 1e-8)).unwrap();
/// assert!((own.u[[1, 0]] / 16.0_f64.exp() - 1.0).abs() < 1e-6);
/// assert!(own.lanes[0].nfe < own.lanes[1].nfe / 2);
/// let shared = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-8, 1e-8)).unwrap();
/// assert!(own.lane_evaluations() < 2 * shared.statistics.nfe);
/// ```
pub fn solve_lanes<P, M>(
    problem: &P,
    method: &M,
    mut options: LaneOptions,
) -> Result<LaneSolution<P::State>, SolveError>
where
    P: Problem,
    P::Field: VectorField<P::State> + Clone,
    M: Method<P::State, Paced<P::State, P::Field>>,
{
    let (t0, t1) = problem.span();
    let initial = problem.initial();
    check_problem(initial, t0, t1)?;
    let info = method.info();
    let Some(order) = info.order_of_estimate() else {
        return Err(ControlError::NotAdaptive { method: info.name }.into());
    };
    options.adaptive.check(initial.lane_len())?;
    check_save_times(&options.save_times, t0, t1)?;
    if !options.save_times.is_empty() && info.interpolant_order.is_none() && t0 != t1 {
        let purpose = "saving at given times";
        return Err(SolveError::NoInterpolant { method: info.name, purpose });
    }
    sort_along(&mut options.save_times, t0, t1);
    options.save_times.dedup();
    // Refused here rather than when the first lane is done.
    initial.select_lanes(&[0])?;
    let paced = Paced::new(problem.field().clone(), initial, info.evaluations_at_start > 0);
    batch::solve(&paced, method, initial, (t0, t1), order, options)
}
