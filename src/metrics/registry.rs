use super::{Metric, MetricError};

/// Every metric known by name.
const REGISTRY: &[fn() -> Metric] = &[
    super::chamfer::metric,
    super::chamfer::squared,
    super::chamfer::hausdorff,
    super::mmd::metric,
    super::sliced_wasserstein::metric,
    super::energy::metric,
    super::wasserstein::metric,
    super::frechet::metric,
    super::kernel_distance::metric,
];

/// All of them.
pub fn all() -> impl Iterator<Item = Metric> {
    REGISTRY.iter().map(|metric| metric())
}

/// The metric of that name.
pub fn by_name(name: &str) -> Result<Metric, MetricError> {
    if let Some(metric) = all().find(|metric| metric.name == name) {
        return Ok(metric);
    }
    let names: Vec<String> = all().map(|metric| metric.name).collect();
    let distance = |known: &&String| strsim::osa_distance(known, &name.to_ascii_lowercase());
    let nearest = names.iter().min_by_key(distance).cloned().unwrap_or_default();
    Err(MetricError::UnknownName { name: name.to_owned(), nearest, known: names.join(", ") })
}
