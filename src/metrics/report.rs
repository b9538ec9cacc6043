use ndarray::ArrayView2;
use serde::Serialize;

use super::{MetricError, PreparedSample};

/// The bandwidths of a report beside the median rule's: fixed, so that numbers
/// of different runs can be compared.
pub const DEFAULT_BANDWIDTHS: [f64; 3] = [0.1, 0.5, 1.0];

/// Every metric of two samples that `driftfield metrics` prints.
///
/// `mmd2_unbiased[i]` and `mmd2_biased[i]` belong to `bandwidths[i]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricReport {
    /// Chamfer distance.
    pub chamfer: f64,
    /// Its squared variant.
    pub chamfer_squared: f64,
    /// MMD^2 without the pairs of a point with itself; null for single points.
    pub mmd2_unbiased: Vec<Option<f64>>,
    /// MMD^2 with them.
    pub mmd2_biased: Vec<f64>,
    /// Kernel widths `h`.
    pub bandwidths: Vec<f64>,
    /// The width of the median rule; null where all points are one.
    pub median_bandwidth: Option<f64>,
    /// Sliced Wasserstein distance, 128 fixed directions.
    pub sliced_wasserstein: f64,
    /// Energy distance, with the pairs of a point with itself.
    pub energy_distance: f64,
}

impl MetricReport {
    /// The metrics at [`DEFAULT_BANDWIDTHS`], then the median rule's where it
    /// has one.
    pub fn new(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<Self, MetricError> {
        let (p, q) = PreparedSample::pair(p, q)?;
        let median = median_or_none(&p, &q)?;
        let mut bandwidths = DEFAULT_BANDWIDTHS.to_vec();
        bandwidths.extend(median);
        MetricReport::of(&p, &q, &bandwidths, median)
    }

    /// The metrics at these bandwidths.
    pub fn with_bandwidths(
        p: &ArrayView2<f64>,
        q: &ArrayView2<f64>,
        bandwidths: &[f64],
    ) -> Result<Self, MetricError> {
        let (p, q) = PreparedSample::pair(p, q)?;
        let median = median_or_none(&p, &q)?;
        MetricReport::of(&p, &q, bandwidths, median)
    }

    fn of(
        p: &PreparedSample,
        q: &PreparedSample,
        bandwidths: &[f64],
        median_bandwidth: Option<f64>,
    ) -> Result<Self, MetricError> {
        let nearest = p.nearest_distances(q)?;
        let estimates = p.mmd(q, bandwidths)?;
        Ok(MetricReport {
            chamfer: nearest.distance(),
            chamfer_squared: nearest.squared(),
            mmd2_unbiased: estimates.iter().map(|estimate| estimate.unbiased).collect(),
            mmd2_biased: estimates.iter().map(|estimate| estimate.biased).collect(),
            bandwidths: bandwidths.to_vec(),
            median_bandwidth,
            sliced_wasserstein: p.sliced_wasserstein(q)?,
            energy_distance: p.energy_distance(q)?.biased,
        })
    }
}

/// Samples whose points coincide have distances, but no median bandwidth.
fn median_or_none(p: &PreparedSample, q: &PreparedSample) -> Result<Option<f64>, MetricError> {
    match p.median_bandwidth(q) {
        Ok(bandwidth) => Ok(Some(bandwidth)),
        Err(MetricError::NoMedian { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
