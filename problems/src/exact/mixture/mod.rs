//! Gaussian mixtures, whose every expectation along a Gaussian path is known
//! in closed form.

mod axes;
mod component;
mod derivative;
mod error;
mod full;
mod isotropic;
mod json;
mod parameters;
mod predictor;
mod statistics;

pub use error::MixtureError;
pub use predictor::MixturePredictor;

use driftfield_solvers::{FieldError, HostState};

use self::error::{check_count, check_numbers};
use self::full::Covariance;
use super::rows;

/// A mixture of Gaussians `sum_k w_k N(m_k, S_k)` in any dimension, each `S_k`
/// a multiple of the identity or any covariance.
///
/// ```
/// use driftfield_problems::exact::GaussianMixture;
/// let mixture: GaussianMixture =
///     r#"{"weights": [0.5, 0.5], "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.3]}"#.parse().unwrap();
/// assert_eq!(mixture.dimension(), 2);
/// let points = mixture.draw(100, 7);
/// assert_eq!(points.dim(), (100, 2));
/// ```
#[derive(Debug, Clone)]
pub struct GaussianMixture {
    dimension: usize,
    weights: Vec<f64>,
    /// `m_k`, one after the other.
    means: Vec<f64>,
    spread: Spread,
}

#[derive(Debug, Clone)]
enum Spread {
    /// Standard deviations.
    Isotropic(Vec<f64>),
    /// Eigen-decompositions.
    Full(Vec<Covariance>),
}

/// How the components' posterior means are to be combined: the sum over
/// components of `r_k (data m_k + (data alpha s_k^2 + gain) / v_k (x - alpha m_k))`
/// with `v_k = alpha^2 s_k^2 + variance`.
///
/// `gain = noise * sigma` makes it `E[data x_0 + noise eps]`, `gain = -c` adds
/// `c` times the score. Nothing is divided by `alpha` or `sigma`.
#[derive(Debug, Clone, Copy)]
struct Combination {
    alpha: f64,
    variance: f64,
    data: f64,
    gain: f64,
}

impl GaussianMixture {
    /// Components `N(means[k], stds[k]^2 I)`.
    pub fn isotropic(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        stds: Vec<f64>,
    ) -> Result<Self, MixtureError> {
        let (weights, means, dimension) = Self::checked_centres(weights, means)?;
        check_count("stds", weights.len(), stds.len())?;
        for (component, &std) in stds.iter().enumerate() {
            // The bounds keep the squares far from under- and overflow.
            if !(1e-100..=1e100).contains(&std) {
                return Err(MixtureError::Std { component, value: std });
            }
        }
        Ok(GaussianMixture { dimension, weights, means, spread: Spread::Isotropic(stds) })
    }

    /// Components `N(means[k], covariances[k])`, the matrices by rows.
    pub fn full(
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        covariances: Vec<Vec<Vec<f64>>>,
    ) -> Result<Self, MixtureError> {
        let (weights, means, dimension) = Self::checked_centres(weights, means)?;
        check_count("covariances", weights.len(), covariances.len())?;
        let covariances = covariances
            .into_iter()
            .enumerate()
            .map(|(component, rows)| Covariance::new(component, dimension, rows))
            .collect::<Result<_, _>>()?;
        Ok(GaussianMixture { dimension, weights, means, spread: Spread::Full(covariances) })
    }

    fn checked_centres(
        mut weights: Vec<f64>,
        means: Vec<Vec<f64>>,
    ) -> Result<(Vec<f64>, Vec<f64>, usize), MixtureError> {
        if weights.is_empty() {
            return Err(MixtureError::Empty);
        }
        check_count("means", weights.len(), means.len())?;
        for (component, &value) in weights.iter().enumerate() {
            if !(value > 0.0 && value.is_finite()) {
                return Err(MixtureError::Weight { component, value });
            }
        }
        let sum: f64 = weights.iter().sum();
        // A sum of positive numbers is no NaN.
        if (sum - 1.0).abs() > 1e-6 {
            return Err(MixtureError::WeightSum { sum });
        }
        if sum != 1.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        let dimension = means[0].len();
        if dimension == 0 {
            return Err(MixtureError::Dimension { component: 0, expected: 1, found: 0 });
        }
        for (component, mean) in means.iter().enumerate() {
            if mean.len() != dimension {
                return Err(MixtureError::Dimension {
                    component,
                    expected: dimension,
                    found: mean.len(),
                });
            }
            check_numbers("means", component, mean)?;
        }
        Ok((weights, means.concat(), dimension))
    }

    /// Number of components of a point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The weights, which sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The means, one after the other.
    pub fn means(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.means.chunks_exact(self.dimension)
    }

    /// Whether the components have covariances of their own.
    fn is_full(&self) -> bool {
        matches!(self.spread, Spread::Full(_))
    }

    /// Writes a combination for every row of `x`.
    fn combine<S: HostState>(
        &self,
        combination: Combination,
        out: &mut S,
        x: &S,
    ) -> Result<(), FieldError> {
        let (components, dimension) = (self.weights.len(), self.dimension);
        match &self.spread {
            Spread::Isotropic(stds) => {
                let kernel = isotropic::Kernel::new(self, stds, combination);
                rows::evaluate(&kernel, out, x, dimension, components * (10 + 4 * dimension))
            }
            Spread::Full(covariances) => {
                let kernel = full::Kernel::new(self, covariances, combination);
                let work = components * (10 + 4 * dimension * dimension);
                rows::evaluate(&kernel, out, x, dimension, work)
            }
        }
    }
}
