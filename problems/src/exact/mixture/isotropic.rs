use super::super::rows::{RowKernel, softmax};
use super::{Combination, GaussianMixture};

/// A combination for isotropic components: all that does not depend on `x`,
/// once per call.
pub(super) struct Kernel {
    dimension: usize,
    /// `ln w_k - d/2 ln v_k`.
    log_weights: Vec<f64>,
    /// `-1 / (2 v_k)`.
    scales: Vec<f64>,
    /// `(data alpha s_k^2 + gain) / v_k`.
    gains: Vec<f64>,
    /// `alpha m_k`.
    centres: Vec<f64>,
    /// `data m_k`.
    offsets: Vec<f64>,
}

impl Kernel {
    pub fn new(mixture: &GaussianMixture, stds: &[f64], combination: Combination) -> Self {
        let Combination { alpha, variance, data, gain } = combination;
        let dimension = mixture.dimension;
        let variances: Vec<f64> =
            stds.iter().map(|std| alpha * alpha * std * std + variance).collect();
        let scaled = |factor: f64| mixture.means.iter().map(|mean| factor * mean).collect();
        Kernel {
            dimension,
            log_weights: mixture
                .weights
                .iter()
                .zip(&variances)
                .map(|(weight, v)| weight.ln() - 0.5 * dimension as f64 * v.ln())
                .collect(),
            scales: variances.iter().map(|v| -0.5 / v).collect(),
            gains: stds
                .iter()
                .zip(&variances)
                .map(|(std, v)| (data * alpha * std * std + gain) / v)
                .collect(),
            centres: scaled(alpha),
            offsets: scaled(data),
        }
    }
}

impl RowKernel for Kernel {
    type Scratch<const B: usize> = Vec<[f64; B]>;

    fn scratch<const B: usize>(&self) -> Vec<[f64; B]> {
        vec![[0.0; B]; self.scales.len()]
    }

    #[inline(always)]
    fn tile<const B: usize, const FUSED: bool>(
        &self,
        out: &mut [[f64; B]],
        x: &[[f64; B]],
        weights: &mut Vec<[f64; B]>,
    ) {
        let centres = || self.centres.chunks_exact(self.dimension);
        for ((logit, centre), (log_weight, scale)) in
            weights.iter_mut().zip(centres()).zip(self.log_weights.iter().zip(&self.scales))
        {
            let mut square = [0.0; B];
            for (column, centre) in x.iter().zip(centre) {
                for i in 0..B {
                    let gap = column[i] - centre;
                    square[i] += gap * gap;
                }
            }
            for i in 0..B {
                logit[i] = log_weight + scale * square[i];
            }
        }
        softmax::<B, FUSED>(weights);
        for (j, (out, column)) in out.iter_mut().zip(x).enumerate() {
            // Sums and column in registers: through the slices the compiler would have to
            // allow for one changing the other.
            let (mut sum, column) = ([0.0; B], *column);
            let parts = self.centres.chunks_exact(self.dimension);
            let parts = parts.zip(self.offsets.chunks_exact(self.dimension));
            for ((weight, gain), (centre, offset)) in weights.iter().zip(&self.gains).zip(parts) {
                let (centre, offset) = (centre[j], offset[j]);
                for i in 0..B {
                    sum[i] += weight[i] * (offset + gain * (column[i] - centre));
                }
            }
            *out = sum;
        }
    }
}
