//! What several tests share: the reference mixture, its eight points, all paths.
#![allow(dead_code)]

pub mod posterior;
pub mod products;

use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use ndarray::Array2;
use serde_json::Value;

/// The mixture of problems P1, P2 and P3.
pub fn mixture() -> GaussianMixture {
    GaussianMixture::isotropic(
        vec![0.5, 0.3, 0.2],
        vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]],
        vec![0.3, 0.2, 0.4],
    )
    .unwrap()
}

/// A mixture with covariances, in three dimensions.
pub fn full_mixture() -> GaussianMixture {
    r#"{"weights": [0.4, 0.6], "means": [[1, -1, 0.5], [-1, 0.3, 2]], "covariances": [
        [[0.5, 0.2, 0], [0.2, 0.3, -0.1], [0, -0.1, 0.4]],
        [[0.1, 0.02, 0.01], [0.02, 0.2, 0], [0.01, 0, 1.5]]]}"#
        .parse()
        .unwrap()
}

/// Every process with its default parameters, and a few others.
pub fn all_paths() -> Vec<SharedPath> {
    process::catalog()
        .names()
        .chain(["brownian-bridge:s=0", "ve:sigma_min=0.1,sigma_max=5"])
        .map(|spec| process::parse(spec).unwrap())
        .collect()
}

/// Times strictly inside the domain, from one practical end to the other.
pub fn interior(path: &SharedPath) -> Vec<f64> {
    let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
    (0..=12).map(|i| start * (end / start).powf(f64::from(i) / 12.0)).collect()
}

/// `n` points spread over a few units.
pub fn points(n: usize, dimension: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, dimension), |(i, j)| {
        2.5 * ((1 + i * dimension + j) as f64 * 12.9898).sin()
    })
}

/// The rows of a JSON array of arrays.
pub fn rows(value: &Value) -> Array2<f64> {
    let rows = value.as_array().unwrap();
    let d = rows[0].as_array().unwrap().len();
    Array2::from_shape_fn((rows.len(), d), |(i, j)| rows[i][j].as_f64().unwrap())
}

/// The largest difference, relative to the larger of 1 and the values' size.
pub fn gap(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let size = b.iter().fold(1.0f64, |size, value| size.max(value.abs()));
    let worst = a.iter().zip(b).fold(0.0f64, |worst, (a, b)| {
        if (a - b).is_nan() { f64::INFINITY } else { worst.max((a - b).abs()) }
    });
    worst / size
}
