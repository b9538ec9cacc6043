//! Digits: what a solve costs beside its network, and the network beside candle's operations.
//!
//! `cargo bench --bench images` takes about two minutes and writes `target/bench/images.json`: rows
//! `{task, ours, peer, peer_name, ratio}`, seconds, medians over rounds in which all take turns.
//! Compare numbers only within one run on an idle machine.

mod common;

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use driftfield::networks::weights::TrainedNetwork;
use driftfield::networks::{Plan, Pulled, Times, UNet, UNetConfig};
use driftfield::prelude::*;
use driftfield::problems::method;
use ndarray::ArrayD;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WEIGHTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/weights/mnist-rectified-flow.safetensors");
/// Digits of a batch.
const DIGITS: usize = 16;
const ROUNDS: usize = 9;

type Run<'a> = Box<dyn FnMut() -> Result<(), Box<dyn std::error::Error>> + 'a>;

/// Median seconds of every run, which take turns.
fn medians(runs: &mut [Run<'_>]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut seconds = vec![Vec::new(); runs.len()];
    for _ in 0..ROUNDS {
        for (run, seconds) in runs.iter_mut().zip(&mut seconds) {
            let clock = Instant::now();
            run()?;
            seconds.push(clock.elapsed().as_secs_f64());
        }
    }
    for seconds in &mut seconds {
        seconds.sort_by(f64::total_cmp);
    }
    Ok(seconds.iter().map(|seconds| seconds[ROUNDS / 2]).collect())
}

/// A network that adds up the time spent in it.
struct Timed {
    plan: Plan,
    seconds: Mutex<f64>,
}

impl Network<ArrayD<f32>> for Timed {
    fn forward(
        &self,
        out: &mut ArrayD<f32>,
        x: &ArrayD<f32>,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let clock = Instant::now();
        self.plan.forward(out, x, t)?;
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner) +=
            clock.elapsed().as_secs_f64();
        Ok(())
    }
}

/// Seconds of a solve, and those of them that its network took: within one run, so that no change
/// of clock comes between. Those of the run with the median share.
fn solve_timed(
    solver: &str,
    steps: usize,
    plan: &Plan,
    x: &ArrayD<f32>,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let path = process::parse("rectified-flow")?;
    let method = method::parse::<ArrayD<f32>>(solver)?;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let timed = Arc::new(Timed { plan: plan.clone(), seconds: Mutex::new(0.0) });
        let predictor = NetworkPredictor::new(timed.clone(), Prediction::Velocity, path.clone());
        let field = reverse_sde(predictor, 1.0);
        let problem = OdeProblem::new(field, x.clone(), (0.999, 1e-3));
        let clock = Instant::now();
        black_box(solve(&problem, &method, SolveOptions::steps(steps))?.complete()?);
        let total = clock.elapsed().as_secs_f64();
        found.push((total, *timed.seconds.lock().unwrap_or_else(PoisonError::into_inner)));
    }
    found.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    Ok(found[ROUNDS / 2])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = TrainedNetwork::<UNetConfig>::load(WEIGHTS)?;
    let plan = network.plan();
    let mut x = ArrayD::<f32>::zeros(vec![DIGITS, 1, 28, 28]);
    fill_initial_normals(&mut x, 1.0, 0, 0)?;
    let (mut out, mut other) = (x.clone(), x.clone());
    let (mut output, mut gradient) = (vec![0.0f32; x.len()], vec![0.0f32; x.len()]);
    let labelled = plan.with_label(3)?;
    let images: Vec<f32> = x.iter().copied().collect();
    let guided = plan.with_label(3)?.with_guidance(1.5)?;
    let candle = UNet::new(&network.parameters, DType::F32, &Device::Cpu)?;
    let tensor = Tensor::from_slice(&images, (DIGITS, 1, 28, 28), &Device::Cpu)?;
    let timings = medians(&mut [
        Box::new(|| {
            for _ in 0..100 {
                plan.forward(&mut out, black_box(&x), 0.5.into())?;
            }
            Ok(())
        }),
        Box::new(|| {
            for _ in 0..100 {
                guided.forward(&mut other, black_box(&x), 0.5.into())?;
            }
            Ok(())
        }),
        Box::new(|| {
            let results = Pulled {
                output: &mut output,
                states: Some(&mut gradient),
                times: None,
                parameters: None,
            };
            let own = |rows: std::ops::Range<usize>, _: &[f32], c: &mut [f32]| {
                let image = c.len() / rows.len();
                c.copy_from_slice(&images[rows.start * image..rows.end * image]);
                Ok(())
            };
            Ok(labelled.pull_back(results, &images, Times::One(0.5), &own)?)
        }),
        Box::new(|| {
            black_box(candle.forward(&tensor, &[0.5; DIGITS], &[3; DIGITS])?);
            Ok(())
        }),
    ])?;
    let [forwards, doubled, pulled, stock] = timings[..] else {
        return Err("as many timings as runs".into());
    };
    let forward = forwards / 100.0;
    let row = |task: &str, ours: f64, peer: f64, peer_name: &str| {
        println!("{task}: {ours:.4} s, {peer_name} {peer:.4} s, ratio {:.3}", ours / peer);
        json!({ "task": task, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ours / peer })
    };
    let mut rows = Vec::new();
    let labelled = plan.with_label(3)?;
    for (solver, steps, plan) in [
        ("heun", 50, &labelled),
        ("heun", 50, &guided),
        ("dpm-solver++2m", 100, &labelled),
        ("euler-maruyama", 100, &labelled),
    ] {
        let (total, inside) = solve_timed(solver, steps, plan, &x)?;
        let guided =
            if Network::<ArrayD<f32>>::forwards(plan, 0.5.into()) == 2 { ", guided" } else { "" };
        let task = format!("16 digits, {solver}, {steps} steps{guided}");
        // A limit of the program, not of the machine: shares are of one run.
        assert!(total < 1.02 * inside, "{task}: more than 2 % outside the network");
        rows.push(row(&task, total, inside, "inside its own forwards"));
    }
    rows.extend([
        row("100 doubled forwards", doubled, 2.0 * forwards, "200 forwards"),
        row("forward and gradient of 16 digits", pulled, forward, "a forward"),
        row("forward of 16 digits", forward, stock, "candle's own operations"),
    ]);
    Ok(common::write("images", rows)?)
}
