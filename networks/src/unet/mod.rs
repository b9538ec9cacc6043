//! The class-conditional U-Net: [`UNet`] with candle's own operations on any device and in
//! either precision, and its layers with fused ones on the CPU.

mod config;
#[cfg(test)]
mod guidance_tests;
mod layers;
mod pass;
mod tensor;
#[cfg(test)]
mod tests;

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;

pub use config::UNetConfig;
pub use pass::UNetLayers;
pub use tensor::UNet;

use crate::layers::{Entries, units_of_pixels};
use crate::{Architecture, ConfigError};

impl Architecture for UNetConfig {
    const NAME: &'static str = "unet";

    type Layers = UNetLayers;

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

    fn parameters(&self) -> Entries {
        layers::Maps::new(self).1
    }

    fn layers(&self) -> UNetLayers {
        UNetLayers::new(self)
    }

    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        units_of_pixels(data)
    }
}
