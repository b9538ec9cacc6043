//! A small convolutional classifier of images: its configuration, its layers, and what it says of
//! images.

mod classify;
mod config;
mod pass;
#[cfg(test)]
pub(crate) mod tests;

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;

pub(crate) use classify::largest;
pub use classify::{Classified, Classifier, ClassifierError};
pub use config::ClassifierConfig;
pub use pass::ClassifierLayers;

use crate::layers::{Entries, units_of_pixels};
use crate::train::{Objective, TrainError, TrainingConfig};
use crate::{Architecture, ConfigError};

impl Architecture for ClassifierConfig {
    const NAME: &'static str = "classifier";
    const SUMMARY: &'static str = "a classifier of digits, which knows no process";
    const KEYS: &'static [(&'static str, &'static str)] = &[
        ("channels", "channels of every level, finest first"),
        ("groups", "groups of channels that are normalised together"),
        ("features", "components of the features"),
    ];

    type Layers = ClassifierLayers;

    fn reference(dimension: usize) -> Self {
        ClassifierConfig { side: dimension.isqrt(), ..ClassifierConfig::default() }
    }

    fn settings(self, _: String, data: String, _: Objective) -> TrainingConfig<Self> {
        TrainingConfig::classifier(data, self)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        ClassifierConfig::validate(self)
    }

    fn dimension(&self) -> usize {
        self.side * self.side
    }

    fn row_shape(&self) -> Vec<usize> {
        vec![1, self.side, self.side]
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn parameters(&self) -> Entries {
        pass::Maps::new(self).1
    }

    fn layers(&self) -> ClassifierLayers {
        ClassifierLayers::new(self)
    }

    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        units_of_pixels(data)
    }

    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        match objective {
            Objective::Label => Ok(()),
            _ => Err(TrainError::Objective { objective: objective.prediction() }),
        }
    }
}
