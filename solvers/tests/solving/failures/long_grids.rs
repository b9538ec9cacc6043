//! Fixed grids of more steps than anybody waits for.

use crate::common::{NoiseFree, Oscillator, every_stochastic_method, ode, ode_methods};
use driftfield_solvers::method::exponential::{
    exponential_methods, stochastic_exponential_methods,
};
use driftfield_solvers::method::{BoxedMethod, Euler, Method};
use driftfield_solvers::{
    Decay, OdeProblem, Outcome, Problem, Save, SdeProblem, SolveOptions, solve,
};

/// None of these comes back if the grid or the noise on it is laid out before the first step.
fn comes_back_at_once<P: Problem<Field: 'static>>(
    problem: &P,
    methods: Vec<BoxedMethod<P::State, P::Field>>,
) where
    P::State: PartialEq + std::fmt::Debug,
{
    for method in methods {
        let name = method.info().name;
        let run =
            |options: SolveOptions<'static, P::State>| solve(problem, &method, options).unwrap();
        for limited in [SolveOptions::dt(1e-9), SolveOptions::steps(1_000_000_000)] {
            let solution = run(limited.max_steps(7).save(Save::at([0.0])));
            let Outcome::MaxSteps { t, steps: 7 } = solution.outcome else {
                panic!("{name}: {:?}", solution.outcome)
            };
            assert_eq!(
                (t, solution.t_last, solution.statistics.accepted),
                (7.0 * 1e-9, 7.0 * 1e-9, 7),
                "{name}"
            );
        }
        // The limit changes nothing below it, and the steps are those of a listed grid.
        let times: Vec<f64> = (0..=7).map(|i| if i == 7 { 1.0 } else { i as f64 * 0.15 }).collect();
        let listed = run(SolveOptions::times(times));
        for made in [SolveOptions::dt(0.15), SolveOptions::dt(0.15).max_steps(7)] {
            let made = run(made);
            assert_eq!(
                (&made.outcome, &made.u_last),
                (&Outcome::Success, &listed.u_last),
                "{name}"
            );
        }
        let early = run(SolveOptions::dt(0.15).max_steps(6));
        assert!(matches!(early.outcome, Outcome::MaxSteps { steps: 6, .. }), "{name}");
    }
}

#[test]
fn a_limit_ends_every_method_on_a_grid_that_is_not_laid_out() {
    let oscillator = Oscillator::EXAMPLE;
    comes_back_at_once(&oscillator.problem((0.0, 1.0)), ode_methods());
    let noisy = SdeProblem::from_field(NoiseFree(oscillator), [0.3, 0.8], (0.0, 1.0));
    comes_back_at_once(&noisy, every_stochastic_method());
    let forcing = |n: &mut f64, _u: &f64, t: f64| *n = t.cos();
    let semilinear = OdeProblem::new(Decay::new(2.0, forcing).unwrap(), 1.0, (0.0, 1.0));
    comes_back_at_once(&semilinear, exponential_methods());
    comes_back_at_once(&semilinear, stochastic_exponential_methods());
}

#[test]
fn as_many_steps_as_are_asked_for_are_made() {
    let problem = ode(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
    let solution = solve(&problem, &Euler::new(), SolveOptions::steps(2_000_000)).unwrap();
    assert_eq!((solution.outcome, solution.statistics.accepted), (Outcome::Success, 2_000_000));
}
