//! Adaptive steps on a Brownian path: the path stays what it is when a step is
//! rejected.

use std::cell::RefCell;

use crate::common::sde::{Batch, Hyperbolic, squared_errors};
use driftfield_solvers::field::ScalarNoise;
use driftfield_solvers::method::registry::{
    additive_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::{EulerMaruyama, Method, Sra1, Sriw1, StochasticHeun};
use driftfield_solvers::noise::{
    BrownianPath, BrownianTree, Channels, LaneRng, Noise, NoiseError, NoiseRequest, RecordedPath,
    Stream,
};
use driftfield_solvers::{
    Additive, Outcome, Problem, SdeProblem, Solution, SolveError, SolveOptions, StochasticField,
    solve,
};

fn successful<P: Problem>(
    problem: &P,
    method: &impl Method<P::State, P::Field>,
    options: SolveOptions<'_, P::State>,
) -> Solution<P::State> {
    let solution = solve(problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution
}

const LANES: usize = 200;
const SPAN: (f64, f64) = (0.0, 2.0);

/// RMS errors and rejections at falling tolerances.
fn errors<F: StochasticField<Batch>>(
    problem: &SdeProblem<Batch, F>,
    method: &impl Method<Batch, F>,
    exact: &Batch,
) -> Vec<(f64, u64)> {
    [1e-1, 1e-2, 1e-3, 1e-4]
        .into_iter()
        .map(|tolerance| {
            let options = SolveOptions::adaptive(tolerance, tolerance).seed(5).initial_step(1.0);
            let solution = successful(problem, method, options);
            let squares = squared_errors(&solution.u_last, exact);
            let mean = squares.iter().sum::<f64>() / squares.len() as f64;
            (mean.sqrt(), solution.statistics.rejected)
        })
        .collect()
}

fn check_fall(name: &str, errors: &[(f64, u64)]) {
    println!("{name}: {errors:?}");
    for pair in errors.windows(2) {
        // A tenth of the tolerance: with the local error of order 1 that a
        // controller for order 2 steers, at least the square root of it.
        assert!(pair[1].0 < 0.5 * pair[0].0, "{name}: {errors:?}");
    }
    assert!(errors.iter().map(|(_, rejected)| rejected).sum::<u64>() > 0, "{name}");
}

#[test]
fn errors_fall_with_the_tolerance() {
    let problem = Hyperbolic { a: [0.4, 0.5], c: [0.6, -0.5], start: [0.3, -0.2] };
    let initial = problem.initial(LANES);
    // The default path of an adaptive solve: the span is its base grid.
    let mut w = initial.clone();
    let mut path = BrownianPath::new(5, 0, &initial, vec![SPAN.0, SPAN.1]);
    path.increment(SPAN.0, SPAN.1, &mut w).unwrap();
    let exact = problem.exact(&w, SPAN.1 - SPAN.0);
    let mut tried = 0;
    let ito = SdeProblem::from_field(problem.ito(), initial.clone(), SPAN);
    for method in stochastic_methods().iter().filter(|method| method.info().adaptive()) {
        check_fall(method.info().name, &errors(&ito, method, &exact));
        tried += 1;
    }
    let stratonovich = SdeProblem::from_field(problem.stratonovich(), initial, SPAN);
    for method in stratonovich_methods().iter().filter(|method| method.info().adaptive()) {
        check_fall(method.info().name, &errors(&stratonovich, method, &exact));
        tried += 1;
    }
    assert_eq!(tried, 3);
}

#[test]
fn errors_fall_with_the_tolerance_for_additive_noise() {
    let drift = |du: &mut Batch, u: &Batch, t: f64| {
        du.zip_mut_with(u, |du, u| *du = (3.0 * u + t).sin());
    };
    let diffusion = |g: &mut Batch, t: f64| g.fill(0.4 / (1.0 + t));
    let initial = Batch::from_elem((LANES, 1), 0.3);
    let problem = SdeProblem::additive(drift, diffusion, initial, SPAN);
    let fine = SolveOptions::adaptive(1e-7, 1e-7).seed(5);
    let exact = successful(&problem, &Sra1::new(), fine).u_last;
    for method in additive_methods() {
        check_fall(method.info().name, &errors(&problem, &method, &exact));
    }
}

/// Draws every increment afresh, as a scheme does that forgets the noise of a
/// rejected step.
struct Redrawn<'a>(&'a RefCell<LaneRng>);

impl Noise<[f64; 2]> for Redrawn<'_> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [[f64; 2]]) -> Result<(), NoiseError> {
        let mut normal = [0.0];
        self.0.borrow_mut().fill_normal(&mut normal);
        dw[0] = [normal[0] * (b - a).abs().sqrt(); 2];
        Ok(())
    }
    fn provides(&self, _request: &NoiseRequest) -> Result<(), NoiseError> {
        Ok(())
    }
}

const SOLVES: usize = 5_000;

/// Mean square of `W(1)` as an adaptive solve meets it, over single lanes, each with
/// steps of its own; and the share of rejected steps. The second component is `W`
/// itself, the first, `du = -u dt + dW`, makes steps with large increments fail.
fn met_path(options: impl Fn(u64) -> SolveOptions<'static, [f64; 2]>) -> (f64, f64) {
    let drift = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = [-u[0], 0.0];
    let diffusion = |g: &mut [f64; 2], _t: f64| *g = [1.0, 1.0];
    let field = ScalarNoise(Additive { drift, diffusion });
    let problem = SdeProblem::from_field(field, [0.0; 2], (0.0, 1.0));
    let (mut squares, mut attempts, mut rejected) = (0.0, 0, 0);
    for lane in 0..SOLVES as u64 {
        let solution = successful(&problem, &StochasticHeun::new(), options(lane));
        squares += solution.u_last[1].powi(2);
        attempts += solution.statistics.accepted + solution.statistics.rejected;
        rejected += solution.statistics.rejected;
    }
    (squares / SOLVES as f64, rejected as f64 / attempts as f64)
}

fn loose() -> SolveOptions<'static, [f64; 2]> {
    SolveOptions::adaptive(0.1, 0.0).initial_step(0.5)
}

/// False alarms: the mean square of 5,000 normals is off by more than 5 standard
/// errors, `sqrt(2 / n)`, with probability below 1e-6 (chi-squared, both tails).
#[test]
fn rejections_do_not_bias_the_path() {
    let allowed = 5.0 * (2.0 / SOLVES as f64).sqrt();
    let (square, rejected) = met_path(|lane| loose().seed(8).first_lane(lane));
    println!("tree: E[W^2] = {square:.4}, {:.0} % rejected", 100.0 * rejected);
    assert!(rejected > 0.2, "the test must exercise rejections: {rejected}");
    assert!((square - 1.0).abs() < allowed, "{square}");
    // The naive scheme drops large increments.
    let rng: &'static _ = Box::leak(Box::new(RefCell::new(LaneRng::new(8, 0, Stream::Initial))));
    let (naive, rejected) = met_path(|_| loose().noise(Redrawn(rng)));
    println!("redrawn: E[W^2] = {naive:.4}, {:.0} % rejected", 100.0 * rejected);
    assert!((naive - 1.0).abs() > allowed, "{naive}");
}

#[test]
fn a_solve_meets_exactly_the_path_of_its_seed() {
    let drift = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = [-u[0], 0.0];
    let diffusion = |g: &mut [f64; 2], _t: f64| *g = [1.0, 1.0];
    for span in [(0.0, 1.0), (1.0, 0.2)] {
        let field = ScalarNoise(Additive { drift, diffusion });
        let problem = SdeProblem::from_field(field, [0.0; 2], span);
        let options = SolveOptions::adaptive(1e-3, 0.0).seed(3).first_lane(4).initial_step(0.5);
        let solution = successful(&problem, &StochasticHeun::new(), options);
        assert!(solution.statistics.rejected > 0);
        let (mut w, grid) = ([[0.0; 2]], vec![span.0, span.1]);
        let mut path = BrownianPath::with_channels(Channels::Shared(1), (3, 4), &[0.0; 2], grid);
        path.increments(span.0, span.1, &mut w).unwrap();
        let gap = (solution.u_last[1] - w[0][1]).abs();
        assert!(gap < 1e-14, "{gap:e}");
    }
}

#[test]
fn a_path_that_cannot_serve_is_refused_at_the_start() {
    let drift = |du: &mut f64, u: &f64, _t: f64| *du = -u;
    let diffusion = |g: &mut f64, _t: f64| *g = 0.1;
    let problem = SdeProblem::additive(drift, diffusion, 1.0, (0.0, 1.0));
    let record = || RecordedPath::new(vec![0.0, 0.5, 1.0], vec![0.1, 0.2]).unwrap();
    let refused = |result: Result<Solution<f64>, SolveError>| match result {
        Err(SolveError::Noise(error)) => error,
        other => panic!("{other:?}"),
    };
    let adaptive = SolveOptions::adaptive(1e-2, 1e-2).noise(record());
    let error = refused(solve(&problem, &StochasticHeun::new(), adaptive));
    assert_eq!(error, NoiseError::GridOnly);
    assert!(error.to_string().contains("BrownianTree"));
    let error = refused(solve(&problem, &Sriw1::new(), SolveOptions::steps(2).noise(record())));
    assert_eq!(error, NoiseError::NoAreas);
    let shared = Channels::Shared(2);
    let tree = BrownianTree::with_channels(shared, (1, 0), &1.0, vec![0.0, 1.0]).unwrap();
    let error = refused(solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(2).noise(tree)));
    assert_eq!(error, NoiseError::Layout { available: shared, asked: Channels::PerComponent });
    // Refined, the record serves.
    let tree = BrownianTree::through(record(), 1, 0).unwrap();
    let adaptive = SolveOptions::adaptive(1e-2, 1e-2).noise(tree);
    let _ = successful(&problem, &Sra1::new(), adaptive);
}
