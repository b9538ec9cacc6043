//! Matrices whose rows are windows of an image, multiplied without being formed.
//!
//! A convolution is a product of such a matrix with the weights (Chellapilla et al.,
//! "High performance convolutional neural networks for document processing", 2006).
//! With the channels of a pixel side by side and a border of zeros around the image,
//! a window of 3 x 3 pixels is three contiguous pieces of the image, so that the
//! kernel can read them where they are.

use pulp::{Arch, Simd, WithSimd};

use crate::kernel::{BLOCK, Left, Panels, Sums, accumulate, accumulate_rows, widest_blocks};

/// Values past the end of an image that the kernel may read.
pub(crate) const SLACK: usize = 32;

/// The matrix whose row `r` is the window that starts at pixel `starts[r]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows<'a> {
    /// All pixels, with [`SLACK`] values after them.
    pub(crate) values: &'a [f32],
    /// First pixel of every row's window, and of [`BLOCK`] rows more.
    pub(crate) starts: &'a [u32],
    /// Values of a pixel.
    pub(crate) channels: usize,
    /// Pixels of a window that lie side by side.
    pub(crate) width: usize,
    /// Pixels from one line of a window to the next.
    pub(crate) pitch: usize,
}

impl Windows<'_> {
    fn segment(&self) -> usize {
        self.width * self.channels
    }
}

impl Left for Windows<'_> {
    #[inline(always)]
    fn sums<S: Simd, const R: usize, const C: usize>(
        self,
        simd: S,
        row: usize,
        panel: &[[S::f32s; C]],
    ) -> [[S::f32s; C]; R] {
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        let mut starts = [0usize; R];
        for (start, &pixel) in starts.iter_mut().zip(&self.starts[row..row + R]) {
            *start = pixel as usize * self.channels;
        }
        for (line, panel) in panel.chunks_exact(self.width * self.channels).enumerate() {
            let skipped = line * self.pitch * self.channels;
            let mut rows = [&self.values[..0]; R];
            for (values, &start) in rows.iter_mut().zip(&starts) {
                *values = &self.values[start + skipped..][..panel.len()];
            }
            accumulate_rows(simd, &mut sums, &rows, panel);
        }
        sums
    }
}

/// Columns of one line of [`Windows`] as rows of the transpose.
#[derive(Clone, Copy)]
struct Columns<'a> {
    values: &'a [f32],
    starts: &'a [u32],
    channels: usize,
}

impl Left for Columns<'_> {
    #[inline(always)]
    fn sums<S: Simd, const R: usize, const C: usize>(
        self,
        simd: S,
        row: usize,
        panel: &[[S::f32s; C]],
    ) -> [[S::f32s; C]; R] {
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for (&start, w) in self.starts.iter().zip(panel) {
            let start = start as usize * self.channels + row;
            if let Some(x) = self.values[start..].first_chunk::<R>() {
                accumulate(simd, &mut sums, x, w);
            }
        }
        sums
    }
}

/// The product of the first `rows` rows of `x` with `w`.
struct Product<'a, X> {
    rows: usize,
    x: X,
    w: &'a Panels,
    sums: Sums<'a>,
}

impl<X: Left> WithSimd for Product<'_, X> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        widest_blocks(simd, self.rows, self.x, self.w, &mut self.sums);
    }
}

/// `x w` for the first `rows` rows of `x`.
pub(crate) fn multiply_windows(rows: usize, x: Windows<'_>, w: &Panels, sums: Sums<'_>) {
    debug_assert!(x.starts.len() >= rows + BLOCK);
    Arch::new().dispatch(Product { rows, x, w, sums });
}

/// Adds `x^T g` to `gradient`, for the rows `rows` of `x` and all of `g`.
pub(crate) fn add_transposed_product(
    rows: std::ops::Range<usize>,
    x: Windows<'_>,
    g: &Panels,
    outputs: usize,
    gradient: &mut [f32],
) {
    let segment = x.segment();
    for (line, gradient) in gradient.chunks_exact_mut(segment * outputs).enumerate() {
        let values = &x.values[line * x.pitch * x.channels..];
        let columns = Columns { values, starts: &x.starts[rows.clone()], channels: x.channels };
        let sums = Sums { out: gradient, columns: outputs, bias: &[], add: true };
        Arch::new().dispatch(Product { rows: segment, x: columns, w: g, sums });
    }
}
