//! Sums of rows, vectorised for the CPU found at run time.
//!
//! The loops are plain Rust inside a `pulp` dispatch, which compiles them once
//! per instruction set. They are written with `*` and `+`, never `mul_add`:
//! outside the dispatch's widest targets that is a library call, and without
//! it the values are the same on every CPU.

use pulp::Arch;

/// `sum <-` the sum of the first `rows` rows of `values`, in order, which are
/// `stride` apart.
pub(crate) fn sum_rows(sum: &mut [f32], values: &[f32], stride: usize, rows: usize) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            sum.fill(0.0);
            for row in values.chunks(stride).take(rows) {
                sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value);
            }
        },
    );
}

/// `sum <- sum + row * weight`, the building block of small products.
pub(crate) fn add_scaled(sum: &mut [f32], row: &[f32], weight: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value * weight),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_summed_without_what_lies_between_and_after_them() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let mut sum = [f32::NAN; 3];
        sum_rows(&mut sum, &values, 5, 3);
        assert_eq!(sum, [15.0, 18.0, 21.0]);
        add_scaled(&mut sum, &[1.0, 2.0, 3.0], 2.0);
        assert_eq!(sum, [17.0, 22.0, 27.0]);
    }
}
