//! A classifier of images, whose features measure distances between sets of images.

mod config;
mod pass;
mod plan;
#[cfg(test)]
mod tests;

pub use config::ClassifierConfig;
pub(crate) use pass::{Tape as ClassifierTape, Weights as ClassifierWeights};
pub use plan::{Classified, Classifier, ClassifierError};

use super::image::Entries;
use super::{Architecture, ConfigError, ParameterEntry};

fn entries(config: &ClassifierConfig) -> Entries {
    pass::Layers::new(config).1
}

impl Architecture for ClassifierConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        ClassifierConfig::validate(self)
    }

    fn dimension(&self) -> usize {
        self.side * self.side
    }

    fn row_shape(&self) -> Vec<usize> {
        vec![1, self.side, self.side]
    }

    fn labels(&self) -> usize {
        self.classes
    }

    fn entries(&self) -> Vec<ParameterEntry> {
        entries(self).into_entries()
    }

    fn initial_values(&self, seed: u64) -> Vec<f32> {
        entries(self).initial_values(seed)
    }
}
