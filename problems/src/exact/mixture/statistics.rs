use std::f64::consts::TAU;

use driftfield_solvers::FieldError;
use nalgebra::{DMatrix, DVector};
use ndarray::{Array2, ArrayView1};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

use super::full::Covariance;
use super::{Combination, GaussianMixture, Spread};

impl GaussianMixture {
    /// The distribution of `alpha x_0 + sigma eps`.
    pub fn marginal(&self, alpha: f64, sigma: f64) -> GaussianMixture {
        let variance = |own: f64| alpha * alpha * own + sigma * sigma;
        let spread = match &self.spread {
            Spread::Isotropic(stds) => {
                Spread::Isotropic(stds.iter().map(|std| variance(std * std).sqrt()).collect())
            }
            Spread::Full(covariances) => Spread::Full(
                covariances
                    .iter()
                    .map(|Covariance { eigenvalues, eigenvectors }| Covariance {
                        eigenvalues: eigenvalues.iter().map(|&own| variance(own)).collect(),
                        eigenvectors: eigenvectors.clone(),
                    })
                    .collect(),
            ),
        };
        GaussianMixture {
            dimension: self.dimension,
            weights: self.weights.clone(),
            means: self.means.iter().map(|mean| alpha * mean).collect(),
            spread,
        }
    }

    /// `ln p(x)`.
    pub fn log_density(&self, x: &[f64]) -> Result<f64, FieldError> {
        let logs: Vec<f64> = self.densities_at(x)?.map(|(log_density, _)| log_density).collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // All -inf (a point too far for its square to be finite) would make NaN.
        let top = if top.is_finite() { top } else { 0.0 };
        Ok(top + logs.iter().map(|log| (log - top).exp()).sum::<f64>().ln())
    }

    /// The square of the Mahalanobis distance of `x` to the component most
    /// responsible for it, per dimension: `|x - m_k|^2 / (d v_k)` where `S_k = v_k I`.
    ///
    /// Over draws of well separated components its mean is 1 and its standard
    /// deviation `sqrt(2 / d)`, so that the mean over a sample tells at a glance how
    /// much too wide or too narrow a generated law is: a sensitive test of the noise
    /// of a stochastic sampler.
    pub fn standardised_square(&self, x: &[f64]) -> Result<f64, FieldError> {
        let nearest = self.densities_at(x)?.max_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(nearest.map_or(f64::NAN, |(_, square)| square / self.dimension as f64))
    }

    /// Of every component at `x`: `ln w_k N(x; m_k, S_k)` and the square of the Mahalanobis
    /// distance.
    fn densities_at(&self, x: &[f64]) -> Result<impl Iterator<Item = (f64, f64)>, FieldError> {
        if x.len() != self.dimension {
            return Err(FieldError::Shape {
                expected: format!("{} component(s)", self.dimension),
                found: x.len().to_string(),
            });
        }
        let dimension = self.dimension as f64;
        let components = self.means().zip(&self.weights).enumerate();
        Ok(components.map(move |(k, (mean, weight))| {
            let gaps = x.iter().zip(mean).map(|(x, mean)| x - mean);
            let (log_volume, square) = match &self.spread {
                Spread::Isotropic(stds) => {
                    let square: f64 = gaps.map(|gap| (gap / stds[k]).powi(2)).sum();
                    (dimension * stds[k].ln(), square)
                }
                Spread::Full(covariances) => {
                    let gaps: Vec<f64> = gaps.collect();
                    covariances[k].log_volume_and_square(&gaps)
                }
            };
            (weight.ln() - log_volume - 0.5 * (square + dimension * TAU.ln()), square)
        }))
    }

    /// `grad ln p(x)`.
    pub fn score(&self, x: &[f64]) -> Result<Vec<f64>, FieldError> {
        let point = DVector::from_column_slice(x);
        let mut score = DVector::zeros(x.len());
        let combination = Combination { alpha: 1.0, variance: 0.0, data: 0.0, gain: -1.0 };
        self.combine(combination, &mut score, &point)?;
        Ok(score.as_slice().to_vec())
    }

    /// The mean of the whole mixture.
    pub fn mean(&self) -> DVector<f64> {
        let mut mean = DVector::zeros(self.dimension);
        for (weight, own) in self.weights.iter().zip(self.means()) {
            mean += *weight * DVector::from_column_slice(own);
        }
        mean
    }

    /// The covariance of the whole mixture.
    pub fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let mut covariance = DMatrix::zeros(self.dimension, self.dimension);
        for (k, (weight, own)) in self.weights.iter().zip(self.means()).enumerate() {
            let gap = DVector::from_column_slice(own) - &mean;
            covariance += *weight * (self.component_covariance(k) + &gap * gap.transpose());
        }
        covariance
    }

    /// `S_k`; `k` is below the number of components.
    fn component_covariance(&self, k: usize) -> DMatrix<f64> {
        match &self.spread {
            Spread::Isotropic(stds) => {
                DMatrix::identity(self.dimension, self.dimension) * (stds[k] * stds[k])
            }
            Spread::Full(covariances) => covariances[k].matrix(),
        }
    }

    /// `n` independent points, `[n, d]`. Point `i` depends on `(seed, i)` alone.
    pub fn draw(&self, n: usize, seed: u64) -> Array2<f64> {
        let mut points = Array2::zeros((n, self.dimension));
        let base = SplitMix64::seed_from_u64(seed).next_u64();
        let mut normals = vec![0.0; self.dimension];
        for (i, mut point) in points.rows_mut().into_iter().enumerate() {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(base ^ i as u64);
            let uniform = (rng.next_u64() >> 11) as f64 * 2f64.powi(-53);
            normals.fill_with(|| StandardNormal.sample(&mut rng));
            point.assign(&ArrayView1::from(&self.point_from(uniform, &normals)));
        }
        points
    }

    /// The point that a number uniform in `[0, 1)` and independent standard
    /// normals stand for: the component in whose share the number falls, at the
    /// normals along its axes.
    pub(crate) fn point_from(&self, uniform: f64, normals: &[f64]) -> Vec<f64> {
        let k = self.pick(uniform);
        let mut point = self.means[k * self.dimension..][..self.dimension].to_vec();
        match &self.spread {
            Spread::Isotropic(stds) => {
                for (value, normal) in point.iter_mut().zip(normals) {
                    *value += stds[k] * normal;
                }
            }
            Spread::Full(covariances) => {
                let Covariance { eigenvalues, eigenvectors } = &covariances[k];
                for ((vector, eigenvalue), normal) in
                    eigenvectors.chunks_exact(self.dimension).zip(eigenvalues).zip(normals)
                {
                    for (value, along) in point.iter_mut().zip(vector) {
                        *value += eigenvalue.sqrt() * normal * along;
                    }
                }
            }
        }
        point
    }

    /// The component in whose share of `[0, 1)` the number `u` falls.
    fn pick(&self, u: f64) -> usize {
        let mut sum = 0.0;
        self.weights
            .iter()
            .position(|weight| {
                sum += weight;
                u < sum
            })
            .unwrap_or(self.weights.len() - 1)
    }
}

impl Covariance {
    /// `1/2 ln det S` and `gap^T S^-1 gap`.
    fn log_volume_and_square(&self, gap: &[f64]) -> (f64, f64) {
        let log_volume = 0.5 * self.eigenvalues.iter().map(|l| l.ln()).sum::<f64>();
        let square = self
            .eigenvectors
            .chunks_exact(gap.len())
            .zip(&self.eigenvalues)
            .map(|(vector, eigenvalue)| {
                let along: f64 = vector.iter().zip(gap).map(|(v, gap)| v * gap).sum();
                along * along / eigenvalue
            })
            .sum();
        (log_volume, square)
    }

    /// `S`.
    fn matrix(&self) -> DMatrix<f64> {
        let dimension = self.eigenvalues.len();
        let vectors = DMatrix::from_column_slice(dimension, dimension, &self.eigenvectors);
        let diagonal = DMatrix::from_diagonal(&DVector::from_column_slice(&self.eigenvalues));
        &vectors * diagonal * vectors.transpose()
    }
}
