//! Images as rows of pixels: borders, and blocks of 2 x 2 pixels as channels.

use super::windows::{SLACK, Windows};
use crate::kernel::{AlignedBuffer, BLOCK};

/// Pixels of a block.
pub(crate) const BLOCK_PIXELS: usize = 4;

/// Square images of one size, `samples` of them.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) side: usize,
    samples: usize,
    /// Pixel `r` of all images, without borders.
    dense: Vec<u32>,
    /// The upper left neighbour of pixel `r` in images with a border of one pixel.
    bordered: Vec<u32>,
}

impl Grid {
    pub(crate) fn new(side: usize, samples: usize) -> Self {
        let pixels = side * side;
        let rows = samples * pixels;
        let border = side + 2;
        let window = |row: usize| {
            let (sample, y, x) = (row / pixels, row % pixels / side, row % side);
            (sample * border * border + y * border + x) as u32
        };
        let padded = |place: &dyn Fn(usize) -> u32| -> Vec<u32> {
            // Blocks of rows may reach past the last, which is then repeated.
            (0..rows + BLOCK).map(|row| place(row.min(rows - 1))).collect()
        };
        Grid { side, samples, dense: padded(&|row| row as u32), bordered: padded(&window) }
    }

    /// Pixels of an image.
    pub(crate) fn pixels(&self) -> usize {
        self.side * self.side
    }

    /// Every pixel by itself.
    pub(crate) fn each<'a>(&'a self, values: &'a [f32], channels: usize) -> Windows<'a> {
        Windows { values, starts: &self.dense, channels, width: 1, pitch: 0 }
    }

    /// The 3 x 3 neighbourhood of every pixel, in images with a border.
    pub(crate) fn around<'a>(&'a self, values: &'a [f32], channels: usize) -> Windows<'a> {
        Windows { values, starts: &self.bordered, channels, width: 3, pitch: self.side + 2 }
    }

    /// Zeros for all images, with a border of `border` pixels. A product with fewer images
    /// may read, but not use, of all, and [`SLACK`] values more.
    pub(crate) fn zeros(&self, channels: usize, border: usize) -> AlignedBuffer {
        let side = self.side + 2 * border;
        AlignedBuffer::zeros(self.samples * side * side * channels + SLACK)
    }

    /// Copies images into images with a border, which is left as it is.
    pub(crate) fn with_border(&self, to: &mut [f32], from: &[f32], channels: usize) {
        let (line, border) = (self.side * channels, self.side + 2);
        let image = border * border * channels;
        for (to, from) in
            to.chunks_exact_mut(image).zip(from.chunks_exact(self.pixels() * channels))
        {
            let lines = to.chunks_exact_mut(border * channels).skip(1);
            for (to, from) in lines.zip(from.chunks_exact(line)) {
                to[channels..channels + line].copy_from_slice(from);
            }
        }
    }

    /// `[2 s, 2 s, c]` to `[s, s, 4 c]`: the channels of the upper left pixel of a block, then
    /// of the upper right, lower left and lower right (Shi et al., "Real-time single image and
    /// video super-resolution ...", 2016). `to` has the side of this grid.
    pub(crate) fn gather_blocks(&self, to: &mut [f32], from: &[f32], channels: usize) {
        self.blocks(channels, from.len(), |coarse, fine, pair| {
            to[coarse..coarse + pair].copy_from_slice(&from[fine..fine + pair]);
        });
    }

    /// The inverse of [`Grid::gather_blocks`].
    pub(crate) fn scatter_blocks(&self, to: &mut [f32], from: &[f32], channels: usize) {
        let len = to.len();
        self.blocks(channels, len, |coarse, fine, pair| {
            to[fine..fine + pair].copy_from_slice(&from[coarse..coarse + pair]);
        });
    }

    /// Calls `copy` with the starts of every pair of neighbouring pixels, here and in the
    /// images of twice the side, of `len` values in all.
    fn blocks(&self, channels: usize, len: usize, mut copy: impl FnMut(usize, usize, usize)) {
        let (side, pair) = (self.side, 2 * channels);
        for line in 0..len / (2 * side * channels) {
            let (coarse, lower) = (line / 2, line % 2);
            for x in 0..side {
                let place = ((coarse * side + x) * 2 + lower) * pair;
                copy(place, (line * side + x) * pair, pair);
            }
        }
    }
}

/// Rows of `a` and of `b` side by side.
pub(crate) fn join(to: &mut [f32], a: (&[f32], usize), b: (&[f32], usize)) {
    let rows = to.chunks_exact_mut(a.1 + b.1);
    for ((to, first), second) in rows.zip(a.0.chunks_exact(a.1)).zip(b.0.chunks_exact(b.1)) {
        to[..a.1].copy_from_slice(first);
        to[a.1..].copy_from_slice(second);
    }
}

/// The inverse of [`join`].
pub(crate) fn split(from: &[f32], a: (&mut [f32], usize), b: (&mut [f32], usize)) {
    let rows = from.chunks_exact(a.1 + b.1);
    for ((from, first), second) in
        rows.zip(a.0.chunks_exact_mut(a.1)).zip(b.0.chunks_exact_mut(b.1))
    {
        first.copy_from_slice(&from[..a.1]);
        second.copy_from_slice(&from[a.1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_channels_and_back() {
        let grid = Grid::new(2, 2);
        // Two images of 4 x 4 pixels and one channel.
        let from: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let mut blocks = vec![0.0; 32];
        grid.gather_blocks(&mut blocks, &from, 1);
        assert_eq!(blocks[..8], [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
        assert_eq!(blocks[16..20], [16.0, 17.0, 20.0, 21.0]);
        let mut back = vec![0.0; 32];
        grid.scatter_blocks(&mut back, &blocks, 1);
        assert_eq!(back, from);
    }

    #[test]
    fn borders_surround_and_joined_rows_split() {
        let grid = Grid::new(2, 1);
        let mut to = vec![-1.0; 4 * 4 * 2];
        grid.with_border(&mut to, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 2);
        assert_eq!(to[8..16], [-1.0, -1.0, 1.0, 2.0, 3.0, 4.0, -1.0, -1.0]);
        assert_eq!(to[16..24], [-1.0, -1.0, 5.0, 6.0, 7.0, 8.0, -1.0, -1.0]);
        let mut joined = [0.0; 6];
        join(&mut joined, (&[1.0, 2.0, 3.0, 4.0], 2), (&[5.0, 6.0], 1));
        assert_eq!(joined, [1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
        let (mut a, mut b) = ([0.0; 4], [0.0; 2]);
        split(&joined, (&mut a, 2), (&mut b, 1));
        assert_eq!((a, b), ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]));
    }
}
