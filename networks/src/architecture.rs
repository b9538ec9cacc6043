//! What all architectures have in common.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ConfigError, ParameterEntry};

/// An architecture: what is stored beside the weights, and what they are.
pub trait Architecture:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Refuses sizes with which there is no such network.
    fn validate(&self) -> Result<(), ConfigError>;

    /// Values of a row of the state.
    fn dimension(&self) -> usize;

    /// Shape of a row of the state; its product is [`Architecture::dimension`].
    fn row_shape(&self) -> Vec<usize> {
        vec![self.dimension()]
    }

    /// Labels the network is conditioned on, "none" not counted; 0 if it takes none.
    fn labels(&self) -> usize {
        0
    }

    /// The named parts of all weights, in order, of a valid architecture.
    fn entries(&self) -> Vec<ParameterEntry>;

    /// Fresh weights of a valid architecture, a pure function of it and `seed`.
    fn initial_values(&self, seed: u64) -> Vec<f32>;
}
