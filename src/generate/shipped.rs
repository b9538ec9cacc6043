//! The weights that come with the program, so that it runs wherever it is
//! installed.

use std::path::Path;

use driftfield_networks::weights::{TrainedNetwork, WeightsError};
use driftfield_networks::{Classifier, ClassifierConfig};

/// Names and contents of the shipped weights.
pub const SHIPPED: &[(&str, &[u8])] = &[
    ("cat-vp", include_bytes!("../../weights/cat-vp.safetensors")),
    ("cat-brownian-bridge", include_bytes!("../../weights/cat-brownian-bridge.safetensors")),
    ("cat-rectified-flow", include_bytes!("../../weights/cat-rectified-flow.safetensors")),
];

/// The shipped weights that `text` names: `cat-vp`, `cat-vp.safetensors` or
/// that file in a directory `weights`.
///
/// A file of that name in any other directory is somebody's own.
pub fn shipped(text: &str) -> Option<&'static [u8]> {
    let path = Path::new(text);
    let directory = path.parent()?;
    if !(directory.as_os_str().is_empty() || directory.ends_with("weights")) {
        return None;
    }
    let file = path.file_name()?.to_str()?;
    let name = file.strip_suffix(".safetensors").unwrap_or(file);
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, bytes)| *bytes)
}

/// The shipped classifier of handwritten digits, whose features measure the quality of images.
///
/// It was trained on the [first half](driftfield_problems::data::Mnist::first_half) of the
/// digits.
pub fn shipped_classifier() -> Result<Classifier, WeightsError> {
    let bytes = include_bytes!("../../weights/mnist-classifier.safetensors");
    Ok(TrainedNetwork::<ClassifierConfig>::from_bytes(bytes)?.classifier())
}
