use crate::field::GaussianMixture;

use super::{
    Cat, Checkerboard, DataError, DataSet, EightGaussians, FiniteData, Mnist, Moons, SwissRoll,
};

/// A data set that can be asked for by name.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name on the command line.
    pub name: &'static str,
    /// What it looks like, in a few words.
    pub summary: &'static str,
    /// Makes the data set.
    pub make: fn() -> Box<dyn DataSet>,
}

/// Every data set known by name.
pub const REGISTRY: &[Entry] =
    &[Cat::ENTRY, Moons::ENTRY, Checkerboard::ENTRY, SwissRoll::ENTRY, EightGaussians::ENTRY];

/// The file or directory that [`by_name`] reads for that name, and what stands before it; none
/// for a data set of the registry.
pub fn file_of(name: &str) -> Option<(&'static str, &str)> {
    if let Some(directory) = name.strip_prefix("mnist:") {
        return Some(("mnist:", directory));
    }
    let lower = name.to_ascii_lowercase();
    (lower.ends_with(".npy") || lower.ends_with(".json")).then_some(("", name))
}

/// The data set of that name, the rows of that `.npy` file, the Gaussian mixture
/// of that `.json` file, or the digits of that directory (`mnist:DIR`).
pub fn by_name(name: &str) -> Result<Box<dyn DataSet>, DataError> {
    if let Some(entry) = REGISTRY.iter().find(|entry| entry.name == name) {
        return Ok((entry.make)());
    }
    if let Some(directory) = name.strip_prefix("mnist:") {
        let digits = FiniteData::new(Mnist::read(directory)?.train.pixels)?;
        return Ok(Box::new(digits.with_row_shape(vec![1, Mnist::SIDE, Mnist::SIDE])));
    }
    if name.to_ascii_lowercase().ends_with(".npy") {
        return Ok(Box::new(FiniteData::read(name)?));
    }
    if name.to_ascii_lowercase().ends_with(".json") {
        let mixture = GaussianMixture::read(name)
            .map_err(|source| DataError::Mixture { file: name.to_owned(), source })?;
        return Ok(Box::new(mixture));
    }
    let distance = |entry: &&Entry| strsim::osa_distance(entry.name, &name.to_ascii_lowercase());
    let nearest = REGISTRY.iter().min_by_key(distance).map_or("", |entry| entry.name);
    let known = REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    Err(DataError::UnknownName { name: name.to_owned(), nearest, known })
}
