//! All measurements by name. A new measurement is a file and its line here.

use std::fmt;
use std::sync::Arc;

use super::{ImageShape, MeasurementError, SharedMeasurement};
use crate::catalog::{Catalog, Key, Parameters};
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

/// Every measurement by name. All take `std`, the standard deviation of the noise.
pub fn catalog() -> Catalog<MeasurementRecipe> {
    let entries = [
        super::mask::square(),
        super::mask::random(),
        super::pool::entry(),
        super::blur::entry(),
        super::matrix::entry(),
    ];
    Catalog::new("measurement", entries)
}

/// The measurement written `name:key=value,key=value`, of images of this shape.
///
/// ```
/// use driftfield_problems::inverse::{ImageShape, Measurement, parse};
/// let shape = ImageShape::grey(28, 28);
/// let square = parse("square:size=8,center=14x14,std=0.1", &shape).unwrap();
/// assert_eq!((square.measured(), square.noise_std()), (64, 0.1));
/// assert_eq!(parse("pool:factor=4", &shape).unwrap().measured(), 49);
/// let error = parse("sqare:size=8", &shape).unwrap_err();
/// assert!(error.to_string().contains("did you mean `square`"));
/// ```
pub fn parse(text: &str, shape: &ImageShape) -> Result<SharedMeasurement, MeasurementError> {
    catalog().build(text)?.make(shape)
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
