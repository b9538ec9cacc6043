use driftfield_solvers::number::Number;
use thiserror::Error;

use super::MnistError;
use crate::echo::echo;
use crate::exact::MixtureError;
use crate::npy::NpyError;
use crate::spec::SpecError;

/// Why there is no such data set, and what to try.
#[derive(Debug, Error)]
pub enum DataError {
    /// No data set has this name, or one of it has no such parameter.
    #[error(transparent)]
    Spec(#[from] Box<SpecError>),
    /// The file is no Gaussian mixture.
    #[error("{}: {source}", echo(file))]
    Mixture {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: MixtureError,
    },
    /// The file cannot be read as an array.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The directory has no digits.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// There are no rows or no columns.
    #[error("the data have shape {shape:?}; at least one row and one column are needed")]
    Empty {
        /// Rows and columns.
        shape: [usize; 2],
    },
    /// A sample with a NaN or an infinity.
    #[error(
        "row {row}, column {column} of the data is {value}; remove or repair rows that are not finite",
        value = Number(*value)
    )]
    NotFinite {
        /// Row of the first such number.
        row: usize,
        /// Its column.
        column: usize,
        /// The number.
        value: f64,
    },
}
