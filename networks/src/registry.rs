//! The architectures that a file may hold and that `train` makes.

use driftfield_problems::echo::echo;
use serde_json::Value;

use crate::weights::{AnyNetwork, Archive, TrainedNetwork, WeightsError};
use crate::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};

/// One architecture.
#[derive(Debug)]
pub struct ArchitectureEntry {
    /// What files and the command line call it.
    pub name: &'static str,
    read: fn(&Archive) -> Result<AnyNetwork, WeightsError>,
}

/// All architectures.
pub const ARCHITECTURES: &[ArchitectureEntry] =
    &[entry::<MlpConfig>(), entry::<UNetConfig>(), entry::<ClassifierConfig>()];

const fn entry<A: Architecture>() -> ArchitectureEntry {
    ArchitectureEntry {
        name: A::NAME,
        read: |archive| AnyNetwork::generating(TrainedNetwork::<A>::from_archive(archive)?),
    }
}

/// The architecture of a file with this document.
pub(crate) fn of_document(document: &Value) -> Result<&'static ArchitectureEntry, WeightsError> {
    let name = document["architecture"].as_str().unwrap_or_else(|| guessed(document));
    ARCHITECTURES.iter().find(|entry| entry.name == name).ok_or_else(|| WeightsError::Kind {
        expected: format!("one of {}", names()),
        found: format!("a network of the architecture `{}`", echo(name)),
    })
}

/// The architecture that a file does not name, as those made before they did: each has a key that
/// no other had.
pub(crate) fn guessed(document: &Value) -> &'static str {
    let has = |key: &str| document["architecture"].get(key).is_some();
    if has("classes") {
        ClassifierConfig::NAME
    } else if has("side") {
        UNetConfig::NAME
    } else {
        MlpConfig::NAME
    }
}

fn names() -> String {
    ARCHITECTURES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

/// The network of a file, whatever its architecture.
pub(crate) fn read(archive: &Archive) -> Result<AnyNetwork, WeightsError> {
    (of_document(&archive.document()?)?.read)(archive)
}
