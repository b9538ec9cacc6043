//! Distances between two samples, rows being points: `P` is `[n, d]`, `Q` is `[m, d]`.
//!
//! All arithmetic is f64. Sums are taken over fixed blocks and added in block
//! order, so that a number does not depend on the number of threads. A metric
//! is one file and one line in [`REGISTRY`]; those with parameters or several
//! results also have functions of their own.

mod chamfer;
mod energy;
mod error;
mod fourier;
mod frechet;
mod image_quality;
mod jackknife;
mod kernel_distance;
mod mmd;
mod nearest;
mod pairwise;
mod points;
mod prepared;
mod registry;
mod report;
mod sliced_wasserstein;
mod tree;
mod wasserstein;

pub use chamfer::{Chamfer, chamfer, chamfer_squared, nearest_distances};
pub use energy::{EnergyDistance, energy_distance};
pub use error::{MetricError, Sample};
pub use frechet::{GaussianFit, frechet_distance};
pub use image_quality::{ImageQuality, ImageQualityError, ImageReference};
pub use jackknife::{JACKKNIFE_GROUPS, Jackknife, jackknife};
pub use kernel_distance::{KernelComparison, KernelSample, kernel_distance};
pub use mmd::{Mmd, median_bandwidth, mmd};
pub use prepared::PreparedSample;
pub use registry::{Metric, REGISTRY, by_name};
pub use report::{DEFAULT_BANDWIDTHS, MetricReport};
pub use sliced_wasserstein::{
    DIRECTIONS, directions, projected_wasserstein_squared, sliced_wasserstein,
    sliced_wasserstein_along,
};
pub use wasserstein::{LARGEST_ASSIGNMENT, wasserstein_1, wasserstein_2};
