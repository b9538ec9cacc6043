use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::spec::SpecError;

use super::Metric;

impl From<Metric> for Entry<Metric> {
    fn from(metric: Metric) -> Self {
        let (name, definition) = (metric.name.clone(), metric.definition.clone());
        Entry::new(name, definition, move |_| Ok(metric.clone()))
    }
}

/// Every metric of two samples by name.
///
/// ```
/// use driftfield::metrics::{self, Metric};
/// let gap = Metric::between("mean_gap", "difference of the means of all numbers", |p, q| {
///     Ok((p.rows().mean().unwrap_or(0.0) - q.rows().mean().unwrap_or(0.0)).abs())
/// });
/// let metrics = metrics::catalog().with(gap.into());
/// assert!(metrics.build("mean_gap").is_ok());
/// ```
pub fn catalog() -> Catalog<Metric> {
    Catalog::new(
        "metric",
        [
            super::chamfer::metric().into(),
            super::chamfer::squared().into(),
            super::chamfer::hausdorff().into(),
            super::mmd::entry(),
            super::sliced_wasserstein::metric().into(),
            super::energy::metric().into(),
            super::wasserstein::metric().into(),
            super::frechet::metric().into(),
            super::kernel_distance::metric().into(),
        ],
    )
}

/// The metric written `name` or `name:key=value`.
pub fn by_name(name: &str) -> Result<Metric, SpecError> {
    catalog().build(name)
}
