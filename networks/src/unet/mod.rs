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
mod torch;

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;

pub use config::UNetConfig;
pub use pass::UNetLayers;
pub use tensor::UNet;

use crate::layers::{Entries, units_of_pixels};
use crate::train::{Objective, TrainingConfig};
use crate::{Architecture, ConfigError};

impl Architecture for UNetConfig {
    const NAME: &'static str = "unet";
    const SUMMARY: &'static str = "a U-Net conditioned on labels, for digits";
    const KEYS: &'static [(&'static str, &'static str)] = &[
        ("channels", "channels of every level, finest first"),
        ("groups", "groups of channels that are normalised together"),
        ("heads", "heads of the attention"),
        ("condition", "components of the condition"),
        ("time_features", "sines and cosines of the time, an even number"),
        ("frequency_min", "smallest angular frequency of the time features"),
        ("frequency_max", "largest angular frequency of the time features"),
    ];

    type Layers = UNetLayers;

    fn reference(dimension: usize) -> Self {
        UNetConfig { side: dimension.isqrt(), ..UNetConfig::default() }
    }

    fn settings(self, process: String, data: String, objective: Objective) -> TrainingConfig<Self> {
        TrainingConfig::images(process, data, self, objective)
    }

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
