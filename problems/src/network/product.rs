//! Matrix products of row-major slices on one thread.
//!
//! faer is column-major: a row-major matrix is there its own transpose, so
//! `out = x w` is computed as `out^T = w^T x^T` without moving anything. faer's
//! kernels choose AVX-512, AVX2 or scalar code at run time.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

fn columns(values: &[f32], rows: usize, columns: usize) -> MatRef<'_, f32> {
    MatRef::from_column_major_slice(&values[..rows * columns], rows, columns)
}

fn columns_mut(values: &mut [f32], rows: usize, columns: usize) -> MatMut<'_, f32> {
    MatMut::from_column_major_slice_mut(&mut values[..rows * columns], rows, columns)
}

/// Sizes of a linear layer applied to some rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rows: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// `out (+)= x w`: `x` is `[rows, inputs]`, `w` `[inputs, outputs]`, `out`
/// `[rows, outputs]`.
pub(crate) fn multiply(out: &mut [f32], add: bool, x: &[f32], w: &[f32], sizes: Sizes) {
    let Sizes { rows, inputs, outputs } = sizes;
    matmul(
        columns_mut(out, outputs, rows),
        if add { Accum::Add } else { Accum::Replace },
        columns(w, outputs, inputs),
        columns(x, inputs, rows),
        1.0,
        Par::Seq,
    );
}

/// `gradient = x^T g`, the gradient of `w`: `x` is `[rows, inputs]`, `g`
/// `[rows, outputs]`, `gradient` `[inputs, outputs]`.
pub(crate) fn multiply_left_transposed(gradient: &mut [f32], x: &[f32], g: &[f32], sizes: Sizes) {
    let Sizes { rows, inputs, outputs } = sizes;
    matmul(
        columns_mut(gradient, outputs, inputs),
        Accum::Replace,
        columns(g, outputs, rows),
        columns(x, inputs, rows).transpose(),
        1.0,
        Par::Seq,
    );
}

/// `gradient = g w^T`, the gradient of `x`: `g` is `[rows, outputs]`, `w`
/// `[inputs, outputs]`, `gradient` `[rows, inputs]`.
pub(crate) fn multiply_right_transposed(gradient: &mut [f32], g: &[f32], w: &[f32], sizes: Sizes) {
    let Sizes { rows, inputs, outputs } = sizes;
    matmul(
        columns_mut(gradient, inputs, rows),
        Accum::Replace,
        columns(w, outputs, inputs).transpose(),
        columns(g, outputs, rows),
        1.0,
        Par::Seq,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_products_agree_with_their_definitions() {
        let sizes = Sizes { rows: 5, inputs: 3, outputs: 4 };
        let values =
            |n: usize, a: f32| -> Vec<f32> { (0..n).map(|i| ((i * i) as f32 * a).sin()).collect() };
        let (x, w, g) = (values(15, 0.3), values(12, 0.7), values(20, 0.9));
        let mut out = vec![1.0; 20];
        multiply(&mut out, true, &x, &w, sizes);
        let mut of_w = vec![f32::NAN; 12];
        multiply_left_transposed(&mut of_w, &x, &g, sizes);
        let mut of_x = vec![0.0; 15];
        multiply_right_transposed(&mut of_x, &g, &w, sizes);
        for r in 0..5 {
            for o in 0..4 {
                let sum: f32 = (0..3).map(|i| x[r * 3 + i] * w[i * 4 + o]).sum();
                assert!((out[r * 4 + o] - 1.0 - sum).abs() < 1e-5);
            }
            for i in 0..3 {
                let sum: f32 = (0..4).map(|o| g[r * 4 + o] * w[i * 4 + o]).sum();
                assert!((of_x[r * 3 + i] - sum).abs() < 1e-5);
            }
        }
        for i in 0..3 {
            for o in 0..4 {
                let sum: f32 = (0..5).map(|r| x[r * 3 + i] * g[r * 4 + o]).sum();
                assert!((of_w[i * 4 + o] - sum).abs() < 1e-5);
            }
        }
    }
}
