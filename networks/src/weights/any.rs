//! A trained network of whichever architecture its file says it has.

use std::path::Path;

use driftfield_problems::standardisation::Standardisation;

use super::archive::Archive;
use super::{TrainedNetwork, WeightsError};
use crate::{Architecture, Plan, registry};

/// A trained network that is ready to generate, and what its file says of it.
#[derive(Debug, Clone)]
pub struct AnyNetwork {
    /// Name of its architecture.
    pub architecture: &'static str,
    /// The network, without labels until it is given some.
    pub plan: Plan,
    /// The process as `sample --process` takes it: `vp:beta_min=0.1,beta_max=20`.
    pub process: String,
    /// What it predicts: `noise`, `data`, `velocity`, `v` or `score`.
    pub prediction: String,
    /// Units of the data.
    pub standardisation: Standardisation,
    /// Name of the data set.
    pub data: String,
    /// Root of the mean variance of a component of the data, in the units of the process; `None`
    /// in files made before it was measured.
    pub data_std: Option<f64>,
}

impl AnyNetwork {
    /// Reads a network from the bytes of its file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        registry::read(&Archive::from_bytes(bytes)?)
    }

    /// Reads a network from its file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        registry::read(&Archive::load(path.as_ref())?)
    }
}

impl AnyNetwork {
    /// `network`, unless it predicts labels.
    pub(crate) fn generating<A: Architecture>(
        network: TrainedNetwork<A>,
    ) -> Result<Self, WeightsError> {
        if network.parameters.config().classes() == 0 {
            return Ok(network.into());
        }
        Err(WeightsError::Kind {
            expected: "a network that generates".to_owned(),
            found: format!("a {}", A::NAME),
        })
    }
}

impl<A: Architecture> From<TrainedNetwork<A>> for AnyNetwork {
    fn from(network: TrainedNetwork<A>) -> Self {
        AnyNetwork {
            architecture: A::NAME,
            plan: network.plan(),
            process: network.process,
            prediction: network.prediction,
            standardisation: network.standardisation,
            data: network.data,
            data_std: network.data_std,
        }
    }
}
