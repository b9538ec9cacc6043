//! What all architectures have in common.

use std::fmt::Debug;

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use driftfield_solvers::number::Number;
use ndarray::Array2;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::layers::Entries;
use crate::train::{Objective, TrainError, TrainingConfig};
use crate::{Layers, ParameterEntry};

/// An architecture: what is stored beside the weights, what they are, and what is computed with
/// them.
pub trait Architecture:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What files and the command line call it.
    const NAME: &'static str;
    /// What it is, in a line.
    const SUMMARY: &'static str;
    /// The parts of its configuration that a user may set, with a line for each; the others follow
    /// from the data.
    const KEYS: &'static [(&'static str, &'static str)];

    /// Its layers on the CPU.
    type Layers: Layers;

    /// The reference architecture for rows of `dimension` values.
    fn reference(dimension: usize) -> Self;

    /// The reference settings of a training run.
    fn settings(self, process: String, data: String, objective: Objective) -> TrainingConfig<Self>;

    /// Refuses sizes with which there is no such network.
    fn validate(&self) -> Result<(), ConfigError>;

    /// Values of a row of the state.
    fn dimension(&self) -> usize;

    /// Shape of a row of the state; its product is [`Architecture::dimension`].
    fn row_shape(&self) -> Vec<usize> {
        vec![self.dimension()]
    }

    /// Labels the network is conditioned on, "none" not counted; 0 if it takes none. Label
    /// `labels()` is "none".
    fn labels(&self) -> usize {
        0
    }

    /// Labels the network predicts; 0 if it predicts none.
    fn classes(&self) -> usize {
        0
    }

    /// The parameters of a valid architecture, in order.
    fn parameters(&self) -> Entries;

    /// The layers of a valid architecture, with room for weights.
    fn layers(&self) -> Self::Layers;

    /// The units it is trained in, for such data.
    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError>;

    /// Changes what the objective of a training requires, and refuses one that it cannot be
    /// trained for.
    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        match objective {
            Objective::Label => Err(TrainError::Objective { objective: objective.prediction() }),
            _ => Ok(()),
        }
    }

    /// The named parts of all weights, in order, of a valid architecture.
    fn entries(&self) -> Vec<ParameterEntry> {
        self.parameters().into_entries()
    }

    /// Fresh weights of a valid architecture, a pure function of it and `seed`.
    fn initial_values(&self, seed: u64) -> Vec<f32> {
        self.parameters().initial_values(seed)
    }
}

/// Why an architecture is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("network architecture: `{field}` is {value}; give {expected}")]
pub struct ConfigError {
    /// Name of the offending field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What would be accepted.
    pub expected: &'static str,
}

impl ConfigError {
    /// Refuses frequencies of time features that are not positive and ordered.
    pub(crate) fn check_frequencies(min: f64, max: f64) -> Result<(), ConfigError> {
        if !(min > 0.0 && min.is_finite()) {
            return Err(ConfigError {
                field: "frequency_min",
                value: Number(min).to_string(),
                expected: "a positive number",
            });
        }
        if !(max >= min && max.is_finite()) {
            return Err(ConfigError {
                field: "frequency_max",
                value: Number(max).to_string(),
                expected: "a number not below `frequency_min`",
            });
        }
        Ok(())
    }
}
