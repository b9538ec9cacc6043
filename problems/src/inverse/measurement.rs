use std::fmt::Debug;
use std::sync::Arc;

/// A linear measurement with noise, `y = A x + e`, `e ~ N(0, sigma_y^2 I)`, of one lane.
///
/// `x` is in the units of the data, as [`dimension`](Measurement::dimension) numbers; a process
/// that runs in other units sees it through [`InUnits`](super::InUnits).
pub trait Measurement: Send + Sync + Debug {
    /// Components of `x`.
    fn dimension(&self) -> usize;

    /// Components of `y`.
    fn measured(&self) -> usize;

    /// `out <- A x`, `out` of length [`measured`](Measurement::measured).
    fn apply(&self, out: &mut [f64], x: &[f64]);

    /// `out <- A^T y`, `out` of length [`dimension`](Measurement::dimension): `<A x, y>` is
    /// `<x, A^T y>`.
    fn adjoint(&self, out: &mut [f64], y: &[f64]);

    /// `sigma_y`; 0 for a measurement without noise.
    fn noise_std(&self) -> f64;

    /// The components of `x` that `y` holds as they are, in the order of `y`, if `A` does nothing
    /// but select: what a picture shows as known.
    fn observed(&self) -> Option<Vec<usize>> {
        None
    }
}

/// A measurement chosen at run time, cheap to clone.
pub type SharedMeasurement = Arc<dyn Measurement>;
