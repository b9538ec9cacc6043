//! A network of ours for PyTorch: the residual MLP and the U-Net.

use std::collections::HashMap;
use std::path::Path;

use driftfield_problems::atomic_file::{self, WriteError};
use serde_json::json;

use super::TrainedNetwork;
use crate::Architecture;
use crate::tensors::{Renaming, TensorsError};

/// The key of the document in the header of the file.
pub(crate) const DOCUMENT: &str = "driftfield-torch";

/// A network as PyTorch takes it: a `.safetensors` file in its names and layout, and a script that
/// makes the module and fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorchNetwork {
    /// The bytes of the `.safetensors` file: the same for the same network.
    pub weights: Vec<u8>,
    /// The text of `loader.py`: `network, about = loader.load(FILE)`.
    pub loader: &'static str,
}

/// An architecture that `loader.py` has a module of.
pub trait TorchLayout: Architecture {
    /// The rules from the names and layouts of our weights to those of the module.
    fn torch_layout(&self) -> Renaming;
}

/// A trained network for PyTorch: its weights in the module's names and layouts, its configuration,
/// process, prediction and units as JSON in the header.
pub fn to_torch<A: TorchLayout>(network: &TrainedNetwork<A>) -> Result<TorchNetwork, TensorsError> {
    let layout = network.parameters.config().torch_layout();
    let tensors = network.parameters.to_tensors()?.rename(&layout)?;
    let document = json!({
        "architecture": A::NAME,
        "configuration": network.parameters.config(),
        "process": network.process,
        "prediction": network.prediction,
        "standardisation": network.standardisation,
        "data": network.data,
        "data_std": network.data_std,
    });
    let texts = HashMap::from([(DOCUMENT.to_owned(), document.to_string())]);
    Ok(TorchNetwork { weights: tensors.to_safetensors(texts)?, loader: include_str!("loader.py") })
}

impl TorchNetwork {
    /// Writes the weights to `path` and `loader.py` beside them.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        let path = path.as_ref();
        atomic_file::write(path, &self.weights)?;
        atomic_file::write(path.with_file_name("loader.py"), self.loader.as_bytes())
    }
}
