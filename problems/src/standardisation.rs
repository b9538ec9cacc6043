//! From the data's units to those of the network and back.

use driftfield_solvers::number::Number;
use driftfield_solvers::{HostState, Scalar};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Networks work on `(x - mean) / std`, axis by axis of a row.
///
/// [`Standardisation::fit`] takes one `std` for all axes, so that shapes keep
/// their aspect and isotropic noise stays isotropic in the data's units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardisation {
    /// Mean of every axis.
    pub mean: Vec<f64>,
    /// Scale of every axis.
    pub std: Vec<f64>,
}

/// Why a standardisation cannot be made or applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StandardisationError {
    /// There are no rows or no columns.
    #[error("the data set is empty ({rows} x {columns}); give one row per sample")]
    Empty {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A value is NaN or infinite, or too large to be squared.
    #[error(
        "row {row}, column {column} of the data is {value}; remove rows that are not finite",
        value = Number(*value)
    )]
    NonFinite {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A value that is no pixel's, in images.
    #[error(
        "row {row}, column {column} of the images is {value}; pixels lie in [0, 1], divide those of bytes by 255"
    )]
    NotPixels {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// The mean and scale do not fit each other or are not usable numbers.
    #[error("a standardisation needs a finite mean and a positive scale for each of {axes} axes")]
    Invalid {
        /// Number of axes.
        axes: usize,
    },
    /// A state's rows have another length.
    #[error("the standardisation is of rows of {expected} value(s), the state's have {found}")]
    Rows {
        /// Axes of the standardisation.
        expected: usize,
        /// Values in a row of the state.
        found: usize,
    },
    /// A state is not in standard layout.
    #[error(
        "the state is not in standard (C) layout; pass `array.as_standard_layout().to_owned()`"
    )]
    NotContiguous,
}

impl Standardisation {
    /// The mean of every column of `data` `[n, d]`, and as common scale the root
    /// of the mean variance over columns (1 where the data is a single point).
    pub fn fit(data: &Array2<f64>) -> Result<Self, StandardisationError> {
        let (rows, columns) = data.dim();
        if rows == 0 || columns == 0 {
            return Err(StandardisationError::Empty { rows, columns });
        }
        for ((row, column), &value) in data.indexed_iter() {
            // 1e100: squares and their sums stay finite.
            if value.is_nan() || value.abs() > 1e100 {
                return Err(StandardisationError::NonFinite { row, column, value });
            }
        }
        let (mean, std) = mean_and_spread(data);
        // A constant column's mean is rounded, so that "zero" is relative.
        let largest = mean.iter().fold(0.0f64, |largest, mean| largest.max(mean.abs()));
        let std = if std > 1e-12 * largest { std } else { 1.0 };
        Ok(Standardisation { mean, std: vec![std; columns] })
    }

    /// The root of the mean variance over columns of `data` `[n, d]`: how far a component lies from
    /// its mean.
    pub fn spread(data: &Array2<f64>) -> f64 {
        mean_and_spread(data).1
    }

    /// Pixels from 0 to 1 become -1 to 1: dark and bright are as far from noise.
    pub fn of_pixels(axes: usize) -> Self {
        Standardisation { mean: vec![0.5; axes], std: vec![0.5; axes] }
    }

    /// Changes nothing: mean 0 and scale 1 on `axes` axes.
    pub fn identity(axes: usize) -> Self {
        Standardisation { mean: vec![0.0; axes], std: vec![1.0; axes] }
    }

    /// Refuses means that are not finite and scales that are not positive.
    pub fn validate(&self, axes: usize) -> Result<(), StandardisationError> {
        let good = self.mean.len() == axes
            && self.std.len() == axes
            && self.mean.iter().all(|mean| mean.is_finite())
            && self.std.iter().all(|&std| std > 0.0 && std.is_finite());
        if good { Ok(()) } else { Err(StandardisationError::Invalid { axes }) }
    }

    /// `x <- (x - mean) / std`: from the data's units to the network's.
    pub fn apply<H: HostState>(&self, state: &mut H) -> Result<(), StandardisationError> {
        self.each(state, |x, mean, std| (x - mean) / std)
    }

    /// `x <- x std + mean`: from the network's units to the data's.
    pub fn undo<H: HostState>(&self, state: &mut H) -> Result<(), StandardisationError> {
        self.each(state, |x, mean, std| x * std + mean)
    }

    fn each<H: HostState>(
        &self,
        state: &mut H,
        change: impl Fn(f64, f64, f64) -> f64,
    ) -> Result<(), StandardisationError> {
        let axes = self.mean.len();
        self.validate(axes)?;
        let lanes = state.lane_count();
        let values = state.values_mut().ok_or(StandardisationError::NotContiguous)?;
        if axes == 0 || values.len() != lanes * axes {
            let found = values.len() / lanes.max(1);
            return Err(StandardisationError::Rows { expected: axes, found });
        }
        for row in values.chunks_exact_mut(axes) {
            for ((value, &mean), &std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *value = H::Scalar::from_f64(change(value.into_f64(), mean, std));
            }
        }
        Ok(())
    }
}

/// The mean of every column, and the root of the mean variance over columns.
fn mean_and_spread(data: &Array2<f64>) -> (Vec<f64>, f64) {
    let (rows, columns) = data.dim();
    let mean: Vec<f64> = data.columns().into_iter().map(|c| c.sum() / rows as f64).collect();
    let squares: f64 = data
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(&mean).map(|(x, mean)| (x - mean).powi(2)).sum::<f64>())
        .sum();
    (mean, (squares / (rows * columns) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_scale_is_common_and_undo_undoes_apply() {
        let data = array![[1.0, 10.0], [3.0, 10.0], [2.0, 13.0], [2.0, 7.0]];
        let standardisation = Standardisation::fit(&data).unwrap();
        assert_eq!(standardisation.mean, [2.0, 10.0]);
        let expected = (20.0f64 / 8.0).sqrt();
        assert_eq!(standardisation.std, [expected; 2]);
        let mut state = data.clone();
        standardisation.apply(&mut state).unwrap();
        assert!((state.mapv(|x| x * x).mean().unwrap() - 1.0).abs() < 1e-12);
        standardisation.undo(&mut state).unwrap();
        assert!((&state - &data).iter().all(|difference| difference.abs() < 1e-12));
        let mut lane = [3.0f32, 10.0];
        standardisation.apply(&mut lane).unwrap();
        assert_eq!(lane, [(1.0 / expected) as f32, 0.0]);
    }

    #[test]
    fn a_single_point_has_scale_one_and_bad_data_is_located() {
        let point = Standardisation::fit(&array![[0.1, 0.7], [0.1, 0.7], [0.1, 0.7]]).unwrap();
        assert_eq!(point.std, [1.0, 1.0]);
        assert!(matches!(
            Standardisation::fit(&array![[0.0, 1.0], [2.0, f64::NAN]]),
            Err(StandardisationError::NonFinite { row: 1, column: 1, .. })
        ));
        assert_eq!(
            Standardisation::fit(&Array2::zeros((0, 2))),
            Err(StandardisationError::Empty { rows: 0, columns: 2 })
        );
        assert_eq!(
            point.apply(&mut [1.0f64, 2.0, 3.0]),
            Err(StandardisationError::Rows { expected: 2, found: 3 })
        );
        let zero = Standardisation { mean: vec![0.0], std: vec![0.0] };
        assert_eq!(zero.validate(1), Err(StandardisationError::Invalid { axes: 1 }));
    }
}
