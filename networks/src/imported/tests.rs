use std::fs;
use std::path::{Path, PathBuf};

use driftfield_problems::predictor::{Network, Times};
use ndarray::{Array, ArrayD, IxDyn};
use serde_json::Value;

use super::*;
use crate::{Conditioned, Plan};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn recorded(name: &str) -> Value {
    serde_json::from_slice(&fs::read(data(name)).unwrap()).unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    match of {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// Nested lists as an array.
fn array(of: &Value) -> ArrayD<f64> {
    let (mut shape, mut inner) = (Vec::new(), of);
    while let Value::Array(values) = inner {
        shape.push(values.len());
        inner = &values[0];
    }
    Array::from_shape_vec(IxDyn(&shape), numbers(of)).unwrap()
}

fn told(text: &str) -> Description {
    Description::from_json(text).unwrap()
}

fn condunet(more: &str) -> Result<Imported, ImportError> {
    let text = format!(r#"{{"architecture": "condunet2d:num_heads=2"{more}}}"#);
    Imported::read(data("condunet2d/model.msgpack"), told(&text))
}

/// The largest difference to what the original gave.
fn error_of(imported: &Imported) -> f64 {
    let io = recorded("condunet2d/io.json");
    let first = |name: &str| array(&io[name]).permuted_axes(IxDyn(&[0, 3, 1, 2]));
    let (x, y) = (first("x").as_standard_layout().to_owned(), first("y"));
    let network = imported.network().unwrap().clone();
    let network = Conditioned::new(network, imported.row_shape(), Default::default()).unwrap();
    let mut out = x.clone();
    network.forward(&mut out, &x, Times::Each(&numbers(&io["t"]))).unwrap();
    out.iter().zip(&y).map(|(out, y)| (out - y).abs()).fold(0.0, f64::max)
}

#[test]
fn a_network_that_is_kept_is_the_one_that_was_read() {
    let imported = condunet(r#", "shape": [1, 8, 8], "prediction": "noise""#).unwrap();
    assert!(error_of(&imported) < 1e-5);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.safetensors");
    imported.save(&file).unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(Imported::is_kept(&bytes));
    let kept = Imported::read(&file, Description::default()).unwrap();
    assert_eq!(kept.description, imported.description);
    assert_eq!((kept.checksum(), kept.row_shape()), (imported.checksum(), &[1, 8, 8][..]));
    assert!(error_of(&kept) < 1e-5);
    // Kept once more, it is the same to the byte.
    let again = folder.path().join("again.safetensors");
    kept.save(&again).unwrap();
    assert_eq!(fs::read(&again).unwrap(), bytes);
    // What is said anew goes first.
    let other = Imported::read(&file, told(r#"{"prediction": "v"}"#)).unwrap();
    assert_eq!(other.description.prediction.unwrap().name(), "v");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&again, flipped).unwrap();
    let refused = Imported::read(&again, Description::default()).unwrap_err().to_string();
    assert!(refused.contains("checksum"), "{refused}");
    fs::write(&again, &bytes[..bytes.len() - 1]).unwrap();
    assert!(Imported::read(&again, Description::default()).is_err());
}

#[test]
fn our_mlp_from_torch_is_a_network_of_our_own() {
    let io = recorded("torch-mlp.json");
    let description = told(
        r#"{"architecture": "mlp:frequency_max=100", "process": "vp", "prediction": "noise"}"#,
    );
    let imported = Imported::read(data("torch-mlp.pt"), description).unwrap();
    let own = imported.own().expect("an architecture of ours");
    assert_eq!(own.architecture, "mlp");
    assert!(imported.network().is_none());
    let (x, y) = (array(&io["x"]), array(&io["y"]));
    let mut out = x.clone();
    Network::forward(&own.plan as &Plan, &mut out, &x, Times::Each(&numbers(&io["t"]))).unwrap();
    for (out, y) in out.iter().zip(&y) {
        assert!((out - y).abs() < 1e-5 * (1.0 + y.abs()), "{out} {y}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.safetensors");
    imported.save(&file).unwrap();
    assert_eq!(crate::weights::AnyNetwork::load(&file).unwrap().process, "vp");
}

#[test]
fn folders_that_diffusers_saved_are_read_with_their_schedulers() {
    let folder = tempfile::tempdir().unwrap();
    let unet = folder.path().join("unet");
    fs::create_dir_all(folder.path().join("scheduler")).unwrap();
    fs::create_dir(&unet).unwrap();
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        fs::copy(data("diffusers/plain").join(file), unet.join(file)).unwrap();
    }
    let scheduler = r#"{"_class_name": "DDPMScheduler", "beta_schedule": "scaled_linear",
        "beta_start": 0.001, "beta_end": 0.01, "num_train_timesteps": 500,
        "prediction_type": "v_prediction"}"#;
    fs::write(folder.path().join("scheduler/scheduler_config.json"), scheduler).unwrap();
    fs::write(folder.path().join("model_index.json"), "{}").unwrap();
    let imported = Imported::read(folder.path(), Description::default()).unwrap();
    let description = &imported.description;
    assert_eq!(
        description.process.as_deref(),
        Some("ddpm:timesteps=500,schedule=scaled-linear,beta_min=0.001,beta_max=0.01")
    );
    assert_eq!(description.prediction.unwrap().name(), "v");
    assert_eq!(description.model_time.as_deref(), Some("timestep"));
    let process = driftfield_problems::process::parse(description.process.as_ref().unwrap());
    assert_eq!(process.unwrap().timesteps(), Some(500));
    fs::remove_file(unet.join("diffusion_pytorch_model.safetensors")).unwrap();
    let refused = Imported::read(folder.path(), Description::default()).unwrap_err().to_string();
    assert!(refused.contains("diffusion_pytorch_model"), "{refused}");
    fs::remove_file(unet.join("config.json")).unwrap();
    let refused = Imported::read(folder.path(), Description::default()).unwrap_err().to_string();
    assert!(refused.contains("model_index.json"), "{refused}");
}

#[test]
fn schedulers_say_their_process() {
    let of = |text: &str| Description::from_json(text);
    let flow = of(r#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#).unwrap();
    assert_eq!(flow.process.as_deref(), Some("rectified-flow"));
    assert_eq!(flow.model_time.as_deref(), Some("t:times=1000"));
    let cosine = of(r#"{"_class_name": "DDIMScheduler", "beta_schedule": "squaredcos_cap_v2",
        "rescale_betas_zero_snr": true, "prediction_type": "sample"}"#)
    .unwrap();
    let process = cosine.process.unwrap();
    assert_eq!(process, "ddpm:timesteps=1000,schedule=cosine,zero_terminal_snr=true");
    driftfield_problems::process::parse(&process).unwrap();
    for (text, word) in [
        (r#"{"_class_name": "AutoencoderKL"}"#, "UNet2DModel"),
        (r#"{"_class_name": "DDPMScheduler", "beta_schedule": "sigmoid"}"#, "sigmoid"),
        (r#"{"_class_name": "DDPMScheduler", "trained_betas": [0.1]}"#, "betas.npy"),
        (r#"{"_class_name": "DDPMScheduler", "prediction_type": "score"}"#, "score"),
        (r#"{"procces": "vp"}"#, "procces"),
        ("{", "EOF"),
    ] {
        let refused = of(text).unwrap_err();
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn what_is_said_key_by_key_is_what_is_said_in_a_file() {
    let keys = |text: &str| -> Vec<(String, String)> {
        let pair = |pair: &str| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        text.split(',').filter_map(pair).collect()
    };
    let of = |text: &str| Description::of_keys("model.pt", &keys(text));
    let by_keys = of("architecture=condunet2d,num_heads=2,shape=1x8x8,prediction=v,\
        condition.image=a.npy,negative.level=0.5,time=sigma");
    let in_file = told(
        r#"{"architecture": "condunet2d:num_heads=2", "shape": [1, 8, 8], "prediction": "v",
        "conditions": {"image": "a.npy"}, "negative": {"level": 0.5}, "inputs": {"time": "sigma"}}"#,
    );
    assert_eq!(by_keys.unwrap(), in_file);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told.json");
    let text = r#"{"prediction": "data", "shape": [2], "conditions": {"image": "a.npy"}}"#;
    fs::write(&file, text).unwrap();
    let both = of(&format!("prediction=v,config={}", file.display())).unwrap();
    assert_eq!((both.prediction.unwrap().name(), both.shape.unwrap()), ("v", vec![2]));
    assert_eq!(both.conditions["image"], Input::File(folder.path().join("a.npy")));
    for (text, word) in [
        ("predictoin=v", "did you mean `prediction`"),
        ("num_heads=2", "it takes"),
        ("shape=1x", "3x32x32"),
        ("prediction=epsilom", "noise"),
        ("config=not-there.json", "not-there.json"),
    ] {
        let refused = of(text).unwrap_err().to_string();
        assert!(refused.contains(word), "{text}: {refused}");
    }
}

#[test]
fn what_has_to_be_known_and_what_does_not_fit_is_said() {
    let refused = |more: &str| condunet(more).unwrap_err().to_string();
    assert!(refused("").contains("--shape"), "{}", refused(""));
    assert!(refused(r#", "shape": []"#).contains("shape"));
    assert!(refused(r#", "shape": [1, 8, 8], "units": {"std": 0}"#).contains("units"));
    assert!(refused(r#", "shape": [1, 8, 8], "model_time": "seconds""#).contains("timestep"));
    assert!(refused(r#", "shape": [1, 8, 8], "dtype": "f8""#).contains("bf16"));
    let image = r#", "shape": [1, 8, 8], "conditions": {"image": "not-there.npy"}"#;
    assert!(refused(image).contains("not-there.npy"));
    let wrong = Imported::read(
        data("condunet2d/model.msgpack"),
        told(r#"{"architecture": "psdenoiser", "shape": [1, 8, 8]}"#),
    );
    assert!(wrong.unwrap_err().to_string().contains("time_mlp.1.weight"));
    let unknown = told(r#"{"architecture": "condunet", "shape": [1, 8, 8]}"#);
    let refused = Imported::read(data("condunet2d/model.msgpack"), unknown).unwrap_err();
    assert!(refused.to_string().contains("did you mean `condunet2d`"), "{refused}");
    let refused = Imported::read(data("condunet2d/io.json"), Description::default());
    assert!(refused.unwrap_err().to_string().contains("safetensors"));
}

#[test]
fn names_of_tensors_say_the_architecture() {
    let imported = Imported::read(
        data("condunet2d/model.msgpack"),
        told(r#"{"configuration": null, "shape": [1, 8, 8]}"#),
    )
    .unwrap();
    assert_eq!(imported.description.architecture.as_deref(), Some("condunet2d"));
}

#[cfg(feature = "onnx")]
#[test]
fn a_graph_says_its_shape_and_whether_its_time_is_the_noise() {
    let imported =
        Imported::read(data("onnx/by_lane.onnx"), told(r#"{"prediction": "data"}"#)).unwrap();
    assert_eq!(imported.row_shape(), [2]);
    assert_eq!(imported.description.model_time.as_deref(), Some("sigma"));
    let refused = imported.save("not-written.safetensors").unwrap_err().to_string();
    assert!(refused.contains("as it is"), "{refused}");
    assert!(!Path::new("not-written.safetensors").exists());
}
