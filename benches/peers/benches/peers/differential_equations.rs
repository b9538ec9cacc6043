//! `differential-equations`: its native states, `[f64; N]` and `Vec<f64>`; an output
//! handler that keeps nothing, as ours does; more steps allowed than its 10,000.

use differential_equations::control::ControlFlag;
use differential_equations::interpolate::Interpolation;
use differential_equations::methods::ExplicitRungeKutta;
use differential_equations::ode::{ODE, OrdinaryNumericalMethod, solve_ode};
use differential_equations::solout::Solout;
use differential_equations::solution::Solution;
use differential_equations::traits::State;

use super::contender::{Class, Contender, End};
use super::problems::{Dynamics, Problem};

const STEPS: usize = 10_000_000;

struct Field<D>(D);

impl<S: AsRef<[f64]> + AsMut<[f64]> + State<f64>, D: Dynamics> ODE<f64, S> for Field<D> {
    #[inline(always)]
    fn diff(&self, _t: f64, u: &S, du: &mut S) {
        self.0.derivative(du.as_mut(), u.as_ref());
    }
}

struct KeepNothing;

impl<S: State<f64>> Solout<f64, S> for KeepNothing {
    fn solout<I: Interpolation<f64, S> + ?Sized>(
        &mut self,
        _t: f64,
        _t_previous: f64,
        _u: &S,
        _previous: &S,
        _interpolator: &mut I,
        _solution: &mut Solution<f64, S>,
    ) -> ControlFlag<f64, S> {
        ControlFlag::Continue
    }
}

fn run<S, D, M>(problem: &Problem<S, D>, mut method: M) -> Option<End>
where
    S: AsRef<[f64]> + AsMut<[f64]> + State<f64>,
    D: Dynamics,
    M: OrdinaryNumericalMethod<f64, S> + Interpolation<f64, S>,
{
    let field = Field(problem.dynamics);
    let solved =
        solve_ode(&mut method, &field, 0.0, problem.end, &problem.start, &mut KeepNothing).ok()?;
    let steps = (solved.steps.accepted + solved.steps.rejected) as u64;
    Some(End { u: method.y().as_ref().to_vec(), steps })
}

pub fn contenders<S, D>(problem: &Problem<S, D>) -> Vec<Contender<'_>>
where
    S: AsRef<[f64]> + AsMut<[f64]> + State<f64>,
    D: Dynamics,
{
    macro_rules! peer {
        ($method:ident, $class:expr) => {
            Contender::peer(
                concat!("differential-equations ", stringify!($method)),
                $class,
                move |tolerance| {
                    let method = ExplicitRungeKutta::$method()
                        .rtol(tolerance)
                        .atol(tolerance)
                        .max_steps(STEPS);
                    run(problem, method)
                },
            )
        };
    }
    vec![
        peer!(dopri5, Class::Five),
        peer!(dop853, Class::Eight),
        peer!(rkv656e, Class::Eight),
        peer!(rkv878e, Class::Eight),
    ]
}
