//! Seconds of the best and of the median call: evaluations, gradients and training steps.
//!
//! `cargo bench -p driftfield-networks` prints one row a task: `name median_us best_us`. To
//! compare two revisions, run their programs in turn, several times.

use std::hint::black_box;
use std::time::Instant;

use driftfield_networks::train::{Objective, Trainer, TrainingConfig};
use driftfield_networks::{MlpConfig, Parameters, Plan, Pulled, Times, UNetConfig};
use driftfield_problems::predictor::Network;
use driftfield_problems::process::RectifiedFlow;
use ndarray::Array2;

const ROUNDS: usize = 15;

fn report(name: &str, repeats: usize, mut run: impl FnMut()) {
    let mut seconds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let clock = Instant::now();
            (0..repeats).for_each(|_| run());
            clock.elapsed().as_secs_f64() / repeats as f64
        })
        .skip(1)
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!("{name:<40} {:>12.2} {:>12.2}", 1e6 * seconds[ROUNDS / 2], 1e6 * seconds[0]);
}

fn states(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((columns * i + j) as f32).sin())
}

fn mlp() {
    for (rows, repeats) in [(1, 2000), (16, 1000), (3000, 5)] {
        let plan = Plan::new(&Parameters::initialise(&MlpConfig::new(2), 0).unwrap());
        let x = states(rows, 2);
        let mut out = x.clone();
        report(&format!("mlp 128 x 4, {rows} rows"), repeats, || {
            plan.forward(&mut out, black_box(&x), 0.5.into()).unwrap();
        });
        let wide = x.mapv(f64::from);
        let mut out = wide.clone();
        report(&format!("mlp 128 x 4, {rows} rows, f64"), repeats, || {
            plan.forward(&mut out, black_box(&wide), 0.5.into()).unwrap();
        });
        let (mut out, times) = (x.clone(), vec![0.5; rows]);
        report(&format!("mlp 128 x 4, {rows} rows, own times"), repeats, || {
            plan.forward(&mut out, black_box(&x), Times::Each(&times)).unwrap();
        });
    }
}

fn unet() {
    let plan = Plan::new(&Parameters::initialise(&UNetConfig::default(), 0).unwrap());
    let plan = plan.with_label(3).unwrap();
    for images in [1, 16] {
        let x = states(images, 784).into_raw_vec_and_offset().0;
        let (mut out, mut gradient) = (x.clone(), x.clone());
        report(&format!("unet, {images} images"), 1, || {
            plan.evaluate(&mut out, black_box(&x), Times::One(0.5)).unwrap();
        });
        report(&format!("unet, {images} images, gradient"), 1, || {
            let results = Pulled {
                output: &mut out,
                states: Some(&mut gradient),
                times: None,
                parameters: None,
            };
            let own = |_: std::ops::Range<usize>, output: &[f32], c: &mut [f32]| {
                c.copy_from_slice(output);
                Ok(())
            };
            plan.pull_back(results, black_box(&x), Times::One(0.5), &own).unwrap();
        });
    }
}

fn training() {
    let data = states(1000, 2).mapv(f64::from);
    report("mlp, 20 training steps of 512", 1, || {
        let config = TrainingConfig { steps: 20, ..TrainingConfig::new("", "", 2) };
        Trainer::new(config, Objective::Velocity, &RectifiedFlow, &data)
            .unwrap()
            .run(|_| ())
            .unwrap();
    });
    let pixels = states(100, 784).mapv(|x| f64::from(x.abs()));
    let labels = vec![3; 100];
    report("unet, 2 training steps of 64", 1, || {
        let base = TrainingConfig::images("", "", UNetConfig::default(), Objective::Velocity);
        let config = TrainingConfig { steps: 2, ..base };
        Trainer::labelled(config, Objective::Velocity, &RectifiedFlow, &pixels, &labels)
            .unwrap()
            .run(|_| ())
            .unwrap();
    });
}

fn main() {
    mlp();
    unet();
    training();
}
