//! Reading and keeping a network of someone else's file.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use driftfield_problems::atomic_file;
use driftfield_problems::checksum;
use driftfield_problems::npy;
use driftfield_problems::predictor::ModelTime;
use driftfield_problems::spec::Spec;
use driftfield_problems::standardisation::Standardisation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Description, ImportError, Input, diffusers};
use crate::modules::{self, Conditions, ModuleEntry, TensorNetwork};
use crate::tensors::{Format, NamedTensors};
use crate::weights::{self, AnyNetwork, TrainedNetwork, WeightsError};
use crate::{MlpConfig, Parameters};

/// The name of our own residual MLP, as PyTorch saves it.
const MLP: &str = "mlp";
/// Tensors that only it has.
const MLP_MARKS: [&str; 3] = ["time.weight", "state.weight", "output.weight"];
/// What a graph's file name ends in.
const ONNX: &str = "onnx";
const KIND: &str = "imported-network";
const FORMAT: u64 = 1;

/// A network of someone else's file, with what is known of it.
#[derive(Clone)]
pub struct Imported {
    /// What the file and its user say.
    pub description: Description,
    /// Conditions that hold for every lane.
    pub conditions: Conditions,
    /// What guidance keeps away from.
    pub negative: Conditions,
    /// Where time and prediction come from.
    network: Source,
    /// Shape of a lane.
    row_shape: Vec<usize>,
    model_time: ModelTime,
    checksum: u64,
}

/// What computes.
#[derive(Clone)]
enum Source {
    /// A network of our own architecture, with all products of its own.
    Own(Box<AnyNetwork>, Arc<TrainedNetwork>),
    /// Any other, with the tensors that it was made of.
    Tensors(Arc<dyn TensorNetwork>, Option<Arc<NamedTensors>>),
}

impl fmt::Debug for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (description, shape) = (&self.description, &self.row_shape);
        f.debug_struct("Imported")
            .field("description", description)
            .field("row_shape", shape)
            .finish_non_exhaustive()
    }
}

/// What stands in the header of a file that was kept.
#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    format: u64,
    checksum: String,
    description: Description,
}

impl Imported {
    /// The network of a file of tensors, of a graph in ONNX, or of a folder that diffusers saved.
    /// What `told` says goes before what the file says.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, tensors that are of no architecture that is known, and what has
    /// to be known and is said by nobody.
    pub fn read(path: impl AsRef<Path>, told: Description) -> Result<Self, ImportError> {
        let path = path.as_ref();
        if path.is_dir() {
            let (file, found) = diffusers::folder(path)?;
            return Self::of_tensors(NamedTensors::read(file)?, told.or(found));
        }
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ONNX)) {
            return Self::of_graph(path, told);
        }
        let bytes = weights::bytes_of(path)?;
        let format = Format::detect(&bytes, path);
        if format == Some(Format::Safetensors)
            && let Some(document) = document_of(&bytes)
        {
            return Self::of_kept(&bytes, document, told);
        }
        let told = match weights::document_of(&bytes, weights::TORCH_DOCUMENT) {
            Some(document) => told.or(exported(&document)),
            None => told,
        };
        let tensors = match (&told.key, format) {
            (Some(key), Some(format)) => NamedTensors::part_from_bytes(&bytes, format, key)?,
            (None, Some(format)) => NamedTensors::from_bytes(&bytes, format)?,
            // Says what the formats are.
            (_, None) => NamedTensors::read(path)?,
        };
        Self::of_tensors(tensors, told)
    }

    /// Whether the bytes of a `.safetensors` file are of a network that was [kept](Self::save).
    pub fn is_kept(bytes: &[u8]) -> bool {
        document_of(bytes).is_some()
    }

    fn of_kept(bytes: &[u8], document: Document, told: Description) -> Result<Self, ImportError> {
        let tensors = NamedTensors::from_bytes(bytes, Format::Safetensors)?;
        if format!("{:016x}", tensors.checksum()?) != document.checksum {
            return Err(WeightsError::Checksum.into());
        }
        Self::of_tensors(tensors, told.or(document.description))
    }

    /// A network of tensors.
    ///
    /// # Errors
    ///
    /// As [`Imported::read`].
    pub fn of_tensors(tensors: NamedTensors, told: Description) -> Result<Self, ImportError> {
        let tensors = match &told.renaming {
            Some(renaming) => tensors.rename(renaming)?,
            None => tensors,
        };
        let checksum = tensors.checksum()?;
        let architecture = architecture(&tensors, &told)?;
        if architecture.name() == MLP {
            return Self::of_mlp(&tensors, &architecture, told, checksum);
        }
        let module = ModuleEntry::named(architecture.name())?;
        let config = match &told.configuration {
            Some(config) => config.clone(),
            None => module.configuration(&tensors, &architecture)?,
        };
        let network = module.build(&tensors, &config, told.dtype()?, &Device::Cpu)?;
        let told = Description {
            architecture: Some(module.name.to_owned()),
            configuration: Some(config),
            // They have been followed.
            renaming: None,
            key: None,
            ..told
        };
        let source = Source::Tensors(network.into(), Some(Arc::new(tensors)));
        let shape = told.shape.clone();
        Self::assembled(told, source, shape, checksum)
    }

    /// Our own residual MLP, as a torch module.
    fn of_mlp(
        tensors: &NamedTensors,
        architecture: &Spec,
        told: Description,
        checksum: u64,
    ) -> Result<Self, ImportError> {
        let refused = |error: serde_json::Error| ImportError::Refused {
            what: "configuration",
            reason: error.to_string(),
        };
        let like: MlpConfig = match &told.configuration {
            Some(config) => serde_json::from_value(config.clone()).map_err(refused)?,
            None => crate::configuration(architecture, 1)?,
        };
        let parameters = Parameters::from_torch(tensors, &like)?;
        let dimension = parameters.config().dimension;
        let prediction = told.prediction.map_or("noise", |prediction| prediction.name());
        let units = match &told.units {
            Some(units) => units.standardisation(dimension),
            None => Standardisation::identity(dimension),
        };
        let network = TrainedNetwork {
            parameters,
            process: told.process.clone().unwrap_or_default(),
            prediction: prediction.to_owned(),
            standardisation: units,
            training: Value::Null,
            data: told.data.clone().unwrap_or_default(),
            data_std: told.data_std,
        };
        let source = Source::Own(Box::new(network.clone().into()), Arc::new(network));
        Self::assembled(told, source, Some(vec![dimension]), checksum)
    }

    #[cfg(feature = "onnx")]
    fn of_graph(path: &Path, told: Description) -> Result<Self, ImportError> {
        let name = |role: &str| told.inputs.get(role).cloned();
        let names = crate::onnx::InputNames {
            state: name("state"),
            time: name("time"),
            labels: name("labels"),
            output: name("output"),
        };
        let bytes = weights::bytes_of(path)?;
        let checksum = checksum::of([&bytes]);
        let graph = crate::onnx::Graph::from_bytes(bytes, &names)?;
        let shape = told.shape.clone().or_else(|| graph.row_shape());
        // A level of noise is what it says it is, whatever the process calls time.
        let usual = graph.time_is_sigma().then(|| "sigma".to_owned());
        let told = Description { model_time: told.model_time.clone().or(usual), ..told };
        Self::assembled(told, Source::Tensors(Arc::new(graph), None), shape, checksum)
    }

    #[cfg(not(feature = "onnx"))]
    fn of_graph(_: &Path, _: Description) -> Result<Self, ImportError> {
        Err(ImportError::Feature { what: "graphs in ONNX", feature: "onnx" })
    }

    /// With all that has to be known.
    fn assembled(
        description: Description,
        network: Source,
        shape: Option<Vec<usize>>,
        checksum: u64,
    ) -> Result<Self, ImportError> {
        let what = "the shape of a lane";
        let row_shape =
            shape.ok_or(ImportError::Unknown { what, option: "--shape C,H,W (`shape=CxHxW`)" })?;
        if row_shape.is_empty() || row_shape.contains(&0) {
            let reason = "a lane has one value at least; give sizes as 3x32x32".to_owned();
            return Err(ImportError::Refused { what: "shape", reason });
        }
        if let Some(units) = &description.units {
            let axes = row_shape.iter().product();
            let refused = |error: driftfield_problems::standardisation::StandardisationError| {
                ImportError::Refused { what: "units", reason: error.to_string() }
            };
            units.standardisation(axes).validate(axes).map_err(refused)?;
        }
        let time = description.model_time.as_deref().unwrap_or("t");
        let (conditions, negative) =
            (told_by(&description.conditions)?, told_by(&description.negative)?);
        let model_time = time.parse()?;
        Ok(Imported { conditions, negative, network, row_shape, model_time, checksum, description })
    }

    /// Shape of a lane.
    pub fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    /// What it is given as its time.
    pub fn model_time(&self) -> &ModelTime {
        &self.model_time
    }

    /// The sum over its tensors, or over the bytes of its graph.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The network, if it is one of our own architectures.
    pub fn own(&self) -> Option<&AnyNetwork> {
        match &self.network {
            Source::Own(network, _) => Some(network),
            Source::Tensors(..) => None,
        }
    }

    /// The network of tensors, if it is not.
    pub fn network(&self) -> Option<&Arc<dyn TensorNetwork>> {
        match &self.network {
            Source::Own(..) => None,
            Source::Tensors(network, _) => Some(network),
        }
    }

    /// Units of the data, where the process runs in others.
    pub fn units(&self) -> Option<Standardisation> {
        let axes = self.row_shape.iter().product();
        self.description.units.as_ref().map(|units| units.standardisation(axes))
    }

    /// Keeps it as a `.safetensors` file that says all that is known of it: a network of our own
    /// architecture as [`TrainedNetwork`] has it, any other with its tensors under their names.
    ///
    /// # Errors
    ///
    /// A graph, which is used as it is, and those of the file system.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ImportError> {
        let tensors = match &self.network {
            Source::Own(_, network) => return Ok(network.save(path)?),
            Source::Tensors(_, Some(tensors)) => tensors,
            Source::Tensors(_, None) => {
                let reason = "a graph holds no tensors by name; use the file as it is".to_owned();
                return Err(ImportError::Refused { what: "import", reason });
            }
        };
        let refused = |error: serde_json::Error| ImportError::Refused {
            what: "import",
            reason: error.to_string(),
        };
        let document = serde_json::to_string(&Document {
            kind: KIND.to_owned(),
            format: FORMAT,
            checksum: format!("{:016x}", self.checksum),
            description: self.description.clone(),
        });
        let texts = HashMap::from([(weights::DOCUMENT.to_owned(), document.map_err(refused)?)]);
        let bytes = tensors.to_safetensors(texts)?;
        atomic_file::write(path.as_ref(), &bytes).map_err(WeightsError::from)?;
        Ok(())
    }
}

/// What the header of a `.safetensors` file says, if the network in it was kept.
fn document_of(bytes: &[u8]) -> Option<Document> {
    let text = weights::document_of(bytes, weights::DOCUMENT)?;
    serde_json::from_str(&text)
        .ok()
        .filter(|document: &Document| document.kind == KIND && document.format <= FORMAT)
}

/// What a file says that was written for PyTorch here.
fn exported(document: &str) -> Description {
    let value: Value = serde_json::from_str(document).unwrap_or_default();
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Description {
        architecture: text("architecture"),
        configuration: value.get("configuration").cloned(),
        process: text("process"),
        prediction: value["prediction"].as_str().and_then(|prediction| prediction.parse().ok()),
        units: serde_json::from_value(value["standardisation"].clone()).ok(),
        data: text("data"),
        data_std: value["data_std"].as_f64(),
        ..Description::default()
    }
}

/// The architecture that is named, or the one that the tensors' names are of.
fn architecture(tensors: &NamedTensors, told: &Description) -> Result<Spec, ImportError> {
    if let Some(named) = &told.architecture {
        return Ok(named.parse()?);
    }
    let mut found: Vec<&str> = modules::recognise(tensors).map(|module| module.name).collect();
    if MLP_MARKS.iter().all(|mark| tensors.contains(mark)) {
        found.push(MLP);
    }
    match found[..] {
        [one] => Ok(Spec::of_name(one)),
        [] => Err(ImportError::Architecture { found: "of none that is known by its names".into() }),
        _ => Err(ImportError::Architecture { found: format!("of {}", found.join(" or of ")) }),
    }
}

/// Conditions of numbers and files.
fn told_by(inputs: &BTreeMap<String, Input>) -> Result<Conditions, ImportError> {
    let mut conditions = Conditions::default();
    for (name, input) in inputs {
        let tensor = match input {
            Input::Number(number) => Tensor::new(&[*number], &Device::Cpu)?,
            Input::File(file) => {
                let rows = npy::read::<f64>(file)?;
                let shape = rows.shape().to_vec();
                Tensor::from_iter(rows.iter().copied(), &Device::Cpu)?.reshape(shape)?
            }
        };
        conditions = conditions.and(name, tensor);
    }
    Ok(conditions)
}
