//! The weights of a network in one flat buffer.

use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::tensors::{NamedTensors, TensorsError};
use crate::{Architecture, ConfigError, MlpConfig};

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
        let entries = config.parameters();
        if values.len() != entries.len() {
            return Err(ParametersError::Count { expected: entries.len(), found: values.len() });
        }
        for entry in entries.into_entries() {
            if values[entry.range.clone()].iter().any(|value| !value.is_finite()) {
                return Err(ParametersError::NonFinite { name: entry.name });
            }
        }
        Ok(Parameters { config: config.clone(), values })
    }

    /// The weights of an architecture by the names and in the shapes of its entries, rounded to
    /// `f32` where they are not. Every tensor must have its place.
    pub fn from_tensors(config: &A, tensors: &NamedTensors) -> Result<Self, TensorsError> {
        config.validate().map_err(ParametersError::from)?;
        let entries = config.entries();
        let mut values = Vec::new();
        for entry in &entries {
            values.extend(tensors.f32s(&entry.name, &entry.shape)?);
        }
        tensors.check_none_left(entries.iter().map(|entry| entry.name.as_str()))?;
        Ok(Parameters::from_values(config, values)?)
    }

    /// The weights by name, on the CPU: what [`Parameters::from_tensors`] takes.
    pub fn to_tensors(&self) -> Result<NamedTensors, TensorsError> {
        let mut tensors = NamedTensors::new();
        for entry in self.entries() {
            let values = &self.values[entry.range];
            tensors.insert(entry.name, Tensor::from_slice(values, entry.shape, &Device::Cpu)?)?;
        }
        Ok(tensors)
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::seeded::{Purpose, SeededRng};

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
        let count = config.entries().last().unwrap().range.end;
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
