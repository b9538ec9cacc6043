use nalgebra::{DMatrix, DVector, SVD};
use ndarray::ArrayView2;

use super::points::Points;
use super::{Metric, MetricError, PreparedSample, Sample};

pub(super) fn metric() -> Metric {
    let formula = "|m_P-m_Q|^2 + tr(C_P + C_Q - 2 (C_P^1/2 C_Q C_P^1/2)^1/2), C unbiased";
    Metric::between("frechet", formula, PreparedSample::frechet_distance)
}

/// Rotations that the singular values may take; some hundred are usual.
const MOST_ROTATIONS: usize = 100_000;

/// The squared Frechet distance (2-Wasserstein, Bures) of the Gaussians fitted to two samples,
/// `|m_P - m_Q|^2 + tr(C_P + C_Q - 2 (C_P^{1/2} C_Q C_P^{1/2})^{1/2})`, with the unbiased
/// covariances, `1 / (n - 1)`.
///
/// D. C. Dowson, B. V. Landau, "The Frechet distance between multivariate normal
/// distributions", *J. Multivariate Analysis* 12 (1982); M. Heusel et al., "GANs trained by a two
/// time-scale update rule converge to a local Nash equilibrium", *NeurIPS* 2017, who compare
/// features of images so.
///
/// **Compare numbers of one sample size only.** The estimate is too large by about `1/n` times
/// a factor that depends on both laws, also between two samples of one law: report what real
/// data of the same size score, the floor.
pub fn frechet_distance(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.frechet_distance(&q)
}

pub(super) fn between(p: &PreparedSample, q: &PreparedSample) -> Result<f64, MetricError> {
    let p = p.gaussian(Sample::P)?;
    p.frechet_distance(q.gaussian(Sample::Q)?)
}

/// The Gaussian fitted to a sample: its mean and a factor of its covariance.
#[derive(Debug, Clone)]
pub struct GaussianFit {
    mean: DVector<f64>,
    /// `F` with `F^T F = C`.
    factor: DMatrix<f64>,
    trace: f64,
}

impl GaussianFit {
    /// Fits the rows of `points`, `[n, d]` with `n >= 2`; errors name them as `sample`.
    pub fn new(points: &ArrayView2<f64>, sample: Sample) -> Result<Self, MetricError> {
        GaussianFit::of(&Points::new(points, sample)?, sample)
    }

    pub(super) fn of(points: &Points, sample: Sample) -> Result<Self, MetricError> {
        let (count, dimension) = (points.count(), points.dimension());
        if count < 2 {
            return Err(MetricError::TooFew { sample });
        }
        let mean = |axis: usize| {
            let values = points.coordinate(axis);
            // The mean of the differences to one of them: exact where all are alike.
            values[0] + values.iter().map(|x| x - values[0]).sum::<f64>() / count as f64
        };
        let mean = DVector::from_fn(dimension, |axis, _| mean(axis));
        let scale = 1.0 / ((count - 1) as f64).sqrt();
        let centred = DMatrix::from_fn(count, dimension, |row, axis| {
            scale * (points.get(row, axis) - mean[axis])
        });
        let trace = MetricError::unless_finite("Frechet distance", centred.norm_squared())?;
        // The triangle of a QR decomposition has the same `F^T F`, and fewer rows.
        let factor = if count > dimension { centred.qr().r() } else { centred };
        Ok(GaussianFit { mean, factor, trace })
    }

    /// The squared Frechet distance of two Gaussians; see [`frechet_distance`].
    pub fn frechet_distance(&self, other: &Self) -> Result<f64, MetricError> {
        let (p, q) = (self.mean.len(), other.mean.len());
        if p != q {
            return Err(MetricError::Dimensions { p, q });
        }
        let shift = (&self.mean - &other.mean).norm_squared();
        let spreads = self.trace + other.trace;
        MetricError::unless_finite("Frechet distance", shift + spreads)?;
        let distance = shift + spreads - 2.0 * self.overlap(other)?;
        // What is below zero is rounding.
        Ok(distance.max(0.0))
    }

    /// `tr (C_P^{1/2} C_Q C_P^{1/2})^{1/2}` as the sum of the singular values of `F_P F_Q^T`.
    ///
    /// Each factor is its covariance's root but for a rotation from the left, so that these are
    /// the singular values of `C_P^{1/2} C_Q^{1/2}`, the roots of the eigenvalues meant.
    /// Eigenvalues of the product itself would be off by rounding, 1e-16 of the largest, and
    /// their roots by 1e-8: here nothing is squared, and a sample is at distance 1e-15 from
    /// itself, whatever the rank of its covariance.
    fn overlap(&self, other: &Self) -> Result<f64, MetricError> {
        let product = &self.factor * other.factor.transpose();
        let decomposed =
            SVD::try_new_unordered(product, false, false, f64::EPSILON, MOST_ROTATIONS);
        match decomposed {
            Some(decomposed) => Ok(decomposed.singular_values.sum()),
            None => Err(MetricError::NoConvergence { metric: "Frechet distance" }),
        }
    }
}
