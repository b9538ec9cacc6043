//! All measurements by name. A new measurement is a file and its line here.

use super::{ImageShape, MeasurementError, MeasurementRecipe, SharedMeasurement};
use crate::catalog::Catalog;

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
