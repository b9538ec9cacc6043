//! Large data sets by matrix products, with gaps where products would lose digits.
//!
//! Logits are needed up to a number common to all points: `scale (alpha^2 |m|^2 - 2 alpha x.m)`,
//! a product of states with data. Its rounding is about `1e-16 |x| |m| / v`, nothing while the
//! noise is as large as the data and all there is when it is small. Small noise, though, leaves
//! weight on a few points only, and rounding that is far below 1 still finds these. So each row
//! goes one of three ways, chosen by what is known of that row alone:
//!
//! - **near**: few points are within reach of the largest logit; the gaps to these are computed
//!   directly ([`near`]), as exact as all gaps;
//! - **far**: many are, and rounding is negligible; the weights times the data are a second
//!   product;
//! - else (copies of a point in the data, states far outside it, what is not a number)
//!   **crowded**: all gaps, as for small data sets ([`direct`]).
//!
//! A row's bits depend on the row and the data alone: products are taken in whole tiles of rows,
//! and over runs of points and of columns that are fixed by the data, added in their order; one
//! row of a product passes through the same operations wherever it stands.

use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::softmax_mean::SoftmaxMean;
use super::{direct, near};
use crate::exponential::exp_nonpositive;
use crate::host::values_like;

/// Rows of a product are padded to a multiple of this, the rows of the product's own kernel.
const TILE: usize = 8;
/// Rows handled at once: their logits are held in memory.
const GROUP: usize = 256;
/// Points of one product, whose data stays in the second-level cache.
const RUN: usize = 128;
/// With fewer components, gaps cost no more than logits.
const LEAST_DIMENSION: usize = 32;
/// Parts of the columns that the second product hands to threads.
const PANELS: usize = 4;
/// Points whose weight is below `e^-REACH` of the largest are left out: of 1e6 points, 2e-16 of
/// the sum at most.
const REACH: f64 = 50.0;
/// The largest uncertainty of a logit with which weights from a product are used.
const NEGLIGIBLE: f64 = 5e-11;
/// A row is near if one in so many points is within reach, at most: gaps cost about that many
/// times what a product costs.
const FEW: usize = 16;

/// What products need to know of the data beside the data itself.
#[derive(Debug)]
pub(super) struct Products {
    /// `|m|^2` of every point.
    squares: Vec<f64>,
    /// The largest `|m|`.
    reach: f64,
}

/// Where the sum of one row comes from.
enum Way {
    Near(Vec<usize>),
    /// The weights of all points.
    Far(Vec<f64>),
    Crowded,
}

impl Products {
    /// The squares, if `data` is so large that products are faster.
    pub fn if_faster(data: &Array2<f64>) -> Option<Self> {
        let (points, dimension) = data.dim();
        if points < 2 * RUN || dimension < LEAST_DIMENSION {
            return None;
        }
        let square = |point: ndarray::ArrayView1<'_, f64>| point.dot(&point);
        let squares: Vec<f64> = data.rows().into_iter().map(square).collect();
        let reach = squares.iter().copied().fold(0.0, f64::max).sqrt();
        Some(Products { squares, reach })
    }

    /// The sum for every row of `x`.
    pub fn evaluate<S: HostState>(
        &self,
        sum: &SoftmaxMean<'_>,
        out: &mut S,
        x: &S,
    ) -> Result<(), FieldError> {
        let dimension = sum.points.ncols();
        let found = x.values().ok_or(StateError::NotContiguous)?;
        let lanes = x.lane_count();
        if found.len() != lanes * dimension {
            // The direct way says what is wrong.
            return direct::evaluate(sum, out, x);
        }
        let out = values_like(out, lanes, found.len())?;
        let group = GROUP * dimension;
        for (out, x) in out.chunks_mut(group).zip(found.chunks(group)) {
            let lanes = x.len() / dimension;
            let mut rows = Array2::zeros((lanes.next_multiple_of(TILE), dimension));
            rows.iter_mut().zip(x).for_each(|(to, &from)| *to = from.into_f64());
            let results = self.group(sum, &rows, lanes)?;
            out.iter_mut().zip(&results).for_each(|(to, &from)| *to = Scalar::from_f64(from));
        }
        Ok(())
    }

    /// The sums of the first `lanes` rows.
    fn group(
        &self,
        sum: &SoftmaxMean<'_>,
        rows: &Array2<f64>,
        lanes: usize,
    ) -> Result<Array2<f64>, FieldError> {
        let dimension = sum.points.ncols();
        let products = row_products(rows, sum.points);
        let mut results = Array2::zeros((lanes, dimension));
        let sums = results.as_slice_mut().unwrap_or_default();
        let ways: Vec<Way> = sums
            .par_chunks_mut(dimension)
            .enumerate()
            .map(|(lane, out)| {
                let x = rows.row(lane);
                let x = x.as_slice().unwrap_or_default();
                let way = self.way(sum, x, &products, lane);
                if let Way::Near(kept) = &way {
                    near::evaluate(sum, out, x, kept);
                }
                way
            })
            .collect();
        far(sum, rows, &ways, &mut results);
        crowded(sum, rows, &ways, &mut results)?;
        Ok(results)
    }

    fn way(&self, sum: &SoftmaxMean<'_>, x: &[f64], products: &[Array2<f64>], lane: usize) -> Way {
        let (scale, alpha) = (sum.scale, sum.alpha);
        let products = products.iter().flat_map(|run| run.row(lane).to_slice().unwrap_or_default());
        let mut logits: Vec<f64> = products
            .zip(&self.squares)
            .map(|(product, square)| scale * alpha * (alpha * square - 2.0 * product))
            .collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let uncertainty = self.uncertainty(sum, x);
        // Two logits, each as far off as that.
        let least = top - REACH - 2.0 * uncertainty;
        let within = logits.iter().filter(|&&logit| logit >= least).count();
        // Also false of what is not a number: a NaN is never the largest, and no uncertainty.
        if within * FEW <= logits.len() && uncertainty < f64::INFINITY {
            let kept = logits.iter().enumerate().filter(|(_, logit)| **logit >= least);
            return Way::Near(kept.map(|(point, _)| point).collect());
        }
        if uncertainty.is_nan() || uncertainty > NEGLIGIBLE {
            return Way::Crowded;
        }
        // Loops of one kind each, which become vector code.
        for logit in &mut logits {
            *logit = exp_nonpositive::<false>(*logit - top);
        }
        let total: f64 = logits.iter().sum();
        for weight in &mut logits {
            *weight /= total;
        }
        Way::Far(logits)
    }

    /// How far off a logit is that comes from a product, as good as certainly: rounding errors of
    /// `d` terms add up like `sqrt(d)` (N. J. Higham, T. Mary, "A new approach to probabilistic
    /// rounding error analysis", *SIAM J. Sci. Comput.* 41, 2019), and
    /// `2 alpha |x| |m| + alpha^2 |m|^2` is what they are relative to.
    fn uncertainty(&self, sum: &SoftmaxMean<'_>, x: &[f64]) -> f64 {
        let square: f64 = x.iter().map(|x| x * x).sum();
        let size = square.sqrt() + sum.alpha.abs() * self.reach;
        (x.len() as f64).sqrt() * f64::EPSILON * size * size * sum.scale.abs()
    }
}

/// The product of all rows with all points, `[rows, RUN]` for every run of points.
fn row_products(rows: &Array2<f64>, points: &Array2<f64>) -> Vec<Array2<f64>> {
    let starts: Vec<usize> = (0..points.nrows()).step_by(RUN).collect();
    let run = |start: usize| {
        let run = points.slice(s![start..(start + RUN).min(points.nrows()), ..]);
        let mut products = Array2::zeros((rows.nrows(), run.nrows()));
        general_mat_mul(1.0, rows, &run.t(), 0.0, &mut products);
        products
    };
    starts.into_par_iter().map(run).collect()
}

/// Fills in the rows whose weights are known.
fn far(sum: &SoftmaxMean<'_>, rows: &Array2<f64>, ways: &[Way], results: &mut Array2<f64>) {
    let weights: Vec<(usize, &Vec<f64>)> = ways
        .iter()
        .enumerate()
        .filter_map(|(lane, way)| match way {
            Way::Far(weights) => Some((lane, weights)),
            _ => None,
        })
        .collect();
    if weights.is_empty() {
        return;
    }
    let means = weighted_means(&weights, sum.points);
    for (place, (lane, _)) in weights.iter().enumerate() {
        let (x, mut out) = (rows.row(*lane), results.row_mut(*lane));
        let columns =
            means.iter().flat_map(|panel| panel.row(place).to_slice().unwrap_or_default());
        for ((out, x), mean) in out.iter_mut().zip(x).zip(columns) {
            *out = sum.data * mean + sum.gain * (x - sum.alpha * mean);
        }
    }
}

/// The means of the points under each row of weights, for every panel of columns.
fn weighted_means(weights: &[(usize, &Vec<f64>)], points: &Array2<f64>) -> Vec<Array2<f64>> {
    let (count, dimension) = points.dim();
    let rows = weights.len().next_multiple_of(TILE);
    let mut table = Array2::zeros((rows, count));
    for (mut row, (_, weights)) in table.rows_mut().into_iter().zip(weights) {
        row.iter_mut().zip(*weights).for_each(|(to, from)| *to = *from);
    }
    let width = dimension.div_ceil(PANELS).next_multiple_of(TILE);
    let panels: Vec<ArrayView2<'_, f64>> = points.axis_chunks_iter(Axis(1), width).collect();
    let product = |panel: ArrayView2<'_, f64>| {
        let mut means = Array2::zeros((rows, panel.ncols()));
        for (weights, points) in
            table.axis_chunks_iter(Axis(1), RUN).zip(panel.axis_chunks_iter(Axis(0), RUN))
        {
            general_mat_mul(1.0, &weights, &points, 1.0, &mut means);
        }
        means
    };
    panels.into_par_iter().map(product).collect()
}

/// Fills in the rows that products cannot give.
fn crowded(
    sum: &SoftmaxMean<'_>,
    rows: &Array2<f64>,
    ways: &[Way],
    results: &mut Array2<f64>,
) -> Result<(), FieldError> {
    let is_crowded = |lane: &usize| matches!(ways[*lane], Way::Crowded);
    let lanes: Vec<usize> = (0..ways.len()).filter(is_crowded).collect();
    if lanes.is_empty() {
        return Ok(());
    }
    let x = rows.select(Axis(0), &lanes);
    let mut out = Array2::zeros(x.dim());
    direct::evaluate(sum, &mut out, &x)?;
    for (lane, row) in lanes.into_iter().zip(out.rows()) {
        results.row_mut(lane).assign(&row);
    }
    Ok(())
}
