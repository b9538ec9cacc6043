//! Processes: families of marginals from data (t = 0) to noise (t = 1).

mod gaussian_path;

pub use gaussian_path::GaussianPath;
