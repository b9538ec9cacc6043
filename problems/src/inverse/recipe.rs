use std::fmt;
use std::sync::Arc;

use super::{ImageShape, MeasurementError, SharedMeasurement};
use crate::catalog::{Key, Parameters};
use crate::spec::SpecError;

type Make = dyn Fn(&ImageShape) -> Result<SharedMeasurement, MeasurementError> + Send + Sync;

/// A measurement with its settings, to be made as soon as the shape of the images is known.
#[derive(Clone)]
pub struct MeasurementRecipe(Arc<Make>);

impl MeasurementRecipe {
    /// What `make` makes of a shape.
    pub fn new(
        make: impl Fn(&ImageShape) -> Result<SharedMeasurement, MeasurementError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        MeasurementRecipe(Arc::new(make))
    }

    /// The measurement of images of this shape.
    pub fn make(&self, shape: &ImageShape) -> Result<SharedMeasurement, MeasurementError> {
        (self.0)(&shape.validate()?)
    }
}

impl fmt::Debug for MeasurementRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasurementRecipe").finish_non_exhaustive()
    }
}

/// The standard deviation of a measurement's noise.
pub(super) fn std_key() -> Key {
    Key::number("std", 0.0, "standard deviation of the noise")
}

/// The value of `key` as rows and columns, `8x6`, or one number for both.
pub(super) fn pair(
    parameters: &Parameters<'_>,
    key: &str,
) -> Result<Option<(usize, usize)>, SpecError> {
    let Some(text) = parameters.text(key)? else { return Ok(None) };
    let (rows, columns) = text.split_once('x').unwrap_or((text, text));
    match (rows.trim().parse(), columns.trim().parse()) {
        (Ok(rows), Ok(columns)) => Ok(Some((rows, columns))),
        _ => {
            let expected = "one whole number, or ROWSxCOLUMNS such as 8x6";
            Err(SpecError::value(parameters.name(), key, text, expected))
        }
    }
}
