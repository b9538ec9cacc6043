use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driftfield_problems::predictor::Network;
use driftfield_problems::process::{BrownianBridge, GaussianPath, RectifiedFlow, TimeDomain};
use ndarray::Array2;

use super::{
    CheckpointError, HeldOut, LearningRateSchedule, Objective, TrainError, Trainer, TrainingConfig,
};
use crate::MlpConfig;
use crate::seeded::{Purpose, SeededRng};
use crate::weights::WeightsError;

fn gaussian(n: usize) -> Array2<f64> {
    let mut rng = SeededRng::new(11, Purpose::Batch, 0);
    Array2::from_shape_simple_fn((n, 2), || 3.0 + 2.0 * rng.normal())
}

fn small(steps: usize) -> TrainingConfig {
    TrainingConfig {
        network: MlpConfig {
            width: 32,
            layers: 2,
            time_features: 16,
            frequency_max: 10.0,
            ..MlpConfig::new(2)
        },
        steps,
        batch: 150,
        warmup: 10,
        ..TrainingConfig::new("rectified-flow", "gaussian", 2)
    }
}

fn bits(trainer: &Trainer<'_>) -> Vec<u32> {
    let trained = trainer.trained().unwrap();
    trained.parameters.values().iter().map(|value| value.to_bits()).collect()
}

/// For `x_0 ~ N(0, I)` all conditional means are linear in the state: with
/// `v = alpha^2 + sigma^2`, `E[x_0 | x] = alpha x / v`, `E[eps | x] = sigma x / v`.
#[test]
fn every_objective_learns_the_known_optimum_of_a_gaussian() {
    let data = gaussian(4000);
    for objective in [Objective::Noise, Objective::Velocity, Objective::Data] {
        let config = TrainingConfig { batch: 512, t_min: 0.05, ..small(600) };
        let mut trainer = Trainer::new(config, objective, &RectifiedFlow, &data).unwrap();
        let trained = trainer.run(|_| ()).unwrap();
        assert_eq!(trained.prediction, objective.prediction());
        let plan = trained.plan();
        let mean = |rows: &[super::LossRow]| {
            rows.iter().map(|row| row.loss).sum::<f64>() / rows.len() as f64
        };
        let history = trainer.history();
        let (first, last) = (mean(&history[..20]), mean(&history[560..]));
        // What no network can predict: `w (data sigma - noise alpha)^2 / v`.
        let cells = 1000;
        let floor = (0..cells)
            .map(|cell| {
                let t = 0.05 + 0.95 * (cell as f64 + 0.5) / cells as f64;
                let mix = objective.mixture(&RectifiedFlow, t).unwrap();
                let v = mix.alpha * mix.alpha + mix.sigma * mix.sigma;
                mix.weight * (mix.data * mix.sigma - mix.noise * mix.alpha).powi(2) / v
            })
            .sum::<f64>()
            / cells as f64;
        assert!(last < first, "{objective:?}: {first} {last}");
        assert!((last / floor - 1.0).abs() < 0.08, "{objective:?}: {last} {floor}");
        let mut squares = 0.0;
        for t in [0.2, 0.5, 0.8] {
            let v = (1.0 - t) * (1.0 - t) + t * t;
            let coefficient = match objective {
                Objective::Noise => t / v,
                Objective::Data => (1.0 - t) / v,
                Objective::Velocity => (t - (1.0 - t)) / v,
                Objective::Label => unreachable!(),
            };
            for x in [[0.5f64, -0.5], [-1.0, 0.3], [0.0, 1.0]] {
                let mut out = [0.0; 2];
                plan.forward(&mut out, &x, t.into()).unwrap();
                squares += (0..2).map(|j| (out[j] - coefficient * x[j]).powi(2)).sum::<f64>();
            }
        }
        let rms = (squares / 18.0f64).sqrt();
        assert!(rms < 0.1, "{objective:?}: {rms}");
    }
}

#[test]
fn a_run_interrupted_and_resumed_ends_in_the_same_bits() {
    let data = gaussian(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let new = || Trainer::new(small(60), Objective::Noise, &RectifiedFlow, &data).unwrap();
    let mut straight = new();
    straight.run(|_| ()).unwrap();

    let start = || new().with_checkpoint(&path, 10).resume().unwrap();
    let mut first = new().with_checkpoint(&path, 10);
    first.run_until(25, |_| ()).unwrap();
    drop(first);
    // Killed between write and rename: a part of the next file is left behind.
    let whole = std::fs::read(&path).unwrap();
    let leftover = directory.path().join(".driftfield-abc123");
    std::fs::write(&leftover, &whole[..whole.len() / 2]).unwrap();
    let mut second = start();
    assert_eq!(second.step(), 25);
    let mut calls = 0;
    second
        .run(|progress| {
            calls += 1;
            assert_eq!((progress.step, progress.steps), (25 + calls, 60));
        })
        .unwrap();
    assert_eq!(calls, 35);
    assert_eq!(bits(&straight), bits(&second));
    assert_eq!(straight.history(), second.history());

    // A finished run resumes to its end, and is cleaned up by its caller.
    let mut third = start();
    third.run(|_| panic!("nothing is left to do")).unwrap();
    assert_eq!(bits(&straight), bits(&third));
    third.remove_checkpoint().unwrap();
    assert!(!path.exists());
    third.remove_checkpoint().unwrap();
}

/// The run at its end, cleaned up.
fn finished(mut trainer: Trainer<'_>) -> Trainer<'_> {
    trainer.run(|_| ()).unwrap();
    trainer.remove_checkpoint().unwrap();
    trainer
}

#[test]
fn a_finished_run_is_extended_to_the_bits_of_a_longer_one() {
    let data = gaussian(200);
    // Within the warm-up, where the schedules part later, and at once.
    for (first, last, warmup, schedule) in [
        (30, 60, 40, LearningRateSchedule::Cosine),
        (30, 60, 10, LearningRateSchedule::Cosine),
        (30, 60, 10, LearningRateSchedule::ConstantThenLinear),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let [checkpoint, branch] = ["c", "b"].map(|name| directory.path().join(name));
        let new = |steps, seed| {
            let config = TrainingConfig { warmup, schedule, seed, ..small(steps) };
            let trainer = Trainer::new(config, Objective::Noise, &RectifiedFlow, &data).unwrap();
            let held_out = HeldOut { name: "same", data: &data, labels: &[], every: 7 };
            let trainer = trainer.with_validation(held_out).unwrap();
            trainer.with_checkpoint(&checkpoint, 10).with_branch(&branch)
        };
        let straight = finished(new(last, 0));
        let shared = new(first, 0).config().shared_steps();
        finished(new(first, 0));
        let Err(TrainError::Checkpoint(CheckpointError::OtherRun { what })) = new(last, 1).resume()
        else {
            panic!("the run of another seed")
        };
        assert!(what.contains("seed"), "{what}");
        let extended = new(last, 0).resume().unwrap();
        assert_eq!(extended.step(), shared);
        let extended = finished(extended);
        assert_eq!(bits(&straight), bits(&extended));
        assert_eq!(straight.history(), extended.history());
        assert_eq!(straight.validation(), extended.validation());
        // A shorter one has other steps already.
        let shorter = new(5, 0);
        if shorter.config().shared_steps() < extended.config().shared_steps() {
            assert!(shorter.resume().is_err());
        }
        // And again, from where the longer one would part.
        let longest = finished(new(2 * last, 0));
        finished(new(last, 0));
        assert_eq!(bits(&longest), bits(&finished(new(2 * last, 0).resume().unwrap())));
    }
}

#[test]
fn a_run_goes_on_only_where_there_is_a_checkpoint_and_begins_only_where_there_is_none() {
    let data = gaussian(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let new = || {
        Trainer::new(small(6), Objective::Noise, &RectifiedFlow, &data)
            .unwrap()
            .with_checkpoint(&path, 2)
    };
    let Err(TrainError::Checkpoint(CheckpointError::Missing { path: missing })) = new().resume()
    else {
        panic!("went on from nothing")
    };
    assert_eq!(missing, path);
    new().run_until(3, |_| ()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let Err(TrainError::Checkpoint(CheckpointError::InTheWay { path: found })) =
        new().run(|_| panic!("a step was made"))
    else {
        panic!("started again over a checkpoint")
    };
    assert_eq!(found, path);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // A run's own checkpoint is in nobody's way.
    let mut run = new().resume().unwrap();
    run.run_until(4, |_| ()).unwrap();
    run.run(|_| ()).unwrap();
}

#[test]
fn a_stopped_run_keeps_its_steps() {
    let data = gaussian(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let new = || Trainer::new(small(40), Objective::Noise, &RectifiedFlow, &data).unwrap();
    let mut straight = new();
    straight.run(|_| ()).unwrap();
    let stop = Arc::new(AtomicBool::new(true));
    let end = |trainer: Trainer<'_>, at: usize| {
        let flag = stop.clone();
        let mut trainer = trainer.stopped_by(stop.clone());
        let ended = trainer.run(move |progress| flag.store(progress.step == at, Ordering::Relaxed));
        let Err(TrainError::Stopped { step, steps: 40, checkpoint: Some(checkpoint) }) = ended
        else {
            panic!("{ended:?}")
        };
        assert_eq!(checkpoint, path);
        step
    };
    // Before the first step, too.
    assert_eq!(end(new().with_checkpoint(&path, 100), 7), 0);
    for at in [7, 8, 39] {
        stop.store(false, Ordering::Relaxed);
        assert_eq!(end(new().with_checkpoint(&path, 100).resume().unwrap(), at), at);
    }
    let mut last = new().with_checkpoint(&path, 100).resume().unwrap();
    last.run(|_| ()).unwrap();
    assert_eq!(bits(&straight), bits(&last));
    assert_eq!(straight.history(), last.history());
}

/// A file that cannot be written or read says so, and no more: it is not damaged.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_last_one() {
    let data = gaussian(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let new = || {
        Trainer::new(small(6), Objective::Noise, &RectifiedFlow, &data)
            .unwrap()
            .with_checkpoint(&path, 2)
    };
    new().run_until(2, |_| ()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut run = new().resume().unwrap();
    // Read-only: what is there may not be replaced.
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let error = run.run(|_| ()).unwrap_err();
    assert!(matches!(error, TrainError::Checkpoint(CheckpointError::Write(_))), "{error}");
    let said = error.to_string();
    assert!(said.contains("run.checkpoint") && said.contains("--resume"), "{said}");
    assert!(!said.contains("delete"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), whole);

    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = new().resume().unwrap_err();
    assert!(matches!(error, TrainError::Checkpoint(CheckpointError::Read { .. })), "{error}");
    assert!(!error.to_string().contains("delete"), "{error}");
}

#[test]
fn checkpoints_of_other_runs_and_damaged_ones_are_refused() {
    let data = gaussian(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.checkpoint");
    let resume = |config, objective, data: &Array2<f64>| {
        Trainer::new(config, objective, &RectifiedFlow, data)
            .unwrap()
            .with_checkpoint(&path, 5)
            .resume()
            .map(|trainer| trainer.step())
    };
    let mut trainer = Trainer::new(small(5), Objective::Noise, &RectifiedFlow, &data)
        .unwrap()
        .with_checkpoint(&path, 5);
    trainer.run(|_| ()).unwrap();
    assert_eq!(resume(small(5), Objective::Noise, &data).unwrap(), 5);
    for (result, word) in [
        (resume(small(9), Objective::Noise, &data), "steps"),
        (resume(TrainingConfig { seed: 1, ..small(5) }, Objective::Noise, &data), "seed"),
        (resume(small(5), Objective::Velocity, &data), "objective"),
        (resume(small(5), Objective::Noise, &gaussian(201)), "data"),
    ] {
        let Err(TrainError::Checkpoint(CheckpointError::OtherRun { what })) = result else {
            panic!("{word}: {result:?}")
        };
        assert!(what.contains(word), "{what}");
    }
    let held_out = HeldOut { name: "others", data: &data, labels: &[], every: 5 };
    let validated = Trainer::new(small(5), Objective::Noise, &RectifiedFlow, &data).unwrap();
    let validated = validated.with_validation(held_out).unwrap().with_checkpoint(&path, 5);
    let error = validated.resume().unwrap_err().to_string();
    assert!(error.contains("held_out = none, this run has \"others\""), "{error}");
    let constant =
        TrainingConfig { schedule: LearningRateSchedule::ConstantThenLinear, ..small(5) };
    let error = resume(constant, Objective::Noise, &data).unwrap_err().to_string();
    assert!(
        error.contains("schedule = \"cosine\", this run has \"constant-then-linear\""),
        "{error}"
    );
    let bridge = BrownianBridge::default();
    let other = Trainer::new(small(5), Objective::Noise, &bridge, &data).unwrap();
    assert!(other.with_checkpoint(&path, 5).resume().unwrap_err().to_string().contains("process"));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    assert!(matches!(
        resume(small(5), Objective::Noise, &data),
        Err(TrainError::Checkpoint(CheckpointError::Damaged(WeightsError::Malformed(_))))
    ));
}

#[test]
fn the_trained_bits_do_not_depend_on_the_number_of_threads() {
    let data = gaussian(200);
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let config = TrainingConfig { batch: 300, ..small(20) };
            let mut trainer = Trainer::new(config, Objective::Data, &RectifiedFlow, &data).unwrap();
            trainer.run(|_| ()).unwrap();
            bits(&trainer)
        })
    };
    assert_eq!(train(1), train(2));
}

#[test]
fn the_result_is_the_average_of_the_weights() {
    let data = gaussian(200);
    let run = |ema_decay| {
        let config = TrainingConfig { ema_decay, ..small(8) };
        let mut trainer = Trainer::new(config, Objective::Noise, &RectifiedFlow, &data).unwrap();
        let mut average: Vec<f64> =
            trainer.state_values().iter().map(|&value| f64::from(value)).collect();
        for step in 0..8 {
            trainer.run_until(step + 1, |_| ()).unwrap();
            let decay = ema_decay.min((1 + step) as f64 / (10 + step) as f64);
            for (average, &value) in average.iter_mut().zip(trainer.state_values()) {
                *average = decay * *average + (1.0 - decay) * f64::from(value);
            }
        }
        let trained = trainer.trained().unwrap();
        for (found, expected) in trained.parameters.values().iter().zip(average) {
            assert!((f64::from(*found) - expected).abs() < 1e-6);
        }
    };
    run(0.999);
    run(0.2);
}

#[test]
fn unusable_input_and_divergence_are_typed_errors() {
    let data = gaussian(50);
    let start = |config, data: &Array2<f64>| {
        Trainer::new(config, Objective::Noise, &RectifiedFlow, data).map(|_| ())
    };
    assert!(matches!(start(small(0), &data), Err(TrainError::Setting { field: "steps", .. })));
    assert!(matches!(start(small(1), &Array2::zeros((0, 2))), Err(TrainError::Data(_))));
    assert!(matches!(
        start(small(1), &Array2::zeros((4, 3))),
        Err(TrainError::Dimension { expected: 2, found: 3 })
    ));
    let config = TrainingConfig { learning_rate: 1e30, ..small(30) };
    let mut trainer = Trainer::new(config, Objective::Noise, &RectifiedFlow, &data).unwrap();
    assert!(matches!(trainer.run(|_| ()), Err(TrainError::Diverged { .. })));
    let config = TrainingConfig { t_min: 0.5, ..small(3) };
    #[derive(Debug)]
    struct Nowhere;
    impl GaussianPath for Nowhere {
        fn name(&self) -> &'static str {
            "nowhere"
        }
        fn parameters(&self) -> Vec<(&'static str, f64)> {
            Vec::new()
        }
        fn domain(&self) -> TimeDomain {
            RectifiedFlow.domain()
        }
        fn default_span(&self) -> (f64, f64) {
            (1.0, 0.0)
        }
        fn alpha(&self, _: f64) -> f64 {
            1.0
        }
        fn sigma(&self, _: f64) -> f64 {
            f64::INFINITY
        }
        fn alpha_derivative(&self, _: f64) -> f64 {
            0.0
        }
        fn sigma_squared_derivative(&self, _: f64) -> f64 {
            0.0
        }
        fn log_snr(&self, _: f64) -> f64 {
            f64::NEG_INFINITY
        }
        fn drift_rate(&self, _: f64) -> f64 {
            0.0
        }
        fn diffusion_squared(&self, _: f64) -> f64 {
            0.0
        }
    }
    let mut trainer = Trainer::new(config, Objective::Noise, &Nowhere, &data).unwrap();
    assert!(matches!(trainer.run(|_| ()), Err(TrainError::Process { quantity: "sigma", .. })));
}
