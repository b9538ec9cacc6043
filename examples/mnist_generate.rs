//! Digits from the shipped rectified flow: the four samplers of the tutorials, unchanged, at 50
//! steps, under guidance; their pictures, and what a classifier reads in them.
//!
//! `cargo run --release --example mnist_generate [DIRECTORY]` writes `digits.png` and
//! `trajectory.png` there, by default into the directory for temporary files.

use std::error::Error;
use std::path::PathBuf;

use driftfield::generate::{
    Budget, Condition, Initial, Saved, Settings, TrainedModel, generate, shipped_classifier,
};
use driftfield::images;
use driftfield::plot::{ImageGrid, ImageRow, Plot};
use driftfield::prelude::*;
use driftfield::problems::method::Solver;

const SOLVERS: [&str; 4] = ["euler-maruyama", "ddim", "heun", "dpm-solver++2s"];

fn main() -> Result<(), Box<dyn Error>> {
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/mnist-rectified-flow.safetensors");
    let model = TrainedModel::read(weights)?;
    let path = process::parse("rectified-flow")?;
    let classifier = shipped_classifier()?;
    let labels: Vec<u32> = (0..10).collect();

    let mut digits = ImageGrid::new("50 steps from the same noise, guidance 1.5", 28);
    for solver in SOLVERS {
        let settings = Settings {
            condition: Condition::labels(labels.clone()).guided(1.5),
            saved: Saved::Frames(10),
            ..Settings::new(Solver::parse(solver)?, Budget::Steps(50))
        };
        let noise = Initial::<f32>::Noise { lanes: 10 };
        let generated = generate(&path, &model, noise, &settings)?;
        if solver == "heun" {
            let (times, states) = (&generated.times, &generated.trajectory);
            let grid = images::trajectory_grid("From noise to digits: heun", times, states)?;
            grid.render(directory().join("trajectory.png"))?;
        }
        let (statistics, seconds) = (generated.statistics, generated.seconds);
        let samples = generated.complete()?;
        let pixels = samples.clone().into_shape_with_order((10, 784))?;
        let right = classifier.accuracy(pixels.view(), &labels)?;
        println!(
            "{solver}: {} evaluations, {} network forwards, {seconds:.2} s, {:.0} % recognised",
            statistics.nfe,
            statistics.network_forwards,
            100.0 * right
        );
        assert!(right >= 0.8);
        assert_eq!(statistics.network_forwards, 2 * statistics.nfe);
        digits = digits.row(ImageRow::new(solver, images::tiles(&samples, 10)));
    }
    let file = directory().join("digits.png");
    digits.render(&file)?;
    println!("written: {}", file.display());
    Ok(())
}

fn directory() -> PathBuf {
    std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from)
}
