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
    let inputs = w.inputs();
    // As many sums as hide the latency of a multiply-add on two ports and leave
    // registers for the operands: 16 of 32 or 12 of 16.
    if S::F32_LANES >= 16 {
        let at = |row| std::array::from_fn(|r| &x.values[(row + r) * x.stride..][..inputs]);
        blocks::<S, E, [&[f32]; 8], 8>(simd, rows, at, w, epilogue);
    } else {
        let at = |row| std::array::from_fn(|r| &x.values[(row + r) * x.stride..][..inputs]);
        blocks::<S, E, [&[f32]; 6], 6>(simd, rows, at, w, epilogue);
    }
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
    let at = |first| Columns { x, first };
    if S::F32_LANES >= 16 {
        blocks::<S, E, _, 8>(simd, columns, at, w, epilogue);
    } else {
        blocks::<S, E, _, 6>(simd, columns, at, w, epilogue);
    }
}

/// `R` rows of a left operand, read along `k`.
trait Block<const R: usize>: Copy {
    fn for_each(self, count: usize, f: impl FnMut(usize, [f32; R]));
}

impl<const R: usize> Block<R> for [&[f32]; R] {
    #[inline(always)]
    fn for_each(self, count: usize, mut f: impl FnMut(usize, [f32; R])) {
        // Equal lengths, known to the compiler: no checks in the loop.
        let rows: [&[f32]; R] = std::array::from_fn(|r| &self[r][..count]);
        for k in 0..count {
            f(k, std::array::from_fn(|r| rows[r][k]));
        }
    }
}

/// Columns of a matrix as rows of its transpose.
#[derive(Clone, Copy)]
struct Columns<'a> {
    x: Rows<'a>,
    first: usize,
}

impl<const R: usize> Block<R> for Columns<'_> {
    #[inline(always)]
    fn for_each(self, count: usize, mut f: impl FnMut(usize, [f32; R])) {
        for (k, row) in self.x.values.chunks_exact(self.x.stride).take(count).enumerate() {
            let values = row[self.first..].first_chunk::<R>().expect("room for whole blocks");
            f(k, *values);
        }
    }
}

#[inline(always)]
fn blocks<S: Simd, E: Epilogue<S>, B: Block<R>, const R: usize>(
    simd: S,
    rows: usize,
    at: impl Fn(usize) -> B,
    w: &Panels,
    epilogue: &mut E,
) {
    for (column, vectors, panel) in w.iter() {
        let panel = S::as_simd_f32s(panel).0;
        for row in (0..rows).step_by(R) {
            if vectors == 2 {
                sums::<S, E, B, R, 2>(simd, at(row), panel, (row, column), epilogue);
            } else {
                sums::<S, E, B, R, 1>(simd, at(row), panel, (row, column), epilogue);
            }
        }
    }
}

#[inline(always)]
fn sums<S: Simd, E: Epilogue<S>, B: Block<R>, const R: usize, const C: usize>(
    simd: S,
    x: B,
    panel: &[S::f32s],
    (row, column): (usize, usize),
    epilogue: &mut E,
) {
    let panel = panel.as_chunks::<C>().0;
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    x.for_each(panel.len(), |k, x| {
        let w = panel[k];
        for r in 0..R {
            let value = simd.splat_f32s(x[r]);
            for c in 0..C {
                sums[r][c] = simd.mul_add_e_f32s(value, w[c], sums[r][c]);
            }
        }
    });
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
    use crate::network::{AlignedBuffer, Purpose, SeededRng};

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
                    let lanes = if scalar { 1 } else { super::super::panels::lanes() };
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
