//! driftfield: default controller, nothing saved but the last state; `[f64; N]` for
//! small problems, an nalgebra vector for the large one (one lane; the rows of an
//! ndarray array would be as many).

use driftfield_solvers::method::{Dop853, Dopri5, Method, Tsit5};
use driftfield_solvers::{HostState, OdeProblem, SolveOptions, VectorField, solve};
use nalgebra::DVector;

use super::contender::{Class, Contender, End};
use super::problems::{Dynamics, Problem};

pub fn small<const N: usize, D: Dynamics>(problem: &Problem<[f64; N], D>) -> Vec<Contender<'_>> {
    let dynamics = problem.dynamics;
    let field =
        move |du: &mut [f64; N], u: &[f64; N], _t: f64| dynamics.derivative(&mut *du, &u[..]);
    contenders(OdeProblem::new(field, problem.start, (0.0, problem.end)))
}

pub fn large<D: Dynamics>(problem: &Problem<Vec<f64>, D>) -> Vec<Contender<'_>> {
    let dynamics = problem.dynamics;
    let field = move |du: &mut DVector<f64>, u: &DVector<f64>, _t: f64| {
        dynamics.derivative(du.as_mut_slice(), u.as_slice());
    };
    let start = DVector::from_column_slice(&problem.start);
    contenders(OdeProblem::new(field, start, (0.0, problem.end)))
}

fn contenders<'a, S, F>(problem: OdeProblem<S, F>) -> Vec<Contender<'a>>
where
    S: HostState<Scalar = f64>,
    F: VectorField<S> + Clone + 'a,
{
    let (second, third) = (problem.clone(), problem.clone());
    vec![
        Contender::ours("tsit5", Class::Five, move |tolerance| {
            run(&problem, &Tsit5::new(), tolerance)
        }),
        Contender::ours("dopri5", Class::Five, move |tolerance| {
            run(&second, &Dopri5::new(), tolerance)
        }),
        Contender::ours("dop853", Class::Eight, move |tolerance| {
            run(&third, &Dop853::new(), tolerance)
        }),
    ]
}

fn run<S, F, M>(problem: &OdeProblem<S, F>, method: &M, tolerance: f64) -> Option<End>
where
    S: HostState<Scalar = f64>,
    F: VectorField<S>,
    M: Method<S, F>,
{
    let solution = solve(problem, method, SolveOptions::adaptive(tolerance, tolerance)).ok()?;
    let steps = solution.statistics.accepted + solution.statistics.rejected;
    let end = solution.outcome.is_success().then_some(solution.u_last)?;
    Some(End { u: end.values()?.to_vec(), steps })
}
