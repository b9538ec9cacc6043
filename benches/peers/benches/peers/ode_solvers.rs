//! `ode_solvers`: static vectors for small problems and a dynamic one for the large, as
//! its documentation has it; output "sparse" (the accepted steps), the least it can
//! be asked for, since "dense" evaluates its continuation at every step. All else as
//! its `new` sets it, but more steps allowed.

use ode_solvers::dop_shared::{IntegrationError, Stats};
use ode_solvers::{DVector, Dop853, Dopri5, OutputType, SVector, System};

use super::contender::{Class, Contender, End};
use super::problems::{Dynamics, Problem};

const STEPS: u32 = 10_000_000;

struct Field<D>(D);

impl<const N: usize, D: Dynamics> System<f64, SVector<f64, N>> for Field<D> {
    #[inline(always)]
    fn system(&self, _t: f64, u: &SVector<f64, N>, du: &mut SVector<f64, N>) {
        self.0.derivative(du.as_mut_slice(), u.as_slice());
    }
}

impl<D: Dynamics> System<f64, DVector<f64>> for Field<D> {
    #[inline(always)]
    fn system(&self, _t: f64, u: &DVector<f64>, du: &mut DVector<f64>) {
        self.0.derivative(du.as_mut_slice(), u.as_slice());
    }
}

fn finished(stats: Result<Stats, IntegrationError>, last: Option<&[f64]>) -> Option<End> {
    let stats = stats.ok()?;
    let steps = u64::from(stats.accepted_steps + stats.rejected_steps);
    Some(End { u: last?.to_vec(), steps })
}

/// One of the crate's methods with its own defaults for PI control: `beta` and the limits of
/// the step's change.
macro_rules! contender {
    ($name:literal, $class:expr, $method:ident, ($beta:literal, $smallest:literal, $largest:literal),
     $problem:ident, $start:expr) => {
        Contender::peer($name, $class, move |tolerance| {
            let field = Field($problem.dynamics);
            let (start, end) = ($start, $problem.end);
            let mut solver = $method::from_param(
                field,
                0.0,
                end,
                end,
                start,
                tolerance,
                tolerance,
                0.9,
                $beta,
                $smallest,
                $largest,
                end,
                0.0,
                STEPS,
                1000,
                OutputType::Sparse,
            );
            let stats = solver.integrate();
            finished(stats, solver.y_out().last().map(|u| u.as_slice()))
        })
    };
}

macro_rules! contenders {
    ($problem:ident, $start:expr) => {
        vec![
            contender!(
                "ode_solvers dopri5",
                Class::Five,
                Dopri5,
                (0.04, 0.2, 10.0),
                $problem,
                $start
            ),
            contender!(
                "ode_solvers dop853",
                Class::Eight,
                Dop853,
                (0.0, 0.333, 6.0),
                $problem,
                $start
            ),
        ]
    };
}

pub fn small<const N: usize, D: Dynamics>(problem: &Problem<[f64; N], D>) -> Vec<Contender<'_>> {
    contenders!(problem, SVector::<f64, N>::from(problem.start))
}

pub fn large<D: Dynamics>(problem: &Problem<Vec<f64>, D>) -> Vec<Contender<'_>> {
    contenders!(problem, DVector::from_column_slice(&problem.start))
}
