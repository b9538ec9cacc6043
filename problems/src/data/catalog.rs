use crate::catalog::Catalog;
use crate::exact::GaussianMixture;

use super::{
    Cat, Checkerboard, DataError, DataSet, EightGaussians, FiniteData, Mnist, Moons, SwissRoll,
};

/// Every data set by name, but for those that are read from files.
pub fn catalog() -> Catalog<Box<dyn DataSet>> {
    let entries = [
        Cat::entry(),
        Moons::entry(),
        Checkerboard::entry(),
        SwissRoll::entry(),
        EightGaussians::entry(),
    ];
    Catalog::new("data set", entries).forms(
        "FILE.npy of shape [n, d], FILE.json of a Gaussian mixture, mnist:DIR of the digits there",
    )
}

/// The file or directory that [`by_name`] reads for that name, and what stands before it; none
/// for a data set of the catalogue.
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
    match file_of(name) {
        Some(("mnist:", directory)) => {
            let digits = FiniteData::new(Mnist::read(directory)?.train.pixels)?;
            Ok(Box::new(digits.with_row_shape(vec![1, Mnist::SIDE, Mnist::SIDE])))
        }
        Some((_, file)) if file.to_ascii_lowercase().ends_with(".npy") => {
            Ok(Box::new(FiniteData::read(file)?))
        }
        Some((_, file)) => {
            let mixture = GaussianMixture::read(file)
                .map_err(|source| DataError::Mixture { file: file.to_owned(), source })?;
            Ok(Box::new(mixture))
        }
        None => Ok(catalog().build(name).map_err(Box::new)?),
    }
}
