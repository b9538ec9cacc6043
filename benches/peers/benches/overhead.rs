//! What generality costs: solver loops against loops written by hand, the state
//! operations against plain loops, fields and training steps at the study's
//! size, and metrics at 3,000 points.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench overhead [FILTER]`, about two minutes. Compare numbers
//! only within one run on an idle machine.

use std::hint::black_box;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use criterion::Criterion;
use driftfield::metrics;
use driftfield::prelude::*;
use driftfield::problems::data::Cat;
use driftfield::networks::{Mlp, MlpConfig, Parameters, Plan};
use driftfield::networks::train::{Objective, Trainer, TrainingConfig};
use driftfield::solvers::method::runge_kutta::{ExplicitTableau, Tableau, Tsit5Tableau};
use driftfield::solvers::noise::{BrownianPath, Noise};
use ndarray::Array2;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of the study's batches.
const ROWS: usize = 3000;
/// Steps of the small problems.
const STEPS: usize = 1000;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    lorenz_loops(&mut criterion);
    linear_combinations(&mut criterion);
    euler_maruyama(&mut criterion);
    fields(&mut criterion);
    training(&mut criterion);
    sample_metrics(&mut criterion);
    criterion.final_summary();
}

type Vector = [f64; 3];

#[inline(always)]
fn lorenz(u: &Vector) -> Vector {
    [10.0 * (u[1] - u[0]), u[0] * (28.0 - u[2]) - u[1], u[0] * u[1] - 8.0 / 3.0 * u[2]]
}

/// `u + h sum_j a_j k_j`, as one would write it by hand.
#[inline(always)]
fn advanced<const N: usize>(u: &Vector, h: f64, a: [f64; N], k: [&Vector; N]) -> Vector {
    std::array::from_fn(|i| {
        let mut sum = 0.0;
        for (a, k) in a.iter().zip(k) {
            sum += a * k[i];
        }
        u[i] + h * sum
    })
}

fn rk4_by_hand(mut u: Vector, h: f64) -> Vector {
    for _ in 0..STEPS {
        let k1 = lorenz(&u);
        let k2 = lorenz(&advanced(&u, h, [0.5], [&k1]));
        let k3 = lorenz(&advanced(&u, h, [0.5], [&k2]));
        let k4 = lorenz(&advanced(&u, h, [1.0], [&k3]));
        let b = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];
        u = advanced(&u, h, b, [&k1, &k2, &k3, &k4]);
    }
    u
}

fn tsit5_by_hand(mut u: Vector, h: f64) -> Vector {
    const T: Tableau = Tsit5Tableau::TABLEAU;
    const fn row<const N: usize>(i: usize) -> [f64; N] {
        let mut row = [0.0; N];
        let mut j = 0;
        while j < N {
            row[j] = T.a[i][j];
            j += 1;
        }
        row
    }
    let mut k1 = lorenz(&u);
    for _ in 0..STEPS {
        let k2 = lorenz(&advanced(&u, h, const { row::<1>(1) }, [&k1]));
        let k3 = lorenz(&advanced(&u, h, const { row::<2>(2) }, [&k1, &k2]));
        let k4 = lorenz(&advanced(&u, h, const { row::<3>(3) }, [&k1, &k2, &k3]));
        let k5 = lorenz(&advanced(&u, h, const { row::<4>(4) }, [&k1, &k2, &k3, &k4]));
        let k6 = lorenz(&advanced(&u, h, const { row::<5>(5) }, [&k1, &k2, &k3, &k4, &k5]));
        u = advanced(&u, h, const { row::<6>(6) }, [&k1, &k2, &k3, &k4, &k5, &k6]);
        k1 = lorenz(&u);
    }
    u
}

fn lorenz_loops(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lorenz, 1000 steps");
    let (start, span) = ([1.0, 1.0, 1.0], (0.0, 5.0));
    let h = (span.1 - span.0) / STEPS as f64;
    let field = |du: &mut Vector, u: &Vector, _t: f64| *du = lorenz(u);
    let problem = OdeProblem::new(field, start, span);
    let fixed = || SolveOptions::steps(STEPS);

    let close = |a: Vector, b: Vector| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6);
    let rk4 = solve(&problem, &Rk4::new(), fixed()).unwrap().u_last;
    let tsit5 = solve(&problem, &Tsit5::new(), fixed()).unwrap().u_last;
    assert!(close(rk4, rk4_by_hand(start, h)) && close(tsit5, tsit5_by_hand(start, h)));

    group.bench_function("rk4 by hand", |b| {
        b.iter(|| rk4_by_hand(black_box(start), black_box(h)));
    });
    group.bench_function("rk4", |b| {
        b.iter(|| solve(black_box(&problem), &Rk4::new(), fixed()).unwrap().u_last);
    });
    group.bench_function("tsit5 by hand", |b| {
        b.iter(|| tsit5_by_hand(black_box(start), black_box(h)));
    });
    group.bench_function("tsit5", |b| {
        b.iter(|| solve(black_box(&problem), &Tsit5::new(), fixed()).unwrap().u_last);
    });
    group.bench_function("dop853", |b| {
        b.iter(|| solve(black_box(&problem), &Dop853::new(), fixed()).unwrap().u_last);
    });
    let options = || SolveOptions::adaptive(1e-8, 1e-8);
    let attempted = solve(&problem, &Tsit5::new(), options()).unwrap().statistics;
    let name = format!("tsit5 adaptive, {} steps", attempted.accepted + attempted.rejected);
    group.bench_function(name, |b| {
        b.iter(|| solve(black_box(&problem), &Tsit5::new(), options()).unwrap().u_last);
    });
    group.finish();
}

fn linear_combinations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linear combination of 7, f32 [3000, 2]");
    let stages: Vec<Array2<f32>> =
        (0..7).map(|k| Array2::from_shape_fn((ROWS, 2), |(i, j)| (k + i + j) as f32)).collect();
    let weights: [f64; 7] = std::array::from_fn(|k| 0.1 + k as f64);
    let mut out = Array2::<f32>::zeros((ROWS, 2));

    group.bench_function("plain loop", |b| {
        let slices: Vec<&[f32]> = stages.iter().map(|k| k.as_slice().unwrap()).collect();
        let out = out.as_slice_mut().unwrap();
        b.iter(|| {
            for (i, out) in out.iter_mut().enumerate() {
                let mut sum = 0.0;
                for (weight, slice) in weights.iter().zip(&slices) {
                    sum += *weight as f32 * slice[i];
                }
                *out = sum;
            }
            black_box(&out);
        });
    });
    group.bench_function("one pass per term", |b| {
        b.iter(|| {
            out.fill(0.0);
            for (weight, stage) in weights.iter().zip(&stages) {
                out.scaled_add(*weight as f32, stage);
            }
            black_box(&out);
        });
    });
    group.bench_function("State::linear_combination", |b| {
        let terms: Vec<(f64, &Array2<f32>)> = weights.iter().copied().zip(&stages).collect();
        b.iter(|| out.linear_combination(0.0, black_box(&terms)).unwrap());
    });
    group.finish();
}

fn euler_maruyama(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("noise, f32 [3000, 2], 10 steps");
    let start = Array2::<f32>::ones((ROWS, 2));
    let times: Vec<f64> = (0..=10).map(|i| f64::from(i) / 10.0).collect();
    let problem = SdeProblem::new(
        |out: &mut Array2<f32>, u: &Array2<f32>, _t: f64| out.zip_mut_with(u, |out, u| *out = -u),
        |out: &mut Array2<f32>, _u: &Array2<f32>, _t: f64| out.fill(0.5),
        start.clone(),
        (0.0, 1.0),
    );
    group.bench_function("euler-maruyama", |b| {
        b.iter(|| solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(10).seed(1)).unwrap());
    });
    group.bench_function("its increments alone", |b| {
        let mut dw = start.clone();
        b.iter(|| {
            let mut path = BrownianPath::new(1, 0, &start, times.clone());
            for ends in times.windows(2) {
                path.increment(ends[0], ends[1], &mut dw).unwrap();
            }
        });
    });
    group.finish();
}

fn fields(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fields, 3000 rows");
    let x = Array2::<f32>::from_shape_fn((ROWS, 2), |(i, j)| ((2 * i + j) as f32).sin());
    let mut out = x.clone();
    let mixture: GaussianMixture = r#"{"weights": [0.5, 0.3, 0.2],
        "means": [[-1.5, 0.5], [1.0, 1.2], [0.6, -1.4]], "stds": [0.3, 0.2, 0.4]}"#
        .parse()
        .unwrap();
    let path = process::parse("vp").unwrap();
    let exact: PathField<Array2<f32>> = probability_flow(MixturePredictor::new(mixture, path));
    group.bench_function("mixture of 3, probability flow", |b| {
        b.iter(|| exact.eval(&mut out, black_box(&x), 0.5.into()).unwrap());
    });

    let parameters = Parameters::initialise(&MlpConfig::new(2), 0).unwrap();
    let plan = Plan::new(&parameters);
    group.bench_function("mlp 128 x 4, plan", |b| {
        b.iter(|| plan.forward(&mut out, black_box(&x), 0.5.into()).unwrap());
    });
    let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
    let values: Vec<f32> = x.iter().copied().collect();
    let tensor = Tensor::from_vec(values, (ROWS, 2), &Device::Cpu).unwrap();
    group.bench_function("mlp 128 x 4, candle", |b| {
        b.iter(|| mlp.forward_rows(black_box(&tensor), &[0.5]).unwrap());
    });
    group.finish();
}

fn training(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("training step, batch 512");
    let data = Cat::default().sample(ROWS, 0);
    let config =
        TrainingConfig { steps: 100_000_000, ..TrainingConfig::new("rectified-flow", "cat", 2) };
    let mut trainer = Trainer::new(config, Objective::Velocity, &RectifiedFlow, &data).unwrap();
    group.bench_function("mlp 128 x 4", |b| {
        b.iter(|| trainer.run_until(trainer.step() + 1, |_| ()).unwrap());
    });
    group.finish();
}

fn sample_metrics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metrics, 3000 points");
    let (p, q) = (Cat::default().sample(ROWS, 0), Cat::default().sample(ROWS, 1));
    let (p, q) = (p.view(), q.view());
    group.bench_function("chamfer", |b| {
        b.iter(|| metrics::chamfer(black_box(&p), &q).unwrap());
    });
    group.bench_function("mmd, 3 bandwidths", |b| {
        b.iter(|| metrics::mmd(black_box(&p), &q, &[0.1, 0.5, 1.0]).unwrap());
    });
    group.bench_function("sliced wasserstein", |b| {
        b.iter(|| metrics::sliced_wasserstein(black_box(&p), &q).unwrap());
    });
    group.bench_function("energy distance", |b| {
        b.iter(|| metrics::energy_distance(black_box(&p), &q).unwrap());
    });
    group.finish();
}
