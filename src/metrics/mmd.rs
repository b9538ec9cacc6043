use driftfield_problems::catalog::{Entry, Key};
use driftfield_problems::exponential::exp_nonpositive;
use driftfield_solvers::number::Number;
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::fourier::Fourier;
use super::pairwise::{PairFunction, Pairs, pair_sums};
use super::points::Points;
use super::{Metric, MetricError, PreparedSample, Sample};

pub(super) fn entry() -> Entry<Metric> {
    let definition = "unbiased MMD^2, kernel exp(-|x-y|^2/(2 h^2)), h by the median rule";
    Entry::new("mmd2", definition, move |mmd| {
        Ok(match mmd.optional_number("h")? {
            Some(h) => mmd_at(mmd.complete(), h),
            None => {
                Metric::between("mmd2", definition, |p, q| unbiased(p, q, p.median_bandwidth(q)?))
            }
        })
    })
    .keys([Key::number(
        "h",
        1.0,
        "width of the kernel; that of the median rule unless given",
    )
    .within("positive", |h| h > 0.0)
    .without_default()])
}

/// The unbiased estimate of MMD^2 at the bandwidth `h` as a metric.
pub fn mmd_at(name: impl Into<String>, h: f64) -> Metric {
    let definition = format!("unbiased MMD^2, kernel exp(-|x-y|^2/(2 h^2)), h = {}", Number(h));
    Metric::between(name, definition, move |p, q| unbiased(p, q, h))
}

fn unbiased(p: &PreparedSample, q: &PreparedSample, bandwidth: f64) -> Result<f64, MetricError> {
    p.mmd(q, &[bandwidth])?[0].unbiased.ok_or(MetricError::TooFew {
        sample: if p.points().count() < 2 { Sample::P } else { Sample::Q },
    })
}

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
/// (JMLR 2012), equations 3 and 5.
///
/// Large samples in few dimensions are summed as a Fourier series, at a cost
/// linear in the number of points; others pair by pair, `O((n + m)^2 d)`. Both
/// agree to 1e-13.
pub fn mmd(
    p: &ArrayView2<f64>,
    q: &ArrayView2<f64>,
    bandwidths: &[f64],
) -> Result<Vec<Mmd>, MetricError> {
    check_bandwidths(bandwidths)?;
    let (p, q) = PreparedSample::pair(p, q)?;
    p.mmd(&q, bandwidths)
}

fn check_bandwidths(bandwidths: &[f64]) -> Result<(), MetricError> {
    let usable = |h: f64| h.is_finite() && h > 0.0 && (-0.5 / h / h).is_finite();
    match bandwidths.iter().find(|&&bandwidth| !usable(bandwidth)) {
        Some(&bandwidth) => Err(MetricError::Bandwidth { bandwidth }),
        None => Ok(()),
    }
}

pub(super) fn between(
    p: &PreparedSample,
    q: &PreparedSample,
    bandwidths: &[f64],
) -> Result<Vec<Mmd>, MetricError> {
    check_bandwidths(bandwidths)?;
    let series: Vec<Option<Fourier>> =
        bandwidths.iter().map(|&h| Fourier::if_faster(p.points(), q.points(), h)).collect();
    let others = bandwidths.iter().zip(&series).filter(|(_, series)| series.is_none());
    let others: Vec<f64> = others.map(|(&bandwidth, _)| bandwidth).collect();
    let mut pairwise = by_pairs(p, q, &others)?.into_iter();
    let estimate = |(&bandwidth, series): (&f64, &Option<Fourier>)| match series {
        Some(series) => Some(by_series(p, q, bandwidth, series)),
        None => pairwise.next(),
    };
    Ok(bandwidths.iter().zip(&series).filter_map(estimate).collect())
}

fn by_series(p: &PreparedSample, q: &PreparedSample, bandwidth: f64, series: &Fourier) -> Mmd {
    let (n, m) = (p.points().count() as f64, q.points().count() as f64);
    let means = series.means(p.points(), q.points());
    // k(x, x) = 1 is taken out of both means within.
    let surplus = (1.0 - means.within_p) / (n - 1.0) + (1.0 - means.within_q) / (m - 1.0);
    let unbiased = (n > 1.0 && m > 1.0).then_some(means.biased - surplus);
    Mmd { bandwidth, biased: means.biased.max(0.0), unbiased }
}

fn by_pairs(
    p: &PreparedSample,
    q: &PreparedSample,
    bandwidths: &[f64],
) -> Result<Vec<Mmd>, MetricError> {
    if bandwidths.is_empty() {
        return Ok(Vec::new());
    }
    let kernels: Vec<Gaussian> =
        bandwidths.iter().map(|h| Gaussian { factor: -0.5 / h / h }).collect();
    let within_p = p.kernels_within(bandwidths, &kernels);
    let within_q = q.kernels_within(bandwidths, &kernels);
    let across = pair_sums(Pairs::Across(p.points(), q.points()), &kernels);
    for &sum in within_p.iter().chain(&within_q).chain(&across) {
        MetricError::unless_finite("MMD^2", sum)?;
    }
    let (n, m) = (p.points().count() as f64, q.points().count() as f64);
    let estimate = |index: usize| {
        let (pp, qq) = (2.0 * within_p[index], 2.0 * within_q[index]);
        let cross = 2.0 * across[index] / (n * m);
        // k(x, x) = 1, once for every point.
        let biased = (pp + n) / (n * n) + (qq + m) / (m * m) - cross;
        let unbiased = pp / (n * (n - 1.0)) + qq / (m * (m - 1.0)) - cross;
        let unbiased = (n > 1.0 && m > 1.0).then_some(unbiased);
        // The biased one is the square of a norm: what is below zero is rounding.
        Mmd { bandwidth: bandwidths[index], biased: biased.max(0.0), unbiased }
    };
    Ok((0..bandwidths.len()).map(estimate).collect())
}

/// The bandwidth of the median rule: the median distance between two different
/// points of both samples pooled (Gretton et al. 2012, section 8).
///
/// Beyond 2,048 pooled points, the median among an evenly strided selection of
/// half that many of each: all pairs would not fit in memory.
pub fn median_bandwidth(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.median_bandwidth(&q)
}

pub(super) fn median_of_pooled(p: &Points, q: &Points) -> Result<f64, MetricError> {
    let all = p.count() + q.count() <= MEDIAN_POINTS;
    let most = if all { MEDIAN_POINTS } else { MEDIAN_POINTS / 2 };
    let (taken_p, taken_q) = (strided(p.count(), most), strided(q.count(), most));
    let count = taken_p.len() + taken_q.len();
    // Coordinate by coordinate, so that whole registers of distances are computed at once.
    let pooled: Vec<Vec<f64>> = (0..p.dimension())
        .map(|axis| {
            let of_p = taken_p.iter().map(|&point| p.get(point, axis));
            of_p.chain(taken_q.iter().map(|&point| q.get(point, axis))).collect()
        })
        .collect();
    let mut squares: Vec<f64> = (0..count)
        .into_par_iter()
        .flat_map_iter(|i| {
            let mut row = vec![0.0; i];
            for coordinate in &pooled {
                for (square, y) in row.iter_mut().zip(coordinate) {
                    *square += (coordinate[i] - y) * (coordinate[i] - y);
                }
            }
            row
        })
        .collect();
    let half = squares.len() / 2;
    let (lower, &mut upper, _) = squares.select_nth_unstable_by(half, f64::total_cmp);
    let median = if count * (count - 1) / 2 % 2 == 1 {
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

/// At most so many of `count` points, evenly strided.
fn strided(count: usize, most: usize) -> Vec<usize> {
    let taken = count.min(most);
    (0..taken).map(|index| (index as u128 * count as u128 / taken as u128) as usize).collect()
}

struct Gaussian {
    /// `-1 / (2 h^2)`.
    factor: f64,
}

impl PairFunction for Gaussian {
    #[inline(always)]
    fn value<const FUSED: bool>(&self, squared_distance: f64) -> f64 {
        exp_nonpositive::<FUSED>(self.factor * squared_distance)
    }
}
