//! Chamfer distance and MMD^2 of 20,000 against 20,000 points in the plane, on
//! one thread and on two, beside every pair tried in plain loops.
//!
//! `cargo bench --bench metrics` takes about half a minute and writes
//! `target/bench/metrics.json`: rows `{task, ours, peer, peer_name, ratio}`,
//! times in seconds, the shortest of several. Compare numbers only within one
//! run on an idle machine.

mod common;

use std::hint::black_box;
use std::time::Instant;

use driftfield::metrics;
use driftfield::prelude::*;
use driftfield::problems::data::Cat;
use ndarray::ArrayView2;
use rayon::prelude::*;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POINTS: usize = 20_000;
const BANDWIDTH: f64 = 0.5;

fn main() -> std::io::Result<()> {
    let (p, q) = (Cat::default().sample(POINTS, 0), Cat::default().sample(POINTS, 1));
    let mut rows = Vec::new();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(std::io::Error::other)?;
        pool.install(|| rows.extend(compare(&p.view(), &q.view(), threads)));
    }
    common::write("metrics", rows)
}

fn compare(p: &ArrayView2<f64>, q: &ArrayView2<f64>, threads: usize) -> [Value; 2] {
    let size = format!("{POINTS} x {POINTS} in 2-D, {threads} thread(s)");
    let chamfer = row(
        &format!("Chamfer {size}"),
        (20, &|| metrics::chamfer(p, q).unwrap_or(f64::NAN)),
        (1, &|| one_way(p, q) + one_way(q, p)),
    );
    let mmd = row(
        &format!("MMD^2 {size}"),
        (10, &|| {
            metrics::mmd(p, q, &[BANDWIDTH]).map_or(f64::NAN, |estimates| estimates[0].biased)
        }),
        (1, &|| kernel_mean(p, p) + kernel_mean(q, q) - 2.0 * kernel_mean(p, q)),
    );
    [chamfer, mmd]
}

/// Both numbers must be the same: a peer that computes something else is none.
fn row(task: &str, ours: (usize, &dyn Fn() -> f64), peer: (usize, &dyn Fn() -> f64)) -> Value {
    let ((our_time, our_value), (peer_time, peer_value)) = (shortest(ours), shortest(peer));
    assert!((our_value - peer_value).abs() < 1e-12, "{task}: {our_value} {peer_value}");
    println!("{task}: {our_time:.3e} s, every pair {peer_time:.3e} s");
    json!({
        "task": task,
        "ours": our_time,
        "peer": peer_time,
        "peer_name": "every pair, plain loops",
        "ratio": our_time / peer_time,
    })
}

fn shortest((repeats, work): (usize, &dyn Fn() -> f64)) -> (f64, f64) {
    let mut result = (f64::INFINITY, f64::NAN);
    for _ in 0..repeats {
        let clock = Instant::now();
        result.1 = black_box(work());
        result.0 = result.0.min(clock.elapsed().as_secs_f64());
    }
    result
}

fn rows(points: &ArrayView2<f64>) -> Vec<[f64; 2]> {
    points.rows().into_iter().map(|row| [row[0], row[1]]).collect()
}

fn squared(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])
}

fn one_way(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> f64 {
    let (p, q) = (rows(p), rows(q));
    let nearest = |x: &[f64; 2]| q.iter().map(|y| squared(x, y)).fold(f64::INFINITY, f64::min);
    p.par_iter().map(|x| nearest(x).sqrt()).sum::<f64>() / p.len() as f64
}

fn kernel_mean(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> f64 {
    let (p, q) = (rows(p), rows(q));
    let factor = -0.5 / BANDWIDTH / BANDWIDTH;
    let of_row = |x: &[f64; 2]| q.iter().map(|y| (factor * squared(x, y)).exp()).sum::<f64>();
    p.par_iter().map(of_row).sum::<f64>() / (p.len() * q.len()) as f64
}
