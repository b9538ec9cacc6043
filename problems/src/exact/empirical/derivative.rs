use super::super::jacobian::{Jacobian, LevelRate};
use super::super::rows::softmax;
use crate::host::{add, dot};

/// The derivative of a data set's prediction
/// `y = data M + g (x - alpha M)`, `g = (data alpha s^2 + noise sigma) / v`.
///
/// With `v = alpha^2 s^2 + sigma^2` for a smoothing `s`, responsibilities `r_k` of the points
/// `m_k` and their mean `M`,
///
/// ```text
/// J     = g I + alpha (data - g alpha) / v sum_k r_k (m_k - M) (m_k - M)^T
/// dy    = (data - g alpha) M' + g' (x - alpha M) - g alpha' M
/// M'    = sum_k r_k (m_k - M) (|x - alpha m_k|^2 v' / (2 v^2) + alpha' m_k . (x - alpha m_k) / v)
/// ```
///
/// where the primes are the changes of the level of noise that [`Jacobian::along`] is given, and
/// `data - g alpha = sigma (data sigma - noise alpha) / v`. Points whose responsibility is
/// 0 in `f64` are passed over: at small noise most of them.
pub(super) struct EmpiricalJacobian<'a> {
    pub points: &'a [f64],
    pub alpha: f64,
    pub v: f64,
    /// `g`.
    pub gain: f64,
    pub data: f64,
    pub noise: f64,
    /// `s^2`.
    pub smoothing: f64,
    /// `data - g alpha`.
    pub of_mean: f64,
}

impl EmpiricalJacobian<'_> {
    /// The points that matter for `x`, each with its responsibility, and their mean.
    fn posterior(&self, x: &[f64]) -> (Vec<(f64, &[f64])>, Vec<f64>) {
        let points = || self.points.chunks_exact(x.len());
        let mut weights: Vec<[f64; 1]> =
            points().map(|point| [-0.5 / self.v * self.squared_gap(x, point)]).collect();
        softmax::<1, false>(&mut weights);
        let weights = weights.into_iter().map(|[weight]| weight);
        let weighted: Vec<_> = weights.zip(points()).filter(|(weight, _)| *weight > 0.0).collect();
        let mut mean = vec![0.0; x.len()];
        weighted.iter().for_each(|(weight, point)| add(&mut mean, *weight, point));
        (weighted, mean)
    }

    fn squared_gap(&self, x: &[f64], point: &[f64]) -> f64 {
        let gaps = x.iter().zip(point).map(|(x, point)| x - self.alpha * point);
        gaps.map(|gap| gap * gap).sum()
    }
}

impl Jacobian for EmpiricalJacobian<'_> {
    fn times(&self, x: &[f64], v: &[f64]) -> Vec<f64> {
        let (weighted, mean) = self.posterior(x);
        let spread = self.alpha * self.of_mean / self.v;
        let mut out: Vec<f64> = v.iter().map(|v| self.gain * v).collect();
        let along = dot(&mean, v);
        for (weight, point) in &weighted {
            let factor = spread * weight * (dot(point, v) - along);
            let parts = out.iter_mut().zip(point.iter().zip(&mean));
            parts.for_each(|(out, (point, mean))| *out += factor * (point - mean));
        }
        out
    }

    fn along(&self, x: &[f64], rate: &LevelRate) -> Vec<f64> {
        let (data, smoothing) = (self.data, self.smoothing);
        let v_rate = 2.0 * self.alpha * rate.alpha * smoothing + rate.variance;
        let noise_rate = if self.noise == 0.0 { 0.0 } else { self.noise * rate.sigma };
        let gain_rate = (data * rate.alpha * smoothing + noise_rate - self.gain * v_rate) / self.v;
        let (weighted, mean) = self.posterior(x);
        let mut mean_rate = vec![0.0; x.len()];
        for (weight, point) in &weighted {
            let along: f64 = x.iter().zip(*point).map(|(x, m)| m * (x - self.alpha * m)).sum();
            let log_weight_rate = 0.5 * self.squared_gap(x, point) * v_rate / (self.v * self.v)
                + rate.alpha * along / self.v;
            let parts = mean_rate.iter_mut().zip(point.iter().zip(&mean));
            parts
                .for_each(|(out, (point, mean))| *out += weight * log_weight_rate * (point - mean));
        }
        let parts = x.iter().zip(mean.iter().zip(mean_rate));
        parts
            .map(|(x, (mean, mean_rate))| {
                self.of_mean * mean_rate + gain_rate * (x - self.alpha * mean)
                    - self.gain * rate.alpha * mean
            })
            .collect()
    }
}
