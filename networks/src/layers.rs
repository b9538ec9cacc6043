//! What the forward pass does with a product while it is in registers.

use pulp::Simd;

use super::kernel::{Epilogue, stride};
use super::vector::silu;

/// `h <- [h +] sums + bias`, `activation <- silu(h)`.
pub(crate) struct Hidden<'a, S: Simd> {
    bias: &'a [S::f32s],
    stream: &'a mut [S::f32s],
    activation: &'a mut [S::f32s],
    stride: usize,
    add: bool,
}

impl<'a, S: Simd> Hidden<'a, S> {
    /// `bias` is as long as whole vectors make it, the other rows are
    /// [`stride`]`(width)` apart; `add` to what `stream` holds, or replace it.
    #[inline(always)]
    pub(crate) fn new(
        bias: &'a [f32],
        stream: &'a mut [f32],
        activation: &'a mut [f32],
        width: usize,
        add: bool,
    ) -> Self {
        Hidden {
            bias: S::as_simd_f32s(bias).0,
            stream: S::as_mut_simd_f32s(stream).0,
            activation: S::as_mut_simd_f32s(activation).0,
            stride: stride(width) / S::F32_LANES,
            add,
        }
    }
}

impl<S: Simd> Epilogue<S> for Hidden<'_, S> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let mut h = simd.add_f32s(sums, self.bias[column]);
        if self.add {
            h = simd.add_f32s(self.stream[at], h);
        }
        self.stream[at] = h;
        self.activation[at] = silu(simd, h);
    }
}

/// The sums themselves, in rows [`stride`]`(width)` apart.
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
