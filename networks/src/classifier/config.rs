//! The architecture of the classifier, as stored beside its weights.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::layers::{check_levels, check_size};

/// Architecture of a small convolutional classifier of square grey images.
///
/// Blocks of 2 x 2 pixels become channels, every level is one pre-activation residual block
/// (He et al., 2016), and blocks of 2 x 2 pixels lead to the next. The mean over the pixels of
/// the last level becomes the features, `silu(W mean + b)`, and these the logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Pixels along a side of the image.
    pub side: usize,
    /// Channels of every level, finest first.
    pub channels: Vec<usize>,
    /// Groups of channels that are normalised together.
    pub groups: usize,
    /// Components of the features.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
}

impl Default for ClassifierConfig {
    /// For MNIST: 28 x 28 pixels, 32 and 64 channels, 64 features, 10 classes.
    fn default() -> Self {
        ClassifierConfig { side: 28, channels: vec![32, 64], groups: 8, features: 64, classes: 10 }
    }
}

impl ClassifierConfig {
    /// Refuses sizes that do not divide and sizes no machine holds.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_levels(self.side, &self.channels, self.groups)?;
        check_size("features", self.features, 16, 4096, "a multiple of 16, at most 4096")?;
        check_size("classes", self.classes, 1, 1 << 16, "1 to 65536")
    }
}
