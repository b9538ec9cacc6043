//! Every gap between a row and a point, one after the other.

use driftfield_solvers::{FieldError, HostState, StateError};

use super::super::rows::{self, RowKernel, softmax};
use super::softmax_mean::SoftmaxMean;

/// The sum for every row of `x`, from the gaps themselves: exact at any noise.
pub(super) fn evaluate<S: HostState>(
    sum: &SoftmaxMean<'_>,
    out: &mut S,
    x: &S,
) -> Result<(), FieldError> {
    let (points, dimension) = sum.points.dim();
    let values = sum.points.as_slice().ok_or(StateError::NotContiguous)?;
    rows::evaluate(&Direct { sum, values }, out, x, dimension, points * (10 + 4 * dimension))
}

struct Direct<'a> {
    sum: &'a SoftmaxMean<'a>,
    values: &'a [f64],
}

impl RowKernel for Direct<'_> {
    type Scratch<const B: usize> = Vec<[f64; B]>;

    fn scratch<const B: usize>(&self) -> Vec<[f64; B]> {
        vec![[0.0; B]; self.sum.points.nrows()]
    }

    #[inline(always)]
    fn tile<const B: usize, const FUSED: bool>(
        &self,
        out: &mut [[f64; B]],
        x: &[[f64; B]],
        weights: &mut Vec<[f64; B]>,
    ) {
        let SoftmaxMean { alpha, scale, data, gain, .. } = *self.sum;
        let points = || self.values.chunks_exact(self.sum.points.ncols());
        for (logit, point) in weights.iter_mut().zip(points()) {
            let mut square = [0.0; B];
            for (column, value) in x.iter().zip(point) {
                let centre = alpha * value;
                for i in 0..B {
                    let gap = column[i] - centre;
                    square[i] += gap * gap;
                }
            }
            for i in 0..B {
                logit[i] = scale * square[i];
            }
        }
        softmax::<B, FUSED>(weights);
        // The gap to the mean is a mean of gaps: in `x - alpha M` the digits
        // would cancel that make up a small sigma's noise.
        out.fill([0.0; B]);
        for (weight, point) in weights.iter().zip(points()) {
            for ((out, column), value) in out.iter_mut().zip(x).zip(point) {
                let (offset, centre) = (data * value, alpha * value);
                // Copies, which cannot change each other: vector code.
                let (mut sum, weight, column) = (*out, *weight, *column);
                for i in 0..B {
                    sum[i] += weight[i] * (offset + gain * (column[i] - centre));
                }
                *out = sum;
            }
        }
    }
}
