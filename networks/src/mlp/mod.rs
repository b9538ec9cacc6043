//! The residual MLP: its configuration, its layers on the CPU, and as candle tensors.

mod config;
mod pass;
mod tensor;
#[cfg(test)]
mod tests;
mod torch;

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;

pub use config::MlpConfig;
pub use pass::MlpLayers;
pub use tensor::Mlp;

use crate::layers::{Entries, Map};
use crate::train::{Objective, TrainError, TrainingConfig};
use crate::{Architecture, ConfigError};

/// The linear maps, in the order of their parameters.
#[derive(Debug, Clone)]
struct Maps {
    time: Map,
    /// Its bias is that of `time`.
    state: Map,
    residual: Vec<Map>,
    output: Map,
}

impl Maps {
    /// The maps of a valid configuration, and their parameters.
    fn new(config: &MlpConfig) -> (Self, Entries) {
        let MlpConfig { dimension, width, layers, time_features, .. } = *config;
        let mut entries = Entries::default();
        let e = &mut entries;
        let time = e.linear("time", time_features, width, false);
        let state = e.matrix("state", dimension, width);
        let residual =
            (0..layers).map(|i| e.linear(&format!("layers.{i}"), width, width, false)).collect();
        let output = e.linear("output", width, dimension, true);
        (Maps { time, state, residual, output }, entries)
    }
}

impl Architecture for MlpConfig {
    const NAME: &'static str = "mlp";
    const SUMMARY: &'static str = "a residual MLP, for points";
    const KEYS: &'static [(&'static str, &'static str)] = &[
        ("width", "components of the hidden vectors"),
        ("layers", "residual layers"),
        ("time_features", "sines and cosines of the time, an even number"),
        ("frequency_min", "smallest angular frequency of the time features"),
        ("frequency_max", "largest angular frequency of the time features"),
    ];

    type Layers = MlpLayers;

    fn reference(dimension: usize) -> Self {
        MlpConfig::new(dimension)
    }

    fn settings(self, process: String, data: String, _: Objective) -> TrainingConfig {
        TrainingConfig { network: self, ..TrainingConfig::new(process, data, 1) }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        MlpConfig::validate(self)
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn parameters(&self) -> Entries {
        Maps::new(self).1
    }

    fn layers(&self) -> MlpLayers {
        MlpLayers::new(self)
    }

    /// Those in which the data has mean zero and variance one.
    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        Standardisation::fit(data)
    }

    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        self.residual |= objective.residual();
        match objective {
            Objective::Label => Err(TrainError::Objective { objective: objective.prediction() }),
            _ => Ok(()),
        }
    }
}
