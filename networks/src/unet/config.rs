//! The architecture of the U-Net, as stored beside its weights.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::layers::{check_divisor, check_levels, check_size};

/// Architecture of the class-conditional U-Net for square grey images.
///
/// Blocks of 2 x 2 pixels become 4 channels, a convolution makes `channels[0]` of them, and
/// every level is one residual block; on the way down the next level takes blocks of 2 x 2
/// pixels again, in the middle are two blocks around a self-attention, and on the way up
/// every level's block receives what the same level gave on the way down (Ronneberger et al.,
/// 2015; Ho et al., 2020). All blocks are conditioned on
///
/// ```text
/// silu(W_2 silu(W_1 features(t) + b_1) + b_2 + table[label])
/// ```
///
/// by scales and shifts after their second normalisation. Label `labels` means "none".
/// The last convolutions of the blocks and of the network start at zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UNetConfig {
    /// Pixels along a side of the image.
    pub side: usize,
    /// Channels of every level, finest first.
    pub channels: Vec<usize>,
    /// Groups of channels that are normalised together.
    pub groups: usize,
    /// Heads of the attention in the middle.
    pub heads: usize,
    /// Components of the condition.
    pub condition: usize,
    /// Number of time features, even: half sines, half cosines.
    pub time_features: usize,
    /// Smallest angular frequency of the time features.
    pub frequency_min: f64,
    /// Largest angular frequency of the time features.
    pub frequency_max: f64,
    /// Number of labels, "none" not counted.
    pub labels: usize,
}

impl Default for UNetConfig {
    /// For MNIST: 28 x 28 pixels, 48 and 96 channels, 10 labels; 1.1 million parameters.
    fn default() -> Self {
        UNetConfig {
            side: 28,
            channels: vec![48, 96],
            groups: 8,
            heads: 4,
            condition: 128,
            time_features: 64,
            frequency_min: 1.0,
            frequency_max: 100.0,
            labels: 10,
        }
    }
}

impl UNetConfig {
    /// The label that means "no label".
    pub fn no_label(&self) -> u32 {
        self.labels as u32
    }

    /// Pixels of an image.
    pub fn dimension(&self) -> usize {
        self.side * self.side
    }

    /// Refuses sizes that do not divide, sizes no machine holds, and frequencies that are not
    /// positive and ordered.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_levels(self.side, &self.channels, self.groups)?;
        let deepest = self.channels[self.channels.len() - 1];
        check_divisor("heads", self.heads, deepest, "a divisor of the last channels")?;
        check_size("condition", self.condition, 16, 4096, "a multiple of 16, at most 4096")?;
        let features = "an even number from 2 to 4096";
        check_size("time_features", self.time_features, 2, 4096, features)?;
        check_size("labels", self.labels, 1, 1 << 16, "1 to 65536")?;
        ConfigError::check_frequencies(self.frequency_min, self.frequency_max)
    }
}
