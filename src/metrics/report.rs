use ndarray::ArrayView2;
use serde::{Serialize, Serializer};

use super::{Metric, MetricError, PreparedSample, catalog};

/// The bandwidths of a report beside the median rule's: fixed, so that numbers
/// of different runs can be compared.
pub const DEFAULT_BANDWIDTHS: [f64; 3] = [0.1, 0.5, 1.0];

/// The metrics of two samples that `driftfield metrics` prints: all of the
/// [catalogue](super::catalog()), the slow ones if asked for.
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
    /// Hausdorff distance.
    pub hausdorff: f64,
    /// The other metrics of the catalogue, by name, each a number or why there is none, which
    /// is null in JSON: some need more points than one, or fewer than there are.
    #[serde(flatten, serialize_with = "numbers_or_null")]
    pub others: Vec<(String, Result<f64, MetricError>)>,
}

/// What a report has beside [`MetricReport::others`], by its name in the catalogue; `mmd2` is
/// there at several bandwidths.
const OWN: [&str; 6] =
    ["chamfer", "chamfer_squared", "hausdorff", "mmd2", "sliced_wasserstein", "energy_distance"];

fn numbers_or_null<S: Serializer>(
    others: &[(String, Result<f64, MetricError>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(others.iter().map(|(name, value)| (name, value.as_ref().ok())))
}

impl MetricReport {
    /// The metrics of the catalogue that are not slow, at [`DEFAULT_BANDWIDTHS`] and the median
    /// rule's where it has one.
    pub fn new(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<Self, MetricError> {
        MetricReport::with(p, q, catalog().defaults().filter(|metric| !metric.slow))
    }

    /// The same with these metrics beside those that every report has.
    pub fn with(
        p: &ArrayView2<f64>,
        q: &ArrayView2<f64>,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Result<Self, MetricError> {
        let (p, q) = PreparedSample::pair(p, q)?;
        let report = MetricReport::own(&p, &q)?;
        let others = metrics.into_iter().filter(|metric| !OWN.contains(&metric.name.as_str()));
        let measured = |metric: Metric| {
            let number = metric.number(&p, Some(&q));
            (metric.name, number)
        };
        Ok(MetricReport { others: others.map(measured).collect(), ..report })
    }

    /// What every report has.
    fn own(p: &PreparedSample, q: &PreparedSample) -> Result<Self, MetricError> {
        let median_bandwidth = median_or_none(p, q)?;
        let mut bandwidths = DEFAULT_BANDWIDTHS.to_vec();
        bandwidths.extend(median_bandwidth);
        let nearest = p.nearest_distances(q)?;
        let estimates = p.mmd(q, &bandwidths)?;
        Ok(MetricReport {
            chamfer: nearest.distance(),
            chamfer_squared: nearest.squared(),
            mmd2_unbiased: estimates.iter().map(|estimate| estimate.unbiased).collect(),
            mmd2_biased: estimates.iter().map(|estimate| estimate.biased).collect(),
            bandwidths,
            median_bandwidth,
            sliced_wasserstein: p.sliced_wasserstein(q)?,
            energy_distance: p.energy_distance(q)?.biased,
            hausdorff: nearest.hausdorff,
            others: Vec::new(),
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
