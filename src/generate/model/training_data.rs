//! Where the data of a trained network lies.

use std::path::Path;
use std::sync::Arc;

use driftfield_problems::data::{self, DataSet};
use driftfield_problems::echo::echo_path;

use crate::generate::GenerateError;

/// The data named `data` that the network of the file `weights` was trained on: of the catalogue, or
/// in a file that is beside the weights, where it was in training, or where an absolute name says.
pub(super) fn of(weights: &str, data: &str) -> Result<Arc<dyn DataSet>, GenerateError> {
    let Some((before, name)) = data::file_of(data) else {
        return Ok(data::by_name(data)?.into());
    };
    let folder = Path::new(weights).parent().unwrap_or(Path::new(""));
    let beside = |name: &Path| folder.join(name);
    let recorded = Path::new(name);
    let mut places = vec![beside(recorded), recorded.to_path_buf()];
    // A folder that was moved whole: the data lies in it under its own name.
    places.extend(recorded.file_name().map(|file| beside(Path::new(file))));
    let named = || (weights.to_owned(), data.to_owned());
    let Some(place) = places.iter().find(|place| place.exists()) else {
        let mut looked: Vec<String> = Vec::new();
        for place in places.iter().map(|place| echo_path(place)) {
            if !looked.contains(&place) {
                looked.push(place);
            }
        }
        let (weights, data) = named();
        return Err(GenerateError::NoData { weights, data, looked: looked.join(", ") });
    };
    match data::by_name(&format!("{before}{}", place.display())) {
        Ok(data) => Ok(data.into()),
        Err(source) => {
            let (weights, data) = named();
            Err(GenerateError::NetworkData { weights, data, source: Box::new(source) })
        }
    }
}
