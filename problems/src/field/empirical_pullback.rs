use driftfield_solvers::{FieldError, HostState};

use super::EmpiricalPredictor;
use super::pullback::{Lane, add, dot, each_lane};
use super::rows::softmax;
use crate::predictor::{Cotangent, DifferentiablePredictor};
use crate::process::{GaussianPath, check_time};

/// With `v = alpha^2 s^2 + sigma^2` for a smoothing `s`, responsibilities `r_k` of the points
/// `m_k` and their mean `M`,
///
/// ```text
/// J = alpha s^2 / v I + alpha sigma^2 / v^2 sum_k r_k (m_k - M) (m_k - M)^T
/// ```
///
/// Points whose responsibility is 0 in `f64` are passed over: at small noise most of them.
impl<S: HostState> DifferentiablePredictor<S> for EmpiricalPredictor {
    fn predict_data_with_pullback(
        &self,
        data: &mut S,
        gradient: &mut S,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        check_time(self.path(), t)?;
        let (alpha, sigma) = (self.path().alpha(t), self.path().sigma(t));
        let smoothing = self.smoothing() * self.smoothing();
        let v = self.checked_variance((alpha, sigma), t)?;
        let (count, dimension) = self.data().dim();
        let points = self.data().as_slice().ok_or(driftfield_solvers::StateError::NotContiguous)?;
        let softmax = Softmax { points, alpha, v };
        let (gain, spread) = (alpha * smoothing / v, alpha * (sigma / v) * (sigma / v));
        each_lane((data, gradient), x, dimension, count * (10 + 8 * dimension), |lane| {
            let Lane { number, x, data, gradient } = lane;
            let weighted = softmax.at(x);
            // The mean of the points, in `data` for a while.
            weighted.iter().for_each(|(weight, point)| add(data, *weight, point));
            let mean = data.to_vec();
            for ((data, x), mean) in data.iter_mut().zip(x).zip(&mean) {
                *data += gain * (x - alpha * mean);
            }
            let mut c = vec![0.0; dimension];
            cotangent(number, data, &mut c);
            add(gradient, gain, &c);
            let along = dot(&mean, &c);
            for (weight, point) in &weighted {
                let factor = spread * weight * (dot(point, &c) - along);
                let parts = gradient.iter_mut().zip(point.iter().zip(&mean));
                parts.for_each(|(out, (point, mean))| *out += factor * (point - mean));
            }
        })
    }
}

/// The responsibilities of the points.
struct Softmax<'a> {
    points: &'a [f64],
    alpha: f64,
    v: f64,
}

impl<'a> Softmax<'a> {
    /// The points that matter for `x`, each with its responsibility.
    fn at(&self, x: &[f64]) -> Vec<(f64, &'a [f64])> {
        let points = || self.points.chunks_exact(x.len());
        let distance = |point: &[f64]| -> f64 {
            let gaps = x.iter().zip(point).map(|(x, point)| x - self.alpha * point);
            gaps.map(|gap| gap * gap).sum()
        };
        let mut weights: Vec<[f64; 1]> =
            points().map(|point| [-0.5 / self.v * distance(point)]).collect();
        softmax::<1, false>(&mut weights);
        let weights = weights.into_iter().map(|[weight]| weight);
        weights.zip(points()).filter(|(weight, _)| *weight > 0.0).collect()
    }
}
