//! `diffsol`: nalgebra matrices, as in its documentation; stepped to a stop time rather
//! than solved, so that no step is saved. Its problem holds the tolerances and is
//! built for every solve, which costs less than ten steps of the smallest problem.

use diffsol::{
    NalgebraLU, NalgebraMat, NalgebraVec, OdeBuilder, OdeEquations, OdeSolverMethod,
    OdeSolverStopReason, Vector,
};

use super::contender::{Class, Contender, End};
use super::problems::{Dynamics, Problem};

type Matrix = NalgebraMat<f64>;

fn step_to<'a, E, M>(mut solver: M, end: f64) -> Option<End>
where
    E: OdeEquations<T = f64, V = NalgebraVec<f64>> + 'a,
    M: OdeSolverMethod<'a, E>,
{
    solver.set_stop_time(end).ok()?;
    while !matches!(solver.step().ok()?, OdeSolverStopReason::TstopReached) {}
    let counts = solver.get_statistics();
    let steps = (counts.number_of_steps + counts.number_of_error_test_failures) as u64;
    Some(End { u: solver.state().y.clone_as_vec(), steps })
}

macro_rules! problem_at {
    ($start:ident, $tolerance:ident, |$builder:ident| $rhs:expr) => {{
        let (values, len) = ($start.clone(), $start.len());
        let $builder = OdeBuilder::<Matrix>::new().rtol($tolerance).atol([$tolerance]);
        let set_start = move |_p: &[f64], _t: f64, u: &mut [f64]| u.copy_from_slice(&values);
        $rhs.init(set_start, len).build().ok()?
    }};
}

pub fn explicit<'a, S, D: Dynamics>(
    start: Vec<f64>,
    problem: &'a Problem<S, D>,
) -> Vec<Contender<'a>> {
    let (dynamics, end) = (problem.dynamics, problem.end);
    vec![Contender::peer("diffsol tsit45", Class::Five, move |tolerance| {
        let problem = problem_at!(start, tolerance, |builder| builder
            .rhs(move |u, _p, _t, du| dynamics.derivative(du, u)));
        step_to(problem.tsit45().ok()?, end)
    })]
}

pub fn implicit<'a, S, D: Dynamics>(
    start: Vec<f64>,
    problem: &'a Problem<S, D>,
) -> Vec<Contender<'a>> {
    let (dynamics, end) = (problem.dynamics, problem.end);
    macro_rules! peer {
        ($method:ident) => {{
            let start = start.clone();
            Contender::peer(
                concat!("diffsol ", stringify!($method), " (implicit)"),
                Class::Implicit,
                move |tolerance| {
                    let problem = problem_at!(start, tolerance, |builder| builder.rhs_implicit(
                        move |u, _p, _t, du| dynamics.derivative(du, u),
                        move |u, _p, _t, v, out| dynamics.jacobian_product(out, u, v),
                    ));
                    step_to(problem.$method::<NalgebraLU<f64>>().ok()?, end)
                },
            )
        }};
    }
    vec![peer!(bdf), peer!(esdirk34)]
}
