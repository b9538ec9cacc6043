//! Digits: what a solve costs beside its network, and the network beside candle's operations.
//!
//! `cargo bench --bench images` takes about two minutes and writes `target/bench/images.json`: rows
//! `{task, ours, peer, peer_name, ratio}`, seconds, medians over rounds in which all take turns.
//! Compare numbers only within one run on an idle machine.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use driftfield::generate::{Budget, Condition, Field, Initial, Settings, generate};
use driftfield::prelude::*;
use driftfield::problems::atomic_file;
use driftfield::problems::network::{UNet, UNetConfig};
use driftfield::problems::weights::TrainedNetwork;
use ndarray::ArrayD;
use serde_json::{Value, json};

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = TrainedNetwork::<UNetConfig>::load(WEIGHTS)?;
    let (plan, field) = (network.plan(), Field::parse(WEIGHTS)?);
    let path = process::parse("rectified-flow")?;
    let mut x = ArrayD::<f32>::zeros(vec![DIGITS, 1, 28, 28]);
    fill_initial_normals(&mut x, 1.0, 0, 0)?;
    let (mut out, mut other) = (x.clone(), x.clone());
    let mut gradient = vec![0.0f32; x.len()];
    let mut output = gradient.clone();
    let images: Vec<f32> = x.iter().copied().collect();
    let guided = plan.with_label(3)?.with_guidance(1.5)?;
    let candle = UNet::new(&network.parameters, DType::F32, &Device::Cpu)?;
    let tensor = Tensor::from_slice(&images, (DIGITS, 1, 28, 28), &Device::Cpu)?;
    let solved = |solver: &str, steps: usize, condition: &Condition| {
        let condition = condition.clone();
        let settings = Settings { condition, ..Settings::new(solver, Budget::Steps(steps)) };
        let noise = Initial::<f32>::Noise { lanes: DIGITS, seed: 0 };
        black_box(generate(&path, &field, noise, &settings)?);
        Ok(())
    };
    let label = Condition::labels([3]);
    let weighted = label.clone().guided(1.5);
    let timings = medians(&mut [
        Box::new(|| {
            for _ in 0..100 {
                plan.forward(&mut out, black_box(&x), 0.5)?;
            }
            Ok(())
        }),
        Box::new(|| solved("heun", 50, &label)),
        Box::new(|| solved("dpm-solver++2m", 100, &label)),
        Box::new(|| {
            for _ in 0..100 {
                guided.forward(&mut other, black_box(&x), 0.5)?;
            }
            Ok(())
        }),
        Box::new(|| solved("heun", 50, &weighted)),
        Box::new(|| {
            let results = (&mut output[..], &mut gradient[..]);
            Ok(plan.evaluate_with_gradient(results, &images, &images, &[0.5], &[3])?)
        }),
        Box::new(|| {
            black_box(candle.forward(&tensor, &[0.5; DIGITS], &[3; DIGITS])?);
            Ok(())
        }),
    ])?;
    let [forwards, heun, multistep, doubled, guided_heun, pulled, stock] = timings[..] else {
        return Err("as many timings as runs".into());
    };
    let forward = forwards / 100.0;
    let row = |task: &str, ours: f64, peer: f64, peer_name: &str| {
        println!("{task}: {ours:.4} s, {peer_name} {peer:.4} s, ratio {:.3}", ours / peer);
        json!({ "task": task, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ours / peer })
    };
    let rows = vec![
        row("16 digits, heun, 50 steps", heun, forwards, "its 100 forwards alone"),
        row("16 digits, dpm-solver++2m, 100 steps", multistep, forwards, "its 100 forwards alone"),
        row("16 digits, heun, 50 steps, guided", guided_heun, doubled, "its 100 doubled forwards"),
        row("100 doubled forwards", doubled, 2.0 * forwards, "200 forwards"),
        row("forward and gradient of 16 digits", pulled, forward, "a forward"),
        row("forward of 16 digits", forward, stock, "candle's own operations"),
    ];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/images.json");
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    atomic_file::write(&file, format!("{:#}\n", Value::from(rows)).as_bytes())?;
    println!("{}", file.display());
    Ok(())
}
