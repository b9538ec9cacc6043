//! The field of a large data set, 9,000 points of 784 components as of handwritten digits: matrix
//! products against every gap.
//!
//! `cargo bench --bench empirical` takes about a minute and writes `target/bench/empirical.json`:
//! rows `{task, ours, peer, peer_name, ratio}`, times in seconds, the shortest of several. Compare
//! numbers only within one run on an idle machine.

mod common;

use std::hint::black_box;
use std::time::Instant;

use driftfield::problems::data::SampleRng;
use driftfield::problems::exact::EmpiricalPredictor;
use driftfield::problems::predictor::{Predictor, Target};
use driftfield::problems::process;
use ndarray::Array2;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POINTS: usize = 9000;
const DIMENSION: usize = 784;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = process::parse("rectified-flow")?;
    let data = table(POINTS, 0, SampleRng::uniform);
    let products = EmpiricalPredictor::new(data.clone(), 0.0, path)?;
    let gaps = products.clone().by_gaps();
    let mut rows = Vec::new();
    for lanes in [1, 16, 64, 256] {
        let noise = table(lanes, 1, SampleRng::normal);
        // Weight on all points, on some, on one.
        for t in [0.999, 0.8, 0.3] {
            let start = data.slice(ndarray::s![..lanes, ..]).to_owned();
            let x = start * (1.0 - t) + &noise * t;
            let (ours, found) = shortest(5, &products, &x, t)?;
            let (peer, expected) = shortest(1, &gaps, &x, t)?;
            let largest = (&found - &expected).iter().fold(0.0f64, |m, gap| m.max(gap.abs()));
            assert!(largest < 1e-10, "a peer that computes something else is none: {largest}");
            let task = format!("{lanes} lanes at t = {t}");
            println!("{task}: {ours:.3e} s, gaps {peer:.3e} s, ratio {:.3}", ours / peer);
            rows.push(json!({
                "task": task,
                "ours": ours,
                "peer": peer,
                "peer_name": "every gap",
                "ratio": ours / peer,
            }));
        }
    }
    Ok(common::write("empirical", rows)?)
}

fn table(rows: usize, seed: u64, draw: impl Fn(&mut SampleRng) -> f64) -> Array2<f64> {
    let mut rng = SampleRng::new(seed, 0);
    Array2::from_shape_simple_fn((rows, DIMENSION), || draw(&mut rng))
}

/// The shortest time of an evaluation, and its result.
fn shortest(
    repeats: usize,
    predictor: &EmpiricalPredictor,
    x: &Array2<f64>,
    t: f64,
) -> Result<(f64, Array2<f64>), Box<dyn std::error::Error>> {
    let mut out = Array2::zeros(x.dim());
    let mut seconds = f64::INFINITY;
    for _ in 0..repeats {
        let clock = Instant::now();
        predictor.predict(Target::DATA.into(), &mut out, black_box(x), t.into())?;
        seconds = seconds.min(clock.elapsed().as_secs_f64());
    }
    Ok((seconds, out))
}
