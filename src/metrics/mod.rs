//! Distances between two samples, rows being points: `P` is `[n, d]`, `Q` is `[m, d]`.
//!
//! All arithmetic is f64. Sums are taken over fixed blocks and added in block
//! order, so that a number does not depend on the number of threads. A metric
//! is one file and one line in [`catalog()`]; those with parameters or several
//! results also have functions of their own.

mod catalog;
mod chamfer;
mod energy;
mod error;
mod fourier;
mod frechet;
mod image_quality;
mod jackknife;
mod kernel_distance;
mod metric;
mod mmd;
mod nearest;
mod pairwise;
mod points;
mod prepared;
mod report;
mod sliced_wasserstein;
mod subject;
mod tree;
mod wasserstein;

pub use catalog::{by_name, catalog};
pub use chamfer::{Chamfer, chamfer, chamfer_squared, nearest_distances};
pub use energy::{EnergyDistance, energy_distance};
pub use error::{MetricError, OwnError, Sample};
pub use frechet::{GaussianFit, frechet_distance};
pub use image_quality::{ImageQuality, ImageReference};
pub use jackknife::{JACKKNIFE_GROUPS, Jackknife, jackknife};
pub use kernel_distance::{KernelComparison, KernelSample, kernel_distance};
pub use metric::{Estimate, Metric, NumberFormat, RealData, Shown};
pub use mmd::{Mmd, median_bandwidth, mmd, mmd_at};
pub use prepared::PreparedSample;
pub use report::{DEFAULT_BANDWIDTHS, MetricReport};
pub use sliced_wasserstein::{
    DIRECTIONS, directions, projected_wasserstein_squared, sliced_wasserstein,
    sliced_wasserstein_along,
};
pub use subject::{Maker, Subject};
pub use wasserstein::{LARGEST_ASSIGNMENT, wasserstein_1, wasserstein_2};
