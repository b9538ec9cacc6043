//! Why a file is no network that can be used.

use std::path::PathBuf;

use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::npy::NpyError;
use driftfield_problems::spec::SpecError;
use driftfield_solvers::FieldError;

use crate::modules::{self, ModuleError};
use crate::tensors::TensorsError;
use crate::weights::WeightsError;

/// Why a file, and what is said of it, is no network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file of tensors is refused.
    #[error(transparent)]
    Tensors(#[from] TensorsError),
    /// The tensors are not those of the architecture.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A name or a key is not known.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The graph is refused.
    #[cfg(feature = "onnx")]
    #[error(transparent)]
    Onnx(#[from] crate::onnx::OnnxError),
    /// The program was built without the reader of such files.
    #[error(
        "{what} are read by the feature `{feature}`, without which this program was built; build it with `--features {feature}`"
    )]
    Feature {
        /// What the file is.
        what: &'static str,
        /// What it takes.
        feature: &'static str,
    },
    /// A file of the hub is not there.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// The tensors are of no architecture that is known, or of several.
    #[error(
        "the tensors are {found}; say which architecture they are of (`--architecture`, \
         `architecture=`), one of {}", modules::catalog().names().collect::<Vec<_>>().join(", ")
    )]
    Architecture {
        /// What they look like.
        found: String,
    },
    /// A description cannot be read.
    #[error("{}: {reason}", echo_path(path))]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something has to be known that neither the file nor its user says.
    #[error("the file does not say {what}; say it with `{option}`")]
    Unknown {
        /// What has to be known.
        what: &'static str,
        /// How it is said.
        option: &'static str,
    },
    /// Something that is said is refused.
    #[error("`{what}` is refused: {reason}")]
    Refused {
        /// What was said.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A condition's file is refused.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The weights of one of our own architectures are refused.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network is refused as it is conditioned.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// candle refuses.
    #[error("{}", echo(&.0.to_string()))]
    Backend(#[from] candle_core::Error),
}

impl ImportError {
    /// Whether its words begin with the file that they are about.
    pub fn names_its_file(&self) -> bool {
        matches!(
            self,
            ImportError::Weights(WeightsError::Io { .. })
                | ImportError::Description { .. }
                | ImportError::Npy(_)
                | ImportError::Tensors(TensorsError::Io { .. })
        )
    }
}
