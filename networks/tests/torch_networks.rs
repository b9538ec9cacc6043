//! Networks from PyTorch and for it: their outputs here are those of torch, recorded by the scripts
//! in `data/`.

use std::fs;
use std::path::Path;

use driftfield_networks::tensors::{Format, NamedTensors, Renaming, Rule, TensorsError};
use driftfield_networks::weights::{TorchLayout, TorchNetwork, TrainedNetwork, to_torch};
use driftfield_networks::{Architecture, MlpConfig, Parameters, Plan, UNetConfig};
use driftfield_problems::checksum;
use driftfield_problems::predictor::{Network, Times};
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;
use serde_json::Value;

const STATE_DICT: &[u8] = include_bytes!("data/torch-mlp.pt");
/// Outputs of the module of `STATE_DICT`, in double precision.
const OF_TORCH: &str = include_str!("data/torch-mlp.json");
/// Outputs of `loader.py` on the files of [`to_torch`].
const OF_LOADER: [&str; 2] =
    [include_str!("data/torch-export.json"), include_str!("data/torch-export-unet.json")];

fn state_dict() -> NamedTensors {
    NamedTensors::from_bytes(STATE_DICT, Format::Torch).unwrap()
}

fn trained<A: Architecture>(parameters: Parameters<A>) -> TrainedNetwork<A> {
    let dimension = parameters.config().dimension();
    TrainedNetwork {
        parameters,
        process: "vp:beta_min=0.1,beta_max=20".into(),
        prediction: "noise".into(),
        standardisation: Standardisation { mean: vec![0.0; dimension], std: vec![1.0; dimension] },
        training: Value::Null,
        data: "none".into(),
        data_std: None,
    }
}

fn mlp() -> TrainedNetwork<MlpConfig> {
    let like = MlpConfig { residual: true, ..MlpConfig::new(1) };
    trained(Parameters::from_torch(&state_dict(), &like).unwrap())
}

/// A small U-Net with no weight like another.
fn unet() -> TrainedNetwork<UNetConfig> {
    let sizes = UNetConfig {
        side: 8,
        channels: vec![16, 32],
        groups: 4,
        heads: 2,
        ..UNetConfig::default()
    };
    let config = UNetConfig { condition: 16, time_features: 8, labels: 3, ..sizes };
    let count = config.entries().last().unwrap().range.end;
    // Exact in f32, so that every machine has the same file.
    let value = |i: usize| ((i * 7919 + i * i % 613) % 1021) as f32 / 2048.0 - 0.25;
    trained(Parameters::from_values(&config, (0..count).map(value).collect()).unwrap())
}

fn rows(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn largest_gap(plan: &Plan, x: &Array2<f64>, t: Times<'_>, expected: &Array2<f64>) -> f64 {
    let mut out = Array2::<f64>::zeros(x.dim());
    plan.forward(&mut out, x, t).unwrap();
    (out - expected).iter().fold(0.0, |gap, difference| difference.abs().max(gap))
}

#[test]
fn a_network_that_torch_saved_gives_its_outputs() {
    let record: Value = serde_json::from_str(OF_TORCH).unwrap();
    let parameters = Parameters::from_torch(&state_dict(), &MlpConfig::new(1)).unwrap();
    let MlpConfig { dimension, width, layers, time_features, .. } = *parameters.config();
    assert_eq!([dimension, width, layers, time_features], [3, 8, 2, 6]);
    let t = numbers(&record["t"]);
    let (x, y) = (rows(&record["x"]), rows(&record["y"]));
    let gap = largest_gap(&Plan::new(&parameters), &x, Times::Each(&t), &y);
    assert!(gap < 1e-6, "{gap:e}");
    // The frequencies are not in the file: others are another network.
    let like = MlpConfig { frequency_max: 50.0, ..MlpConfig::new(1) };
    let other = Parameters::from_torch(&state_dict(), &like).unwrap();
    assert!(largest_gap(&Plan::new(&other), &x, Times::Each(&t), &y) > 1e-3);
}

#[test]
fn a_state_dict_of_another_module_is_refused_with_what_to_do() {
    let renamed = |rule| state_dict().rename(&Renaming::from(vec![rule])).unwrap();
    let refused =
        |tensors: &NamedTensors| Parameters::from_torch(tensors, &MlpConfig::new(1)).unwrap_err();
    let error = refused(&renamed(Rule::rename("output.bias", "output.b")));
    assert!(
        matches!(&error, TensorsError::Missing { name, .. } if name == "output.bias"),
        "{error}"
    );
    let error = refused(&renamed(Rule::rename("layers.1.*", "layers.2.*")));
    assert!(matches!(&error, TensorsError::Leftover { names } if names.len() == 2), "{error}");
    let error = refused(&renamed(Rule::drop("time.*")));
    assert!(error.to_string().contains("`time.weight`"), "{error}");
    let mut tensors = renamed(Rule::drop("state.weight"));
    tensors.insert("state.weight", state_dict().get("time.weight").unwrap().clone()).unwrap();
    let error = refused(&tensors);
    assert!(
        matches!(&error, TensorsError::Shape { name, .. } if name == "output.weight"),
        "{error}"
    );
}

/// Leaves the files that `record_torch_export.py` takes in the folder of tests, and holds them
/// against those that it took.
fn exported<A: TorchLayout>(
    network: &TrainedNetwork<A>,
    name: &str,
    record: &Value,
) -> TorchNetwork {
    let exported = to_torch(network).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    exported.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), exported.weights);
    assert_eq!(fs::read_to_string(path.with_file_name("loader.py")).unwrap(), exported.loader);
    let sums = [&exported.weights, exported.loader.as_bytes()];
    let [weights, loader] = sums.map(|bytes| format!("{:016x}", checksum::of([bytes])));
    assert_eq!(record["checksum"], weights, "record it anew by data/record_torch_export.py");
    assert_eq!(record["loader"], loader, "record it anew by data/record_torch_export.py");
    exported
}

#[test]
fn the_mlp_for_torch_gives_in_torch_what_it_gives_here() {
    let record: Value = serde_json::from_str(OF_LOADER[0]).unwrap();
    let network = mlp();
    exported(&network, "torch-export.safetensors", &record);
    let plan = network.plan();
    let (x, t) = (rows(&record["x"]), numbers(&record["t"]));
    assert!(largest_gap(&plan, &x, Times::Each(&t), &rows(&record["each"])) < 1e-5);
    assert!(largest_gap(&plan, &x, Times::One(0.3), &rows(&record["one"])) < 1e-5);
}

#[test]
fn the_u_net_for_torch_gives_in_torch_what_it_gives_here() {
    let record: Value = serde_json::from_str(OF_LOADER[1]).unwrap();
    let network = unet();
    exported(&network, "torch-export-unet.safetensors", &record);
    let plan = network.plan();
    let (x, t) = (rows(&record["x"]), numbers(&record["t"]));
    let expected = rows(&record["none"]);
    let size = expected.iter().fold(0.0f64, |size, value| value.abs().max(size));
    assert!(size > 0.1, "{size}");
    let most = 1e-5 * size.max(1.0);
    assert!(largest_gap(&plan, &x, Times::One(0.3), &expected) < most);
    let labels = numbers(&record["labels"]).into_iter().map(|label| label as u32).collect();
    let (labelled, of_two) = (plan.with_labels(labels).unwrap(), plan.with_label(2).unwrap());
    assert!(largest_gap(&labelled, &x, Times::One(0.3), &rows(&record["labelled"])) < most);
    assert!(largest_gap(&of_two, &x, Times::Each(&t), &rows(&record["each"])) < most);
    assert!(largest_gap(&plan, &x, Times::One(0.3), &rows(&record["labelled"])) > 1e-3);
}

#[test]
fn what_is_written_for_torch_is_read_back() {
    let network = mlp();
    let exported = to_torch(&network).unwrap();
    let tensors = NamedTensors::from_bytes(&exported.weights, Format::Safetensors).unwrap();
    assert_eq!(tensors.checksum().unwrap(), state_dict().checksum().unwrap());
    let back = Parameters::from_torch(&tensors, network.parameters.config()).unwrap();
    assert_eq!(back, network.parameters);
}

#[test]
fn a_u_net_of_one_level_has_a_layout_too() {
    let config =
        UNetConfig { side: 8, channels: vec![16], groups: 4, heads: 2, ..UNetConfig::default() };
    let tensors = Parameters::initialise(&config, 1).unwrap().to_tensors().unwrap();
    let renamed = tensors.rename(&config.torch_layout()).unwrap();
    assert_eq!(renamed.get("up.0.skip.weight").unwrap().dims(), [16, 32, 1, 1]);
    assert_eq!(renamed.get("stem.weight").unwrap().dims(), [16, 4, 3, 3]);
    assert_eq!(renamed.get("last_norm.bias").unwrap().dims(), [16]);
}
