//! Products against gaps, and what a row's bits may depend on.

use ndarray::{Array2, Axis, s};

use super::direct;
use super::products::Products;
use super::softmax_mean::SoftmaxMean;
use crate::data::SampleRng;

const DIMENSION: usize = 50;

fn normals(rows: usize, seed: u64) -> Array2<f64> {
    let mut rng = SampleRng::new(seed, 0);
    Array2::from_shape_simple_fn((rows, DIMENSION), || rng.normal())
}

/// Points in ten clusters, those of one about 1.4 apart.
fn clusters(points: usize) -> Array2<f64> {
    let (centres, spread) = (normals(10, 1), normals(points, 2));
    Array2::from_shape_fn((points, DIMENSION), |(i, j)| centres[[i % 10, j]] + 0.1 * spread[[i, j]])
}

/// The sum of the rectified flow at `sigma`, `alpha = 1 - sigma`.
fn sum(points: &Array2<f64>, sigma: f64, data: f64, noise: f64) -> SoftmaxMean<'_> {
    let v = sigma * sigma;
    SoftmaxMean { points, alpha: 1.0 - sigma, scale: -0.5 / v, data, gain: noise * sigma / v }
}

/// States that the process has: points on the way to noise.
fn states(points: &Array2<f64>, lanes: usize, sigma: f64) -> Array2<f64> {
    let noise = normals(lanes, 3);
    Array2::from_shape_fn(noise.dim(), |(i, j)| {
        (1.0 - sigma) * points[[i % points.nrows(), j]] + sigma * noise[[i, j]]
    })
}

fn fast(sum: &SoftmaxMean<'_>, x: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros(x.dim());
    Products::if_faster(sum.points).unwrap().evaluate(sum, &mut out, x).unwrap();
    out
}

fn exact(sum: &SoftmaxMean<'_>, x: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros(x.dim());
    direct::evaluate(sum, &mut out, x).unwrap();
    out
}

/// The largest difference within a row, relative to the row's largest value.
fn gap(found: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    let largest =
        |row: ndarray::ArrayView1<'_, f64>| row.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let rows = found.rows().into_iter().zip(expected.rows());
    rows.map(|(a, b)| largest((&a - &b).view()) / largest(b)).fold(0.0, f64::max)
}

#[test]
fn products_agree_with_gaps_at_any_noise() {
    let points = clusters(1000);
    for sigma in
        [1.0, 0.999, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 1e-3, 1e-6]
    {
        let x = states(&points, 37, sigma);
        for (data, noise) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 1.0)] {
            let sum = sum(&points, sigma, data, noise);
            let gap = gap(&fast(&sum, &x), &exact(&sum, &x));
            assert!(gap < 1e-10, "sigma {sigma}, data {data}, noise {noise}: {gap:e}");
        }
    }
}

/// Rows of all three ways, at one noise: near a point, far from all, and so far that products lose
/// their digits.
fn mixed(points: &Array2<f64>, lanes: usize, sigma: f64) -> Array2<f64> {
    let mut x = states(points, lanes, sigma);
    for (lane, mut row) in x.rows_mut().into_iter().enumerate() {
        match lane % 3 {
            0 => {}
            1 => row *= 0.02,
            _ => row *= 1e5,
        }
    }
    x
}

#[test]
fn bits_depend_on_the_row_alone() {
    let points = clusters(700);
    for sigma in [1.0, 0.5, 0.1] {
        let sum = sum(&points, sigma, 1.0, -0.5);
        let x = mixed(&points, 300, sigma);
        let all = fast(&sum, &x);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| fast(&sum, &x)), all, "{threads} thread(s)");
        }
        for (start, lanes) in
            [(0, 1), (1, 1), (2, 1), (5, 2), (7, 15), (31, 17), (3, 257), (299, 1)]
        {
            let part = x.slice(s![start..start + lanes, ..]).to_owned();
            let expected = all.slice(s![start..start + lanes, ..]);
            assert_eq!(fast(&sum, &part), expected, "{lanes} from {start}");
        }
        let mut reversed = x.clone();
        reversed.invert_axis(Axis(0));
        let mut found = fast(&sum, &reversed.as_standard_layout().to_owned());
        found.invert_axis(Axis(0));
        assert_eq!(found, all, "reversed");
    }
}

#[test]
fn what_is_not_finite_stays_in_its_row() {
    let points = clusters(700);
    for sigma in [1.0, 0.1] {
        let sum = sum(&points, sigma, 1.0, -0.5);
        let mut x = mixed(&points, 20, sigma);
        let healthy = fast(&sum, &x);
        x[[4, 7]] = f64::NAN;
        x[[9, 0]] = f64::INFINITY;
        x[[11, 49]] = 1e200;
        let found = fast(&sum, &x);
        for lane in (0..20).filter(|lane| ![4, 9, 11].contains(lane)) {
            assert_eq!(found.row(lane), healthy.row(lane), "{lane}");
        }
        for lane in [4, 9] {
            assert!(found.row(lane).iter().any(|value| value.is_nan()), "{lane}");
        }
        assert_eq!(
            found.row(11).map(|x| x.to_bits()),
            exact(&sum, &x).row(11).map(|x| x.to_bits())
        );
    }
}

#[test]
fn points_as_near_as_each_other_share_the_weight() {
    // Every point twice, and a row in the middle between two of them.
    let half = clusters(300);
    let points = ndarray::concatenate![Axis(0), half, half];
    let sigma = 1e-3;
    let sum = sum(&points, sigma, 1.0, 0.0);
    let middle = (&points.row(3) + &points.row(13)) * 0.5;
    let mut x = states(&points, 5, sigma);
    x.row_mut(2).assign(&(&middle * (1.0 - sigma)));
    let found = fast(&sum, &x);
    assert!(gap(&found, &exact(&sum, &x)) < 1e-12);
    assert!((&found.row(0) - &points.row(0)).iter().all(|gap| gap.abs() < 1e-12));
    // Rounding of the row's own numbers moves the weights by 1e-16 / sigma^2.
    assert!((&found.row(2) - &middle).iter().all(|gap| gap.abs() < 1e-8));
}

#[test]
fn data_far_from_the_origin_loses_no_digits() {
    // Products of numbers of 1e4 would be off by more than the logits: these rows take all gaps.
    let points = clusters(600) + 1e4;
    let sum = sum(&points, 0.5, 1.0, 0.0);
    let x = states(&points, 9, 0.5);
    assert!(gap(&fast(&sum, &x), &exact(&sum, &x)) < 1e-12);
}

#[test]
fn small_data_keeps_to_gaps() {
    assert!(Products::if_faster(&Array2::zeros((255, 784))).is_none());
    assert!(Products::if_faster(&Array2::zeros((9000, 2))).is_none());
    assert!(Products::if_faster(&Array2::zeros((256, 32))).is_some());
}
