//! What a step costs beside the field: fixed steps of a tiny state against the loop
//! written by hand, and a batch whose field is free.

use std::hint::black_box;
use std::time::Instant;

use driftfield_solvers::method::Tsit5;
use driftfield_solvers::{HostState, OdeProblem, SolveOptions, solve};
use ndarray::{Array1, Array2};

use super::by_hand;
use super::problems::{Dynamics, Lorenz};
use super::report::Report;
use super::sweep::median;

const ROUNDS: usize = 201;
const STEPS: usize = 1000;
/// Rows of the study's batches.
const ROWS: usize = 3000;
/// What may be spent beside one evaluation: 3 % of a forward of 1.2 ms, the time of a
/// residual MLP 128 x 4 on such a batch.
const ALLOWED: f64 = 0.03 * 1.2e-3;

fn seconds(run: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

pub fn fixed_steps(report: &mut Report) {
    let (start, end) = ([1.0; 3], 5.0);
    let field = |du: &mut [f64; 3], u: &[f64; 3], _t: f64| Lorenz.derivative(du, u);
    let problem = OdeProblem::new(field, start, (0.0, end));
    let solved =
        || solve(black_box(&problem), &Tsit5::new(), SolveOptions::steps(STEPS)).unwrap().u_last;
    let by_hand = || by_hand::fixed(Lorenz, black_box(start), black_box(end), STEPS);
    let apart = solved().iter().zip(by_hand()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-6, "the loops differ by {apart:e}");

    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        times[0].push(
            seconds(&mut || {
                black_box(solved());
            }) / STEPS as f64,
        );
        times[1].push(
            seconds(&mut || {
                black_box(by_hand());
            }) / STEPS as f64,
        );
    }
    let [ours, hand] = times.map(median);
    report.push("lorenz, tsit5, fixed steps, per step", ours, "tsit5 by hand", hand);
}

pub fn flat_batch(report: &mut Report) {
    let batch = Array2::<f32>::from_shape_fn((ROWS, 2), |(i, j)| ((2 * i + j) as f32).sin());
    let flat = Array1::from_iter(batch.iter().copied());
    let lanes = overhead(batch);
    report.push(
        "tsit5, f32 [3000, 2], beside an evaluation",
        lanes,
        "3 % of 1.2 ms",
        Some(ALLOWED),
    );
    let flat = overhead(flat);
    report.push("tsit5, f32 [6000], beside an evaluation", flat, "3 % of 1.2 ms", Some(ALLOWED));
}

/// Seconds per evaluation of adaptive steps, a field that only scales taken off.
fn overhead<S: HostState<Scalar = f32>>(start: S) -> Option<f64> {
    let field = |du: &mut S, u: &S, _t: f64| {
        let (du, u) = (du.values_mut().unwrap_or_default(), u.values().unwrap_or_default());
        for (du, &u) in du.iter_mut().zip(u) {
            *du = -u;
        }
    };
    let mut du = start.clone();
    let problem = OdeProblem::new(field, start, (0.0, 10.0));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let mut nfe = 0;
        let whole = seconds(&mut || {
            let options = SolveOptions::adaptive(1e-6, 1e-6);
            nfe = solve(black_box(&problem), &Tsit5::new(), options).unwrap().statistics.nfe;
        });
        let fields = seconds(&mut || {
            for _ in 0..nfe {
                field(black_box(&mut du), black_box(&problem.initial), 0.0);
            }
        });
        times.push((whole - fields) / nfe as f64);
    }
    median(times)
}
