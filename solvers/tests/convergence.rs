//! Orders of convergence of every method in the registry, on random
//! non-autonomous, nonlinear, coupled problems, in both time directions.

mod common;

use common::{NoiseFree, RotatedPair, Zero, noise_free_methods, ode_methods, slope};
use driftfield_solvers::method::Method;
use driftfield_solvers::{Ito, Problem, Save, SdeProblem, SolveOptions, solve};
use proptest::prelude::*;

fn pairs() -> impl Strategy<Value = RotatedPair> {
    (0.3..1.0, 0.5..1.2, 2.0..4.0, 0.3..0.8, 0.3..1.2, 0.2..0.6, 0.4..1.0)
        .prop_map(|(a, b, w, c, angle, p, q)| RotatedPair { a, b, w, c, angle, start: [p, q] })
}

/// Largest error over the whole trajectory, which no zero crossing of the
/// error at one time can make accidentally small.
fn trajectory_error<P, M>(pair: &RotatedPair, problem: &P, method: &M, steps: usize) -> f64
where
    P: Problem<State = [f64; 2]>,
    M: Method<[f64; 2], P::Field>,
{
    let solution = solve(problem, method, SolveOptions::steps(steps).save(Save::all())).unwrap();
    assert!(solution.outcome.is_success());
    solution.t.iter().zip(&solution.u).map(|(&t, u)| pair.error(u, t)).fold(0.0, f64::max)
}

/// Pairwise slopes for orders up to 5; a regression for higher orders, where
/// the useful range of errors is narrow.
fn check_order<P, M>(pair: &RotatedPair, problem: &P, method: &M)
where
    P: Problem<State = [f64; 2]>,
    M: Method<[f64; 2], P::Field>,
{
    let info = method.info();
    let order = f64::from(info.order);
    let error = |steps| trajectory_error(pair, problem, method, steps);
    if info.order <= 5 {
        let mut coarsest = match info.order {
            1 => 400,
            2 => 160,
            3 => 80,
            _ => 60,
        };
        // Slopes are read above round-off only.
        while error(4 * coarsest) < 1e-11 {
            coarsest = coarsest * 2 / 3;
        }
        for (coarse, fine) in [(coarsest, 2 * coarsest), (2 * coarsest, 4 * coarsest)] {
            let slope = (error(coarse) / error(fine)).log2();
            assert!(
                (slope - order).abs() < 0.25,
                "{}: order {order}, slope {slope} from {coarse} to {fine} steps for {pair:?}",
                info.name
            );
        }
        return;
    }
    let points: Vec<(f64, f64)> = std::iter::successors(Some(9.0), |n| Some(n * 1.3))
        .take(12)
        .map(|n: f64| (n.round().ln(), error(n.round() as usize)))
        .filter(|&(_, error)| error > 1e-13 && error < 1e-5)
        .map(|(x, error)| (x, -error.ln()))
        .collect();
    assert!(points.len() >= 4, "{}: only {} errors in range", info.name, points.len());
    let slope = slope(&points);
    assert!(slope >= order - 0.5, "{}: order {order}, regression slope {slope}", info.name);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_runge_kutta_method_has_its_order(pair in pairs()) {
        for span in [(0.1, 3.1), (3.1, 0.1)] {
            for method in ode_methods::<RotatedPair>() {
                check_order(&pair, &pair.problem(span), &method);
            }
        }
    }

    #[test]
    fn every_stochastic_method_has_its_order_without_noise(pair in pairs()) {
        for span in [(0.1, 3.1), (3.1, 0.1)] {
            let field: NoiseFree = Ito { drift: pair, diffusion: Zero };
            let problem = SdeProblem::from_field(field, pair.exact(span.0), span);
            for method in noise_free_methods() {
                check_order(&pair, &problem, &method);
            }
        }
    }

    #[test]
    fn every_interpolant_has_its_order(pair in pairs()) {
        for span in [(0.1, 3.1), (3.1, 0.1)] {
            for method in ode_methods::<RotatedPair>() {
                check_interpolant(&pair, span, &method);
            }
        }
    }
}

/// Error between the grid points only: at fractions of the steps that no
/// polynomial of low degree treats specially.
fn interpolation_error<M>(pair: &RotatedPair, span: (f64, f64), method: &M, steps: usize) -> f64
where
    M: Method<[f64; 2], RotatedPair>,
{
    let h = (span.1 - span.0) / steps as f64;
    let problem = pair.problem(span);
    let options = SolveOptions::steps(steps).save(Save::dense());
    let solution = solve(&problem, method, options).unwrap();
    let fractions = [0.137, 0.31, 0.55, 0.83];
    let times = (0..steps).flat_map(|i| fractions.map(|f| span.0 + (i as f64 + f) * h));
    times.map(|t| pair.error(&solution.interpolate(t).unwrap(), t)).fold(0.0, f64::max)
}

fn check_interpolant<M>(pair: &RotatedPair, span: (f64, f64), method: &M)
where
    M: Method<[f64; 2], RotatedPair>,
{
    let info = method.info();
    let order = f64::from(info.interpolant_order.expect("all Runge-Kutta methods have one"));
    let error = |steps| interpolation_error(pair, span, method, steps);
    let (coarse, fine) = match info.interpolant_order {
        Some(1) => (800, 1600),
        Some(2) => (320, 640),
        Some(3) => (80, 160),
        Some(4) => (40, 80),
        _ => (10, 20),
    };
    let slope = (error(coarse) / error(fine)).log2();
    // The error between grid points is the propagated one, of the method's
    // order, plus the interpolation's, whose local order is one higher: the
    // slope lies between the declared order and the next.
    assert!(
        slope > order - 0.3 && slope < order + 1.5,
        "{}: interpolant of order {order}, slope {slope}",
        info.name
    );
}
