//! Orders of convergence of every method in the registry, on random
//! non-autonomous, nonlinear, coupled problems, in both time directions.

use crate::common::{AnyField, NoiseFree, Oscillator, every_stochastic_method, ode_methods, slope};
use driftfield_solvers::method::Method;
use driftfield_solvers::{Problem, Save, SdeProblem, SolveOptions, solve};
use proptest::prelude::*;

fn oscillators() -> impl Strategy<Value = Oscillator> {
    (0.8..1.5, 0.3..0.8, 0.3..0.9, 0.5..1.5, 0.4..0.8, 0.4..0.8)
        .prop_map(|(w, k, b, v, x, y)| Oscillator { w, k, b, v, start: [x, y] })
}

/// Both time directions; long spans for high orders, whose errors must add up
/// to stand above rounding.
fn spans(order: u32) -> [(f64, f64); 2] {
    let end = if order < 4 { 5.1 } else { 20.1 };
    [(0.1, end), (end, 0.1)]
}

/// Root mean square error over the whole trajectory, which no zero crossing of
/// the error at one time can make accidentally small.
fn trajectory_error<P, M>(oscillator: &Oscillator, problem: &P, method: &M, steps: usize) -> f64
where
    P: Problem<State = [f64; 2]>,
    M: Method<[f64; 2], P::Field>,
{
    let solution = solve(problem, method, SolveOptions::steps(steps).save(Save::all())).unwrap();
    if !solution.outcome.is_success() {
        // Too long a step for the method's stability: no rate to be read.
        return f64::INFINITY;
    }
    let squares = solution.t.iter().zip(&solution.u).map(|(&t, u)| oscillator.error(u, t).powi(2));
    (squares.sum::<f64>() / solution.t.len() as f64).sqrt()
}

/// The last two refinements, by 1.5 each, whose errors are well above
/// round-off: coarser ones are not yet ruled by the leading error term.
fn finest_pairs(error: impl Fn(usize) -> f64) -> [((f64, f64), (f64, f64)); 2] {
    let points: Vec<(f64, f64)> =
        std::iter::successors(Some(100.0), |n| Some((n * 1.5_f64).round()))
            .take_while(|&steps| steps < 6000.0)
            .map(|steps| (steps, error(steps as usize)))
            .filter(|&(_, error)| error.is_finite())
            .take_while(|&(_, error)| error > 3e-12)
            .collect();
    let [.., a, b, c] = points[..] else { panic!("too few errors above round-off: {points:?}") };
    [(a, b), (b, c)]
}

/// Pairwise slopes for orders up to 5; a regression for higher orders, where
/// the useful range of errors is narrow.
fn check_order<P, M>(oscillator: &Oscillator, problem: &P, method: &M)
where
    P: Problem<State = [f64; 2]>,
    M: Method<[f64; 2], P::Field>,
{
    let info = method.info();
    let order = f64::from(info.order);
    let error = |steps| trajectory_error(oscillator, problem, method, steps);
    if info.order <= 5 {
        for (coarse, fine) in finest_pairs(error) {
            let slope = (coarse.1 / fine.1).ln() / (fine.0 / coarse.0).ln();
            assert!(
                (slope - order).abs() < 0.25,
                "{}: order {order}, slope {slope} from {} to {} steps for {oscillator:?}",
                info.name,
                coarse.0,
                fine.0,
            );
        }
        return;
    }
    let points: Vec<(f64, f64)> = std::iter::successors(Some(60.0), |n| Some(n * 1.25))
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
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: proptest::test_runner::RngSeed::Fixed(20261122), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_runge_kutta_method_has_its_order(oscillator in oscillators()) {
        for method in ode_methods() {
            for span in spans(method.info().order) {
                check_order(&oscillator, &oscillator.problem(span), &method);
            }
        }
    }

    #[test]
    fn every_stochastic_method_has_its_order_without_noise(oscillator in oscillators()) {
        for method in every_stochastic_method::<[f64; 2], NoiseFree>() {
            for span in spans(method.info().order) {
                let field = NoiseFree(oscillator);
                let problem = SdeProblem::from_field(field, oscillator.exact(span.0), span);
                check_order(&oscillator, &problem, &method);
            }
        }
    }

    #[test]
    fn every_interpolant_has_its_order(oscillator in oscillators()) {
        for span in [(0.1, 3.1), (3.1, 0.1)] {
            for method in ode_methods() {
                check_interpolant(&oscillator, span, &method);
            }
        }
    }
}

/// Error between the grid points only: at fractions of the steps that no
/// polynomial of low degree treats specially.
fn interpolation_error<M>(
    oscillator: &Oscillator,
    span: (f64, f64),
    method: &M,
    steps: usize,
) -> f64
where
    M: Method<[f64; 2], AnyField<[f64; 2]>>,
{
    let h = (span.1 - span.0) / steps as f64;
    let problem = oscillator.problem(span);
    let options = SolveOptions::steps(steps).save(Save::dense());
    let solution = solve(&problem, method, options).unwrap();
    let fractions = [0.137, 0.31, 0.55, 0.83];
    let times = (0..steps).flat_map(|i| fractions.map(|f| span.0 + (i as f64 + f) * h));
    times.map(|t| oscillator.error(&solution.interpolate(t).unwrap(), t)).fold(0.0, f64::max)
}

fn check_interpolant<M>(oscillator: &Oscillator, span: (f64, f64), method: &M)
where
    M: Method<[f64; 2], AnyField<[f64; 2]>>,
{
    let info = method.info();
    let order = f64::from(info.interpolant_order.expect("all Runge-Kutta methods have one"));
    let error = |steps| interpolation_error(oscillator, span, method, steps);
    let (coarse, fine) = match info.interpolant_order {
        Some(1 | 2) => (1600, 3200),
        Some(3) => (400, 800),
        Some(4) => (150, 300),
        _ => (8, 16),
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
