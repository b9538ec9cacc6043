//! Digits through the same front door as points: labels, guidance, frames, every solver.

use driftfield::generate::{
    Budget, Condition, GenerateError, Generated, Initial, Model, Saved, Settings, Streamed,
    TrainedModel, generate, generate_in_chunks, model, shipped_classifier,
};
use driftfield::problems::method::Solver;
use driftfield::problems::method::path_methods;
use driftfield::problems::process;
use driftfield::solvers::method::Method;
use ndarray::{ArrayD, Axis, concatenate};

const WEIGHTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/weights/mnist-rectified-flow.safetensors");

fn digits() -> TrainedModel {
    TrainedModel::read(WEIGHTS).unwrap()
}

fn made(
    model: &dyn Model,
    lanes: usize,
    settings: &Settings,
) -> Result<Generated<f32>, GenerateError> {
    let path = process::parse("rectified-flow").unwrap();
    generate(&path, model, Initial::Noise { lanes }, settings)
}

#[test]
fn every_solver_runs_on_the_network_unchanged_and_forwards_are_counted_as_made() {
    let model = digits();
    for method in path_methods::<ArrayD<f32>>() {
        let info = method.info();
        let nfe = info.evaluations(1).max(8);
        for (guidance, forwards) in [(None, 1), (Some(1.0), 1), (Some(0.0), 1), (Some(1.5), 2)] {
            let condition = Condition { labels: vec![3, 7], guidance, ..Condition::default() };
            let settings = Settings {
                condition,
                ..Settings::new(Solver::parse(info.name).unwrap(), Budget::Evaluations(nfe))
            };
            let made = made(&model, 2, &settings).unwrap();
            assert!(made.outcome.is_success(), "{}: {}", info.name, made.outcome);
            assert_eq!(made.samples.shape(), [2, 1, 28, 28]);
            let statistics = made.statistics;
            assert!(statistics.nfe > 0 && statistics.nfe <= nfe, "{}", info.name);
            assert_eq!(statistics.network_forwards, forwards * statistics.nfe, "{}", info.name);
        }
    }
}

#[test]
fn guidance_of_1_and_0_is_the_network_with_and_without_its_label() {
    let model = digits();
    let run = |condition| {
        let settings = Settings {
            condition,
            ..Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(3))
        };
        made(&model, 3, &settings).unwrap().samples
    };
    let labelled = run(Condition::labels([4]));
    assert_eq!(labelled, run(Condition::labels([4]).guided(1.0)));
    assert_eq!(labelled, run(Condition::labels([4, 4])));
    assert_eq!(run(Condition::default()), run(Condition::labels([4]).guided(0.0)));
    assert_ne!(labelled, run(Condition::default()));
    assert_ne!(labelled, run(Condition::labels([4]).guided(1.5)));
}

/// More lanes than a chunk holds, and a list of labels whose length divides none of the two.
#[test]
fn lanes_keep_their_labels_in_chunks() {
    let (model, path) = (digits(), process::parse("rectified-flow").unwrap());
    let condition = Condition::labels([1, 5, 8]).guided(1.25);
    let settings =
        Settings { condition, ..Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(1)) };
    let initial = Initial::Noise { lanes: 200 };
    let mut parts: Vec<ArrayD<f32>> = Vec::new();
    let streamed: Result<Streamed, GenerateError> =
        generate_in_chunks(&path, &model, initial, &settings, |chunk: Generated<f32>| {
            parts.push(chunk.samples);
            Ok(())
        });
    assert_eq!(streamed.unwrap().lane_shape, [1, 28, 28]);
    assert!(parts.len() > 1);
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    let whole = made(&model, 200, &settings).unwrap().samples;
    assert_eq!(concatenate(Axis(0), &views).unwrap(), whole);
}

#[test]
fn frames_are_states_of_the_whole_trajectory() {
    let model = digits();
    let run = |saved| {
        let settings =
            Settings { saved, ..Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(9)) };
        made(&model, 2, &settings).unwrap()
    };
    let (all, frames) = (run(Saved::All), run(Saved::Frames(4)));
    assert_eq!((all.trajectory.len(), frames.trajectory.len()), (10, 4));
    for (frame, index) in [0, 3, 6, 9].into_iter().enumerate() {
        assert_eq!(frames.times[frame], all.times[index]);
        assert_eq!(frames.trajectory[frame], all.trajectory[index]);
    }
    assert_eq!(frames.trajectory[3], frames.samples);
}

#[test]
fn one_label_serves_lanes_at_their_own_pace_and_several_are_refused() {
    let model = digits();
    let run = |labels: &[u32]| {
        let budget = Budget::Adaptive { abstol: 0.1, reltol: 0.1, max_nfe: Some(60) };
        let condition = Condition::labels(labels);
        let settings = Settings {
            condition,
            per_lane: true,
            ..Settings::new(Solver::parse("bs3").unwrap(), budget)
        };
        made(&model, 2, &settings)
    };
    assert!(run(&[6]).unwrap().outcome.is_success());
    assert!(matches!(run(&[6, 2]), Err(GenerateError::PerLaneLabels(2))));
}

/// The bound that is promised; what 1,000 digits give is in docs/images.md. The seed is fixed, so
/// that nothing here is left to chance.
#[test]
fn guided_digits_are_recognised_as_their_labels() {
    let model = digits();
    let labels: Vec<u32> = (0..100).map(|lane| lane % 10).collect();
    let condition = Condition::labels((0..10).collect::<Vec<_>>()).guided(1.5);
    let settings =
        Settings { condition, ..Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(25)) };
    let samples = made(&model, 100, &settings).unwrap().samples;
    let pixels = samples.into_shape_with_order((100, 784)).unwrap();
    let accuracy = shipped_classifier().unwrap().accuracy(pixels.view(), &labels).unwrap();
    assert!(accuracy >= 0.95, "{accuracy}");
    // Pixels are in the units of the data, and few are brighter than white.
    let bright = pixels.iter().filter(|&&pixel| pixel > 1.1).count();
    assert!(bright * 100 < pixels.len(), "{bright} pixels are over-bright");
    let ink = pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / pixels.len() as f64;
    assert!((0.08..0.2).contains(&ink), "mean brightness {ink}, of real digits 0.13");
}

#[test]
fn what_no_network_can_be_told_is_refused_by_name() {
    let model = digits();
    let refused = |condition| {
        let settings = Settings {
            condition,
            ..Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(2))
        };
        made(&model, 2, &settings).unwrap_err()
    };
    let error = refused(Condition::labels([10]));
    assert!(matches!(error, GenerateError::Label { label: 10, largest: 9 }), "{error}");
    let error = refused(Condition::default().guided(2.0));
    assert!(matches!(error, GenerateError::GuidanceWithoutLabel), "{error}");
    let error = refused(Condition::labels([1]).guided(f64::INFINITY));
    assert!(matches!(error, GenerateError::Guidance(_)), "{error}");
    let cat = TrainedModel::read("cat-rectified-flow").unwrap();
    let settings = Settings {
        condition: Condition::labels([1]),
        ..Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(2))
    };
    let error = made(&cat, 2, &settings).unwrap_err();
    assert!(matches!(error, GenerateError::NoLabels { .. }), "{error}");
    let classifier = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/mnist-classifier.safetensors");
    let error = model::parse(classifier).unwrap_err().to_string();
    assert!(error.contains("a classifier") && error.contains("generates"), "{error}");
    let small = Initial::State(ArrayD::<f32>::zeros(vec![2, 1, 14, 14]));
    let path = process::parse("rectified-flow").unwrap();
    let settings = Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(2));
    let error = generate(&path, &model, small, &settings).unwrap_err();
    assert!(matches!(error, GenerateError::Dimension { expected: 784, .. }), "{error}");
}
