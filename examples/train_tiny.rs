//! Trains a tiny network on two moons for a few hundred steps, saves and loads
//! it, and samples from it.
//!
//! `cargo run --release --example train_tiny`

use driftfield::metrics::sliced_wasserstein;
use driftfield::networks::MlpConfig;
use driftfield::networks::train::{Objective, Trainer, TrainingConfig};
use driftfield::networks::weights::TrainedNetwork;
use driftfield::prelude::*;
use driftfield::problems::data::Moons;
use ndarray::Array2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Moons.sample(2000, 0);
    let path: SharedPath = std::sync::Arc::new(RectifiedFlow);
    let network = MlpConfig { width: 64, layers: 3, time_features: 32, ..MlpConfig::new(2) };
    let config = TrainingConfig {
        steps: 300,
        batch: 256,
        warmup: 20,
        network: MlpConfig { frequency_max: 30.0, ..network },
        ema_decay: 0.98,
        ..TrainingConfig::new(path.spec(), "moons", 2)
    };
    let mut trainer = Trainer::new(config, Objective::Velocity, &path, &data)?;
    let trained = trainer.run(|progress| {
        if progress.step.is_multiple_of(100) {
            println!("step {}: loss {:.3}", progress.step, progress.loss);
        }
    })?;

    // One file holds the weights and all that sampling needs to know.
    let file = std::env::temp_dir().join(format!("moons-{}.safetensors", std::process::id()));
    trained.save(&file)?;
    let trained: TrainedNetwork = TrainedNetwork::load(&file)?;
    std::fs::remove_file(&file)?;

    // The process runs in standardised units; `undo` returns to the data's.
    let path = process::parse(&trained.process)?;
    let (start, end) = path.default_span();
    let mut noise = Array2::<f32>::zeros((1000, trained.dimension()));
    fill_initial_normals(&mut noise, path.sigma(start), 1, 0)?;
    let prediction: Prediction = trained.prediction.parse()?;
    let predictor = NetworkPredictor::new(trained.plan(), prediction, path.clone());
    let problem = probability_flow(predictor).problem(noise.clone(), (start, end));
    let solution = solve(&problem, &Heun::new(), SolveOptions::steps(20))?;
    let statistics = solution.statistics;
    assert_eq!(statistics.network_forwards, 40);

    let fresh = Moons.sample(1000, 99);
    let to_data = |mut sample: Array2<f32>| -> Result<f64, Box<dyn std::error::Error>> {
        trained.standardisation.undo(&mut sample)?;
        Ok(sliced_wasserstein(&sample.mapv(f64::from).view(), &fresh.view())?)
    };
    let (before, after) = (to_data(noise)?, to_data(solution.complete()?)?);
    println!("sliced Wasserstein distance to fresh moons: noise {before:.3}, samples {after:.3}");
    println!("{statistics}");
    assert!(after < 0.5 * before);
    Ok(())
}
