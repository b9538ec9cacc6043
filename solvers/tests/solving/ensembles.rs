//! Ensembles: the same bits for any chunk size and number of threads, the law
//! that the lanes have, and failures that leave the other lanes alone.

use crate::common::moments::factor_moments;
use crate::common::sde::Batch;
use driftfield_solvers::ensemble::{
    Ensemble, EnsembleError, EnsembleSolution, Extremes, FailureCause, LISTED_FAILURES,
    LaneSolution, Lanes, Moments, Quantiles,
};
use driftfield_solvers::method::{EulerMaruyama, Heun, Tsit5};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{
    Additive, ErrorNorm, FieldError, HostState, Ito, OdeProblem, Outcome, Save, SdeProblem,
    SolveError, SolveOptions, Times, VectorField,
};
use rayon::ThreadPoolBuilder;

type Folded = (Moments, Quantiles, Extremes);

fn statistics(width: usize) -> Folded {
    (Moments::new(width), Quantiles::with_capacity(width, 64), Extremes::new(width))
}

/// `q u` in every component.
#[derive(Debug, Clone, Copy)]
struct Linear(f64);

impl VectorField<Batch> for Linear {
    fn eval(&self, out: &mut Batch, u: &Batch, _t: Times<'_>) -> Result<(), FieldError> {
        out.zip_mut_with(u, |out, u| *out = self.0 * u);
        Ok(())
    }
}

/// The components at the end.
fn end<S: HostState<Scalar = f64>>(lane: &LaneSolution<'_, S>, out: &mut [f64]) {
    out.copy_from_slice(lane.end());
}

const SEED: u64 = 42;
const STEPS: usize = 5;

/// Geometric Brownian motions in the plane from a normal start.
fn from_normals(lanes: Lanes) -> Result<SdeProblem<Batch, Ito<Linear, Linear>>, SolveError> {
    let mut initial = Batch::zeros((lanes.count, 2));
    fill_initial_normals(&mut initial, 1.0, SEED, lanes.first)?;
    Ok(SdeProblem::new(Linear(-0.4), Linear(0.3), initial, (0.0, 1.0)))
}

/// End and a state on the way.
fn folded(lanes: usize, chunk: usize, threads: usize) -> EnsembleSolution<Folded> {
    let ensemble = Ensemble::new(lanes, from_normals).chunk(chunk).first_lane(17);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let solve = || {
        ensemble.solve(
            &EulerMaruyama::new(),
            |_| SolveOptions::steps(STEPS).seed(SEED).save(Save::every(2)),
            |lane, out| {
                assert_eq!(lane.times(), [0.4, 0.8, 1.0]);
                let middle = lane.saved(0).unwrap()[1];
                out.copy_from_slice(&[lane.end()[0], lane.end()[1], middle]);
            },
            statistics(3),
        )
    };
    pool.install(solve).unwrap()
}

#[test]
fn chunks_and_threads_change_no_bit() {
    // Whole blocks, a part of one, a ragged tree of them.
    for lanes in [50, 64, 1000, 3001] {
        let whole = folded(lanes, lanes, 1);
        assert!(whole.is_success() && whole.succeeded == lanes as u64);
        assert_eq!(whole.evaluations.nfe, STEPS as u64);
        assert_eq!(whole.statistics.2.count(), lanes as u64);
        for chunk in [1, 7, 64, 100, 256, lanes] {
            for threads in [1, 2] {
                let other = folded(lanes, chunk, threads);
                // Equality of finite numbers is that of bits, but for the zero's sign.
                assert_eq!(other.statistics, whole.statistics, "{lanes} {chunk} {threads}");
                assert_eq!(other.lane_nfe, (STEPS * lanes) as u64);
                assert_eq!(other.lane_nfe, whole.lane_nfe);
            }
        }
        let sketch = whole.statistics.1.of(0).unwrap();
        assert_eq!(sketch.count(), lanes as u64);
        assert_eq!(sketch.rank_error() > 0, lanes > 63, "compaction is part of the test");
    }
}

#[test]
fn evaluations_are_added_up_exactly() {
    let solution = folded(1000, 10, 2);
    // Every block of 64 lanes is six chunks of 10 and one of 4; 40 lanes are left.
    let solves = 15 * 7 + 4;
    assert_eq!(solution.evaluations.nfe, solves * STEPS as u64);
    assert_eq!(solution.evaluations.accepted, solves * STEPS as u64);
    assert_eq!(solution.evaluations.diffusion_evaluations, solves * STEPS as u64);
}

#[test]
fn folding_agrees_with_a_batch_in_memory() {
    let lanes = 1000;
    let problem = from_normals(Lanes { first: 17, count: lanes }).unwrap();
    let options = SolveOptions::steps(STEPS).seed(SEED).first_lane(17);
    let batch = driftfield_solvers::solve(&problem, &EulerMaruyama::new(), options).unwrap().u_last;
    let (moments, _, extremes) = folded(lanes, 7, 2).statistics;
    let mean = batch.mean_axis(ndarray::Axis(0)).unwrap();
    for i in 0..2 {
        assert!((moments.mean()[i] - mean[i]).abs() < 1e-14);
        let column = batch.column(i);
        assert_eq!(extremes.min()[i], column.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(extremes.max()[i], column.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        for j in 0..2 {
            let product = |row: ndarray::ArrayView1<f64>| (row[i] - mean[i]) * (row[j] - mean[j]);
            let sum: f64 = batch.rows().into_iter().map(product).sum();
            let expected = sum / (lanes - 1) as f64;
            assert!((moments.covariance(i, j) - expected).abs() < 1e-14);
            assert_eq!(moments.covariance(i, j), moments.covariance(j, i));
        }
    }
}

#[test]
fn an_ensemble_can_be_continued() {
    let run = |first: u64, lanes: usize, before: Folded| {
        let ensemble = Ensemble::new(lanes, from_normals).first_lane(first);
        let options = |_| SolveOptions::steps(STEPS).seed(SEED);
        ensemble.solve(&EulerMaruyama::new(), options, end, before).unwrap().statistics
    };
    let whole = run(0, 500, statistics(2));
    let parts = run(200, 300, run(0, 200, statistics(2)));
    assert_eq!(parts.2, whole.2);
    assert!((parts.0.mean()[0] - whole.0.mean()[0]).abs() < 1e-14);
    assert!((parts.0.covariance(0, 1) - whole.0.covariance(0, 1)).abs() < 1e-14);
}

/// The largest deviation allowed, in standard errors: a normal estimate exceeds it
/// with probability 1.2e-8. The six comparisons of the two tests of laws raise a
/// false alarm with probability below 1e-7.
const STANDARD_ERRORS: f64 = 5.7;
const MANY: usize = 200_000;

/// With the factors of Euler-Maruyama's steps, whose moments are known exactly.
#[test]
fn geometric_brownian_motion_has_the_law_of_its_scheme() {
    let (a, b, steps) = (0.4, 0.3, 16);
    let ito = |b: f64| Ito { drift: Linear(a), diffusion: Linear(b) };
    let misfits = |b_used: f64| {
        let ensemble = Ensemble::new(MANY, |lanes| {
            let initial = Batch::ones((lanes.count, 1));
            Ok(SdeProblem::from_field(ito(b_used), initial, (0.0, 1.0)))
        });
        let options = |_| SolveOptions::steps(steps).seed(3);
        let found = ensemble.solve(&EulerMaruyama::new(), options, end, Moments::new(1)).unwrap();
        let factors = factor_moments(ito(b), &EulerMaruyama::new(), 1.0 / steps as f64);
        let [m1, m2, m3, m4] = factors.map(|m| m.powi(steps as i32));
        let variance = m2 - m1 * m1;
        let fourth = m4 - 4.0 * m3 * m1 + 6.0 * m2 * m1 * m1 - 3.0 * m1.powi(4);
        let n = MANY as f64;
        let of_mean = (found.statistics.mean()[0] - m1).abs() / (variance / n).sqrt();
        let of_variance = (found.statistics.variance(0) - variance).abs()
            / ((fourth - variance * variance) / n).sqrt();
        (of_mean, of_variance)
    };
    let (of_mean, of_variance) = misfits(b);
    println!("mean off by {of_mean:.2}, variance by {of_variance:.2} standard errors");
    assert!(of_mean < STANDARD_ERRORS && of_variance < STANDARD_ERRORS);
    let (_, of_variance) = misfits(1.02 * b);
    assert!(of_variance > STANDARD_ERRORS, "2 % more diffusion is seen: {of_variance}");
}

/// The exponential of a Brownian motion with drift, which any number of steps makes
/// exactly: quantiles `exp(a + b z_p)`.
#[test]
fn quantiles_of_a_log_normal_law() {
    let (a, b) = (0.1, 0.5);
    let ensemble = Ensemble::new(MANY, |lanes| {
        let drift = move |f: &mut Batch, _u: &Batch, _t: f64| f.fill(a);
        let diffusion = move |g: &mut Batch, _t: f64| g.fill(b);
        let field = Additive { drift, diffusion };
        Ok(SdeProblem::from_field(field, Batch::zeros((lanes.count, 1)), (0.0, 1.0)))
    });
    let options = |_| SolveOptions::steps(4).seed(8);
    let observe = |lane: &LaneSolution<'_, Batch>, out: &mut [f64]| out[0] = lane.end()[0].exp();
    let found = ensemble.solve(&EulerMaruyama::new(), options, observe, Quantiles::new(1)).unwrap();
    let sketch = found.statistics.of(0).unwrap();
    let n = MANY as f64;
    assert!(sketch.rank_error() as f64 <= n * (1.0 + (n / 4095.0).log2()) / 4095.0);
    // Standard normal quantiles and their densities.
    for (p, z) in [(0.05, -1.644853626951473), (0.5, 0.0), (0.9, 1.2815515655446004)] {
        let quantile = sketch.quantile(p).unwrap();
        let z_found = (quantile.ln() - a) / b;
        let density = (-0.5 * f64::powi(z, 2)).exp() / std::f64::consts::TAU.sqrt();
        let of_rank: f64 = sketch.rank_error() as f64 / n;
        // The density changes by less than a tenth over the allowance.
        let allowed = 1.1 * (STANDARD_ERRORS * (p * (1.0 - p) / n).sqrt() + of_rank) / density;
        println!("p = {p}: z off by {:.2e} of {allowed:.2e}", z_found - z);
        assert!((z_found - z).abs() < allowed);
        assert!(allowed < 0.05);
    }
}

/// `-u`, but infinite from t = 0.5 in the lanes marked.
#[derive(Clone)]
struct BreaksSome(Vec<bool>);

impl VectorField<Batch> for BreaksSome {
    fn eval(&self, out: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
        out.zip_mut_with(u, |out, u| *out = -u);
        for (mut out, breaks) in out.rows_mut().into_iter().zip(&self.0) {
            if *breaks && t >= 0.5 {
                out.fill(f64::INFINITY);
            }
        }
        Ok(())
    }
}

fn breaking(lanes: Lanes, every: u64) -> Result<OdeProblem<Batch, BreaksSome>, SolveError> {
    let number = |index: usize| lanes.first + index as u64;
    let breaks = (0..lanes.count).map(|index| number(index).is_multiple_of(every)).collect();
    let initial = Batch::from_shape_fn((lanes.count, 1), |(index, _)| number(index) as f64);
    Ok(OdeProblem::new(BreaksSome(breaks), initial, (0.0, 1.0)))
}

#[test]
fn lanes_that_fail_are_reported_and_leave_the_others_as_they_are() {
    let run = |chunk: usize| {
        let ensemble = Ensemble::new(1000, |lanes| breaking(lanes, 99)).chunk(chunk);
        let observe = |lane: &LaneSolution<'_, Batch>, out: &mut [f64]| {
            assert!(!lane.number().is_multiple_of(99));
            out[0] = lane.end()[0];
        };
        let options = |_| SolveOptions::steps(8);
        ensemble.solve(&Heun::new(), options, observe, statistics(1)).unwrap()
    };
    let alone = run(1);
    let failed: Vec<u64> = (0..1000).step_by(99).collect();
    for chunk in [1, 7, 64, 256, 1000] {
        let solution = run(chunk);
        assert_eq!((solution.failed, solution.succeeded), (11, 989));
        let lanes: Vec<u64> = solution.failures.iter().map(|f| f.lanes.first).collect();
        assert_eq!(lanes, failed);
        for failure in &solution.failures {
            let lane = failure.lanes.first as usize;
            let FailureCause::Ended(outcome) = &failure.cause else { panic!("{failure}") };
            assert!(
                matches!(outcome, Outcome::NonFinite { t, lane: l } if *t < 0.51 && *l == lane)
            );
            assert!(failure.to_string().starts_with(&format!("lane {lane}: ")), "{failure}");
        }
        assert_eq!(solution.failures, alone.failures);
        assert_eq!(solution.statistics, alone.statistics);
        assert_eq!(solution.lane_nfe, 989 * 16);
        assert!(!solution.is_success());
    }
    // A lane broken in the step to 0.5: four steps of two evaluations.
    assert_eq!(alone.evaluations.nfe, 989 * 16 + 11 * 8);
}

#[test]
fn a_lane_that_cannot_start_is_found() {
    let solution = Ensemble::new(200, |lanes| {
        let mut initial = Batch::ones((lanes.count, 1));
        for (index, value) in initial.iter_mut().enumerate() {
            if lanes.first + index as u64 == 150 {
                *value = f64::NAN;
            }
        }
        Ok(OdeProblem::new(Linear(-1.0), initial, (0.0, 1.0)))
    })
    .solve(&Heun::new(), |_| SolveOptions::steps(8), end, Moments::new(1))
    .unwrap();
    assert_eq!((solution.failed, solution.failures[0].lanes.first), (1, 150));
    let expected = FailureCause::NotStarted(SolveError::NonFiniteInitial { lane: 150 });
    assert_eq!(solution.failures[0].cause, expected);
    assert_eq!(solution.statistics.count(), 199);
}

/// Steps adapt to the chunk: with one chunk size, threads change nothing; with
/// lanes alone, each has the steps of a solve of its own.
#[test]
fn adaptive_ensembles_do_not_depend_on_threads() {
    let ensemble = |chunk: usize| {
        Ensemble::new(500, |lanes| {
            let number = |index: usize| (lanes.first + index as u64) as f64;
            let initial = Batch::from_shape_fn((lanes.count, 1), |(i, _)| 0.1 * number(i));
            let field = |du: &mut Batch, u: &Batch, t: f64| {
                du.zip_mut_with(u, |du, u| *du = (t * u).sin());
            };
            Ok(OdeProblem::new(field, initial, (0.0, 1.0)))
        })
        .chunk(chunk)
    };
    let run = |chunk: usize, threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = |_| SolveOptions::adaptive(1e-6, 1e-6).norm(ErrorNorm::WorstLane);
        let solve = || ensemble(chunk).solve(&Tsit5::new(), options, end, statistics(1)).unwrap();
        pool.install(solve)
    };
    for chunk in [1, 64, 500] {
        let (one, two) = (run(chunk, 1), run(chunk, 2));
        assert_eq!(one.statistics, two.statistics);
        assert_eq!((one.evaluations, one.lane_nfe), (two.evaluations, two.lane_nfe));
    }
    let (alone, together) = (run(1, 2), run(500, 2));
    assert_eq!(alone.lane_nfe, alone.evaluations.nfe);
    assert_eq!(together.lane_nfe, 500 * together.evaluations.nfe);
    assert!(alone.lane_nfe < together.lane_nfe, "the hardest lane decides for all");
    let difference = alone.statistics.0.mean()[0] - together.statistics.0.mean()[0];
    // In either, an error of at most 1e-6 (1 + u), u < 52, at each step, which grows by
    // exp(1/2) at most; no lane takes more steps than the hardest one asks for.
    let steps = together.evaluations.accepted as f64;
    println!("chunks of 1 and 500: means differ by {difference:e}, {steps} steps");
    assert!(difference != 0.0 && difference.abs() < 2.0 * steps * 53e-6 * 0.5_f64.exp());
}

fn decaying(lanes: Lanes) -> Result<OdeProblem<Batch, Linear>, SolveError> {
    Ok(OdeProblem::new(Linear(-1.0), Batch::ones((lanes.count, 1)), (0.0, 1.0)))
}

#[test]
fn a_spent_budget_fails_chunks_as_a_whole() {
    let solution = Ensemble::new(1000, decaying)
        .solve(&Heun::new(), |_| SolveOptions::steps(8).nfe_budget(9), end, Moments::new(1))
        .unwrap();
    assert_eq!((solution.failed, solution.succeeded, solution.statistics.count()), (1000, 0, 0));
    let chunks: Vec<usize> = solution.failures.iter().map(|failure| failure.lanes.count).collect();
    assert_eq!(chunks, [256, 256, 256, 232]);
    assert_eq!(solution.evaluations.nfe, 9 * 4);
    assert!(solution.failures[0].to_string().starts_with("lanes 0 to 255: "));
}

#[test]
fn lanes_observed_as_nan_are_failures() {
    let observe = |lane: &LaneSolution<'_, Batch>, out: &mut [f64]| {
        out[1] = if lane.number() == 5 { f64::NAN } else { 1.0 };
    };
    let solution = Ensemble::new(1000, decaying)
        .solve(&Heun::new(), |_| SolveOptions::steps(8), observe, Moments::new(2))
        .unwrap();
    assert_eq!(solution.failures.len(), 1);
    assert_eq!(solution.failures[0].cause, FailureCause::ObservedNan { index: 1 });
    assert_eq!(solution.failures[0].lanes, Lanes { first: 5, count: 1 });
    assert_eq!((solution.statistics.count(), solution.statistics.mean()), (999, &[0.0, 1.0][..]));
}

#[test]
fn wrong_requests_are_errors_and_not_panics() {
    let decay = |_lanes: Lanes| {
        Ok(OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0)))
    };
    let options = |_| SolveOptions::adaptive(1e-6, 1e-6);
    let solve =
        |ensemble: &Ensemble<_>| ensemble.solve(&Tsit5::new(), options, end, Moments::new(1));
    assert_eq!(solve(&Ensemble::new(0, decay)).unwrap_err(), EnsembleError::Empty);
    let beyond = Ensemble::new(9, decay).first_lane(u64::MAX - 3);
    assert_eq!(solve(&beyond).unwrap_err(), EnsembleError::LaneNumbers { first: u64::MAX - 3 });
    let widths = (Moments::new(1), Extremes::new(1), Quantiles::new(2));
    let refused = Ensemble::new(9, decay).solve(&Tsit5::new(), options, end, widths);
    assert_eq!(refused.unwrap_err(), EnsembleError::Width { expected: 1, found: 2 });

    // A number is one lane: the advice is the remedy.
    let too_many = solve(&Ensemble::new(9, decay)).unwrap();
    assert_eq!(too_many.failed, 9);
    assert!(too_many.failures[0].to_string().contains("chunk(1)"));
    let one_by_one = solve(&Ensemble::new(9, decay).chunk(1)).unwrap();
    assert!(one_by_one.is_success());
    assert!((one_by_one.statistics.mean()[0] - (-1.0_f64).exp()).abs() < 1e-5);

    // Every lane fails to start; as many as are listed are listed.
    let endless_span = |lanes: Lanes| {
        let initial = Batch::ones((lanes.count, 1));
        Ok(OdeProblem::new(Linear(1.0), initial, (1.0, f64::INFINITY)))
    };
    let lanes = 2 * LISTED_FAILURES + 1;
    let ensemble = Ensemble::new(lanes, endless_span);
    let solution = ensemble.solve(&Tsit5::new(), |_| SolveOptions::steps(3), end, Moments::new(1));
    let solution = solution.unwrap();
    assert_eq!((solution.failed, solution.failures.len()), (lanes as u64, LISTED_FAILURES));
    let expected = FailureCause::NotStarted(SolveError::Span(1.0, f64::INFINITY));
    assert!(solution.failures.iter().all(|failure| failure.cause == expected));
}
