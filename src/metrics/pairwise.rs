use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::points::Points;

/// Rows of one unit of parallel work. Fixed: the order of summation, and so
/// the last bits, depend on it.
const ROWS: usize = 16;
/// Independent partial sums, enough to fill the widest vector registers.
const LANES: usize = 16;

/// A function of squared distances, summed over pairs.
pub(super) trait PairFunction: Sync {
    /// The summand at a squared distance. Must be `#[inline(always)]`, so
    /// that it is compiled for the vector unit found at run time.
    ///
    /// `FUSED` says that a fused multiply-add is one instruction.
    fn value<const FUSED: bool>(&self, squared_distance: f64) -> f64;
}

/// Which pairs of points are summed over.
#[derive(Clone, Copy)]
pub(super) enum Pairs<'a> {
    /// Every point of the first with every point of the second.
    Across(&'a Points, &'a Points),
    /// Every two different points of one set, once.
    Within(&'a Points),
}

/// For each function, its sum over the pairs.
///
/// Row blocks are handed to threads; their sums are added in block order.
pub(super) fn pair_sums<F: PairFunction>(pairs: Pairs<'_>, functions: &[F]) -> Vec<f64> {
    let (rows, columns) = match pairs {
        Pairs::Across(rows, columns) => (rows, columns),
        Pairs::Within(points) => (points, points),
    };
    let within = matches!(pairs, Pairs::Within(_));
    let blocks: Vec<Vec<f64>> = (0..rows.count().div_ceil(ROWS))
        .into_par_iter()
        .map(|block| {
            let first = block * ROWS;
            let last = (first + ROWS).min(rows.count());
            Arch::new().dispatch(Block { rows, columns, block: first..last, within, functions })
        })
        .collect();
    let mut totals = vec![0.0; functions.len()];
    for block in blocks {
        totals.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
    }
    totals
}

/// The sums over a few rows. A type rather than a closure: only a method can be
/// told reliably to be compiled into the caller with its vector instructions.
struct Block<'a, F> {
    rows: &'a Points,
    columns: &'a Points,
    block: Range<usize>,
    within: bool,
    functions: &'a [F],
}

impl<F: PairFunction> WithSimd for Block<'_, F> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<f64> {
        // Every vector unit wider than one number has the instruction.
        if size_of::<S::f64s>() > size_of::<f64>() {
            self.sums::<true>()
        } else {
            self.sums::<false>()
        }
    }
}

impl<F: PairFunction> Block<'_, F> {
    #[inline(always)]
    fn sums<const FUSED: bool>(self) -> Vec<f64> {
        let Block { rows, columns, block, within, functions } = self;
        // A run of columns stays in the second-level cache while all rows of the
        // block pass over it.
        let run = (32_768 / rows.dimension()).clamp(64, 1024);
        let mut squares = vec![0.0; run];
        let mut values = vec![0.0; run];
        let mut sums = vec![[0.0; LANES]; functions.len()];
        let start = if within { block.start + 1 } else { 0 };
        for run_start in (start..columns.count()).step_by(run) {
            let run_end = (run_start + run).min(columns.count());
            for row in block.clone() {
                let begin = if within { run_start.max(row + 1) } else { run_start };
                if begin >= run_end {
                    continue;
                }
                let squares = &mut squares[..run_end - begin];
                squared_distances(rows, row, columns, begin, squares);
                for (function, sums) in functions.iter().zip(&mut sums) {
                    accumulate::<F, FUSED>(function, squares, &mut values, sums);
                }
            }
        }
        sums.iter().map(|lanes| lanes.iter().sum()).collect()
    }
}

/// Squared distance from one row to a run of columns, summed in the order of the axes.
#[inline(always)]
pub(super) fn squared_distances(
    rows: &Points,
    row: usize,
    columns: &Points,
    begin: usize,
    out: &mut [f64],
) {
    out.fill(0.0);
    for axis in 0..rows.dimension() {
        let x = rows.get(row, axis);
        let others = &columns.coordinate(axis)[begin..begin + out.len()];
        for (square, y) in out.iter_mut().zip(others) {
            let difference = x - y;
            *square += difference * difference;
        }
    }
}

/// Two plain loops, one that maps and one that adds: the compiler makes vector
/// code of each, but not of both in one.
#[inline(always)]
fn accumulate<F: PairFunction, const FUSED: bool>(
    function: &F,
    squares: &[f64],
    values: &mut [f64],
    sums: &mut [f64; LANES],
) {
    for (value, &square) in values.iter_mut().zip(squares) {
        *value = function.value::<FUSED>(square);
    }
    let mut local = *sums;
    let (chunks, rest) = values[..squares.len()].as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, value) in local.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    for (sum, value) in local.iter_mut().zip(rest) {
        *sum += value;
    }
    *sums = local;
}
