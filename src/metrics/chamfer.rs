use ndarray::ArrayView2;

use super::{Metric, MetricError, PreparedSample};

/// The [Chamfer distance](fn@chamfer) as a metric.
pub(super) fn metric() -> Metric {
    let formula = "mean_P min_Q |x-y| + mean_Q min_P |x-y|";
    Metric::between("chamfer", formula, |p, q| Ok(p.nearest_distances(q)?.distance()))
}

/// The same of squared distances.
pub(super) fn squared() -> Metric {
    let formula = "mean_P min_Q |x-y|^2 + mean_Q min_P |x-y|^2";
    Metric::between("chamfer_squared", formula, |p, q| Ok(p.nearest_distances(q)?.squared()))
}

/// The largest distance to a nearest neighbour.
pub(super) fn hausdorff() -> Metric {
    let formula = "max(max_P min_Q |x-y|, max_Q min_P |x-y|)";
    Metric::between("hausdorff", formula, |p, q| Ok(p.nearest_distances(q)?.hausdorff))
}

/// What the distances to nearest neighbours say, each way and together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chamfer {
    /// Mean over `P` of the distance to the nearest point of `Q`.
    pub p_to_q: f64,
    /// Mean over `Q` of the distance to the nearest point of `P`.
    pub q_to_p: f64,
    /// As `p_to_q`, of the squared distance.
    pub squared_p_to_q: f64,
    /// As `q_to_p`, of the squared distance.
    pub squared_q_to_p: f64,
    /// The largest of all these distances.
    pub hausdorff: f64,
}

impl Chamfer {
    /// The Chamfer distance.
    pub fn distance(&self) -> f64 {
        self.p_to_q + self.q_to_p
    }

    /// The squared variant.
    pub fn squared(&self) -> f64 {
        self.squared_p_to_q + self.squared_q_to_p
    }
}

/// All Chamfer numbers of `P: [n, d]` and `Q: [m, d]` at once.
pub fn nearest_distances(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<Chamfer, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.nearest_distances(&q)
}

/// The numbers from the squared distances to the nearest of the other sample.
pub(super) fn of_squares(from_p: &[f64], from_q: &[f64]) -> Result<Chamfer, MetricError> {
    let mean = |squares: &[f64], value: fn(f64) -> f64| {
        squares.iter().map(|&square| value(square)).sum::<f64>() / squares.len() as f64
    };
    let largest = from_p.iter().chain(from_q).copied().fold(0.0, f64::max);
    let result = Chamfer {
        p_to_q: mean(from_p, f64::sqrt),
        q_to_p: mean(from_q, f64::sqrt),
        squared_p_to_q: mean(from_p, |square| square),
        squared_q_to_p: mean(from_q, |square| square),
        hausdorff: largest.sqrt(),
    };
    MetricError::unless_finite("Chamfer distance", result.squared() + largest)?;
    Ok(result)
}

/// The Chamfer distance, the mean over `P` of the distance to the nearest
/// point of `Q`, plus the same with `P` and `Q` exchanged.
///
/// `(1/n) sum_i min_j |p_i - q_j| + (1/m) sum_j min_i |p_i - q_j|`
///
/// Fan, Su, Guibas: A Point Set Generation Network (2017) has the squared form.
pub fn chamfer(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    Ok(nearest_distances(p, q)?.distance())
}

/// The Chamfer distance with squared distances in both means.
pub fn chamfer_squared(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    Ok(nearest_distances(p, q)?.squared())
}
