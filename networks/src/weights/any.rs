//! A trained network of whichever architecture its file says it has.

use std::path::Path;

use serde_json::Value;

use super::archive::Archive;
use super::{TrainedNetwork, WeightsError};
use crate::{MlpConfig, UNetConfig};

/// A network that generates: what a file of weights holds, if it is not known beforehand.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyNetwork {
    /// The residual MLP, for points.
    Mlp(TrainedNetwork<MlpConfig>),
    /// The class-conditional U-Net, for images.
    UNet(TrainedNetwork<UNetConfig>),
}

impl AnyNetwork {
    /// Reads a network from the bytes of its file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        Self::from_archive(&Archive::from_bytes(bytes)?)
    }

    /// Reads a network from its file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        Self::from_archive(&Archive::load(path.as_ref())?)
    }

    /// Every architecture has a key that no other has.
    fn from_archive(archive: &Archive) -> Result<Self, WeightsError> {
        let document: Value = archive.document()?;
        let has = |key: &str| document["architecture"].get(key).is_some();
        if has("classes") {
            return Err(WeightsError::Kind {
                expected: "a network that generates".to_owned(),
                found: "a classifier".to_owned(),
            });
        }
        if has("side") {
            return TrainedNetwork::from_archive(archive).map(AnyNetwork::UNet);
        }
        TrainedNetwork::from_archive(archive).map(AnyNetwork::Mlp)
    }
}

impl From<TrainedNetwork<MlpConfig>> for AnyNetwork {
    fn from(network: TrainedNetwork<MlpConfig>) -> Self {
        AnyNetwork::Mlp(network)
    }
}

impl From<TrainedNetwork<UNetConfig>> for AnyNetwork {
    fn from(network: TrainedNetwork<UNetConfig>) -> Self {
        AnyNetwork::UNet(network)
    }
}
