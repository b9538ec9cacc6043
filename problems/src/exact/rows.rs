//! The rows of a state, in small transposed tiles, on all threads.

use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::exponential::exp_nonpositive;
use crate::host::values_like;

/// Rows evaluated side by side, one per element of a vector register or two.
pub(super) const TILE: usize = 8;

/// Tiles per parallel task, at most: as many as make a task worth its while.
const TILES_PER_TASK: usize = 8;

/// Work (in scalar operations, roughly) below which threads cost more than
/// they bring.
const PARALLEL_WORK: usize = 1 << 15;

/// Evaluates rows: `B` at a time, transposed (`x[j][i]` is component `j` of row
/// `i`). What is computed for a row must not depend on its neighbours.
pub(super) trait RowKernel: Sync {
    /// Reusable memory of one task.
    type Scratch<const B: usize>;

    /// Makes it.
    fn scratch<const B: usize>(&self) -> Self::Scratch<B>;

    /// Writes the rows' results into `out`, laid out like `x`. `FUSED` says that a fused
    /// multiply-add is one instruction.
    fn tile<const B: usize, const FUSED: bool>(
        &self,
        out: &mut [[f64; B]],
        x: &[[f64; B]],
        scratch: &mut Self::Scratch<B>,
    );
}

/// Evaluates `kernel` on every row of `x`.
///
/// `work` is the cost of a row. A row's bits are the same in a batch of any
/// size: each element of a tile passes through the same operations, whatever
/// the tile's width, and tiles are independent.
pub(super) fn evaluate<S: HostState, K: RowKernel>(
    kernel: &K,
    out: &mut S,
    x: &S,
    dimension: usize,
    work: usize,
) -> Result<(), FieldError> {
    let found = x.values().ok_or(StateError::NotContiguous)?;
    let lanes = x.lane_count();
    if found.len() != lanes * dimension || found.len() % dimension != 0 {
        return Err(FieldError::Shape {
            expected: format!("lanes of {dimension} component(s)"),
            found: format!("{} value(s) in {lanes} lane(s)", found.len()),
        });
    }
    let out = values_like(out, lanes, found.len())?;
    if lanes == 1 {
        run::<_, _, 1>(kernel, out, found, dimension);
    } else if lanes * work < PARALLEL_WORK {
        run::<_, _, TILE>(kernel, out, found, dimension);
    } else {
        let tiles = (PARALLEL_WORK / (TILE * work)).clamp(1, TILES_PER_TASK);
        let task = TILE * tiles * dimension;
        out.par_chunks_mut(task)
            .zip(found.par_chunks(task))
            .for_each(|(out, x)| run::<_, _, TILE>(kernel, out, x, dimension));
    }
    Ok(())
}

/// All rows of `x`, `B` at a time; the last tile is padded with zeros.
fn run<T: Scalar, K: RowKernel, const B: usize>(
    kernel: &K,
    out: &mut [T],
    x: &[T],
    dimension: usize,
) {
    let scratch = kernel.scratch::<B>();
    let columns = vec![[0.0; B]; dimension];
    let results = vec![[0.0; B]; dimension];
    Arch::new().dispatch(Run { kernel, out, x, dimension, scratch, columns, results });
}

/// Compiled once per instruction set; the widest the machine has is chosen. A type rather
/// than a closure: only a method is compiled into its caller for certain, with its vector
/// instructions.
struct Run<'a, T, K: RowKernel, const B: usize> {
    kernel: &'a K,
    out: &'a mut [T],
    x: &'a [T],
    dimension: usize,
    scratch: K::Scratch<B>,
    columns: Vec<[f64; B]>,
    results: Vec<[f64; B]>,
}

impl<T: Scalar, K: RowKernel, const B: usize> WithSimd for Run<'_, T, K, B> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // Every vector unit wider than one number has the instruction.
        if S::F64_LANES > 1 { self.rows::<true>() } else { self.rows::<false>() }
    }
}

impl<T: Scalar, K: RowKernel, const B: usize> Run<'_, T, K, B> {
    #[inline(always)]
    fn rows<const FUSED: bool>(self) {
        let Run { kernel, out, x, dimension, mut scratch, mut columns, mut results } = self;
        for (out, x) in out.chunks_mut(B * dimension).zip(x.chunks(B * dimension)) {
            for (j, column) in columns.iter_mut().enumerate() {
                for (i, row) in column.iter_mut().enumerate() {
                    *row = x.get(i * dimension + j).map_or(0.0, |value| value.into_f64());
                }
            }
            kernel.tile::<B, FUSED>(&mut results, &columns, &mut scratch);
            for (i, row) in out.chunks_mut(dimension).enumerate() {
                for (result, value) in results.iter().zip(row) {
                    *value = T::from_f64(result[i]);
                }
            }
        }
    }
}

/// Weights `e^{logit} / sum`, in place, and the logarithm of the sum; column `i` is row `i`'s.
#[inline(always)]
pub(super) fn softmax<const B: usize, const FUSED: bool>(logits: &mut [[f64; B]]) -> [f64; B] {
    let mut top = [f64::NEG_INFINITY; B];
    for logit in logits.iter() {
        for i in 0..B {
            top[i] = if logit[i] > top[i] { logit[i] } else { top[i] };
        }
    }
    for logit in logits.iter_mut() {
        for i in 0..B {
            logit[i] -= top[i];
        }
    }
    // One long loop, which becomes vector code whatever `B`.
    for value in logits.as_flattened_mut() {
        *value = exp_nonpositive::<FUSED>(*value);
    }
    let mut total = [0.0; B];
    for weight in logits.iter() {
        for i in 0..B {
            total[i] += weight[i];
        }
    }
    let mut inverse = [0.0; B];
    for i in 0..B {
        inverse[i] = 1.0 / total[i];
    }
    for weight in logits.iter_mut() {
        for i in 0..B {
            weight[i] *= inverse[i];
        }
    }
    let mut log_sum = [0.0; B];
    for i in 0..B {
        log_sum[i] = top[i] + total[i].ln();
    }
    log_sum
}
