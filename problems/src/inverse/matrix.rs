use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayViewMut1, linalg::general_mat_vec_mul};

use super::error::{check_noise_std, check_numbers};
use super::recipe::std_key;
use super::{Measurement, MeasurementError, MeasurementRecipe};
use crate::catalog::{Entry, Key};
use crate::npy;

/// Any linear operator, by its matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// `[measured, dimension]`.
    values: Array2<f64>,
    noise_std: f64,
}

pub(super) fn entry() -> Entry<MeasurementRecipe> {
    Entry::new("matrix", "any matrix, one row for each measured value", |matrix| {
        let (file, std) = (matrix.word("file")?.to_owned(), matrix.number("std")?);
        Ok(MeasurementRecipe::new(move |shape| {
            Ok(Arc::new(Matrix::new(npy::read_matrix(&file)?, shape.dimension(), std)?))
        }))
    })
    .keys([Key::text("file", "A.npy", "the matrix, of shape [rows, dimension]"), std_key()])
}

impl Matrix {
    /// The matrix `values`, of one column for each of the `dimension` components of the data.
    pub fn new(
        values: Array2<f64>,
        dimension: usize,
        noise_std: f64,
    ) -> Result<Self, MeasurementError> {
        let (rows, columns) = values.dim();
        if rows == 0 || columns == 0 || columns != dimension {
            return Err(MeasurementError::MatrixShape { rows, columns, dimension });
        }
        let values = values.as_standard_layout().into_owned();
        check_numbers("the matrix", values.as_slice().unwrap_or_default())?;
        Ok(Matrix { values, noise_std: check_noise_std(noise_std)? })
    }
}

impl Measurement for Matrix {
    fn dimension(&self) -> usize {
        self.values.ncols()
    }
    fn measured(&self) -> usize {
        self.values.nrows()
    }
    fn apply(&self, out: &mut [f64], x: &[f64]) {
        let (mut out, x) = (ArrayViewMut1::from(out), ArrayView1::from(x));
        general_mat_vec_mul(1.0, &self.values, &x, 0.0, &mut out);
    }
    fn adjoint(&self, out: &mut [f64], y: &[f64]) {
        let (mut out, y) = (ArrayViewMut1::from(out), ArrayView1::from(y));
        general_mat_vec_mul(1.0, &self.values.t(), &y, 0.0, &mut out);
    }
    fn noise_std(&self) -> f64 {
        self.noise_std
    }
}
