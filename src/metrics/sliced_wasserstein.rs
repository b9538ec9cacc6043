use std::f64::consts::PI;

use ndarray::{Array2, ArrayView1, ArrayView2};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::points::Points;
use super::{Metric, MetricError, PreparedSample};

pub(super) fn metric() -> Metric {
    let formula = "sqrt(mean over 128 fixed directions of the squared 1-D W2)";
    Metric::between("sliced_wasserstein", formula, PreparedSample::sliced_wasserstein)
}

/// Directions of the distance; so many numbers are kept of every point of a prepared sample.
pub const DIRECTIONS: usize = 128;
const SEED: u64 = 0;

/// The sliced Wasserstein distance: the root of the mean, over 128 fixed
/// directions, of the squared 1-D Wasserstein-2 distance of the projections.
///
/// Bonneel, Rabin, Peyre, Pfister: Sliced and Radon Wasserstein Barycenters of
/// Measures (2015). The directions are those of [`directions`].
pub fn sliced_wasserstein(p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    p.sliced_wasserstein(&q)
}

pub(super) fn between(p: &PreparedSample, q: &PreparedSample) -> Result<f64, MetricError> {
    let directions = directions(p.points().dimension(), DIRECTIONS);
    let (kept_p, kept_q) = (p.projections(DIRECTIONS), q.projections(DIRECTIONS));
    let squares: Vec<f64> = (0..directions.nrows())
        .into_par_iter()
        .map(|index| {
            let sorted =
                |sample: &PreparedSample| sorted_projection(sample.points(), directions.row(index));
            match (kept_p, kept_q) {
                (Some(p), Some(q)) => wasserstein_squared_1d(&p[index], &q[index]),
                (Some(p), None) => wasserstein_squared_1d(&p[index], &sorted(q)),
                (None, Some(q)) => wasserstein_squared_1d(&sorted(p), &q[index]),
                (None, None) => wasserstein_squared_1d(&sorted(p), &sorted(q)),
            }
        })
        .collect();
    root_mean(&squares)
}

fn root_mean(squares: &[f64]) -> Result<f64, MetricError> {
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    MetricError::unless_finite("sliced Wasserstein distance", mean.sqrt())
}

/// The sliced Wasserstein distance along given unit directions, `[count, d]`.
pub fn sliced_wasserstein_along(
    p: &ArrayView2<f64>,
    q: &ArrayView2<f64>,
    directions: &ArrayView2<f64>,
) -> Result<f64, MetricError> {
    root_mean(&projected_wasserstein_squared(p, q, directions)?)
}

/// The squared 1-D Wasserstein-2 distance along each of the given unit
/// directions, `[count, d]`.
pub fn projected_wasserstein_squared(
    p: &ArrayView2<f64>,
    q: &ArrayView2<f64>,
    directions: &ArrayView2<f64>,
) -> Result<Vec<f64>, MetricError> {
    let (p, q) = PreparedSample::pair(p, q)?;
    let (p, q) = (p.points(), q.points());
    if directions.nrows() == 0 {
        return Err(MetricError::NoDirections);
    }
    let dimension = p.dimension();
    let is_unit = |row: ArrayView1<f64>| (row.dot(&row) - 1.0).abs() < 1e-6;
    let wrong = |row: ArrayView1<f64>| row.len() != dimension || !is_unit(row);
    if let Some(index) = directions.rows().into_iter().position(wrong) {
        return Err(MetricError::Direction { index, dimension });
    }
    Ok((0..directions.nrows())
        .into_par_iter()
        .map(|index| {
            let direction = directions.row(index);
            wasserstein_squared_1d(
                &sorted_projection(p, direction),
                &sorted_projection(q, direction),
            )
        })
        .collect())
}

/// Fixed unit directions, `[count, dimension]`.
///
/// In the plane the directions at the angles `(k + 1/2) pi / count`, which
/// integrate over all directions better than random ones; on the line the
/// single direction there is; else normalised Gaussian vectors of a fixed seed.
pub fn directions(dimension: usize, count: usize) -> Array2<f64> {
    match dimension {
        1 => Array2::ones((count.min(1), 1)),
        2 => Array2::from_shape_fn((count, 2), |(index, axis)| {
            let (sine, cosine) = ((index as f64 + 0.5) * PI / count as f64).sin_cos();
            if axis == 0 { cosine } else { sine }
        }),
        _ => {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
            let mut directions: Array2<f64> =
                Array2::from_shape_simple_fn((count, dimension), || {
                    StandardNormal.sample(&mut rng)
                });
            for mut row in directions.rows_mut() {
                let length = row.dot(&row).sqrt();
                row.mapv_inplace(|value| value / length);
            }
            directions
        }
    }
}

/// The coordinates of all points along a direction, ascending.
pub(super) fn sorted_projection(points: &Points, direction: ArrayView1<f64>) -> Vec<f64> {
    let mut values = vec![0.0; points.count()];
    for (axis, weight) in direction.iter().enumerate() {
        for (value, x) in values.iter_mut().zip(points.coordinate(axis)) {
            *value += weight * x;
        }
    }
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The integral of the squared difference of both quantile functions, which
/// are constant between multiples of `1/n` and of `1/m`; those are compared as
/// whole numbers, so that unequal sizes lose nothing to rounding.
fn wasserstein_squared_1d(p: &[f64], q: &[f64]) -> f64 {
    let (n, m) = (p.len() as u128, q.len() as u128);
    if n == m {
        let sum: f64 = p.iter().zip(q).map(|(x, y)| (x - y) * (x - y)).sum();
        return sum / p.len() as f64;
    }
    let (mut i, mut j) = (0, 0);
    let (mut reached, mut sum) = (0, 0.0);
    while i < p.len() && j < q.len() {
        let (end_p, end_q) = ((i as u128 + 1) * m, (j as u128 + 1) * n);
        let end = end_p.min(end_q);
        let difference = p[i] - q[j];
        sum += (end - reached) as f64 * (difference * difference);
        reached = end;
        i += usize::from(end_p == end);
        j += usize::from(end_q == end);
    }
    sum / (n * m) as f64
}
