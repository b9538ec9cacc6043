//! The values of host states.

use std::ops::Range;

use driftfield_solvers::{HostState, Scalar, StateError};
use rayon::prelude::*;

/// The values of `out` for writing, refused unless it is shaped like a state of `lanes` lanes and
/// `len` values.
pub fn values_like<H: HostState>(
    out: &mut H,
    lanes: usize,
    len: usize,
) -> Result<&mut [H::Scalar], StateError> {
    let found_lanes = out.lane_count();
    let out = out.values_mut().ok_or(StateError::NotContiguous)?;
    if out.len() == len && found_lanes == lanes {
        return Ok(out);
    }
    Err(StateError::ShapeMismatch {
        expected_lanes: lanes,
        expected_len: len,
        found_lanes,
        found_len: out.len(),
    })
}

/// Work (in scalar operations, roughly) below which threads cost more than they bring.
const PARALLEL_WORK: usize = 1 << 15;

/// Calls `write(number, x, out)` for every lane of `x` and `out`, which may be a piece of a batch
/// whose lanes have the `numbers`, on all threads. Numbers are `f64`; `out` holds what it did, and
/// is stored again. `work` is the cost of a lane.
pub fn each_lane<H: HostState>(
    numbers: Range<usize>,
    x: &H,
    out: &mut H,
    work: usize,
    write: impl Fn(usize, &[f64], &mut [f64]) + Sync,
) -> Result<(), StateError> {
    let (lanes, values) = (x.lane_count(), x.values().ok_or(StateError::NotContiguous)?);
    values_like(out, lanes, values.len())?;
    let first = numbers.start;
    each_lane_in_place(numbers, out, work, |number, out| {
        let x = &values[(number - first) * out.len()..][..out.len()];
        let x: Vec<f64> = x.iter().map(|&value| value.into_f64()).collect();
        write(number, &x, out);
    })
}

/// The same for lanes that are changed without a look at others.
pub(crate) fn each_lane_in_place<H: HostState>(
    numbers: Range<usize>,
    out: &mut H,
    work: usize,
    write: impl Fn(usize, &mut [f64]) + Sync,
) -> Result<(), StateError> {
    let lanes = out.lane_count();
    let out = out.values_mut().ok_or(StateError::NotContiguous)?;
    let len = out.len() / lanes.max(1);
    if len == 0 {
        return Ok(());
    }
    let task = (PARALLEL_WORK / work.max(1)).max(1);
    out.par_chunks_exact_mut(len).enumerate().with_min_len(task).for_each(|(lane, out)| {
        let mut written: Vec<f64> = out.iter().map(|&value| value.into_f64()).collect();
        write(numbers.start + lane, &mut written);
        for (out, value) in out.iter_mut().zip(written) {
            *out = H::Scalar::from_f64(value);
        }
    });
    Ok(())
}

/// The values as `f64`.
pub(crate) fn wide<H: HostState>(state: &H) -> Result<Vec<f64>, StateError> {
    let values = state.values().ok_or(StateError::NotContiguous)?;
    Ok(values.iter().map(|value| value.into_f64()).collect())
}

/// `a . b`.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `out <- out + factor * b`.
pub(crate) fn add(out: &mut [f64], factor: f64, b: &[f64]) {
    for (out, b) in out.iter_mut().zip(b) {
        *out += factor * b;
    }
}
