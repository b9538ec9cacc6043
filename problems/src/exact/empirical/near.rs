//! The sum over the few points that are near a row, from the gaps to them.

use ndarray::ArrayView1;
use pulp::{Arch, Simd, WithSimd};

use super::softmax_mean::SoftmaxMean;
use crate::exponential::exp_nonpositive;

/// Components added side by side: whole vector registers, and the same order of summation on
/// every machine.
const WIDTH: usize = 16;

/// Writes the sum over the points `kept` into `out`.
pub(super) fn evaluate(sum: &SoftmaxMean<'_>, out: &mut [f64], x: &[f64], kept: &[usize]) {
    Arch::new().dispatch(Near { sum, out, x, kept });
}

/// A type rather than a closure: only a method is compiled into its caller for certain.
struct Near<'a> {
    sum: &'a SoftmaxMean<'a>,
    out: &'a mut [f64],
    x: &'a [f64],
    kept: &'a [usize],
}

impl WithSimd for Near<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // Every vector unit wider than one number has a fused multiply-add.
        if S::F64_LANES > 1 { self.run::<true>() } else { self.run::<false>() }
    }
}

impl Near<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Near { sum, out, x, kept } = self;
        let SoftmaxMean { points, alpha, scale, data, gain } = *sum;
        let mut weights: Vec<f64> =
            kept.iter().map(|&point| scale * squared_gap(x, points.row(point), alpha)).collect();
        let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for weight in &mut weights {
            *weight = exp_nonpositive::<FUSED>(*weight - top);
            total += *weight;
        }
        out.fill(0.0);
        for (weight, &point) in weights.iter().zip(kept) {
            let weight = weight / total;
            let values = points.row(point);
            // The data is stored row by row.
            let values = values.as_slice().unwrap_or_default();
            for ((out, x), value) in out.iter_mut().zip(x).zip(values) {
                *out += weight * (data * value + gain * (x - alpha * value));
            }
        }
    }
}

#[inline(always)]
fn squared_gap(x: &[f64], point: ArrayView1<'_, f64>, alpha: f64) -> f64 {
    let point = point.to_slice().unwrap_or_default();
    let (x, x_rest) = x.as_chunks::<WIDTH>();
    let (point, point_rest) = point.as_chunks::<WIDTH>();
    let mut squares = [0.0; WIDTH];
    for (x, point) in x.iter().zip(point) {
        let mut sums = squares;
        for i in 0..WIDTH {
            let gap = x[i] - alpha * point[i];
            sums[i] += gap * gap;
        }
        squares = sums;
    }
    for ((square, x), value) in squares.iter_mut().zip(x_rest).zip(point_rest) {
        let gap = x - alpha * value;
        *square += gap * gap;
    }
    squares.iter().sum()
}
