use ndarray::{ArrayView2, ShapeBuilder};

use super::{MetricError, Sample};

/// A checked sample: not empty, all finite.
///
/// Stored coordinate by coordinate, so that distances from one point to a run
/// of others are computed by whole vector registers.
#[derive(Debug, Clone)]
pub(super) struct Points {
    coordinates: Vec<f64>,
    count: usize,
    dimension: usize,
}

impl Points {
    /// The rows of a sample.
    pub fn new(view: &ArrayView2<f64>, sample: Sample) -> Result<Self, MetricError> {
        let (rows, columns) = view.dim();
        if rows == 0 || columns == 0 {
            return Err(MetricError::Empty { sample, rows, columns });
        }
        if let Some(((row, column), &value)) =
            view.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(MetricError::NotFinite { sample, row, column, value });
        }
        let coordinates = view.t().iter().copied().collect();
        Ok(Points { coordinates, count: rows, dimension: columns })
    }

    /// The points, `[n, d]`.
    pub fn rows(&self) -> ArrayView2<'_, f64> {
        let by_columns = (self.count, self.dimension).f();
        ArrayView2::from_shape(by_columns, &self.coordinates).expect("so many numbers are kept")
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of coordinates of a point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// One coordinate of all points.
    pub fn coordinate(&self, axis: usize) -> &[f64] {
        &self.coordinates[axis * self.count..][..self.count]
    }

    /// One coordinate of one point.
    pub fn get(&self, point: usize, axis: usize) -> f64 {
        self.coordinates[axis * self.count + point]
    }
}
