//! Predicted data and its pullback, lane by lane, on all threads.

use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use rayon::prelude::*;

use crate::host::values_like;

/// Work (in scalar operations, roughly) below which threads cost more than they bring.
const PARALLEL_WORK: usize = 1 << 15;

/// One lane, in `f64`: its number, its state, its predicted data and the gradient.
pub(super) struct Lane<'a> {
    pub number: usize,
    pub x: &'a [f64],
    pub data: &'a mut [f64],
    pub gradient: &'a mut [f64],
}

/// Has `evaluate` fill the data and the gradient of every lane of `x`; `work` is what a lane
/// costs.
pub(super) fn each_lane<S: HostState>(
    (data, gradient): (&mut S, &mut S),
    x: &S,
    dimension: usize,
    work: usize,
    evaluate: impl Fn(Lane<'_>) + Sync,
) -> Result<(), FieldError> {
    let lanes = x.lane_count();
    let values = x.values().ok_or(StateError::NotContiguous)?;
    if values.len() != lanes * dimension {
        return Err(FieldError::Shape {
            expected: format!("lanes of {dimension} component(s)"),
            found: format!("{} value(s) in {lanes} lane(s)", values.len()),
        });
    }
    let data = values_like(data, lanes, values.len())?;
    let gradient = values_like(gradient, lanes, values.len())?;
    let one = |(number, ((x, data), gradient)): (usize, ((&[_], &mut [_]), &mut [_]))| {
        let in_f64: Vec<f64> = x.iter().map(|&value: &S::Scalar| value.into_f64()).collect();
        let mut results = (vec![0.0; dimension], vec![0.0; dimension]);
        let (found, pulled) = (&mut results.0, &mut results.1);
        evaluate(Lane { number, x: &in_f64, data: found, gradient: pulled });
        write(data, found);
        write(gradient, pulled);
    };
    let task = (PARALLEL_WORK / work.max(1)).max(1);
    x_chunks(values, data, gradient, dimension).with_min_len(task).for_each(one);
    Ok(())
}

type Chunk<'a, T> = (usize, ((&'a [T], &'a mut [T]), &'a mut [T]));

fn x_chunks<'a, T: Scalar>(
    x: &'a [T],
    data: &'a mut [T],
    gradient: &'a mut [T],
    dimension: usize,
) -> impl IndexedParallelIterator<Item = Chunk<'a, T>> {
    x.par_chunks_exact(dimension)
        .zip(data.par_chunks_exact_mut(dimension))
        .zip(gradient.par_chunks_exact_mut(dimension))
        .enumerate()
}

fn write<T: Scalar>(out: &mut [T], values: &[f64]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = T::from_f64(value);
    }
}

/// `a . b`.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `out <- out + factor * b`.
pub(super) fn add(out: &mut [f64], factor: f64, b: &[f64]) {
    for (out, b) in out.iter_mut().zip(b) {
        *out += factor * b;
    }
}
