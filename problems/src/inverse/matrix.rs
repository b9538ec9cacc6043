use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayViewMut1, linalg::general_mat_vec_mul};

use super::error::{check_noise_std, check_numbers};
use super::registry::MeasurementEntry;
use super::{Measurement, MeasurementError};
use crate::npy;
use crate::spec::SpecError;

/// Any linear operator, by its matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// `[measured, dimension]`.
    values: Array2<f64>,
    noise_std: f64,
}

pub(super) const ENTRY: MeasurementEntry = MeasurementEntry {
    name: "matrix",
    keys: &["file", "std"],
    summary: "any matrix, one row for each measured value, from a file: file=A.npy",
    build: |spec, shape| {
        spec.only(ENTRY.keys)?;
        let file = spec.text("file").ok_or_else(|| {
            SpecError::value(
                ENTRY.name,
                "file",
                "",
                "given: file=A.npy, of shape [rows, dimension]",
            )
        })?;
        let values = npy::read_matrix(file)?;
        Ok(Arc::new(Matrix::new(values, shape.dimension(), spec.number("std", 0.0)?)?))
    },
};

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
