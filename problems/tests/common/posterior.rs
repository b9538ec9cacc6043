//! The posterior of a Gaussian mixture under a linear measurement, in closed form.

use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::inverse::{Measurement, Observation};
use nalgebra::{DMatrix, DVector};
use ndarray::Array2;

/// The matrix of a measurement, column by column.
pub fn matrix(measurement: &dyn Measurement) -> DMatrix<f64> {
    let dimension = measurement.dimension();
    let mut matrix = DMatrix::zeros(measurement.measured(), dimension);
    for j in 0..dimension {
        let mut unit = vec![0.0; dimension];
        unit[j] = 1.0;
        let mut column = vec![0.0; measurement.measured()];
        measurement.apply(&mut column, &unit);
        matrix.set_column(j, &DVector::from_vec(column));
    }
    matrix
}

/// `sum_k w_k N(m_k, s_k^2 I)` given an observation with noise.
pub fn posterior(
    (weights, means, stds): (&[f64], &[Vec<f64>], &[f64]),
    observation: &Observation,
) -> GaussianMixture {
    let a = matrix(observation.measurement().as_ref());
    let y = DVector::from_column_slice(observation.values());
    let noise = observation.measurement().noise_std().powi(2);
    let mut logs = Vec::new();
    let (mut centres, mut covariances) = (Vec::new(), Vec::new());
    for ((weight, mean), std) in weights.iter().zip(means).zip(stds) {
        let (mean, variance) = (DVector::from_column_slice(mean), std * std);
        let evidence =
            variance * &a * a.transpose() + noise * DMatrix::identity(a.nrows(), a.nrows());
        let inverse = evidence.clone().try_inverse().unwrap();
        let misfit = &y - &a * &mean;
        let gain = variance * a.transpose() * &inverse;
        let square = misfit.dot(&(&inverse * &misfit));
        logs.push(weight.ln() - 0.5 * (evidence.determinant().ln() + square));
        centres.push((mean + &gain * misfit).as_slice().to_vec());
        let identity = DMatrix::identity(a.ncols(), a.ncols());
        let covariance = variance * (identity - gain * &a);
        let covariance = 0.5 * (&covariance + covariance.transpose());
        let rows = covariance.row_iter().map(|row| row.iter().copied().collect());
        covariances.push(rows.collect());
    }
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|log| (log - top).exp()).sum();
    let weights = logs.iter().map(|log| (log - top).exp() / total).collect();
    GaussianMixture::full(weights, centres, covariances).unwrap()
}

/// Mean and covariance of the rows of `sample`.
pub fn moments(sample: &Array2<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let (count, dimension) = (sample.nrows() as f64, sample.ncols());
    let mean = DVector::from_fn(dimension, |j, _| sample.column(j).sum() / count);
    let covariance = DMatrix::from_fn(dimension, dimension, |i, j| {
        let product = |row: ndarray::ArrayView1<'_, f64>| (row[i] - mean[i]) * (row[j] - mean[j]);
        sample.rows().into_iter().map(product).sum::<f64>() / (count - 1.0)
    });
    (mean, covariance)
}
