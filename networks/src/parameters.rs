//! The weights of the residual MLP in one flat buffer.

use std::ops::Range;

use super::seeded::{Purpose, SeededRng};
use super::{Architecture, ConfigError, MlpConfig};

/// One named matrix or vector of the flat buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterEntry {
    /// Name, as in the `.safetensors` file: `time.weight`, `layers.0.bias`, ...
    pub name: String,
    /// `[inputs, outputs]` of a weight, `[outputs]` of a bias.
    pub shape: Vec<usize>,
    /// Where its values are, row-major.
    pub range: Range<usize>,
}

/// Why weights do not make a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The architecture is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The number of weights is not the architecture's.
    #[error("the architecture has {expected} weights, {found} were given")]
    Count {
        /// Weights of the architecture.
        expected: usize,
        /// Weights given.
        found: usize,
    },
    /// A weight is NaN or infinite.
    #[error(
        "a weight of `{name}` is not finite; the training that made it diverged (lower its learning rate)"
    )]
    NonFinite {
        /// The tensor it is in.
        name: String,
    },
}

/// A network: its architecture and its weights, in the order of [`Parameters::entries`].
///
/// Those of a residual MLP are `[inputs, outputs]`, row-major (`x W`, as flax kernels are;
/// torch's `nn.Linear` holds the transpose): `time.weight`, `time.bias`, `state.weight`, then
/// `layers.i.weight`, `layers.i.bias`, then `output.weight`, `output.bias`.
/// One buffer, so that optimiser, average and checkpoint are single passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters<A = MlpConfig> {
    config: A,
    values: Vec<f32>,
}

/// Where each entry starts; the flat order of [`Parameters`].
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) time_weight: Range<usize>,
    pub(crate) time_bias: Range<usize>,
    pub(crate) state_weight: Range<usize>,
    /// Weight and bias of every residual layer.
    pub(crate) layers: Vec<(Range<usize>, Range<usize>)>,
    pub(crate) output_weight: Range<usize>,
    pub(crate) output_bias: Range<usize>,
}

impl Layout {
    pub(crate) fn new(config: &MlpConfig) -> Self {
        let (width, dimension) = (config.width, config.dimension);
        let mut end = 0;
        let mut take = |len: usize| {
            end += len;
            end - len..end
        };
        Layout {
            time_weight: take(config.time_features * width),
            time_bias: take(width),
            state_weight: take(dimension * width),
            layers: (0..config.layers).map(|_| (take(width * width), take(width))).collect(),
            output_weight: take(width * dimension),
            output_bias: take(dimension),
        }
    }

    /// Number of weights.
    pub(crate) fn len(&self) -> usize {
        self.output_bias.end
    }
}

impl<A: Architecture> Parameters<A> {
    /// Fresh weights, a pure function of the configuration and `seed`.
    ///
    /// Weights are normal with variance `1 / inputs`, biases zero, and the
    /// output layer is zero, so that an untrained network predicts zero (or its
    /// input, if residual) and the first gradients are those of the data.
    pub fn initialise(config: &A, seed: u64) -> Result<Self, ParametersError> {
        config.validate()?;
        Ok(Parameters { values: config.initial_values(seed), config: config.clone() })
    }

    /// Given weights in the order of [`Parameters::entries`].
    pub fn from_values(config: &A, values: Vec<f32>) -> Result<Self, ParametersError> {
        config.validate()?;
        let entries = config.entries();
        let expected = entries.last().map_or(0, |entry| entry.range.end);
        if values.len() != expected {
            return Err(ParametersError::Count { expected, found: values.len() });
        }
        for entry in entries {
            if values[entry.range.clone()].iter().any(|value| !value.is_finite()) {
                return Err(ParametersError::NonFinite { name: entry.name });
            }
        }
        Ok(Parameters { config: config.clone(), values })
    }

    /// The architecture.
    pub fn config(&self) -> &A {
        &self.config
    }

    /// All weights in the order of [`Parameters::entries`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The named parts of [`Parameters::values`], in order.
    pub fn entries(&self) -> Vec<ParameterEntry> {
        self.config.entries()
    }
}

impl Architecture for MlpConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        MlpConfig::validate(self)
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn entries(&self) -> Vec<ParameterEntry> {
        let layout = Layout::new(self);
        let (width, dimension) = (self.width, self.dimension);
        let entry = |name: &str, shape: &[usize], range: &Range<usize>| ParameterEntry {
            name: name.to_string(),
            shape: shape.to_vec(),
            range: range.clone(),
        };
        let mut entries = vec![
            entry("time.weight", &[self.time_features, width], &layout.time_weight),
            entry("time.bias", &[width], &layout.time_bias),
            entry("state.weight", &[dimension, width], &layout.state_weight),
        ];
        for (i, (weight, bias)) in layout.layers.iter().enumerate() {
            entries.push(entry(&format!("layers.{i}.weight"), &[width, width], weight));
            entries.push(entry(&format!("layers.{i}.bias"), &[width], bias));
        }
        entries.push(entry("output.weight", &[width, dimension], &layout.output_weight));
        entries.push(entry("output.bias", &[dimension], &layout.output_bias));
        entries
    }

    fn initial_values(&self, seed: u64) -> Vec<f32> {
        let mut values = vec![0.0; Layout::new(self).len()];
        for (index, entry) in self.entries().into_iter().enumerate() {
            let [inputs, _] = entry.shape[..] else { continue };
            if entry.name.starts_with("output") {
                continue;
            }
            let scale = 1.0 / (inputs as f64).sqrt();
            let mut rng = SeededRng::new(seed, Purpose::Weights, index as u64);
            values[entry.range].fill_with(|| (scale * rng.normal()) as f32);
        }
        values
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Parameters with no zero among them, for tests that compare evaluations.
    pub(crate) fn random_parameters(config: &MlpConfig, seed: u64) -> Parameters {
        let mut parameters = Parameters::initialise(config, seed).unwrap();
        let mut rng = SeededRng::new(seed, Purpose::Weights, 1 << 40);
        let scale = 1.0 / (config.width as f64).sqrt();
        for value in &mut parameters.values {
            if *value == 0.0 {
                *value = (scale * rng.normal()) as f32;
            }
        }
        parameters
    }

    #[test]
    fn entries_tile_the_buffer_and_initialisation_is_a_function_of_the_seed() {
        let config = MlpConfig { width: 16, layers: 2, ..MlpConfig::new(3) };
        let parameters = Parameters::initialise(&config, 7).unwrap();
        let mut end = 0;
        for entry in parameters.entries() {
            assert_eq!(entry.range.start, end);
            assert_eq!(entry.shape.iter().product::<usize>(), entry.range.len());
            end = entry.range.end;
        }
        assert_eq!(end, parameters.values().len());
        assert_eq!(parameters, Parameters::initialise(&config, 7).unwrap());
        assert_ne!(parameters, Parameters::initialise(&config, 8).unwrap());
        let weight = &parameters.values()[parameters.entries()[3].range.clone()];
        let variance =
            weight.iter().map(|w| f64::from(w * w)).sum::<f64>() / weight.len() as f64 * 16.0;
        assert!((variance - 1.0).abs() < 0.3, "{variance}");
    }

    #[test]
    fn wrong_counts_and_non_finite_weights_are_refused_by_name() {
        let config = MlpConfig::new(2);
        let count = Layout::new(&config).len();
        assert_eq!(
            Parameters::from_values(&config, vec![0.0; 3]),
            Err(ParametersError::Count { expected: count, found: 3 })
        );
        let mut values = vec![0.0; count];
        values[count - 1] = f32::NAN;
        assert_eq!(
            Parameters::from_values(&config, values),
            Err(ParametersError::NonFinite { name: "output.bias".into() })
        );
    }
}
