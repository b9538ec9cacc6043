//! The network against the hardware's limit, candle, and the solves around it.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench network -- [forward|solve|training|others] [--rounds N]`
//! writes `benches/peers/target/bench/network.json`: rows
//! `{task, ours, peer, peer_name, ratio}`, seconds. Ours and its peers take turns
//! within a round, so that a change of clock or load meets all of them; a row
//! has the medians over rounds, and beside them the best of each, which a busy
//! machine disturbs least.

use std::hint::black_box;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use driftfield::generate::TrainedModel;
use driftfield::metrics;
use driftfield::prelude::*;
use driftfield::problems::atomic_file;
use driftfield::problems::data::Cat;
use driftfield::networks::{Mlp, MlpConfig, Parameters, Plan};
use driftfield::networks::train::{Objective, Trainer, TrainingConfig};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use ndarray::Array2;
use rayon::ThreadPoolBuilder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of the study's batches.
const ROWS: usize = 3000;
/// Rounds in which everything takes its turn, if `--rounds N` does not say.
const ROUNDS: usize = 25;

/// Something to time, called as often in a row as `repeats` says.
struct Case<'a> {
    repeats: usize,
    run: Box<dyn FnMut() + Send + 'a>,
}

impl<'a> Case<'a> {
    fn new(repeats: usize, run: impl FnMut() + Send + 'a) -> Self {
        Case { repeats, run: Box::new(run) }
    }
}

/// Seconds of one call.
#[derive(Debug, Clone, Copy)]
struct Timing {
    median: f64,
    best: f64,
}

impl Timing {
    fn scaled(self, factor: f64) -> Timing {
        Timing { median: factor * self.median, best: factor * self.best }
    }
}

/// `--rounds N`.
fn rounds() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds");
    arguments.nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("--rounds takes a number"))
}

/// Every case in turn, round after round; the first warms up.
fn time(cases: &mut [Case<'_>]) -> Vec<Timing> {
    let mut seconds = vec![Vec::new(); cases.len()];
    for round in 0..=rounds().max(1) {
        for (case, seconds) in cases.iter_mut().zip(&mut seconds) {
            let clock = Instant::now();
            (0..case.repeats).for_each(|_| (case.run)());
            if round > 0 {
                seconds.push(clock.elapsed().as_secs_f64() / case.repeats as f64);
            }
        }
    }
    let timing = |mut seconds: Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        Timing { median: seconds[seconds.len() / 2], best: seconds[0] }
    };
    seconds.into_iter().map(timing).collect()
}

#[derive(serde::Serialize)]
struct Row {
    task: String,
    ours: f64,
    peer: f64,
    peer_name: String,
    ratio: f64,
    ours_best: f64,
    peer_best: f64,
    ratio_best: f64,
}

impl Row {
    fn new(task: String, ours: Timing, peer_name: impl Into<String>, peer: Timing) -> Self {
        let row = Row {
            task,
            ours: ours.median,
            peer: peer.median,
            peer_name: peer_name.into(),
            ratio: ours.median / peer.median,
            ours_best: ours.best,
            peer_best: peer.best,
            ratio_best: ours.best / peer.best,
        };
        println!(
            "{:<44} {:>10.1} us  {:<48} {:>10.1} us  {:.3} (best {:.3})",
            row.task,
            1e6 * row.ours,
            row.peer_name,
            1e6 * row.peer,
            row.ratio,
            row.ratio_best,
        );
        row
    }
}

/// Size of the square product whose rate is taken for the hardware's limit: the
/// fastest of faer's and of gemm's at 256, 512 and 768.
const SQUARE: usize = 256;

fn squares() -> impl FnMut() + Send {
    let a = Mat::<f32>::full(SQUARE, SQUARE, 0.5);
    let b = a.clone();
    let mut c = a.clone();
    move || matmul(c.as_mut(), Accum::Replace, a.as_ref(), b.as_ref(), 1.0, Par::Seq)
}

/// `threads` square products at once.
fn peak(threads: usize) -> Case<'static> {
    let mut products: Vec<_> = (0..threads).map(|_| squares()).collect();
    Case::new(1, move || {
        use rayon::prelude::*;
        products.par_iter_mut().with_max_len(1).for_each(|product| {
            (0..20).for_each(|_| product());
        });
    })
}

/// Operations of the products of `rows` rows.
fn operations(config: &MlpConfig, rows: usize) -> f64 {
    let MlpConfig { dimension, width, layers, .. } = *config;
    2.0 * (rows * width * (layers * width + 2 * dimension)) as f64
}

fn states(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 2), |(i, j)| ((2 * i + j) as f32).sin())
}

fn forwards(threads: usize, width: usize, rows: &mut Vec<Row>) {
    let config = MlpConfig { width, ..MlpConfig::new(2) };
    let parameters = Parameters::initialise(&config, 0).unwrap();
    let plan = Plan::new(&parameters);
    let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
    let x = states(ROWS);
    let mut out = x.clone();
    let tensor = Tensor::from_slice(x.as_slice().unwrap(), x.dim(), &Device::Cpu).unwrap();
    let (of_rows, times) = (tensor.clone(), vec![0.5; ROWS]);
    let timings = time(&mut [
        Case::new(2, || plan.forward(&mut out, black_box(&x), 0.5.into()).unwrap()),
        peak(threads),
        Case::new(1, || drop(mlp.forward_rows(black_box(&tensor), &[0.5]).unwrap())),
        Case::new(1, || drop(mlp.forward_rows(black_box(&of_rows), &times).unwrap())),
    ]);
    let task = format!("mlp {width} x 4, {ROWS} rows, {threads} thread(s)");
    let done = (20 * threads) as f64 * 2.0 * (SQUARE as f64).powi(3);
    let limit = timings[1].scaled(operations(&config, ROWS) / done);
    rows.push(Row::new(task.clone(), timings[0], "GEMM peak", limit));
    rows.push(Row::new(task.clone(), timings[0], "candle, mimalloc, x86-v4", timings[2]));
    let name = "candle, mimalloc, x86-v4, time embedding per row";
    rows.push(Row::new(task, timings[0], name, timings[3]));
}

/// The shipped rectified flow, as a study would solve it.
fn solves(threads: usize, rows: &mut Vec<Row>) {
    let network = TrainedModel::read("cat-rectified-flow").unwrap();
    let path = process::parse(&network.process).unwrap();
    let (prediction, plan) = (network.prediction().unwrap(), network.plan());
    let predictor = NetworkPredictor::new(plan.clone(), prediction, path.clone());
    let x = states(ROWS);
    let field: PathField<Array2<f32>> = probability_flow(predictor);
    let problem = OdeProblem::new(field, x.clone(), (1.0, 0.0));
    let tolerances = || SolveOptions::adaptive(1e-4, 1e-4);
    let adaptive = solve(&problem, &Tsit5::new(), tolerances()).unwrap().statistics;
    let nfe = [20.0, 100.0, adaptive.nfe as f64];
    let mut out = x.clone();
    let timings = time(&mut [
        Case::new(4, || plan.forward(&mut out, black_box(&x), 0.5.into()).unwrap()),
        Case::new(1, || {
            drop(solve(&problem, &Heun::new(), SolveOptions::steps(10)).unwrap());
        }),
        Case::new(1, || {
            drop(solve(&problem, &Euler::new(), SolveOptions::steps(100)).unwrap());
        }),
        Case::new(1, || {
            drop(solve(&problem, &Tsit5::new(), tolerances()).unwrap());
        }),
    ]);
    let names = ["heun, 10 steps", "euler, 100 steps", "tsit5, adaptive"];
    for ((name, nfe), timing) in names.into_iter().zip(nfe).zip(&timings[1..]) {
        let task = format!("{name}, {ROWS} rows, {threads} thread(s)");
        rows.push(Row::new(task, *timing, format!("{nfe} forwards"), timings[0].scaled(nfe)));
    }
}

fn training(threads: usize, rows: &mut Vec<Row>) {
    let data = Cat::default().sample(ROWS, 0);
    let config =
        TrainingConfig { steps: 100_000_000, ..TrainingConfig::new("rectified-flow", "cat", 2) };
    let (network, batch) = (config.network.clone(), config.batch);
    let mut trainer = Trainer::new(config, Objective::Velocity, &RectifiedFlow, &data).unwrap();
    let timings = time(&mut [
        Case::new(4, || trainer.run_until(trainer.step() + 1, |_| ()).unwrap()),
        peak(threads),
    ]);
    // Forward, and as much again for the gradients of states and of weights.
    let done = (20 * threads) as f64 * 2.0 * (SQUARE as f64).powi(3);
    let embedding = 2.0 * (batch * network.time_features * network.width) as f64;
    let needed = 3.0 * operations(&network, batch) + 2.0 * embedding;
    let task = format!("training step, batch {batch}, {threads} thread(s)");
    rows.push(Row::new(task, timings[0], "GEMM peak", timings[1].scaled(needed / done)));
}

/// Seconds that are asked for on this kind of machine, beside the work that
/// other benches take apart: here so that the Python peers find it in one file.
fn others(threads: usize, rows: &mut Vec<Row>) {
    const PATHS: usize = 100_000;
    const STEPS: usize = 200;
    let mean_reverting = SdeProblem::new(
        |out: &mut Array2<f32>, u: &Array2<f32>, _t: f64| out.zip_mut_with(u, |out, u| *out = -u),
        |out: &mut Array2<f32>, _u: &Array2<f32>, _t: f64| out.fill(0.5),
        Array2::<f32>::ones((PATHS, 1)),
        (0.0, 1.0),
    );
    let cat = Cat::default();
    let (p, q) = (cat.sample(20_000, 0), cat.sample(20_000, 1));
    let timings = time(&mut [
        Case::new(1, || {
            let options = SolveOptions::steps(STEPS).seed(1);
            drop(solve(&mean_reverting, &EulerMaruyama::new(), options).unwrap());
        }),
        Case::new(1, || {
            black_box(metrics::chamfer(&p.view(), &q.view()).unwrap());
        }),
        Case::new(1, || drop(black_box(metrics::mmd(&p.view(), &q.view(), &[0.5]).unwrap()))),
    ]);
    let tasks = [
        ("euler-maruyama, 100000 paths x 200 steps", 1.5e-9 * (PATHS * STEPS) as f64),
        ("chamfer 20000 x 20000, 2-D", 10e-3),
        ("mmd 20000 x 20000, 2-D", 210e-3),
    ];
    for ((task, target), timing) in tasks.into_iter().zip(timings) {
        let task = format!("{task}, {threads} thread(s)");
        rows.push(Row::new(task, timing, "target", Timing { median: target, best: target }));
    }
}

fn main() {
    let known = ["forward", "solve", "training", "others"];
    let filter = std::env::args().find(|argument| known.contains(&argument.as_str()));
    let wanted = |name: &str| filter.as_deref().is_none_or(|filter| filter == name);
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            if wanted("forward") {
                forwards(threads, 128, &mut rows);
                forwards(threads, 256, &mut rows);
            }
            if wanted("solve") {
                solves(threads, &mut rows);
            }
            if wanted("training") {
                training(threads, &mut rows);
            }
            if wanted("others") {
                others(threads, &mut rows);
            }
        });
    }
    write(&rows).unwrap();
}

/// Whole or not at all, beside the build's other results.
fn write(rows: &[Row]) -> std::io::Result<()> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&directory)?;
    let rows = serde_json::to_string_pretty(rows)?;
    Ok(atomic_file::write(directory.join("network.json"), rows.as_bytes())?)
}
