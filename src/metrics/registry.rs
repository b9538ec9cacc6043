use ndarray::ArrayView2;

use super::MetricError;

/// A metric that needs nothing but two samples and gives one number.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in tables and in JSON.
    pub name: &'static str,
    /// Definition for a table's legend.
    pub formula: &'static str,
    /// The metric of `P: [n, d]` and `Q: [m, d]`.
    pub evaluate: fn(&ArrayView2<f64>, &ArrayView2<f64>) -> Result<f64, MetricError>,
}

/// Every metric known by name.
pub const REGISTRY: &[Metric] = &[
    super::chamfer::METRIC,
    super::chamfer::SQUARED,
    super::chamfer::HAUSDORFF,
    super::mmd::METRIC,
    super::sliced_wasserstein::METRIC,
    super::energy::METRIC,
    super::wasserstein::METRIC,
    super::frechet::METRIC,
    super::kernel_distance::METRIC,
];

/// The metric of that name.
pub fn by_name(name: &str) -> Result<&'static Metric, MetricError> {
    if let Some(metric) = REGISTRY.iter().find(|metric| metric.name == name) {
        return Ok(metric);
    }
    let distance = |metric: &&Metric| strsim::osa_distance(metric.name, &name.to_ascii_lowercase());
    let nearest = REGISTRY.iter().min_by_key(distance).map_or("", |metric| metric.name);
    let known = REGISTRY.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ");
    Err(MetricError::UnknownName { name: name.to_owned(), nearest, known })
}
