//! Other people's networks, from their files through every solver.

use std::path::{Path, PathBuf};

use driftfield::generate::{
    Budget, Condition, GenerateError, Initial, Interval, Model, Settings, TensorModel, generate,
    model,
};
use driftfield::networks::candle_core::{DType, Device, Tensor};
use driftfield::networks::modules::Conditions;
use driftfield::networks::{OneThread, TensorFn};
use driftfield::problems::method::{self, Solver};
use driftfield::problems::predictor::Prediction;
use driftfield::problems::process::{self, GaussianPath};
use ndarray::ArrayD;

fn file(name: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("networks/tests/data");
    let path: PathBuf = data.join(name);
    path.display().to_string()
}

/// CondUNet2D of the tutorial, from its own file.
fn condunet() -> std::sync::Arc<dyn Model> {
    let keys = "architecture=condunet2d,num_heads=2,shape=1x8x8,prediction=noise";
    model::parse(&format!("{}:{keys}", file("condunet2d/model.msgpack"))).unwrap()
}

#[test]
fn every_solver_generates_with_a_network_of_flax() {
    let model = condunet();
    let path = process::parse("vp").unwrap();
    let solvers: Vec<Solver> = method::catalog().defaults().collect();
    assert!(solvers.len() > 60, "{}", solvers.len());
    for solver in solvers {
        let settings = Settings {
            t_end: Some(0.1),
            seed: 3,
            ..Settings::new(solver.clone(), Budget::Steps(3))
        };
        let initial = Initial::<f32>::Noise { lanes: 2 };
        let made = generate(&path, &*model, initial, &settings);
        let made = made.unwrap_or_else(|error| panic!("{}: {error}", solver.label()));
        let made = made.complete().unwrap_or_else(|error| panic!("{}: {error}", solver.label()));
        assert_eq!(made.shape(), [2, 1, 8, 8], "{}", solver.label());
        assert!(made.iter().all(|value| value.is_finite()), "{}", solver.label());
    }
}

/// A network whose data are the labels, 0 where it is told none: label 4 of 4.
fn of_labels() -> TensorModel {
    let module = |x: &Tensor, _: &Tensor, told: &Conditions| {
        let lanes = x.dim(0)?;
        let label = told.labels(lanes)?;
        let none = label.eq(4u32)?;
        let label = none.where_cond(&label.zeros_like()?, &label)?.to_dtype(DType::F32)?;
        label.reshape((lanes, 1))?.broadcast_as(x.shape())
    };
    let module = TensorFn::new(DType::F32, Device::Cpu, module);
    TensorModel::new("labels", [2], Prediction::Data, module).labels(4)
}

fn made(model: &dyn Model, settings: &Settings, lanes: usize) -> ArrayD<f64> {
    let path = process::parse("vp").unwrap();
    let made = generate(&path, model, Initial::<f64>::Noise { lanes }, settings).unwrap();
    made.complete().unwrap()
}

fn heun(steps: usize) -> Settings {
    Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(steps))
}

#[test]
fn guidance_goes_beyond_the_label_away_from_what_is_negative_and_where_it_acts() {
    let model = of_labels();
    let ends = |condition: Condition| {
        let settings = Settings { condition, denoise_final: true, ..heun(20) };
        let made = made(&model, &settings, 2);
        (made[[0, 0]], made[[1, 1]])
    };
    assert_eq!(ends(Condition::labels([2, 3])), (2.0, 3.0));
    // 0 + 1.5 (label - 0), and away from label 1: 1 + 1.5 (label - 1).
    assert_eq!(ends(Condition::labels([2, 3]).guided(1.5)), (3.0, 4.5));
    let negative = Condition { negative: vec![1], ..Condition::labels([2, 3]).guided(1.5) };
    assert_eq!(ends(negative), (2.5, 4.0));
    // At the end, where the data is predicted, it does not act.
    let early = Interval::Times(0.5, 1.0);
    let early = Condition { interval: Some(early), ..Condition::labels([2, 3]).guided(1.5) };
    assert_eq!(ends(early), (2.0, 3.0));
}

#[test]
fn forwards_are_counted_where_guidance_acts() {
    let model = of_labels();
    let path = process::parse("vp").unwrap();
    let counted = |interval: Option<Interval>| {
        let condition = Condition { interval, ..Condition::labels([1]).guided(2.0) };
        let settings = Settings {
            condition,
            t_end: Some(0.2),
            ..Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(8))
        };
        let noise = Initial::<f32>::Noise { lanes: 3 };
        let made = generate(&path, &model, noise, &settings).unwrap();
        (made.statistics.nfe, made.statistics.network_forwards)
    };
    assert_eq!(counted(None), (8, 16));
    // Steps start at 1, 0.9, .., 0.3: six of them from 0.5 on.
    assert_eq!(counted(Some(Interval::Times(0.49, 1.0))), (8, 14));
    let levels = |t: f64| path.sigma(t) / path.alpha(t);
    assert_eq!(counted(Some(Interval::Levels(levels(0.35), levels(0.75)))), (8, 12));
}

#[test]
fn a_module_of_one_thread_runs_through_generation() {
    let module = OneThread::start(DType::F64, Device::Cpu, || {
        let point = std::rc::Rc::new(Tensor::new(&[[1.0, -2.0]], &Device::Cpu)?);
        Ok(move |x: &Tensor, _: &Tensor, _: &Conditions| point.broadcast_as(x.shape()))
    });
    let model = TensorModel::new("point", [2], Prediction::Data, module.unwrap());
    let made = made(&model, &Settings { denoise_final: true, ..heun(10) }, 3);
    assert_eq!((made[[2, 0]], made[[0, 1]]), (1.0, -2.0));
}

#[test]
fn what_a_network_cannot_be_told_is_refused() {
    let model = of_labels();
    let path = process::parse("vp").unwrap();
    let refused = |condition: Condition| {
        let settings = Settings { condition, ..heun(2) };
        generate(&path, &model, Initial::<f32>::Noise { lanes: 1 }, &settings).unwrap_err()
    };
    assert!(matches!(refused(Condition::labels([4])), GenerateError::Label { largest: 3, .. }));
    let bare = refused(Condition::default().guided(2.0));
    assert!(matches!(bare, GenerateError::GuidanceWithoutLabel));
    let text = format!("{}:shape=2,prediction=data,process=edm", file("onnx/by_lane.onnx"));
    let graph = model::parse(&text).unwrap();
    let noise = Initial::<f32>::Noise { lanes: 1 };
    let error = generate(&path, &*graph, noise, &heun(2)).unwrap_err();
    assert!(matches!(error, GenerateError::Process { .. }), "{error}");
}

#[test]
fn guidance_in_an_interval_is_for_our_own_networks_too() {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mnist-vp.safetensors");
    let model = model::parse(&text.display().to_string()).unwrap();
    let path = process::parse(model.process().unwrap()).unwrap();
    let ends = |interval: Option<Interval>| {
        let condition = Condition { interval, ..Condition::labels([3]).guided(2.0) };
        let mut settings = heun(3);
        settings.condition = condition;
        let noise = Initial::<f32>::Noise { lanes: 1 };
        let made = generate(&path, &*model, noise, &settings).unwrap();
        (made.statistics.network_forwards, made.complete().unwrap())
    };
    let (forwards, whole) = ends(None);
    let (same, everywhere) = ends(Some(Interval::Times(0.0, 1.0)));
    assert_eq!((forwards, same), (12, 12));
    let gap = |a: &ArrayD<f32>, b: &ArrayD<f32>| {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(gap(&whole, &everywhere) < 1e-4, "{}", gap(&whole, &everywhere));
    let (fewer, part) = ends(Some(Interval::Times(0.5, 1.0)));
    assert!(fewer < 12 && gap(&whole, &part) > 1e-3);
}
