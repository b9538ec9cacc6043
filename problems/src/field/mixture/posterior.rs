//! The components of a mixture given a noisy state, one lane at a time.

use super::super::pullback::{add, dot};
use super::{GaussianMixture, Spread};

/// A component at a time of a path, with `V = alpha^2 S + sigma^2 I`.
pub(super) struct Component<'a> {
    mean: &'a [f64],
    alpha: f64,
    /// `ln w - 1/2 ln det V`.
    log_weight: f64,
    axes: Axes<'a>,
}

/// `1 / v` and `alpha l / v` along the axes on which `S` is diagonal, with eigenvalues `l`.
enum Axes<'a> {
    /// Those of the coordinates, all alike.
    All { precision: f64, gain: f64 },
    /// Eigenvectors, one after the other.
    Own { vectors: &'a [f64], precisions: Vec<f64>, gains: Vec<f64> },
}

/// The components of `mixture` where the path has this `alpha` and `sigma`.
pub(super) fn components(mixture: &GaussianMixture, alpha: f64, sigma: f64) -> Vec<Component<'_>> {
    let variance = |own: f64| alpha * alpha * own + sigma * sigma;
    let axes = |k: usize| match &mixture.spread {
        Spread::Isotropic(stds) => {
            let own = stds[k] * stds[k];
            let v = variance(own);
            let log_volume = mixture.dimension as f64 * v.ln();
            (log_volume, Axes::All { precision: 1.0 / v, gain: alpha * own / v })
        }
        Spread::Full(covariances) => {
            let own = &covariances[k].eigenvalues;
            let precisions: Vec<f64> = own.iter().map(|&l| 1.0 / variance(l)).collect();
            let log_volume = -precisions.iter().map(|p| p.ln()).sum::<f64>();
            let gains = own.iter().zip(&precisions).map(|(l, p)| alpha * l * p).collect();
            (log_volume, Axes::Own { vectors: &covariances[k].eigenvectors, precisions, gains })
        }
    };
    let parts = mixture.weights.iter().zip(mixture.means()).enumerate();
    parts
        .map(|(k, (weight, mean))| {
            let (log_volume, axes) = axes(k);
            Component { mean, alpha, log_weight: weight.ln() - 0.5 * log_volume, axes }
        })
        .collect()
}

impl Component<'_> {
    /// Writes the posterior mean `d = m + G (x - alpha m)`, `G = alpha S V^-1`, and the score
    /// `g = -V^-1 (x - alpha m)`; the logarithm of the responsibility, up to a constant.
    pub fn at(&self, x: &[f64], data: &mut [f64], score: &mut [f64]) -> f64 {
        let gap: Vec<f64> = x.iter().zip(self.mean).map(|(x, m)| x - self.alpha * m).collect();
        data.copy_from_slice(self.mean);
        score.fill(0.0);
        match &self.axes {
            Axes::All { precision, gain } => {
                add(data, *gain, &gap);
                add(score, -precision, &gap);
            }
            Axes::Own { vectors, precisions, gains } => {
                let axes = vectors.chunks_exact(x.len()).zip(precisions).zip(gains);
                for ((vector, precision), gain) in axes {
                    let along = dot(vector, &gap);
                    add(data, gain * along, vector);
                    add(score, -precision * along, vector);
                }
            }
        }
        self.log_weight + 0.5 * dot(score, &gap)
    }

    /// `out <- out + factor G c`.
    pub fn add_gain(&self, factor: f64, c: &[f64], out: &mut [f64]) {
        match &self.axes {
            Axes::All { gain, .. } => add(out, factor * gain, c),
            Axes::Own { vectors, gains, .. } => {
                for (vector, gain) in vectors.chunks_exact(c.len()).zip(gains) {
                    add(out, factor * gain * dot(vector, c), vector);
                }
            }
        }
    }
}
