//! The class-conditional U-Net: [`UNet`] with candle's own operations on any device and in
//! either precision, [`UNetPlan`] with fused ones on the CPU.

mod config;
mod definition;
mod guidance;
#[cfg(test)]
mod guidance_tests;
mod layers;
mod pass;
mod plan;
mod tensor;
#[cfg(test)]
mod tests;

pub use config::UNetConfig;
pub use definition::UNet;
pub(crate) use pass::Weights;
pub use plan::UNetPlan;
pub(crate) use plan::with_tape;
pub use tensor::UNetOnTensors;

use super::image::Entries;
use super::{Architecture, ConfigError, ParameterEntry};

fn entries(config: &UNetConfig) -> Entries {
    layers::Layers::new(config).1
}

impl Architecture for UNetConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        UNetConfig::validate(self)
    }

    fn dimension(&self) -> usize {
        UNetConfig::dimension(self)
    }

    fn row_shape(&self) -> Vec<usize> {
        vec![1, self.side, self.side]
    }

    fn labels(&self) -> usize {
        self.labels
    }

    fn entries(&self) -> Vec<ParameterEntry> {
        entries(self).into_entries()
    }

    fn initial_values(&self, seed: u64) -> Vec<f32> {
        entries(self).initial_values(seed)
    }
}
