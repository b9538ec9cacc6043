use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Metric, MetricError, PreparedSample, Sample, points};

pub(super) fn metric() -> Metric {
    let formula = "unbiased MMD^2, kernel (x.y/d + 1)^3";
    Metric::between("kernel_distance", formula, PreparedSample::kernel_distance)
}

/// Rows of one unit of parallel work. Fixed: the order of summation, and so the last bits,
/// depend on it.
const ROWS: usize = 32;

/// The unbiased squared maximum mean discrepancy with the kernel `(x.y / d + 1)^3`, `d` being
/// the number of coordinates.
///
/// M. Binkowski, D. J. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", *ICLR* 2018:
/// their kernel Inception distance, where the points are features of that network. Unlike the
/// Frechet distance its mean does not depend on the sizes of the samples; that of two samples of
/// one law is 0, so that single values may be negative.
pub fn kernel_distance(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.kernel_distance(&q)
}

pub(super) fn between(p: &PreparedSample, q: &PreparedSample) -> Result<f64, MetricError> {
    let p = p.kernel_sample(Sample::P)?;
    KernelComparison::new(p, q.kernel_sample(Sample::Q)?)?.distance()
}

/// A sample with the sums of the kernel within it, for being compared more than once.
#[derive(Debug, Clone)]
pub struct KernelSample {
    points: Array2<f64>,
    /// For every point, the sum over all others.
    within: Vec<f64>,
}

impl KernelSample {
    /// The rows of `points`, `[n, d]` with `n >= 2`; errors name them as `sample`.
    pub fn new(points: &ArrayView2<f64>, sample: Sample) -> Result<Self, MetricError> {
        points::Points::new(points, sample)?;
        if points.nrows() < 2 {
            return Err(MetricError::TooFew { sample });
        }
        let points = points.as_standard_layout().into_owned();
        let within = row_sums(&points, &points, Pairs::Different);
        Ok(KernelSample { points, within })
    }
}

/// Two samples with the sums of the kernel across, from which the distance follows, also without
/// some points of the first.
#[derive(Debug)]
pub struct KernelComparison<'a> {
    p: &'a KernelSample,
    q: &'a KernelSample,
    /// For every point of the first, the sum over all of the second.
    across: Vec<f64>,
}

impl<'a> KernelComparison<'a> {
    /// Compares `p` with `q`.
    pub fn new(p: &'a KernelSample, q: &'a KernelSample) -> Result<Self, MetricError> {
        let (columns_p, columns_q) = (p.points.ncols(), q.points.ncols());
        if columns_p != columns_q {
            return Err(MetricError::Dimensions { p: columns_p, q: columns_q });
        }
        Ok(KernelComparison { p, q, across: row_sums(&p.points, &q.points, Pairs::All) })
    }

    /// The squared distance; see [`kernel_distance`].
    pub fn distance(&self) -> Result<f64, MetricError> {
        self.distance_without(&[])
    }

    /// The squared distance without the points `left_out` of the first sample, each named
    /// once. Costs only the pairs among these.
    pub fn distance_without(&self, left_out: &[usize]) -> Result<f64, MetricError> {
        let (all, m) = (self.p.within.len(), self.q.within.len() as f64);
        if let Some(&row) = left_out.iter().find(|&&row| row >= all) {
            return Err(MetricError::NoSuchRow { row, rows: all });
        }
        let kept = all.saturating_sub(left_out.len());
        if kept < 2 {
            return Err(MetricError::TooFew { sample: Sample::P });
        }
        let n = kept as f64;
        let points = self.p.points.select(Axis(0), left_out);
        let among: f64 = row_sums(&points, &points, Pairs::Different).iter().sum();
        let gone = |sums: &[f64]| left_out.iter().map(|&row| sums[row]).sum::<f64>();
        // Pairs of one point that goes and one that stays are in the sums of both.
        let pp = self.p.within.iter().sum::<f64>() - 2.0 * gone(&self.p.within) + among;
        let qq: f64 = self.q.within.iter().sum();
        let pq = self.across.iter().sum::<f64>() - gone(&self.across);
        let distance = pp / (n * (n - 1.0)) + qq / (m * (m - 1.0)) - 2.0 * pq / (n * m);
        MetricError::unless_finite("kernel distance", distance)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Pairs {
    All,
    /// A point does not meet itself: both samples are one.
    Different,
}

/// For every row of `x`, the sum of its kernel with the rows of `y`.
fn row_sums(x: &Array2<f64>, y: &Array2<f64>, pairs: Pairs) -> Vec<f64> {
    let scale = 1.0 / x.ncols() as f64;
    let starts: Vec<usize> = (0..x.nrows()).step_by(ROWS).collect();
    starts
        .into_par_iter()
        .flat_map_iter(|start| {
            let end = (start + ROWS).min(x.nrows());
            let products = x.slice(ndarray::s![start..end, ..]).dot(&y.t());
            let sum = |row: usize| {
                let terms = products.row(row - start).into_iter().enumerate();
                let terms = terms.filter(|(column, _)| pairs == Pairs::All || *column != row);
                terms.map(|(_, product)| (scale * product + 1.0).powi(3)).sum::<f64>()
            };
            (start..end).map(sum).collect::<Vec<_>>()
        })
        .collect()
}
