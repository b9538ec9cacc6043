use candle_core::{Device, Tensor};
use driftfield_problems::predictor::{Network, Pullback, Times};
use driftfield_solvers::TrackedTensor;
use ndarray::{Array2, ArrayD};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::modules::Conditions;
use crate::{Conditioned, Guidance};

/// Each graph of `tests/data/onnx`, with what onnxruntime made of it.
const GRAPHS: [(&str, &[u8]); 4] = [
    ("by_lane", include_bytes!("../../tests/data/onnx/by_lane.onnx")),
    ("one_time", include_bytes!("../../tests/data/onnx/one_time.onnx")),
    ("timestep", include_bytes!("../../tests/data/onnx/timestep.onnx")),
    ("told", include_bytes!("../../tests/data/onnx/told.onnx")),
];

fn recorded() -> Value {
    serde_json::from_str(include_str!("../../tests/data/onnx/outputs.json")).unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    match of {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn graph(name: &str, names: &InputNames) -> Result<Graph, OnnxError> {
    let (_, bytes) = GRAPHS.iter().find(|(found, _)| *found == name).unwrap();
    Graph::from_bytes(bytes.to_vec(), names)
}

fn told() -> Conditions {
    let recorded = recorded();
    let labels: Vec<u32> = numbers(&recorded["labels"]).iter().map(|&label| label as u32).collect();
    let difficulty = Tensor::new(numbers(&recorded["difficulty"]), &Device::Cpu).unwrap();
    Conditions::labelled(&labels).unwrap().and("difficulty", difficulty)
}

fn evaluated(network: &Conditioned, x: &ArrayD<f64>, t: Times<'_>) -> ArrayD<f64> {
    let mut out = x.clone();
    network.forward(&mut out, x, t).unwrap();
    out
}

#[test]
fn outputs_are_those_of_onnxruntime() {
    let recorded = recorded();
    let x = Array2::from_shape_vec((3, 2), numbers(&recorded["x"])).unwrap().into_dyn();
    let t = numbers(&recorded["t"]);
    for (name, _) in GRAPHS {
        let graph = graph(name, &InputNames::default()).unwrap();
        assert_eq!(graph.row_shape(), Some(vec![2]), "{name}");
        assert_eq!(graph.time_is_sigma(), name == "by_lane", "{name}");
        let conditions = if name == "told" { told() } else { Conditions::default() };
        assert_eq!(graph.takes_labels(), name == "told");
        assert_eq!(graph.conditions().count(), usize::from(name == "told"));
        let network = Conditioned::new(graph, [2], conditions).unwrap();
        let whole: Vec<f64> = t.iter().map(|t| (4.0 * t).floor()).collect();
        let times = if name == "timestep" { &whole } else { &t };
        let found = evaluated(&network, &x, Times::Each(times));
        for (found, expected) in found.iter().zip(numbers(&recorded[name])) {
            assert!((found - expected).abs() < 2e-6 * (1.0 + expected.abs()), "{name}: {found}");
        }
        // All lanes at the time of the first.
        let at_once = evaluated(&network, &x, Times::One(times[0]));
        // A batch of another size may round otherwise.
        let gap = |row: usize| {
            let pairs = at_once.row(row).into_iter().zip(found.row(row));
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        assert!(gap(0) < 1e-6 && gap(1) > 1e-3, "{name}: {} {}", gap(0), gap(1));
    }
}

trait Row {
    fn row(&self, row: usize) -> Vec<f64>;
}

impl Row for ArrayD<f64> {
    fn row(&self, row: usize) -> Vec<f64> {
        self.index_axis(ndarray::Axis(0), row).iter().copied().collect()
    }
}

#[test]
fn a_graph_is_guided_like_any_network() {
    let x = Array2::from_elem((3, 2), 0.5).into_dyn();
    let network = |conditions| {
        let graph = graph("told", &InputNames::default()).unwrap();
        Conditioned::new(graph, [2], conditions).unwrap()
    };
    let other = Conditions::labelled(&[2]).unwrap();
    let away = network(Conditions { labels: other.labels.clone(), ..told() });
    let guided = network(told()).guided(Guidance::new(2.0, other).unwrap()).unwrap();
    let at = |network: &Conditioned| evaluated(network, &x, 0.5.into());
    let (with, without) = (at(&network(told())), at(&away));
    for ((found, with), without) in at(&guided).iter().zip(&with).zip(&without) {
        assert!((found - (2.0 * with - without)).abs() < 1e-5);
    }
}

#[test]
fn inputs_are_named_or_the_graph_says_what_it_has() {
    let names = |state: &str, time: &str| InputNames {
        state: Some(state.to_owned()).filter(|name| !name.is_empty()),
        time: Some(time.to_owned()).filter(|name| !name.is_empty()),
        ..InputNames::default()
    };
    assert!(graph("told", &names("x", "t")).is_ok());
    let refused = graph("told", &names("y", "t")).unwrap_err().to_string();
    assert!(refused.contains("`y`") && refused.contains("`difficulty` [?]"), "{refused}");
    let refused = graph("told", &names("class_labels", "t")).unwrap_err().to_string();
    assert!(refused.contains("cannot be the state"), "{refused}");
    // The difficulty is as good a time by its shape: whoever says so is believed.
    let graph_of_difficulty = graph("told", &names("", "difficulty")).unwrap();
    assert_eq!(graph_of_difficulty.conditions().collect::<Vec<_>>(), ["t"]);
    let output = InputNames { output: Some("logits".to_owned()), ..InputNames::default() };
    let refused = graph("told", &output).unwrap_err().to_string();
    assert!(refused.contains("`logits`") && refused.contains("out"), "{refused}");
}

#[test]
fn what_is_not_told_and_what_does_not_fit_is_refused() {
    let (x, mut out) = (ArrayD::from_elem(vec![3, 2], 0.5), ArrayD::zeros(vec![3, 2]));
    let network = |name: &str, shape: &[usize], told| {
        Conditioned::new(graph(name, &InputNames::default()).unwrap(), shape, told).unwrap()
    };
    let refused = network("told", &[2], Conditions::default()).forward(&mut out, &x, 0.5.into());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("labels"), "{refused}");
    let refused =
        network("timestep", &[2], Conditions::default()).forward(&mut out, &x, 0.5.into());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("nearest-timestep"), "{refused}");
    let (x, mut out) = (ArrayD::from_elem(vec![3, 5], 0.5), ArrayD::zeros(vec![3, 5]));
    let refused = network("by_lane", &[5], Conditions::default()).forward(&mut out, &x, 0.5.into());
    assert!(refused.unwrap_err().to_string().contains("graph"));
}

#[test]
fn a_graph_knows_no_way_back() {
    let network = graph("by_lane", &InputNames::default()).unwrap();
    let network = Conditioned::new(network, [2], Conditions::default()).unwrap();
    let x = ArrayD::from_elem(vec![3, 2], 0.5);
    let given = |_: std::ops::Range<usize>, _: &ArrayD<f64>, out: &mut ArrayD<f64>| {
        out.fill(1.0);
        Ok(())
    };
    let (mut value, mut product) = (x.clone(), x.clone());
    let pull = Pullback::new(&mut value, &given, &mut product);
    let refused = network.pull_back(pull, &x, 0.5.into()).unwrap_err().to_string();
    assert!(refused.contains("no way back"), "{refused}");
    let x = TrackedTensor(Tensor::ones((3, 2), candle_core::DType::F64, &Device::Cpu).unwrap());
    assert!(network.forward(&mut x.clone(), &x, 0.5.into()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn damaged_graphs_are_refused_or_run_and_never_end_the_program(
        cut in 0usize..2000,
        flips in prop::collection::vec((0usize..2000, 1u8..), 0..6),
        which in 0usize..4,
    ) {
        let mut bytes = GRAPHS[which].1.to_vec();
        let len = bytes.len();
        bytes.truncate(cut.max(1).min(len));
        for (at, bits) in flips {
            let at = at % bytes.len();
            bytes[at] ^= bits;
        }
        if let Ok(graph) = Graph::from_bytes(bytes, &InputNames::default()) {
            let network = Conditioned::new(graph, [2], told()).unwrap();
            let x = ArrayD::from_elem(vec![3, 2], 0.5);
            let _ = network.forward(&mut x.clone(), &x, 0.5.into());
        }
    }
}
