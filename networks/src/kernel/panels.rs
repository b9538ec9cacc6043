//! Weights laid out in the order in which the kernel reads them.

use pulp::{Arch, Simd, WithSimd};

use super::AlignedBuffer;

/// A matrix `[inputs, outputs]` cut into panels of a few columns, each panel
/// row after row without gaps: the kernel reads one panel from end to end for
/// every block of rows, and a panel of 128 inputs fits the first-level cache.
///
/// Columns past `outputs` are zeros, so that no product has a ragged edge.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    inputs: usize,
    outputs: usize,
    /// Values per vector of this CPU.
    lanes: usize,
    values: AlignedBuffer,
}

/// Vectors a panel is wide, unless what is left fits one.
const VECTORS: usize = 2;

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Values per `f32` vector that a dispatch on this CPU works with.
pub(crate) fn lanes() -> usize {
    Arch::new().dispatch(Lanes)
}

impl Panels {
    /// Zeros, for vectors of `lanes` values.
    pub(crate) fn zeros(inputs: usize, outputs: usize, lanes: usize) -> Self {
        let values = AlignedBuffer::zeros(inputs * outputs.next_multiple_of(lanes));
        Panels { inputs, outputs, lanes, values }
    }

    /// First vector column, vectors and values of every panel.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        let (inputs, lanes) = (self.inputs, self.lanes);
        let columns = self.outputs.div_ceil(lanes);
        (0..columns).step_by(VECTORS).map(move |first| {
            let vectors = VECTORS.min(columns - first);
            let values = &self.values[first * lanes * inputs..][..vectors * lanes * inputs];
            (first, vectors, values)
        })
    }

    /// The values of a matrix whose rows are `stride` apart.
    pub(crate) fn fill(&mut self, matrix: &[f32], stride: usize) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let strip = VECTORS * self.lanes;
        for first in (0..outputs).step_by(strip) {
            let columns = strip.min(outputs - first);
            let width = columns.next_multiple_of(self.lanes);
            let panel = &mut self.values[first * inputs..][..inputs * width];
            for (row, values) in panel.chunks_exact_mut(width).zip(matrix.chunks(stride)) {
                row[..columns].copy_from_slice(&values[first..first + columns]);
            }
        }
    }

    /// Becomes a matrix `[inputs, outputs]` whose rows are `stride` apart; the buffer grows only.
    pub(crate) fn refill(
        &mut self,
        matrix: &[f32],
        (inputs, outputs): (usize, usize),
        stride: usize,
    ) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.values.reserve(inputs * outputs.next_multiple_of(self.lanes));
        self.fill(matrix, stride);
    }

    /// `rows` rows, from `top` on, are those of the transpose of a row-major matrix
    /// `[outputs, rows]`.
    pub(crate) fn fill_rows_transposed(&mut self, top: usize, rows: usize, matrix: &[f32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let strip = VECTORS * self.lanes;
        for first in (0..outputs).step_by(strip) {
            let columns = strip.min(outputs - first);
            let width = columns.next_multiple_of(self.lanes);
            let panel = &mut self.values[first * inputs..][..inputs * width];
            let panel = &mut panel[top * width..];
            for (column, values) in
                matrix[first * rows..].chunks_exact(rows).take(columns).enumerate()
            {
                for (row, &value) in panel.chunks_exact_mut(width).zip(values) {
                    row[column] = value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_where_the_kernel_reads_it_and_padding_is_zero() {
        for (inputs, outputs, lanes) in [(3, 2, 8), (5, 16, 8), (4, 37, 8), (2, 33, 4), (7, 5, 1)] {
            let weight: Vec<f32> = (1..=inputs * outputs).map(|i| i as f32).collect();
            let mut panels = Panels::zeros(inputs, outputs, lanes);
            panels.fill(&weight, outputs);
            let mut transposed = vec![0.0; weight.len()];
            for k in 0..inputs {
                for j in 0..outputs {
                    transposed[j * inputs + k] = weight[k * outputs + j];
                }
            }
            let mut other = Panels::zeros(inputs, outputs, lanes);
            other.fill_rows_transposed(0, inputs, &transposed);
            let mut seen = 0;
            for ((first, vectors, values), (.., others)) in panels.iter().zip(other.iter()) {
                assert_eq!(values, others);
                let width = vectors * lanes;
                for (i, &value) in values.iter().enumerate() {
                    let (k, j) = (i / width, first * lanes + i % width);
                    let expected = if j < outputs { weight[k * outputs + j] } else { 0.0 };
                    assert_eq!(value, expected);
                    seen += usize::from(j < outputs);
                }
            }
            assert_eq!(seen, weight.len());
        }
    }
}
