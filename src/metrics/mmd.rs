use ndarray::ArrayView2;
use rayon::prelude::*;

use super::exponential::exp_nonpositive;
use super::pairwise::{PairFunction, Pairs, pair_sums};
use super::points::Points;
use super::{Metric, MetricError, Sample};

pub(super) const METRIC: Metric = Metric {
    name: "mmd2",
    formula: "unbiased MMD^2, kernel exp(-|x-y|^2/(2 h^2)), h by the median rule",
    evaluate: |p, q| {
        let bandwidth = median_bandwidth(p, q)?;
        let estimates = mmd(p, q, &[bandwidth])?;
        estimates[0].unbiased.ok_or(MetricError::TooFew {
            sample: if p.nrows() < 2 { Sample::P } else { Sample::Q },
        })
    },
};

/// Pooled points that the median rule looks at, at most.
const MEDIAN_POINTS: usize = 2048;

/// The squared maximum mean discrepancy at one bandwidth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmd {
    /// Kernel width `h`.
    pub bandwidth: f64,
    /// With the pairs of a point with itself: never negative but for rounding.
    pub biased: f64,
    /// Without them: zero on average for equal distributions. `None` where a
    /// sample is a single point.
    pub unbiased: Option<f64>,
}

/// The squared maximum mean discrepancy with the kernel
/// `k(x, y) = exp(-|x-y|^2 / (2 h^2))`, for each of several `h`.
///
/// `MMD^2 = mean k(p, p') + mean k(q, q') - 2 mean k(p, q)`
///
/// Gretton, Borgwardt, Rasch, Schoelkopf, Smola: A Kernel Two-Sample Test
/// (JMLR 2012), equations 3 and 5. Cost `O((n + m)^2 d)`, memory `O(n + m)`.
pub fn mmd(
    p: &ArrayView2<f64>,
    q: &ArrayView2<f64>,
    bandwidths: &[f64],
) -> Result<Vec<Mmd>, MetricError> {
    let usable = |h: f64| h.is_finite() && h > 0.0 && (-0.5 / h / h).is_finite();
    if let Some(&bandwidth) = bandwidths.iter().find(|&&bandwidth| !usable(bandwidth)) {
        return Err(MetricError::Bandwidth { bandwidth });
    }
    let (p, q) = Points::pair(p, q)?;
    let kernels: Vec<Gaussian> =
        bandwidths.iter().map(|h| Gaussian { factor: -0.5 / h / h }).collect();
    let within_p = pair_sums(Pairs::Within(&p), &kernels);
    let within_q = pair_sums(Pairs::Within(&q), &kernels);
    let across = pair_sums(Pairs::Across(&p, &q), &kernels);
    for &sum in within_p.iter().chain(&within_q).chain(&across) {
        MetricError::unless_finite("MMD^2", sum)?;
    }
    let (n, m) = (p.count() as f64, q.count() as f64);
    let estimate = |index: usize| {
        let (pp, qq) = (2.0 * within_p[index], 2.0 * within_q[index]);
        let cross = 2.0 * across[index] / (n * m);
        // k(x, x) = 1, once for every point.
        let biased = (pp + n) / (n * n) + (qq + m) / (m * m) - cross;
        let unbiased = pp / (n * (n - 1.0)) + qq / (m * (m - 1.0)) - cross;
        let unbiased = (n > 1.0 && m > 1.0).then_some(unbiased);
        Mmd { bandwidth: bandwidths[index], biased, unbiased }
    };
    Ok((0..bandwidths.len()).map(estimate).collect())
}

/// The bandwidth of the median rule: the median distance between two different
/// points of both samples pooled (Gretton et al. 2012, section 8).
///
/// Beyond 2,048 pooled points, the median among an evenly strided selection of
/// half that many of each: all pairs would not fit in memory.
pub fn median_bandwidth(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = Points::pair(p, q)?;
    let dimension = p.dimension();
    let selected = |points: &Points, most: usize| -> Vec<Vec<f64>> {
        let taken = points.count().min(most);
        let row = |index: usize| {
            let point = (index as u128 * points.count() as u128 / taken as u128) as usize;
            (0..dimension).map(|axis| points.get(point, axis)).collect()
        };
        (0..taken).map(row).collect()
    };
    let all = p.count() + q.count() <= MEDIAN_POINTS;
    let most = if all { MEDIAN_POINTS } else { MEDIAN_POINTS / 2 };
    let mut pooled = selected(&p, most);
    pooled.extend(selected(&q, most));
    let mut squares: Vec<f64> = (0..pooled.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let pooled = &pooled;
            (0..i).map(move |j| {
                pooled[i].iter().zip(&pooled[j]).map(|(x, y)| (x - y) * (x - y)).sum::<f64>()
            })
        })
        .collect();
    let half = squares.len() / 2;
    let (lower, &mut upper, _) = squares.select_nth_unstable_by(half, f64::total_cmp);
    let median = if pooled.len() * (pooled.len() - 1) / 2 % 2 == 1 {
        upper.sqrt()
    } else {
        let below = lower.iter().copied().fold(0.0, f64::max);
        0.5 * (below.sqrt() + upper.sqrt())
    };
    if median.is_finite() && median > 0.0 {
        Ok(median)
    } else {
        Err(MetricError::NoMedian { median })
    }
}

struct Gaussian {
    /// `-1 / (2 h^2)`.
    factor: f64,
}

impl PairFunction for Gaussian {
    #[inline(always)]
    fn value(&self, squared_distance: f64) -> f64 {
        exp_nonpositive(self.factor * squared_distance)
    }
}
