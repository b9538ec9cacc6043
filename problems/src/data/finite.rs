use std::path::Path;

use ndarray::{Array2, ArrayView2};

use super::{DataError, DataSet, SampleRng};
use crate::{checksum, npy};

/// The rows of an array, drawn uniformly with replacement, each with a little
/// Gaussian noise if it is smoothed.
#[derive(Debug, Clone)]
pub struct FiniteData {
    points: Array2<f64>,
    row_shape: Vec<usize>,
    smoothing: f64,
}

impl FiniteData {
    /// The data set of these rows, shape `[n, d]`, all finite.
    pub fn new(points: Array2<f64>) -> Result<Self, DataError> {
        if points.is_empty() {
            return Err(DataError::Empty { shape: [points.nrows(), points.ncols()] });
        }
        if let Some(((row, column), &value)) =
            points.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(DataError::NotFinite { row, column, value });
        }
        let row_shape = vec![points.ncols()];
        Ok(FiniteData { points, row_shape, smoothing: 0.0 })
    }

    /// The same rows, each drawn with noise of this standard deviation.
    #[must_use]
    pub fn with_smoothing(self, smoothing: f64) -> Self {
        FiniteData { smoothing, ..self }
    }

    /// The same rows, being of another shape with as many values.
    #[must_use]
    pub fn with_row_shape(self, row_shape: Vec<usize>) -> Self {
        FiniteData { row_shape, ..self }
    }

    /// The data set of the rows of an `.npy` file of shape `[n, d]`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, DataError> {
        FiniteData::new(npy::read_matrix(path)?)
    }

    /// All rows, in the order of the file.
    pub fn points(&self) -> ArrayView2<'_, f64> {
        self.points.view()
    }
}

impl DataSet for FiniteData {
    fn dimension(&self) -> usize {
        self.points.ncols()
    }

    fn row_shape(&self) -> Vec<usize> {
        self.row_shape.clone()
    }

    fn checksum(&self) -> u64 {
        checksum::of_numbers(self.points.iter().chain([&self.smoothing]))
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        let row = self.points.row(rng.below(self.points.nrows()));
        point.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        if self.smoothing > 0.0 {
            point.iter_mut().for_each(|value| *value += self.smoothing * rng.normal());
        }
    }
}
