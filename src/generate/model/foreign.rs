//! How a network of someone else's file is written: `FILE[:key=value,...]`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use driftfield_networks::imported::{Description, ImportError, Imported};
use driftfield_problems::spec::Spec;

use super::{Model, TensorModel};
use crate::generate::GenerateError;

/// What files of networks end in; ours end in the last.
pub(super) const ENDINGS: [&str; 8] =
    [".onnx", ".pt", ".pth", ".ckpt", ".bin", ".msgpack", ".npz", ".safetensors"];
/// What an address of the hub stands behind.
pub(super) const HUB: &str = "hf:";
/// What tells a folder that diffusers saved.
const IN_FOLDER: [&str; 2] = ["model_index.json", "config.json"];

/// A file of someone else's network and what its user says of it.
#[derive(Debug)]
pub struct Foreign {
    path: PathBuf,
    keys: Vec<(String, String)>,
}

impl Foreign {
    /// The file that `text` names, if that is how it is written and the file is not one of ours.
    ///
    /// # Errors
    ///
    /// Keys that cannot be read, and a file of the hub that is not in its cache.
    pub fn parse(text: &str) -> Result<Option<Self>, GenerateError> {
        let (named, keys) = split(text);
        let keys = match keys {
            Some(keys) => format!("field:{keys}").parse::<Spec>()?.parameters().to_vec(),
            None => Vec::new(),
        };
        if let Some(address) = named.strip_prefix(HUB) {
            return Ok(Some(Foreign { path: in_cache(address, text)?, keys }));
        }
        let path = Path::new(named);
        let is_folder = path.is_dir() && IN_FOLDER.iter().any(|file| path.join(file).is_file());
        let ends = ENDINGS.iter().any(|ending| named.ends_with(ending));
        if !is_folder && (!ends || keys.is_empty() && is_ours(path)) {
            return Ok(None);
        }
        Ok(Some(Foreign { path: path.to_owned(), keys }))
    }

    /// What is said of it.
    ///
    /// # Errors
    ///
    /// Keys that are not known.
    pub fn description(&self) -> Result<Description, GenerateError> {
        let name = self.path.display().to_string();
        let told = Description::of_keys(&name, &self.keys);
        told.map_err(|source| GenerateError::Import { file: name, source: Box::new(source) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its model.
    ///
    /// # Errors
    ///
    /// As [`TensorModel::read`].
    pub fn model(&self) -> Result<Arc<dyn Model>, GenerateError> {
        TensorModel::read(&self.path, self.description()?)
    }
}

/// Whether a text names a file of a network, or a folder of one.
pub(super) fn is_file(text: &str) -> bool {
    let (named, _) = split(text);
    named.starts_with(HUB)
        || ENDINGS.iter().any(|ending| named.ends_with(ending))
        || Path::new(named).is_dir()
}

/// Whether there are keys after its name.
pub(super) fn has_keys(text: &str) -> bool {
    split(text).1.is_some()
}

/// The name of the file, and the keys after it.
fn split(text: &str) -> (&str, Option<&str>) {
    let after = |ending: &&str| {
        let mark = format!("{ending}:");
        text.find(&mark).map(|at| at + ending.len())
    };
    let end = ENDINGS.iter().filter_map(after).min();
    let folder = || {
        let (folder, keys) = text.rsplit_once(':')?;
        (keys.contains('=') && Path::new(folder).is_dir()).then_some((folder, Some(keys)))
    };
    match end {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => folder().unwrap_or((text, None)),
    }
}

/// Whether a name is that of a `.safetensors` file of our own, or of none that is there: shipped
/// networks are looked for elsewhere, and what is missing is said there.
fn is_ours(path: &Path) -> bool {
    if path.extension().is_none_or(|extension| extension != "safetensors") {
        return false;
    }
    match driftfield_networks::weights::bytes_of(path) {
        Ok(bytes) => {
            !Imported::is_kept(&bytes) && driftfield_networks::weights::has_document(&bytes)
        }
        Err(_) => true,
    }
}

#[cfg(feature = "hub")]
fn in_cache(address: &str, text: &str) -> Result<PathBuf, GenerateError> {
    let (address, revision) = match address.rsplit_once('@') {
        Some((address, revision)) => (address, Some(revision)),
        None => (address, None),
    };
    let mut parts = address.splitn(3, '/');
    let (Some(org), Some(name), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(GenerateError::ModelForm(text.to_owned()));
    };
    let found = driftfield_networks::hub::cached(org, name, file, revision);
    found.map_err(|source| GenerateError::Import {
        file: text.to_owned(),
        source: Box::new(ImportError::from(source)),
    })
}

#[cfg(not(feature = "hub"))]
fn in_cache(_: &str, text: &str) -> Result<PathBuf, GenerateError> {
    let source = ImportError::Feature { what: "files of the hub", feature: "hub" };
    Err(GenerateError::Import { file: text.to_owned(), source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_behind_the_file() {
        assert_eq!(split("a/b.onnx:shape=2"), ("a/b.onnx", Some("shape=2")));
        assert_eq!(split("a:b.pt"), ("a:b.pt", None));
        assert_eq!(split("x.onnx.pt:key=a.onnx"), ("x.onnx.pt", Some("key=a.onnx")));
        assert_eq!(split("cat-vp"), ("cat-vp", None));
        let of = |text: &str| Foreign::parse(text).map(|found| found.map(|found| found.keys.len()));
        assert!(matches!(of("exact"), Ok(None)));
        assert!(matches!(of("not-there.safetensors"), Ok(None)));
        assert!(matches!(of("not-there.pt"), Ok(Some(0))));
        assert!(matches!(of("not-there.safetensors:shape=2,prediction=v"), Ok(Some(2))));
        assert!(of("not-there.pt:shape").is_err());
    }
}
