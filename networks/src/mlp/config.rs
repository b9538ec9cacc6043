//! The architecture of the residual MLP, as stored beside its weights.

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Architecture of the residual MLP `f: R^d x [0, 1] -> R^d`:
///
/// ```text
/// h_0     = x W_x + features(t) W_t + b_t            [rows, width]
/// h_{l+1} = h_l + silu(h_l) W_l + b_l                l = 0 .. layers
/// f(x, t) = silu(h_L) W_out + b_out  (+ x if residual)
/// ```
///
/// This is the pre-activation residual layer of He et al. (2016, "Identity
/// mappings in deep residual networks") with a single linear map: the sum
/// costs nothing where a matrix product can accumulate, the path from output
/// to input is the identity, and 128 x 4 needs four 128 x 128 products a row.
///
/// `features(t)` are `sin(omega_k t), cos(omega_k t)` at `time_features / 2`
/// frequencies spaced geometrically (Vaswani et al., 2017), computed in `f64`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// `d`: components of a row of the state.
    pub dimension: usize,
    /// Components of the hidden vectors `h_l`.
    pub width: usize,
    /// Number of residual layers.
    pub layers: usize,
    /// Number of time features, even: half sines, half cosines.
    pub time_features: usize,
    /// Smallest angular frequency of the time features.
    pub frequency_min: f64,
    /// Largest angular frequency of the time features.
    ///
    /// A field with features at `omega` varies on the time scale `1/omega`;
    /// solvers of high order show their order only with steps below it.
    pub frequency_max: f64,
    /// Whether the input is added to the output: `x + net(x, t)`, so that the
    /// untrained network predicts its input.
    pub residual: bool,
}

impl MlpConfig {
    /// Width 128, 4 residual layers, 64 time features from 1 to 1000, for rows
    /// of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        MlpConfig {
            dimension,
            width: 128,
            layers: 4,
            time_features: 64,
            frequency_min: 1.0,
            frequency_max: 100.0,
            residual: false,
        }
    }

    /// Refuses sizes of zero, sizes no machine holds, and frequencies that are
    /// not positive and ordered.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("dimension", self.dimension, 1 << 20, "1 to 1048576"),
            ("width", self.width, 1 << 13, "1 to 8192"),
            ("layers", self.layers, 256, "1 to 256"),
            ("time_features", self.time_features, 1 << 12, "an even number from 2 to 4096"),
        ];
        for (field, value, largest, expected) in sizes {
            if value == 0 || value > largest {
                return Err(ConfigError { field, value: value.to_string(), expected });
            }
        }
        if !self.time_features.is_multiple_of(2) {
            return Err(ConfigError {
                field: "time_features",
                value: self.time_features.to_string(),
                expected: "an even number from 2 to 4096",
            });
        }
        ConfigError::check_frequencies(self.frequency_min, self.frequency_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_accepted_and_each_bad_field_is_named() {
        assert_eq!(MlpConfig::new(2).validate(), Ok(()));
        let base = MlpConfig::new(2);
        let bad = [
            ("dimension", MlpConfig { dimension: 0, ..base.clone() }),
            ("width", MlpConfig { width: 1 << 14, ..base.clone() }),
            ("layers", MlpConfig { layers: 0, ..base.clone() }),
            ("time_features", MlpConfig { time_features: 7, ..base.clone() }),
            ("frequency_min", MlpConfig { frequency_min: f64::NAN, ..base.clone() }),
            ("frequency_max", MlpConfig { frequency_max: 0.5, ..base.clone() }),
        ];
        for (field, config) in bad {
            assert_eq!(config.validate().unwrap_err().field, field);
        }
    }
}
