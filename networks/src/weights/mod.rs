//! Trained networks as one `.safetensors` file.
//!
//! The tensors are those of [`crate::Parameters`]; the header's metadata
//! has one key, `driftfield`, whose value is a JSON document: format version,
//! process, prediction, the architecture's name and configuration, standardisation, training settings
//! and the data's name. One key, because a header's keys come in no fixed order and
//! a file should be byte for byte what its command makes again. A further
//! tensor, `checksum`, guards document and weights. Weights of a file converted to f64 are guarded
//! still, of one rounded to f16 or bf16 no longer: it is loaded as it is.

mod any;
mod archive;
mod document;
mod torch;
mod trained;

use std::path::Path;

pub use any::AnyNetwork;
pub(crate) use archive::{Archive, DOCUMENT, Values, document_of};
pub use archive::{WeightsError, bytes_of};
pub(crate) use document::check_kind;
pub(crate) use torch::DOCUMENT as TORCH_DOCUMENT;
pub use torch::{TorchLayout, TorchNetwork, to_torch};
pub use trained::TrainedNetwork;

use serde_json::Value;

use crate::registry::{self, ArchitectureEntry};

/// The architecture of the network in a file.
pub fn architecture_of(path: impl AsRef<Path>) -> Result<&'static ArchitectureEntry, WeightsError> {
    registry::of_document(&Archive::load(path.as_ref())?.document()?, &registry::catalog())
}

/// Whether the bytes of a file are of a network that was made here: the header of the `.safetensors`
/// file has our document.
pub fn has_document(bytes: &[u8]) -> bool {
    document_of(bytes, DOCUMENT).is_some()
}

/// Steps of the training that made the network in a file, if it says so.
pub fn training_steps(path: impl AsRef<Path>) -> Result<Option<usize>, WeightsError> {
    let document: Value = Archive::load(path.as_ref())?.document()?;
    let steps = document["training"]["steps"].as_u64();
    Ok(steps.and_then(|steps| usize::try_from(steps).ok()))
}
