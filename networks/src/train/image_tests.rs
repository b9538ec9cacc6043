use driftfield_problems::process::{RectifiedFlow, Ve};
use driftfield_problems::standardisation::StandardisationError;
use ndarray::Array2;

use super::batch::{Batch, Rows};
use super::{CheckpointError, HeldOut, Objective, TrainError, Trainer, TrainingConfig};
use crate::seeded::{Purpose, SeededRng};
use crate::{Architecture, ClassifierConfig, MlpConfig, Times, UNetConfig};

/// Images of 8 x 8 pixels whose left or right half is bright.
fn halves(n: usize) -> (Array2<f64>, Vec<u32>) {
    let mut rng = SeededRng::new(2, Purpose::Batch, 0);
    let labels: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
    let pixels = Array2::from_shape_fn((n, 64), |(row, pixel)| {
        let bright = (pixel % 8 < 4) == (row % 2 == 0);
        if bright { 0.9 + 0.1 * rng.uniform() } else { 0.1 * rng.uniform() }
    });
    (pixels, labels)
}

fn small(steps: usize) -> TrainingConfig<UNetConfig> {
    let network = UNetConfig {
        side: 8,
        channels: vec![16, 32],
        groups: 4,
        heads: 2,
        condition: 16,
        time_features: 8,
        labels: 2,
        ..UNetConfig::default()
    };
    let base = TrainingConfig::images("rectified-flow", "halves", network, Objective::Velocity);
    TrainingConfig { steps, batch: 20, warmup: 5, ..base }
}

fn trainer(config: TrainingConfig<UNetConfig>) -> Trainer<'static, UNetConfig> {
    let (pixels, labels) = halves(40);
    let (other, other_labels) = halves(10);
    let objective = Objective::Velocity;
    Trainer::labelled(config, objective, &RectifiedFlow, &pixels, &labels)
        .unwrap()
        .with_validation(HeldOut { name: "others", data: &other, labels: &other_labels, every: 10 })
        .unwrap()
}

fn bits<A: Architecture>(trainer: &Trainer<'_, A>) -> Vec<u32> {
    let trained = trainer.trained().unwrap();
    trained.parameters.values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_u_net_learns_and_follows_its_labels() {
    let mut trainer = trainer(small(600));
    let trained = trainer.run(|_| ()).unwrap();
    let losses: Vec<f64> = trainer.history().iter().map(|row| row.loss).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[590..]));
    assert!(last < 0.25 * first, "{first} {last}");
    let validation = trainer.validation();
    assert_eq!(validation.iter().map(|row| row.step).collect::<Vec<_>>()[..2], [10, 20]);
    assert_eq!(validation.len(), 60);
    assert!(validation[59].loss < 0.3 * validation[0].loss);
    // From noise alone, which tells nothing, the predicted data `x - t v` is what the label
    // says, in units of which 0 and 1 are -1 and 1.
    let (t, mut rng) = (0.8, SeededRng::new(3, Purpose::Batch, 0));
    let noise: Vec<f32> = (0..16 * 64).map(|_| (t * rng.normal()) as f32).collect();
    let mut velocity = noise.clone();
    for (label, sign) in [(0, 1.0), (1, -1.0)] {
        let plan = trained.plan().with_label(label).unwrap();
        plan.evaluate(&mut velocity, &noise, Times::One(t)).unwrap();
        let data: Vec<f32> = noise.iter().zip(&velocity).map(|(x, v)| x - t as f32 * v).collect();
        let left: f32 = data.chunks_exact(8).map(|row| row[..4].iter().sum::<f32>()).sum();
        let mean = left / (16.0 * 32.0);
        assert!((mean - 0.9 * sign).abs() < 0.2, "{label}: {mean}");
    }
}

#[test]
fn a_run_interrupted_and_resumed_ends_in_the_same_bits_on_any_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut straight = trainer(small(24));
    pool.install(|| straight.run(|_| ()).map(|_| ())).unwrap();
    let start = || trainer(small(24)).with_checkpoint(&path, 7).resume().unwrap();
    trainer(small(24)).with_checkpoint(&path, 7).run_until(15, |_| ()).unwrap();
    let mut second = start();
    assert_eq!((second.step(), second.validation().len()), (15, 1));
    second.run(|_| ()).unwrap();
    assert_eq!(bits(&straight), bits(&second));
    assert_eq!(straight.history(), second.history());
    assert_eq!(straight.validation(), second.validation());

    let mut config = small(24);
    config.network.heads = 4;
    let other = trainer(config).with_checkpoint(&path, 7).resume();
    let Err(TrainError::Checkpoint(CheckpointError::OtherRun { what })) = other else {
        panic!("another architecture's checkpoint was accepted")
    };
    assert!(what.contains("heads"), "{what}");
}

#[test]
fn labels_are_left_out_as_often_as_asked_and_times_are_logit_normal() {
    let (pixels, labels) = halves(40);
    let data = Rows { values: pixels, labels };
    let config = TrainingConfig { batch: 4000, ..small(1) };
    let mut batch = Batch::default();
    batch.draw(&config, Objective::Velocity, &RectifiedFlow, &data, 0).unwrap();
    let without = batch.labels.iter().filter(|&&label| label == 2).count();
    assert!(without.abs_diff(400) < 80, "{without}");
    // Every label is that of the image it stands beside.
    for (row, &label) in batch.labels.iter().enumerate().filter(|(_, label)| **label < 2) {
        let pixel = |p: usize| {
            f64::from(batch.x[64 * row + p])
                - batch.times[row] * f64::from(batch.target[64 * row + p])
        };
        assert_eq!(pixel(0) > 0.5, label == 0);
    }
    // P(t < 1 / (1 + e)) = P(z < -1) = 0.1587.
    let edge = 1.0 / (1.0 + std::f64::consts::E);
    let below = batch.times.iter().filter(|&&t| t < edge).count();
    assert!(below.abs_diff(635) < 100, "{below}");
}

#[test]
fn a_classifier_learns_from_shifted_images() {
    let network =
        ClassifierConfig { side: 8, channels: vec![16], groups: 4, features: 16, classes: 2 };
    let base = TrainingConfig::classifier("halves", network);
    let config = TrainingConfig { steps: 60, batch: 20, warmup: 5, ..base };
    let (pixels, labels) = halves(40);
    let new = |config| {
        Trainer::labelled(config, Objective::Label, &RectifiedFlow, &pixels, &labels).unwrap()
    };
    let mut trainer = new(config.clone());
    let classifier = trainer.run(|_| ()).unwrap().classifier();
    let images = pixels.mapv(|pixel| pixel as f32);
    assert_eq!(classifier.accuracy(images.view(), &labels), Ok(1.0));
    let history = trainer.history();
    assert!((history[0].loss - 2.0f64.ln()).abs() < 0.7);
    assert!(history[59].loss < 0.2, "{}", history[59].loss);
    // The shift is a part of the run.
    let mut unshifted = new(TrainingConfig { shift: 0, ..config });
    unshifted.run_until(3, |_| ()).unwrap();
    assert_ne!(unshifted.history()[1].loss, history[1].loss);
}

#[test]
fn networks_refuse_labels_and_objectives_that_are_not_theirs() {
    let (pixels, labels) = halves(6);
    let start = |objective, labels: &[u32]| {
        Trainer::labelled(small(1), objective, &RectifiedFlow, &pixels, labels).map(|_| ())
    };
    let velocity = Objective::Velocity;
    assert!(matches!(start(velocity, &[]), Err(TrainError::Labels { expected: 6, found: 0 })));
    assert!(matches!(
        start(velocity, &labels[..5]),
        Err(TrainError::Labels { expected: 6, found: 5 })
    ));
    assert!(matches!(
        start(velocity, &[0, 1, 2, 0, 1, 0]),
        Err(TrainError::Label { label: 2, known: 2 })
    ));
    assert!(matches!(start(Objective::Label, &labels), Err(TrainError::Objective { .. })));
    let mlp = TrainingConfig { network: MlpConfig::new(64), ..TrainingConfig::new("", "", 64) };
    let ve = Ve::default();
    assert!(matches!(
        Trainer::labelled(mlp, Objective::Noise, &ve, &pixels, &labels),
        Err(TrainError::Labels { expected: 0, found: 6 })
    ));
    let classifier =
        TrainingConfig::classifier("", ClassifierConfig { side: 8, ..Default::default() });
    assert!(matches!(
        Trainer::labelled(classifier, Objective::Noise, &ve, &pixels, &labels),
        Err(TrainError::Objective { .. })
    ));
    let mut bad = pixels.clone();
    bad[[3, 5]] = f64::NAN;
    assert!(matches!(
        Trainer::labelled(small(1), velocity, &RectifiedFlow, &bad, &labels),
        Err(TrainError::Data(_))
    ));
    // The units of pixels are not those of bytes, nor of what is standardised already.
    for value in [255.0, -1.0] {
        bad[[3, 5]] = value;
        let error = Trainer::labelled(small(1), velocity, &RectifiedFlow, &bad, &labels);
        let place = StandardisationError::NotPixels { row: 3, column: 5, value };
        assert!(matches!(error, Err(TrainError::Data(found)) if found == place));
    }
}
