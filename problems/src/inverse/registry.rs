//! All measurements by name. A new measurement is a file and its line in [`MEASUREMENTS`].

use super::{ImageShape, MeasurementError, SharedMeasurement};
use crate::spec::{Spec, SpecError};

/// A measurement as the command line knows it.
#[derive(Debug, Clone, Copy)]
pub struct MeasurementEntry {
    /// Name.
    pub name: &'static str,
    /// Keys of its parameters.
    pub keys: &'static [&'static str],
    /// What is measured, in a few words.
    pub summary: &'static str,
    /// Makes it from its parameters, for images of a shape.
    pub build: fn(&Spec, &ImageShape) -> Result<SharedMeasurement, MeasurementError>,
}

/// Every measurement. All take `std`, the standard deviation of the noise, 0 by default.
pub const MEASUREMENTS: &[MeasurementEntry] = &[
    super::mask::SQUARE,
    super::mask::RANDOM,
    super::pool::ENTRY,
    super::blur::ENTRY,
    super::matrix::ENTRY,
];

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
    let (spec, entry) = find(text)?;
    (entry.build)(&spec, &shape.validate()?)
}

/// Refuses a name that no measurement has and a key that this one has not: what can be known
/// before the images are.
pub fn check(text: &str) -> Result<(), SpecError> {
    let (spec, entry) = find(text)?;
    spec.only(entry.keys)
}

fn find(text: &str) -> Result<(Spec, &'static MeasurementEntry), SpecError> {
    let spec: Spec = text.parse()?;
    let names = || MEASUREMENTS.iter().map(|entry| entry.name);
    let entry = MEASUREMENTS
        .iter()
        .find(|entry| entry.name == spec.name())
        .ok_or_else(|| SpecError::unknown_name("measurement", spec.name(), names()))?;
    Ok((spec, entry))
}

/// The value of `key` as rows and columns, `8x6`, or one number for both.
pub(super) fn pair(spec: &Spec, key: &str) -> Result<Option<(usize, usize)>, SpecError> {
    let Some(text) = spec.text(key) else { return Ok(None) };
    let (rows, columns) = text.split_once('x').unwrap_or((text, text));
    match (rows.trim().parse(), columns.trim().parse()) {
        (Ok(rows), Ok(columns)) => Ok(Some((rows, columns))),
        _ => {
            let expected = "one whole number, or ROWSxCOLUMNS such as 8x6";
            Err(SpecError::value(spec.name(), key, text, expected))
        }
    }
}
