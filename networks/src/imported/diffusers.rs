//! What diffusers writes beside its weights.

use std::path::{Path, PathBuf};

use driftfield_problems::echo::echo;
use driftfield_problems::predictor::Prediction;
use driftfield_solvers::number::Number;
use serde_json::Value;

use super::{Description, ImportError};

/// Networks by the names of their classes.
const NETWORKS: [(&str, &str); 2] =
    [("UNet2DModel", "unet2d"), ("UNet2DConditionModel", "unet2d-condition")];

/// What a `config.json` or a `scheduler_config.json` says, by the name of its class.
pub(super) fn described(class: &str, value: &Value) -> Result<Description, String> {
    if let Some((_, architecture)) = NETWORKS.iter().find(|(name, _)| *name == class) {
        let classes = value["num_class_embeds"].as_u64().map(|count| count as usize);
        return Ok(Description {
            architecture: Some((*architecture).to_owned()),
            configuration: Some(value.clone()),
            shape: shape(value),
            classes,
            ..Description::default()
        });
    }
    if class.ends_with("Scheduler") {
        return scheduled(class, value);
    }
    let known = NETWORKS.map(|(name, _)| name).join(", ");
    Err(format!("`{}` of diffusers is none of {known}, and no scheduler", echo(class)))
}

/// `[channels, side, side]` where the configuration says them.
fn shape(value: &Value) -> Option<Vec<usize>> {
    let channels = value["in_channels"].as_u64()? as usize;
    let side = |value: &Value| value.as_u64().map(|side| side as usize);
    match &value["sample_size"] {
        Value::Array(sides) => Some(vec![channels, side(sides.first()?)?, side(sides.get(1)?)?]),
        one => Some(vec![channels, side(one)?, side(one)?]),
    }
}

/// The process, the prediction and the time of a scheduler.
fn scheduled(class: &str, value: &Value) -> Result<Description, String> {
    let timesteps = value["num_train_timesteps"].as_u64().unwrap_or(1000);
    if class.starts_with("FlowMatch") {
        return Ok(Description {
            process: Some("rectified-flow".to_owned()),
            prediction: Some(Prediction::Velocity),
            model_time: Some(format!("t:times={timesteps}")),
            ..Description::default()
        });
    }
    let prediction = match value["prediction_type"].as_str() {
        None | Some("epsilon") => Prediction::Noise,
        Some("sample") => Prediction::Data,
        Some("v_prediction") => Prediction::V,
        Some(other) => return Err(format!("the prediction_type `{}` is not known", echo(other))),
    };
    Ok(Description {
        process: Some(process(timesteps, value)?),
        prediction: Some(prediction),
        model_time: Some("timestep".to_owned()),
        ..Description::default()
    })
}

/// The betas' process.
fn process(timesteps: u64, value: &Value) -> Result<String, String> {
    if !value["trained_betas"].is_null() {
        return Err("betas of its own (`trained_betas`); write them to betas.npy and give \
                    `ddpm:betas=betas.npy`"
            .to_owned());
    }
    let terminal = match value["rescale_betas_zero_snr"].as_bool() {
        Some(true) => ",zero_terminal_snr=true",
        _ => "",
    };
    let beta = |key: &str, usual: f64| Number(value[key].as_f64().unwrap_or(usual));
    let (first, last) = (beta("beta_start", 1e-4), beta("beta_end", 0.02));
    match value["beta_schedule"].as_str() {
        None | Some("linear") => {
            Ok(format!("ddpm:timesteps={timesteps},beta_min={first},beta_max={last}{terminal}"))
        }
        Some("scaled_linear") => Ok(format!(
            "ddpm:timesteps={timesteps},schedule=scaled-linear,beta_min={first},beta_max={last}{terminal}"
        )),
        Some("squaredcos_cap_v2") => {
            Ok(format!("ddpm:timesteps={timesteps},schedule=cosine{terminal}"))
        }
        Some(other) => Err(format!(
            "the beta_schedule `{}` is none of linear, scaled_linear and squaredcos_cap_v2",
            echo(other)
        )),
    }
}

/// The weights of a folder that diffusers saved, with what its JSONs say: that of a pipeline
/// (`model_index.json`, `unet/`, `scheduler/`) or of a network alone (`config.json`).
pub(super) fn folder(path: &Path) -> Result<(PathBuf, Description), ImportError> {
    let unet = path.join("unet");
    let network = if unet.is_dir() { unet } else { path.to_owned() };
    let config = network.join("config.json");
    if !config.is_file() {
        return Err(ImportError::Description {
            path: path.to_owned(),
            reason: "a folder of diffusers has a config.json, or model_index.json with unet/ and \
                     scheduler/; give a file of weights otherwise"
                .to_owned(),
        });
    }
    let mut told = Description::read(config)?;
    let schedulers = [path.join("scheduler"), path.to_owned()];
    let scheduler = schedulers.map(|folder| folder.join("scheduler_config.json"));
    if let Some(scheduler) = scheduler.iter().find(|file| file.is_file()) {
        told = told.or(Description::read(scheduler)?);
    }
    let names = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"];
    let weights = names.map(|name| network.join(name));
    match weights.iter().find(|file| file.is_file()) {
        Some(file) => Ok((file.clone(), told)),
        None => Err(ImportError::Description {
            path: network,
            reason: format!("no weights are there; one of {} is expected", names.join(", ")),
        }),
    }
}
