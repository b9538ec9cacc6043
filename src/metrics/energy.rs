use ndarray::ArrayView2;

use super::pairwise::{PairFunction, Pairs, pair_sums};
use super::{Metric, MetricError, PreparedSample};

pub(super) fn metric() -> Metric {
    let formula = "2 mean|x-y| - mean|x-x'| - mean|y-y'|, all pairs";
    Metric::between("energy_distance", formula, |p, q| Ok(p.energy_distance(q)?.biased))
}

/// The energy distance of two samples, `2 E|X-Y| - E|X-X'| - E|Y-Y'|`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnergyDistance {
    /// With the pairs of a point with itself (V-statistic): never negative. Its square root is a
    /// metric.
    pub biased: f64,
    /// Without them (U-statistic): zero on average for equal distributions.
    /// `None` where a sample is a single point.
    pub unbiased: Option<f64>,
}

/// The energy distance, both estimates.
///
/// Szekely, Rizzo: Energy statistics (Journal of Statistical Planning and
/// Inference, 2013).
pub fn energy_distance(
    p: &ArrayView2<f64>,
    q: &ArrayView2<f64>,
) -> Result<EnergyDistance, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.energy_distance(&q)
}

pub(super) fn between(
    p: &PreparedSample,
    q: &PreparedSample,
) -> Result<EnergyDistance, MetricError> {
    let (pp, qq) = (2.0 * p.distances_within(Distance), 2.0 * q.distances_within(Distance));
    let (n, m) = (p.points().count() as f64, q.points().count() as f64);
    let across = pair_sums(Pairs::Across(p.points(), q.points()), &[Distance])[0];
    let cross = 2.0 * across / (n * m);
    MetricError::unless_finite("energy distance", cross + pp + qq)?;
    let unbiased = cross - pp / (n * (n - 1.0)) - qq / (m * (m - 1.0));
    Ok(EnergyDistance {
        // What is below zero is rounding.
        biased: (cross - pp / (n * n) - qq / (m * m)).max(0.0),
        unbiased: (n > 1.0 && m > 1.0).then_some(unbiased),
    })
}

struct Distance;

impl PairFunction for Distance {
    #[inline(always)]
    fn value<const FUSED: bool>(&self, squared_distance: f64) -> f64 {
        squared_distance.sqrt()
    }
}
