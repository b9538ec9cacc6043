//! The units of networks on images.

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;

/// The units of pixels, which are those of the data only if it holds pixels.
pub(crate) fn units_of_pixels(data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
    Standardisation::fit(data)?;
    let other = data.indexed_iter().find(|(_, value)| !(0.0..=1.0).contains(*value));
    if let Some(((row, column), &value)) = other {
        return Err(StandardisationError::NotPixels { row, column, value });
    }
    Ok(Standardisation::of_pixels(data.ncols()))
}
