use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::{Measurement, MeasurementError};
use crate::memory;

/// Below this share of the largest, an eigenvalue of `A A^T` is rounding.
const NEGLIGIBLE: f64 = 1e-13;

/// `A A^T` of a measurement, made ready once to solve `(A A^T + rho I) z = b` for any `rho >= 0`.
///
/// For masks and pooling it is diagonal, and solving is a division. Otherwise it is decomposed:
/// solving takes two products with a matrix of the eigenvectors. Directions with an eigenvalue of
/// 0 (a matrix of dependent rows) are left out of `z`: `A^T` takes them to nothing anyway, and
/// with `rho = 0` this is the pseudo-inverse.
#[derive(Debug, Clone)]
pub struct Gram {
    eigenvalues: Vec<f64>,
    /// By columns; `None` for the unit vectors.
    eigenvectors: Option<DMatrix<f64>>,
}

impl Gram {
    /// Forms `A A^T` column by column, and decomposes it unless it is diagonal.
    pub fn new(measurement: &dyn Measurement) -> Result<Self, MeasurementError> {
        let values = measurement.measured();
        // The product, its symmetric part, and what the decomposition makes of it.
        let bytes = 4 * size_of::<f64>() as u128 * (values as u128).pow(2);
        memory::check("measured values", values as u64, bytes)?;
        let matrix = product(measurement);
        let measured = matrix.nrows();
        let diagonal: Vec<f64> = matrix.diagonal().as_slice().to_vec();
        let largest = diagonal.iter().fold(0.0f64, |largest, value| largest.max(*value));
        let beside = matrix.iter().enumerate().filter(|(i, _)| i % (measured + 1) != 0);
        if beside.fold(0.0f64, |size, (_, value)| size.max(value.abs())) <= 1e-15 * largest {
            return Ok(Gram::with(diagonal, None));
        }
        let failed = MeasurementError::Decomposition { measured };
        let symmetric = 0.5 * (&matrix + matrix.transpose());
        let eigen =
            SymmetricEigen::try_new(symmetric, f64::EPSILON, 100 * measured).ok_or(failed)?;
        Ok(Gram::with(eigen.eigenvalues.as_slice().to_vec(), Some(eigen.eigenvectors)))
    }

    /// Negligible eigenvalues become 0.
    fn with(mut eigenvalues: Vec<f64>, eigenvectors: Option<DMatrix<f64>>) -> Self {
        let largest = eigenvalues.iter().fold(0.0f64, |largest, value| largest.max(*value));
        for value in &mut eigenvalues {
            if *value <= NEGLIGIBLE * largest {
                *value = 0.0;
            }
        }
        Gram { eigenvalues, eigenvectors }
    }

    /// Eigenvalues of `A A^T`, in no order.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// `b <- (A A^T + rho I)^-1 b`; `rho` may be infinite, which leaves nothing.
    pub fn solve(&self, rho: f64, b: &mut [f64]) {
        match &self.eigenvectors {
            None => self.divide(rho, b),
            Some(eigenvectors) => {
                let mut along = eigenvectors.tr_mul(&DVector::from_column_slice(b));
                self.divide(rho, along.as_mut_slice());
                b.copy_from_slice((eigenvectors * along).as_slice());
            }
        }
    }

    fn divide(&self, rho: f64, b: &mut [f64]) {
        for (b, &eigenvalue) in b.iter_mut().zip(&self.eigenvalues) {
            *b = if eigenvalue == 0.0 { 0.0 } else { *b / (eigenvalue + rho) };
        }
    }
}

/// `A A^T`.
fn product(measurement: &dyn Measurement) -> DMatrix<f64> {
    let measured = measurement.measured();
    let mut matrix = DMatrix::zeros(measured, measured);
    let (mut unit, mut row) = (vec![0.0; measured], vec![0.0; measurement.dimension()]);
    for (i, mut column) in matrix.column_iter_mut().enumerate() {
        unit[i] = 1.0;
        measurement.adjoint(&mut row, &unit);
        // A column of a matrix of columns is contiguous.
        measurement.apply(column.as_mut_slice(), &row);
        unit[i] = 0.0;
    }
    matrix
}
