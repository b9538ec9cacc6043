//! Sums of rows, vectorised for the CPU found at run time.
//!
//! The loops are plain Rust inside a `pulp` dispatch, which compiles them once
//! per instruction set: types rather than closures, which may be compiled apart,
//! without it. They are written with `*` and `+`, never `mul_add`:
//! outside the dispatch's widest targets that is a library call, and without
//! it the values are the same on every CPU.

use pulp::{Arch, Simd, WithSimd};

/// Adds to `sum` the first `rows` rows of `values`, in order, which are `stride` apart.
pub(crate) fn add_rows(sum: &mut [f32], values: &[f32], stride: usize, rows: usize) {
    Arch::new().dispatch(AddRows { sum, values, stride, rows });
}

struct AddRows<'a> {
    sum: &'a mut [f32],
    values: &'a [f32],
    stride: usize,
    rows: usize,
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.values.chunks(self.stride).take(self.rows) {
            for (sum, &value) in self.sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}

/// `sum <- sum + row * weight`, the building block of small products.
pub(crate) fn add_scaled(sum: &mut [f32], row: &[f32], weight: f32) {
    Arch::new().dispatch(AddScaled { sum, row, weight });
}

struct AddScaled<'a> {
    sum: &'a mut [f32],
    row: &'a [f32],
    weight: f32,
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (sum, &value) in self.sum.iter_mut().zip(self.row) {
            *sum += value * self.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_added_without_what_lies_between_and_after_them() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let mut sum = [1.0; 3];
        add_rows(&mut sum, &values, 5, 3);
        assert_eq!(sum, [16.0, 19.0, 22.0]);
        add_scaled(&mut sum, &[1.0, 2.0, 3.0], 2.0);
        assert_eq!(sum, [18.0, 23.0, 28.0]);
    }
}
