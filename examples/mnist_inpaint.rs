//! A digit from an 8 x 8 square of it: diffusion posterior sampling, pseudo-inverse guidance and
//! replacement, each around an ordinary solver.
//!
//! `cargo run --release --example mnist_inpaint [DIRECTORY]` writes `inpainted.png` there, by
//! default into the directory for temporary files.

use std::error::Error;
use std::path::PathBuf;

use driftfield::generate::{Budget, Initial, Settings, TrainedModel};
use driftfield::plot::Plot;
use driftfield::prelude::*;
use driftfield::problems::data::Mnist;
use driftfield::problems::inverse::{self, ImageShape, Observation};
use driftfield::problems::method::Solver;
use driftfield::reconstruct::{Technique, reconstruct, reconstruction_grid};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env!("CARGO_MANIFEST_DIR");
    let model = TrainedModel::read(&format!("{root}/weights/mnist-rectified-flow.safetensors"))?;
    let path = process::parse("rectified-flow")?;
    let digits = Mnist::read(format!("{root}/tests/data/mnist"))?.test;
    let image: Vec<f64> = digits.pixels.row(0).to_vec();

    let shape = ImageShape::grey(28, 28);
    let square = inverse::parse("square:size=8,center=14x14,std=0.1", &shape)?;
    let observation = Observation::of_image(square, &image, 0)?;

    let mut rows = Vec::new();
    for (technique, solver) in
        [("dps:zeta=0.5", "ddim"), ("pigdm", "heun"), ("replacement", "dpm-solver++2m")]
    {
        let noise = Initial::<f32>::Noise { lanes: 8 };
        let settings = Settings::new(Solver::parse(solver)?, Budget::Steps(50));
        let guide = Technique::parse(technique)?;
        let done = reconstruct(&path, &model, &observation, &guide, noise, &settings)?;
        println!(
            "{technique} around {solver}: {} evaluations, {} gradients; mean squared misfit {:.4}, noise variance 0.01",
            done.generated.statistics.nfe,
            done.gradients,
            done.mean_misfit()
        );
        assert!(technique.starts_with("dps") || done.mean_misfit() < 2.0 * 0.01);
        rows.push((format!("{technique}, {solver}"), done.generated.complete()?));
    }
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let file = directory.join("inpainted.png");
    let grid = reconstruction_grid("What the red square is part of", &image, &observation, &rows)?;
    grid.render(&file)?;
    println!("written: {}", file.display());
    Ok(())
}
