use driftfield_solvers::number::Number;

use crate::memory::MemoryError;
use crate::npy::NpyError;
use crate::spec::SpecError;
use crate::standardisation::StandardisationError;

/// Why there is no such measurement, or nothing to be reconstructed from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasurementError {
    /// The text names no measurement, or a parameter has a value it cannot take.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The matrix could not be read.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The units do not fit the measurement.
    #[error(transparent)]
    Units(#[from] StandardisationError),
    /// An image of no pixel, or of more values than memory has addresses.
    #[error(
        "an image of {channels} x {height} x {width} values cannot be measured; give at least one \
         channel, row and column"
    )]
    Shape {
        /// Channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// The observed square leaves the image.
    #[error(
        "rows {}..{} and columns {}..{} are observed, the image has {height} rows and {width} \
         columns; move the centre or make the square smaller", rows.0, rows.1, columns.0, columns.1
    )]
    Outside {
        /// First row, and the one after the last.
        rows: (i64, i64),
        /// First column, and the one after the last.
        columns: (i64, i64),
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// Blocks of pixels that do not fill the image.
    #[error(
        "blocks of {factor} x {factor} pixels do not divide an image of {height} x {width}; use a \
         factor that divides both"
    )]
    Factor {
        /// Pixels along a side of a block.
        factor: usize,
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// A matrix for data of another dimension.
    #[error(
        "the matrix is {rows} x {columns}, the data has {dimension} components; give one column \
         for each component and at least one row"
    )]
    MatrixShape {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Components of the data.
        dimension: usize,
    },
    /// A list of another length than asked for.
    #[error("{what} holds {found} value(s); {expected}")]
    Length {
        /// What holds the values.
        what: &'static str,
        /// How many it should hold.
        expected: String,
        /// How many it holds.
        found: usize,
    },
    /// A number that is NaN, infinite or too large to be squared.
    #[error(
        "value {index} of {what} is {value}; values must be at most 1e100 in size",
        value = Number(*value)
    )]
    NotFinite {
        /// What holds the value.
        what: &'static str,
        /// Its index.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A standard deviation that is none.
    #[error(
        "the standard deviation of the measurement's noise is {value}; it must be finite and not negative",
        value = Number(*.0)
    )]
    NoiseStd(f64),
    /// A random mask that shows nothing.
    #[error(
        "a share of {keep} of {pixels} pixels is no pixel at all; keep more of them",
        keep = Number(*keep)
    )]
    NothingKept {
        /// Share of the pixels to be kept.
        keep: f64,
        /// Pixels of the image.
        pixels: usize,
    },
    /// More than fits in memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// `A A^T` could not be decomposed.
    #[error(
        "the eigenvalues of A A^T did not converge for a measurement of {measured} values; scale \
         the operator so that its largest entries are of order 1"
    )]
    Decomposition {
        /// Values measured.
        measured: usize,
    },
}

/// Refuses noise that is none.
pub(super) fn check_noise_std(std: f64) -> Result<f64, MeasurementError> {
    // 1e100: its square is finite.
    if (0.0..=1e100).contains(&std) { Ok(std) } else { Err(MeasurementError::NoiseStd(std)) }
}

/// Refuses numbers that are not finite, or too large to be squared.
pub(super) fn check_numbers(what: &'static str, values: &[f64]) -> Result<(), MeasurementError> {
    match values.iter().position(|value| !(-1e100..=1e100).contains(value)) {
        None => Ok(()),
        Some(index) => Err(MeasurementError::NotFinite { what, index, value: values[index] }),
    }
}
