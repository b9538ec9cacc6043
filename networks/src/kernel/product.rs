//! The product at the heart of the network, with whatever is done to its result.
//!
//! For a block of a few rows and a panel of two vectors of columns, the sums
//! `sum_k x[r, k] w[k, c]` are held in registers from the first `k` to the last;
//! an [`Epilogue`] then receives them there: bias, residual and SiLU cost no
//! pass over memory. Every sum is formed in the order of `k` alone, so that a
//! row's bits do not depend on its place, its neighbours or their number.
//!
//! The loops are those of Goto & van de Geijn, "Anatomy of high-performance
//! matrix multiplication" (2008), without packing at run time: weights are
//! [`Panels`] already, and values of `x` are broadcast straight from its rows.

use pulp::Simd;

use super::panels::Panels;

/// Left operands and results hold as many rows as a multiple of this: the
/// blocks of every instruction set divide it.
pub(crate) const BLOCK: usize = 24;

/// Distance between the rows of a buffer of `width` columns: whole vectors, and
/// not a power of two, which would put all rows into a few sets of the cache.
pub(crate) fn stride(width: usize) -> usize {
    width.next_multiple_of(16) + 16
}

/// What is done with the sums of one row and one vector of columns.
pub(crate) trait Epilogue<S: Simd> {
    /// `column` counts vectors.
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s);
}

/// A left operand, `stride` values from row to row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// Hands `x w` to `epilogue`, for `rows` rows of `x` and up to [`BLOCK`]` - 1`
/// more, which must exist.
#[inline(always)]
pub(crate) fn multiply<S: Simd, E: Epilogue<S>>(
    simd: S,
    rows: usize,
    x: Rows<'_>,
    w: &Panels,
    epilogue: &mut E,
) {
    widest_blocks(simd, rows, x, w, epilogue);
}

/// Hands `x^T w` to `epilogue`, for `columns` columns of `x` and up to 7 more,
/// for which there must be room in a row.
#[inline(always)]
pub(crate) fn multiply_transposed<S: Simd, E: Epilogue<S>>(
    simd: S,
    columns: usize,
    x: Rows<'_>,
    w: &Panels,
    epilogue: &mut E,
) {
    widest_blocks(simd, columns, Transposed(x), w, epilogue);
}

#[inline(always)]
pub(crate) fn widest_blocks<S: Simd, E: Epilogue<S>, X: Left>(
    simd: S,
    rows: usize,
    x: X,
    w: &Panels,
    epilogue: &mut E,
) {
    // As many sums as hide the latency of a multiply-add on two ports and leave
    // registers for the operands: 16 of 32 or 12 of 16.
    if S::F32_LANES >= 16 {
        blocks::<S, E, X, 8>(simd, rows, x, w, epilogue);
    } else {
        blocks::<S, E, X, 6>(simd, rows, x, w, epilogue);
    }
}

/// The sums of `R` rows, the first of which is `row`, and `C` vectors of columns.
///
/// Everything below a dispatch is `inline(always)`, and closures are not used
/// with vectors: what is not inlined is compiled without the instruction set,
/// and every operation in it becomes a call (70 times slower).
pub(crate) trait Left: Copy {
    fn sums<S: Simd, const R: usize, const C: usize>(
        self,
        simd: S,
        row: usize,
        panel: &[[S::f32s; C]],
    ) -> [[S::f32s; C]; R];
}

#[inline(always)]
pub(crate) fn accumulate<S: Simd, const R: usize, const C: usize>(
    simd: S,
    sums: &mut [[S::f32s; C]; R],
    x: &[f32; R],
    w: &[S::f32s; C],
) {
    for (sums, &x) in sums.iter_mut().zip(x) {
        let value = simd.splat_f32s(x);
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = simd.mul_add_e_f32s(value, w, *sum);
        }
    }
}

/// Adds the products of `rows`, as long as the panel has rows, with the panel.
#[inline(always)]
pub(crate) fn accumulate_rows<S: Simd, const R: usize, const C: usize>(
    simd: S,
    sums: &mut [[S::f32s; C]; R],
    rows: &[&[f32]; R],
    panel: &[[S::f32s; C]],
) {
    for (k, w) in panel.iter().enumerate() {
        let mut x = [0.0; R];
        for (x, row) in x.iter_mut().zip(rows) {
            *x = row[k];
        }
        accumulate(simd, sums, &x, w);
    }
}

impl Left for Rows<'_> {
    #[inline(always)]
    fn sums<S: Simd, const R: usize, const C: usize>(
        self,
        simd: S,
        row: usize,
        panel: &[[S::f32s; C]],
    ) -> [[S::f32s; C]; R] {
        // Equal lengths, known to the compiler: no checks in the loop.
        let mut rows = [&self.values[..0]; R];
        for (r, values) in rows.iter_mut().enumerate() {
            *values = &self.values[(row + r) * self.stride..][..panel.len()];
        }
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        accumulate_rows(simd, &mut sums, &rows, panel);
        sums
    }
}

/// Columns of a matrix as rows of its transpose.
#[derive(Clone, Copy)]
struct Transposed<'a>(Rows<'a>);

impl Left for Transposed<'_> {
    #[inline(always)]
    fn sums<S: Simd, const R: usize, const C: usize>(
        self,
        simd: S,
        row: usize,
        panel: &[[S::f32s; C]],
    ) -> [[S::f32s; C]; R] {
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for (values, w) in self.0.values.chunks_exact(self.0.stride).zip(panel) {
            if let Some(x) = values[row..].first_chunk::<R>() {
                accumulate(simd, &mut sums, x, w);
            }
        }
        sums
    }
}

#[inline(always)]
fn blocks<S: Simd, E: Epilogue<S>, X: Left, const R: usize>(
    simd: S,
    rows: usize,
    x: X,
    w: &Panels,
    epilogue: &mut E,
) {
    for (column, vectors, panel) in w.iter() {
        let panel = S::as_simd_f32s(panel).0;
        for row in (0..rows).step_by(R) {
            if vectors == 2 {
                let panel = panel.as_chunks::<2>().0;
                store(simd, row, column, x.sums::<S, R, 2>(simd, row, panel), epilogue);
            } else {
                let panel = panel.as_chunks::<1>().0;
                store(simd, row, column, x.sums::<S, R, 1>(simd, row, panel), epilogue);
            }
        }
    }
}

#[inline(always)]
fn store<S: Simd, E: Epilogue<S>, const R: usize, const C: usize>(
    simd: S,
    row: usize,
    column: usize,
    sums: [[S::f32s; C]; R],
    epilogue: &mut E,
) {
    for (r, sums) in sums.into_iter().enumerate() {
        for (c, sums) in sums.into_iter().enumerate() {
            epilogue.store(simd, row + r, column + c, sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;
    use crate::kernel::AlignedBuffer;
    use crate::seeded::{Purpose, SeededRng};

    struct Store<'a, S: Simd> {
        out: &'a mut [S::f32s],
        stride: usize,
    }

    impl<S: Simd> Epilogue<S> for Store<'_, S> {
        #[inline(always)]
        fn store(&mut self, _: S, row: usize, column: usize, sums: S::f32s) {
            self.out[row * self.stride + column] = sums;
        }
    }

    struct Product<'a> {
        transposed: bool,
        rows: usize,
        x: Rows<'a>,
        w: &'a Panels,
        out: &'a mut [f32],
        stride: usize,
    }

    impl WithSimd for Product<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let out = S::as_mut_simd_f32s(self.out).0;
            let mut store = Store { out, stride: self.stride / S::F32_LANES };
            if self.transposed {
                multiply_transposed(simd, self.rows, self.x, self.w, &mut store);
            } else {
                multiply(simd, self.rows, self.x, self.w, &mut store);
            }
        }
    }

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = SeededRng::new(seed, Purpose::Batch, 0);
        (0..n).map(|_| rng.normal() as f32).collect()
    }

    /// `values` `[rows, width]` with room for whole blocks; NaN where nothing is.
    fn padded(values: &[f32], rows: usize, width: usize) -> Vec<f32> {
        let stride = stride(width);
        let mut padded = vec![f32::NAN; rows.next_multiple_of(BLOCK) * stride];
        for (to, from) in padded.chunks_exact_mut(stride).zip(values.chunks_exact(width)) {
            to[..width].copy_from_slice(from);
        }
        padded
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn both_products_are_their_definitions_on_every_instruction_set(
            rows in 1usize..60,
            inputs in 1usize..70,
            outputs in 1usize..90,
            seed: u64,
        ) {
            let (x, w) = (random(rows * inputs, seed), random(inputs * outputs, !seed));
            let transposed: Vec<f32> =
                (0..rows * inputs).map(|i| x[i % rows * inputs + i / rows]).collect();
            let (straight, turned) =
                (padded(&x, rows, inputs), padded(&transposed, inputs, rows));
            let step = stride(outputs);
            for turn in [false, true] {
                let x_rows = if turn {
                    Rows { values: &turned, stride: stride(rows) }
                } else {
                    Rows { values: &straight, stride: stride(inputs) }
                };
                for scalar in [false, true] {
                    let mut out = AlignedBuffer::zeros(rows.next_multiple_of(BLOCK) * step);
                    let lanes = if scalar { 1 } else { crate::kernel::lanes() };
                    let mut panels = Panels::zeros(inputs, outputs, lanes);
                    panels.fill(&w, outputs);
                    let product = Product {
                        transposed: turn, rows, x: x_rows, w: &panels, out: &mut out, stride: step,
                    };
                    if scalar {
                        Scalar::new().vectorize(product);
                    } else {
                        Arch::new().dispatch(product);
                    }
                    for r in 0..rows {
                        for j in 0..outputs {
                            let terms = (0..inputs).map(|k| {
                                f64::from(x[r * inputs + k]) * f64::from(w[k * outputs + j])
                            });
                            let (mut sum, mut scale) = (0.0f64, 1.0f64);
                            terms.for_each(|term| { sum += term; scale += term.abs(); });
                            let error = (f64::from(out[r * step + j]) - sum).abs();
                            prop_assert!(error < 4e-6 * scale, "{r} {j}: {error}");
                        }
                    }
                }
            }
        }
    }
}
