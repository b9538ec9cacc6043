//! What steps of every lane's own save against one shared step: `cargo bench --bench lanes`;
//! markdown on stdout, as in docs/performance.md, and `target/bench/lanes.json`.
//!
//! Tsit5 over a ladder of tolerances, 3,000 lanes, three ways: steps of every lane's own, one
//! step for all steered by the root mean square over the batch, and one step for all steered by the worst
//! lane. Evaluations are rows that went through the field, per lane; errors are distances to
//! DOP853's solution from the same noise. Tolerances mean different things in the three, so
//! that evaluations are compared at equal error, interpolated between tolerances.

use driftfield::generate::{Condition, GenerateError, MixtureModel, Model, model};
use driftfield::problems::atomic_file;
use driftfield::problems::exact::GaussianMixture;
use driftfield::problems::flow::PathField;
use driftfield::problems::process::{self, GaussianPath};
use driftfield::solvers::method::{Dop853, Tsit5};
use driftfield::solvers::noise::fill_initial_normals;
use driftfield::solvers::{ErrorNorm, OdeProblem, SolveError, SolveOptions, solve};
use ndarray::{Array2, ArrayD, Ix2};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LANES: usize = 3_000;
type Problem = OdeProblem<ArrayD<f64>, PathField<ArrayD<f64>>>;

/// A mixture whose components differ a hundredfold in width: lanes that end in the narrow ones need
/// far shorter steps than the others.
fn scales() -> Result<MixtureModel, GenerateError> {
    let mixture = GaussianMixture::isotropic(
        vec![0.6, 0.3, 0.1],
        vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]],
        vec![0.5, 0.05, 0.005],
    );
    let file = "scales".to_owned();
    let mixture = mixture.map_err(|source| GenerateError::Mixture { file, source })?;
    Ok(MixtureModel::new(mixture))
}

fn problem(process: &str, model: &dyn Model) -> Result<Problem, Box<dyn std::error::Error>> {
    let path = process::parse(process)?;
    let span = path.default_span();
    let mut noise = ArrayD::zeros(vec![LANES, model.dimension()]);
    fill_initial_normals(&mut noise, path.sigma(span.0), 11, 0)?;
    let predictor = model.predictor(&path, &Condition::default())?;
    Ok(OdeProblem::new(PathField::new(predictor, 0.0.into()), noise, span))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    Own,
    Batch,
    WorstLane,
}

const ALL: [(Steps, &str); 3] = [
    (Steps::Own, "every lane's own"),
    (Steps::Batch, "shared, batch norm"),
    (Steps::WorstLane, "shared, worst lane"),
];

/// One solve.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Point {
    tolerance: f64,
    /// Rows through the field, per lane.
    evaluations: f64,
    /// Calls of the field.
    calls: u64,
    rms_error: f64,
    worst_error: f64,
}

fn run(
    problem: &Problem,
    truth: &Array2<f64>,
    steps: Steps,
    tolerance: f64,
) -> Result<Point, SolveError> {
    let (u, evaluations, calls) = if steps == Steps::Own {
        let options = SolveOptions::adaptive(tolerance, tolerance).norm(ErrorNorm::EachLane);
        let solution = solve(problem, &Tsit5::new(), options)?;
        let rows = solution.lane_evaluations() as f64 / LANES as f64;
        (solution.u_last, rows, solution.statistics.nfe)
    } else {
        let norm = if steps == Steps::Batch { ErrorNorm::Batch } else { ErrorNorm::WorstLane };
        let options = SolveOptions::adaptive(tolerance, tolerance).norm(norm);
        let solution = solve(problem, &Tsit5::new(), options)?;
        (solution.u_last, solution.statistics.nfe as f64, solution.statistics.nfe)
    };
    let u = u.into_dimensionality::<Ix2>().expect("a batch of points");
    let squares: Vec<f64> = (&u - truth).rows().into_iter().map(|row| row.dot(&row)).collect();
    Ok(Point {
        tolerance,
        evaluations,
        calls,
        rms_error: (squares.iter().sum::<f64>() / LANES as f64).sqrt(),
        worst_error: squares.iter().fold(0.0, |worst: f64, &square| worst.max(square)).sqrt(),
    })
}

/// Evaluations at an error, interpolated in logarithms; `None` beyond the ladder.
fn evaluations_at(points: &[Point], error: fn(&Point) -> f64, level: f64) -> Option<f64> {
    points.windows(2).find_map(|pair| {
        let (a, b) = (error(&pair[0]).ln(), error(&pair[1]).ln());
        let theta = (level.ln() - a) / (b - a);
        let (from, to) = (pair[0].evaluations.ln(), pair[1].evaluations.ln());
        (0.0..=1.0).contains(&theta).then(|| (from + theta * (to - from)).exp())
    })
}

fn cell(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.0}"))
}

fn trained(process: &str) -> Result<Arc<dyn Model>, GenerateError> {
    model::parse(&format!("cat-{process}"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cases: Vec<(String, Arc<dyn Model>, f64)> = Vec::new();
    for process in ["rectified-flow", "vp", "brownian-bridge"] {
        cases.push((format!("{process}, trained"), trained(process)?, 1e-7));
        cases.push((format!("{process}, widths 0.5 to 0.005"), Arc::new(scales()?), 1e-12));
    }
    println!(
        "| field | steps | RMS 1e-2 | RMS 1e-3 | RMS 1e-4 | worst 1e-1 | worst 1e-2 | worst 1e-3 |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for (name, model, exact) in &cases {
        let process = name.split(',').next().unwrap_or(name);
        let problem = problem(process, &**model)?;
        let truth = solve(
            &problem,
            &Dop853::new(),
            SolveOptions::adaptive(*exact, *exact).norm(ErrorNorm::EachLane),
        )?;
        assert!(truth.outcome.is_success(), "{}", truth.outcome);
        let truth = truth.u_last.into_dimensionality::<Ix2>()?;
        for (steps, label) in ALL {
            let ladder = (2..=14).map(|i| 10f64.powf(-0.5 * f64::from(i)));
            let points: Vec<Point> = ladder
                .map(|tolerance| run(&problem, &truth, steps, tolerance))
                .collect::<Result<_, _>>()?;
            let rms =
                [1e-2, 1e-3, 1e-4].map(|level| evaluations_at(&points, |p| p.rms_error, level));
            let worst =
                [1e-1, 1e-2, 1e-3].map(|level| evaluations_at(&points, |p| p.worst_error, level));
            let cells = rms.into_iter().chain(worst).map(cell).collect::<Vec<_>>().join(" | ");
            println!("| {name} | {label} | {cells} |");
            rows.push(serde_json::json!({ "task": name, "steps": label, "points": points }));
        }
    }
    std::fs::create_dir_all("target/bench")?;
    atomic_file::write("target/bench/lanes.json", &serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}
