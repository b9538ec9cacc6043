//! What has to be known of a network beside its tensors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::DType;
use driftfield_problems::catalog::{Entry, Key};
use driftfield_problems::echo::echo;
use driftfield_problems::predictor::Prediction;
use driftfield_problems::spec::{Spec, SpecError};
use driftfield_problems::user_file;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ImportError, Units, diffusers};
use crate::tensors::Renaming;

/// What a network is told beside state and time: a number for all lanes, or a `.npy` file of one row
/// for each lane or one row for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A number.
    Number(f64),
    /// Rows.
    File(PathBuf),
}

/// What has to be known of a network beside its tensors, each where the file does not say it: read
/// from JSON, or given key by key.
///
/// ```
/// use driftfield_networks::imported::Description;
///
/// let mut told = Description::from_json(r#"{
///     "architecture": "psdenoiser", "process": "vp:beta_min=0.1,beta_max=20",
///     "prediction": "noise", "model_time": "t:times=999", "shape": [1, 32, 16],
///     "conditions": {"image": "image.npy"}
/// }"#)?;
/// told.set("prediction", "v")?;
/// assert_eq!(told.prediction.map(|prediction| prediction.name()), Some("v"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Description {
    /// The architecture, as `name` or `name:key=value`; recognised by the tensors' names if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What the original's constructor was told, in its own words (diffusers' `config.json`); what
    /// the tensors' shapes say if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Value>,
    /// Where in a checkpoint the tensors are: `state_dict`, `ema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Other names and layouts of the tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renaming: Option<Renaming>,
    /// Type of numbers it computes in: `f32`, `f64`, `f16` or `bf16`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// The process it was trained on, as `--process` takes it; any if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// What it predicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Prediction>,
    /// What it is given as its time: `t` (of the process), `t:times=999`, `sigma`, `timestep`,
    /// `nearest-timestep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_time: Option<String>,
    /// Shape of a lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// Units of the data, where the process runs in others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// Root of the mean variance of a component of the data, in the units of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_std: Option<f64>,
    /// The data it was trained on, as `--data` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Labels it knows, "none" not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// The label that means none, for guidance; the one after the last unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_label: Option<u32>,
    /// What else it is told, by its own names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Input>,
    /// What guidance keeps away from, by the same names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub negative: BTreeMap<String, Input>,
    /// Names of a graph's inputs and output: `state`, `time`, `labels`, `output`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// Largest description read.
const LARGEST: u64 = 1 << 24;
/// What conditions are named behind.
const CONDITION: &str = "condition.";
const NEGATIVE: &str = "negative.";
/// Inputs and output of a graph that a key may name.
const INPUTS: [&str; 4] = ["state", "time", "labels", "output"];

/// What a user may say of a file, key by key.
pub fn keys() -> Vec<Key> {
    vec![
        Key::text("config", "FILE.json", "what is said here, or diffusers' JSON, in a file"),
        Key::text("architecture", "a name of `list architectures`", "of the tensors"),
        Key::text("key", "a name", "where in a checkpoint the tensors are"),
        Key::text("dtype", "f32, f64, f16 or bf16", "numbers it computes in"),
        Key::text("process", "a process without parameters", "it was trained on"),
        Key::text("prediction", "noise, data, velocity, v or score", "what it predicts"),
        Key::text("model_time", "t, t:times=K, sigma or timestep", "what it is given as time"),
        Key::text("shape", "sizes as 3x32x32", "of a lane"),
        Key::text("data", "as `--data` takes it", "it was trained on"),
        Key::text("data_std", "a number", "root of the mean variance of its data"),
        Key::text("classes", "a whole number", "labels it knows"),
        Key::text("null_label", "a whole number", "the label that means none"),
        Key::text("state", "a name", "the graph's input that is the state"),
        Key::text("time", "a name", "the graph's input that is the time"),
        Key::text("labels", "a name", "the graph's input that is the label"),
        Key::text("output", "a name", "the graph's output"),
    ]
}

impl Description {
    /// Reads one from JSON: ours, or diffusers' `config.json` of a network or
    /// `scheduler_config.json`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match value["_class_name"].as_str() {
            Some(class) => diffusers::described(class, &value),
            None => serde_json::from_value(value).map_err(|error| error.to_string()),
        }
    }

    /// Reads one from a file.
    ///
    /// # Errors
    ///
    /// Those of the file system, and of [`Description::from_json`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ImportError> {
        let path = path.as_ref();
        let refused = |reason: String| ImportError::Description { path: path.to_owned(), reason };
        let bytes = user_file::read(path, LARGEST).map_err(|error| refused(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
        let mut read = Self::from_json(&text).map_err(refused)?;
        // Files of conditions lie beside the description.
        let folder = path.parent().unwrap_or(Path::new(""));
        for input in read.conditions.values_mut().chain(read.negative.values_mut()) {
            if let Input::File(file) = input {
                *file = folder.join(&*file);
            }
        }
        Ok(read)
    }

    /// What this says, and where it is silent what `other` does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let joined = |mut first: BTreeMap<_, _>, second: BTreeMap<_, _>| {
            second.into_iter().for_each(|(name, value)| {
                first.entry(name).or_insert(value);
            });
            first
        };
        let mut inputs = self.inputs;
        other.inputs.into_iter().for_each(|(name, value)| {
            inputs.entry(name).or_insert(value);
        });
        Description {
            architecture: self.architecture.or(other.architecture),
            configuration: self.configuration.or(other.configuration),
            key: self.key.or(other.key),
            renaming: self.renaming.or(other.renaming),
            dtype: self.dtype.or(other.dtype),
            process: self.process.or(other.process),
            prediction: self.prediction.or(other.prediction),
            model_time: self.model_time.or(other.model_time),
            shape: self.shape.or(other.shape),
            units: self.units.or(other.units),
            data_std: self.data_std.or(other.data_std),
            data: self.data.or(other.data),
            classes: self.classes.or(other.classes),
            null_label: self.null_label.or(other.null_label),
            conditions: joined(self.conditions, other.conditions),
            negative: joined(self.negative, other.negative),
            inputs,
        }
    }

    /// What `keys` of a `name` say: the keys of a description, and those of the architecture that
    /// they name.
    ///
    /// # Errors
    ///
    /// Keys and values that are not known, and a file of more that cannot be read.
    pub fn of_keys(name: &str, keys: &[(String, String)]) -> Result<Self, ImportError> {
        let (mut told, mut more) = (Description::default(), None);
        let known = self::keys();
        let mut of_architecture = Vec::new();
        for (key, value) in keys {
            let conditions = key.starts_with(CONDITION) || key.starts_with(NEGATIVE);
            if key == "config" {
                more = Some(Description::read(value)?);
            } else if conditions || known.iter().any(|known| known.name() == key) {
                told.set(key, value)?;
            } else {
                of_architecture.push(format!("{key}={value}"));
            }
        }
        let told = told.or(more.unwrap_or_default());
        match (&told.architecture, of_architecture.is_empty()) {
            (_, true) => Ok(told),
            (Some(architecture), false) => {
                let mark = if architecture.contains(':') { ',' } else { ':' };
                let architecture = format!("{architecture}{mark}{}", of_architecture.join(","));
                Ok(Description { architecture: Some(architecture), ..told })
            }
            // Without an architecture there are none; the known keys are named.
            (None, false) => {
                let spec: Spec = format!("{name}:{}", of_architecture.join(",")).parse()?;
                Err(Entry::new(spec.name().to_owned(), "", |_| Ok(()))
                    .keys(known)
                    .build(&spec)
                    .err()
                    .map_or(
                        ImportError::Unknown { what: "its architecture", option: "--architecture" },
                        ImportError::Spec,
                    ))
            }
        }
    }

    /// Says one thing.
    ///
    /// # Errors
    ///
    /// A key that is none, and a value that the key does not take.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SpecError> {
        let refused = |expected: &str| SpecError::value("field", key, value, expected);
        let text = || Some(value.to_owned());
        let input = || match value.parse::<f64>() {
            Ok(number) => Input::Number(number),
            Err(_) => Input::File(value.into()),
        };
        match key {
            "architecture" => self.architecture = text(),
            "key" => self.key = text(),
            "dtype" => self.dtype = text(),
            "process" => self.process = text(),
            "prediction" => self.prediction = Some(value.parse()?),
            "model_time" => self.model_time = text(),
            "data" => self.data = text(),
            "shape" => {
                let sizes = value.split('x').map(|size| size.trim().parse::<usize>().ok());
                let sizes: Option<Vec<usize>> = sizes.collect();
                self.shape = Some(sizes.ok_or_else(|| refused("sizes as 3x32x32"))?);
            }
            "data_std" => self.data_std = Some(value.parse().map_err(|_| refused("a number"))?),
            "classes" => self.classes = Some(value.parse().map_err(|_| refused("a whole number"))?),
            "null_label" => {
                self.null_label = Some(value.parse().map_err(|_| refused("a whole number"))?);
            }
            _ if INPUTS.contains(&key) => {
                drop(self.inputs.insert(key.to_owned(), value.to_owned()))
            }
            _ => match (key.strip_prefix(CONDITION), key.strip_prefix(NEGATIVE)) {
                (Some(name), _) => drop(self.conditions.insert(name.to_owned(), input())),
                (_, Some(name)) => drop(self.negative.insert(name.to_owned(), input())),
                _ => return Err(refused("known")),
            },
        }
        Ok(())
    }

    /// The type of numbers it computes in.
    pub(super) fn dtype(&self) -> Result<DType, ImportError> {
        match self.dtype.as_deref() {
            None | Some("f32") => Ok(DType::F32),
            Some("f64") => Ok(DType::F64),
            Some("f16") => Ok(DType::F16),
            Some("bf16") => Ok(DType::BF16),
            Some(other) => Err(ImportError::Refused {
                what: "dtype",
                reason: format!("`{}` is none of f32, f64, f16 and bf16", echo(other)),
            }),
        }
    }
}
