use driftfield_problems::inverse::MeasurementError;
use driftfield_problems::spec::SpecError;
use driftfield_solvers::number::Number;

use crate::generate::GenerateError;
use crate::images::ImageError;

/// Why nothing can be reconstructed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconstructError {
    /// The generation was refused.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The measurement was refused.
    #[error(transparent)]
    Measurement(Box<MeasurementError>),
    /// A name or parameter is not known.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The image cannot be drawn.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A pixel that no image has.
    #[error(
        "pixel {index} of the image is {value}; pixels lie in [0, 1], divide those of an image of bytes by 255",
        value = Number(*value)
    )]
    Pixel {
        /// Which.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The image has another number of values than the model's lanes.
    #[error(
        "the image has {found} value(s) (shape {shape:?}), the field's lanes have {expected}; give one image"
    )]
    Size {
        /// Values of a lane.
        expected: usize,
        /// Values given.
        found: usize,
        /// Shape given.
        shape: Vec<usize>,
    },
}

impl From<MeasurementError> for ReconstructError {
    fn from(error: MeasurementError) -> Self {
        ReconstructError::Measurement(Box::new(error))
    }
}
