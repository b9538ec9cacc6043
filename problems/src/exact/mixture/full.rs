use nalgebra::DMatrix;

use super::super::rows::{RowKernel, softmax};
use super::error::{MixtureError, check_numbers};
use super::{Combination, GaussianMixture, axes};

/// A covariance by its eigen-decomposition, in which
/// `alpha^2 S + sigma^2 I` is diagonal at every time.
#[derive(Debug, Clone)]
pub(super) struct Covariance {
    pub eigenvalues: Vec<f64>,
    /// The `i`-th eigenvector is the `i`-th stretch of the dimension's length.
    pub eigenvectors: Vec<f64>,
}

impl Covariance {
    pub fn new(
        component: usize,
        dimension: usize,
        rows: Vec<Vec<f64>>,
    ) -> Result<Self, MixtureError> {
        let lengths = rows.iter().map(Vec::len).chain([rows.len()]);
        if let Some(found) = lengths.into_iter().find(|&length| length != dimension) {
            return Err(MixtureError::Dimension { component, expected: dimension, found });
        }
        let values = rows.concat();
        check_numbers("covariances", component, &values)?;
        let matrix = DMatrix::from_row_slice(dimension, dimension, &values);
        let (eigenvalues, eigenvectors) = axes::of_covariance(component, &matrix)?;
        Ok(Covariance { eigenvalues, eigenvectors })
    }

    /// The matrix, row by row.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        let dimension = self.eigenvalues.len();
        let axes = || self.eigenvectors.chunks_exact(dimension).zip(&self.eigenvalues);
        let row = |i: usize| {
            let entry = |j: usize| axes().map(|(axis, l)| l * axis[i] * axis[j]).sum();
            (0..dimension).map(entry).collect()
        };
        (0..dimension).map(row).collect()
    }
}

/// A combination for components of any covariance, worked out in each
/// component's eigenbasis.
pub(super) struct Kernel<'a> {
    dimension: usize,
    components: Vec<Component<'a>>,
}

struct Component<'a> {
    eigenvectors: &'a [f64],
    /// `ln w_k - 1/2 sum_i ln v_i`.
    log_weight: f64,
    /// `-1 / (2 v_i)`.
    scales: Vec<f64>,
    /// `(data alpha l_i + gain) / v_i`.
    gains: Vec<f64>,
    /// `alpha m_k`.
    centre: Vec<f64>,
    /// `data m_k`.
    offset: Vec<f64>,
}

impl<'a> Kernel<'a> {
    pub fn new(
        mixture: &GaussianMixture,
        covariances: &'a [Covariance],
        combination: Combination,
    ) -> Self {
        let Combination { alpha, variance, data, gain } = combination;
        let components = covariances
            .iter()
            .zip(&mixture.weights)
            .zip(mixture.means())
            .map(|((covariance, weight), mean)| {
                let variances: Vec<f64> =
                    covariance.eigenvalues.iter().map(|l| alpha * alpha * l + variance).collect();
                Component {
                    eigenvectors: &covariance.eigenvectors,
                    log_weight: weight.ln() - 0.5 * variances.iter().map(|v| v.ln()).sum::<f64>(),
                    scales: variances.iter().map(|v| -0.5 / v).collect(),
                    gains: covariance
                        .eigenvalues
                        .iter()
                        .zip(&variances)
                        .map(|(l, v)| (data * alpha * l + gain) / v)
                        .collect(),
                    centre: mean.iter().map(|mean| alpha * mean).collect(),
                    offset: mean.iter().map(|mean| data * mean).collect(),
                }
            })
            .collect();
        Kernel { dimension: mixture.dimension, components }
    }
}

/// Weights of the components, and `x` in the eigenbasis of each.
pub(super) struct Scratch<const B: usize> {
    weights: Vec<[f64; B]>,
    rotated: Vec<[f64; B]>,
}

impl RowKernel for Kernel<'_> {
    type Scratch<const B: usize> = Scratch<B>;

    fn scratch<const B: usize>(&self) -> Scratch<B> {
        let components = self.components.len();
        Scratch {
            weights: vec![[0.0; B]; components],
            rotated: vec![[0.0; B]; components * self.dimension],
        }
    }

    #[inline(always)]
    fn tile<const B: usize, const FUSED: bool>(
        &self,
        out: &mut [[f64; B]],
        x: &[[f64; B]],
        scratch: &mut Scratch<B>,
    ) {
        let Scratch { weights, rotated } = scratch;
        for ((component, logit), rotated) in self
            .components
            .iter()
            .zip(weights.iter_mut())
            .zip(rotated.chunks_exact_mut(self.dimension))
        {
            *logit = [component.log_weight; B];
            let vectors = component.eigenvectors.chunks_exact(self.dimension);
            for ((vector, rotated), scale) in vectors.zip(rotated).zip(&component.scales) {
                *rotated = [0.0; B];
                for ((along, column), centre) in vector.iter().zip(x).zip(&component.centre) {
                    for i in 0..B {
                        rotated[i] += along * (column[i] - centre);
                    }
                }
                for i in 0..B {
                    logit[i] += scale * rotated[i] * rotated[i];
                }
            }
        }
        softmax::<B, FUSED>(weights);
        out.fill([0.0; B]);
        for ((component, weight), rotated) in
            self.components.iter().zip(weights.iter()).zip(rotated.chunks_exact(self.dimension))
        {
            for (out, offset) in out.iter_mut().zip(&component.offset) {
                for i in 0..B {
                    out[i] += weight[i] * offset;
                }
            }
            let vectors = component.eigenvectors.chunks_exact(self.dimension);
            for ((vector, rotated), gain) in vectors.zip(rotated).zip(&component.gains) {
                for (out, along) in out.iter_mut().zip(vector) {
                    for i in 0..B {
                        out[i] += weight[i] * (gain * rotated[i] * along);
                    }
                }
            }
        }
    }
}
