//! What is done with a product while it is in registers.
//!
//! Buffers have rows [`stride`]`(width)` apart, but for [`Sums`], whose rows have no gaps. Biases
//! are as long as whole vectors make them.

use pulp::Simd;

use super::product::{Epilogue, stride};
use super::vector::{silu, silu_with_derivative};

/// `h <- [h +] (sums + bias)`, `activation <- silu(h)` and, if it is recorded,
/// `derivative <- silu'(h)`.
pub(crate) struct Hidden<'a, S: Simd, const RECORD: bool> {
    bias: &'a [S::f32s],
    stream: &'a mut [S::f32s],
    activation: &'a mut [S::f32s],
    derivative: &'a mut [S::f32s],
    stride: usize,
    add: bool,
}

impl<'a, S: Simd, const RECORD: bool> Hidden<'a, S, RECORD> {
    /// `add` to what `stream` holds, or replace it; `derivative` is empty unless it is recorded.
    #[inline(always)]
    pub(crate) fn new(
        bias: &'a [f32],
        stream: &'a mut [f32],
        activation: &'a mut [f32],
        derivative: &'a mut [f32],
        width: usize,
        add: bool,
    ) -> Self {
        Hidden {
            bias: S::as_simd_f32s(bias).0,
            stream: S::as_mut_simd_f32s(stream).0,
            activation: S::as_mut_simd_f32s(activation).0,
            derivative: S::as_mut_simd_f32s(derivative).0,
            stride: stride(width) / S::F32_LANES,
            add,
        }
    }
}

impl<S: Simd, const RECORD: bool> Epilogue<S> for Hidden<'_, S, RECORD> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let mut h = simd.add_f32s(sums, self.bias[column]);
        if self.add {
            h = simd.add_f32s(self.stream[at], h);
        }
        self.stream[at] = h;
        if RECORD {
            (self.activation[at], self.derivative[at]) = silu_with_derivative(simd, h);
        } else {
            self.activation[at] = silu(simd, h);
        }
    }
}

/// The sums themselves.
pub(crate) struct Plain<'a, S: Simd> {
    out: &'a mut [S::f32s],
    stride: usize,
}

impl<'a, S: Simd> Plain<'a, S> {
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [f32], width: usize) -> Self {
        Plain { out: S::as_mut_simd_f32s(out).0, stride: stride(width) / S::F32_LANES }
    }
}

impl<S: Simd> Epilogue<S> for Plain<'_, S> {
    #[inline(always)]
    fn store(&mut self, _: S, row: usize, column: usize, sums: S::f32s) {
        self.out[row * self.stride + column] = sums;
    }
}

/// `to <- [from +] sums * derivative`: what comes back through an activation, added to what comes
/// back past it.
pub(crate) struct Back<'a, S: Simd> {
    from: Option<&'a [S::f32s]>,
    to: &'a mut [S::f32s],
    derivative: &'a [S::f32s],
    stride: usize,
}

impl<'a, S: Simd> Back<'a, S> {
    #[inline(always)]
    pub(crate) fn new(
        from: Option<&'a [f32]>,
        to: &'a mut [f32],
        derivative: &'a [f32],
        width: usize,
    ) -> Self {
        Back {
            from: from.map(|from| S::as_simd_f32s(from).0),
            to: S::as_mut_simd_f32s(to).0,
            derivative: S::as_simd_f32s(derivative).0,
            stride: stride(width) / S::F32_LANES,
        }
    }
}

impl<S: Simd> Epilogue<S> for Back<'_, S> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let derivative = self.derivative[at];
        self.to[at] = match self.from {
            Some(from) => simd.mul_add_e_f32s(sums, derivative, from[at]),
            None => simd.mul_f32s(sums, derivative),
        };
    }
}

/// `h <- h + sums`, `activation <- h * derivative`: [`Hidden`] to first order in a direction.
pub(crate) struct Tangent<'a, S: Simd> {
    stream: &'a mut [S::f32s],
    activation: &'a mut [S::f32s],
    derivative: &'a [S::f32s],
    stride: usize,
}

impl<'a, S: Simd> Tangent<'a, S> {
    #[inline(always)]
    pub(crate) fn new(
        stream: &'a mut [f32],
        activation: &'a mut [f32],
        derivative: &'a [f32],
        width: usize,
    ) -> Self {
        Tangent {
            stream: S::as_mut_simd_f32s(stream).0,
            activation: S::as_mut_simd_f32s(activation).0,
            derivative: S::as_simd_f32s(derivative).0,
            stride: stride(width) / S::F32_LANES,
        }
    }
}

impl<S: Simd> Epilogue<S> for Tangent<'_, S> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let h = simd.add_f32s(self.stream[at], sums);
        self.stream[at] = h;
        self.activation[at] = simd.mul_f32s(h, self.derivative[at]);
    }
}

/// `out <- [out +] (sums + bias)`, in rows of `columns` values without gaps.
pub(crate) struct Sums<'a> {
    /// As many rows as the product has.
    pub(crate) out: &'a mut [f32],
    /// Values of a row.
    pub(crate) columns: usize,
    /// Added to every row; whole vectors long, or empty.
    pub(crate) bias: &'a [f32],
    /// Whether the sums are added to what is there.
    pub(crate) add: bool,
}

impl<S: Simd> Epilogue<S> for Sums<'_> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, mut sums: S::f32s) {
        let first = column * S::F32_LANES;
        let start = row * self.columns + first;
        let columns = S::F32_LANES.min(self.columns - first);
        // Rows past the last are the rest of a block.
        let Some(values) = self.out.get_mut(start..start + columns) else { return };
        if let Some(&bias) = S::as_simd_f32s(self.bias).0.get(column) {
            sums = simd.add_f32s(sums, bias);
        }
        match S::as_mut_simd_f32s(values) {
            ([whole], _) if self.add => *whole = simd.add_f32s(*whole, sums),
            ([whole], _) => *whole = sums,
            (_, part) => {
                if self.add {
                    sums = simd.add_f32s(sums, simd.partial_load_f32s(part));
                }
                simd.partial_store_f32s(part, sums);
            }
        }
    }
}
