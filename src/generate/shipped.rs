//! The weights that come with the program, so that it runs wherever it is
//! installed, and those that come with a checkout only.

use std::path::{Path, PathBuf};

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::echo::echo_path;

use driftfield_networks::weights::{TrainedNetwork, WeightsError};
use driftfield_networks::{Classifier, ClassifierConfig};

use super::GenerateError;

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
    let name = name_of(text)?;
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, bytes)| *bytes)
}

/// The name in `NAME`, `NAME.safetensors` or that file in a directory `weights`.
fn name_of(text: &str) -> Option<&str> {
    let path = Path::new(text);
    let directory = path.parent()?;
    if !(directory.as_os_str().is_empty() || directory.ends_with("weights")) {
        return None;
    }
    let file = path.file_name()?.to_str()?;
    Some(file.strip_suffix(".safetensors").unwrap_or(file))
}

/// Names of the networks of digits, which come with a checkout: a package of a registry has no
/// room for their 4.4 MB each.
pub const CHECKED_OUT: [&str; 2] = ["mnist-rectified-flow", "mnist-vp"];

/// All networks that `--field` knows by name.
pub fn shipped_catalog() -> Catalog<&'static str> {
    let entry = |name: &'static str, from: &str| {
        let (data, process) = name.split_once('-').unwrap_or((name, ""));
        let data = if data == "mnist" { "digits" } else { "the cat" };
        Entry::new(name, format!("{data} on {process}; {from}"), move |_| Ok(name))
    };
    let embedded = SHIPPED.iter().map(|(name, _)| entry(name, "part of the program"));
    let found =
        format!("a file, looked for in ${DIRECTORY}, in weights beside the program, in weights");
    let files = CHECKED_OUT.iter().map(|name| entry(name, &found));
    Catalog::new("weights", embedded.chain(files)).forms("FILE.safetensors")
}

/// The variable that names the directory of [`CHECKED_OUT`] weights.
const DIRECTORY: &str = "DRIFTFIELD_WEIGHTS";

/// The weights file that `text` names, if it names one: one of [`CHECKED_OUT`] that is not there
/// is looked for where the program finds its own.
pub(crate) fn file_of(text: &str) -> Result<Option<PathBuf>, GenerateError> {
    let named = name_of(text).filter(|name| CHECKED_OUT.contains(name));
    let Some(name) = named.filter(|_| !Path::new(text).exists()) else {
        return Ok(text.ends_with(".safetensors").then(|| PathBuf::from(text)));
    };
    let beside = std::env::current_exe().ok();
    let beside = beside.as_deref().and_then(Path::parent).map(|folder| folder.join("weights"));
    let folders = std::env::var_os(DIRECTORY).map(PathBuf::from).into_iter().chain(beside);
    let files = folders.chain([PathBuf::from("weights")]);
    let files: Vec<_> = files.map(|folder| folder.join(format!("{name}.safetensors"))).collect();
    match files.iter().find(|file| file.is_file()) {
        Some(file) => Ok(Some(file.clone())),
        None => {
            let looked: Vec<_> = files.iter().map(|file| echo_path(file)).collect();
            Err(GenerateError::NotCheckedOut { name: name.to_owned(), looked: looked.join(", ") })
        }
    }
}

/// The shipped classifier of handwritten digits, whose features measure the quality of images.
///
/// It was trained on the [first half](driftfield_problems::data::Mnist::first_half) of the
/// digits.
pub fn shipped_classifier() -> Result<Classifier, WeightsError> {
    let bytes = include_bytes!("../../weights/mnist-classifier.safetensors");
    Ok(TrainedNetwork::<ClassifierConfig>::from_bytes(bytes)?.classifier())
}
