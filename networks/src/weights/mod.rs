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
mod half;
mod trained;

use std::path::Path;

pub use any::AnyNetwork;
pub use archive::WeightsError;
pub(crate) use archive::{Archive, Values};
pub(crate) use document::check_kind;
pub use trained::TrainedNetwork;

use crate::registry::{self, ArchitectureEntry};

/// The architecture of the network in a file.
pub fn architecture_of(path: impl AsRef<Path>) -> Result<&'static ArchitectureEntry, WeightsError> {
    registry::of_document(&Archive::load(path.as_ref())?.document()?)
}
