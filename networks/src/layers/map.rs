//! Linear maps of pixels and of their neighbourhoods: products with windows of images.

use std::ops::Range;

use rayon::prelude::*;

use super::pixels::Grid;
use super::windows::{Windows, add_transposed_product, multiply_windows};
use crate::kernel::{AlignedBuffer, Panels, Sums, add_rows, lanes};

/// A weight `[inputs, outputs]` for every pixel, or `[3, 3, inputs, outputs]` for its
/// neighbourhood, and a bias or none.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    /// Place among the operands.
    pub(super) index: usize,
    /// 1 or 3 pixels wide and high.
    pub(super) width: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// The weights of all maps as the kernel reads them.
#[derive(Debug)]
pub(crate) struct Operands {
    maps: Vec<Operand>,
}

/// The weight of a map and its bias, zeros if it has none, padded to whole vectors.
#[derive(Debug)]
pub(crate) struct Operand {
    map: Map,
    pub(crate) forward: Panels,
    /// The map's transpose.
    pub(crate) backward: Panels,
    pub(crate) bias: AlignedBuffer,
}

/// Rows that a product over rows takes at a time: what it reads of them stays in the
/// first-level cache.
const ROWS: usize = 256;

/// Working memory of the backward pass.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Gradients with a border, by side and channels.
    bordered: Vec<([usize; 2], AlignedBuffer)>,
    /// A gradient as right operand.
    right: Panels,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Scratch { bordered: Vec::new(), right: Panels::zeros(1, 1, lanes()) }
    }

    /// Images with a border of zeros that nobody else writes to.
    fn bordered(&mut self, grid: &Grid, channels: usize) -> &mut AlignedBuffer {
        // One buffer per shape: its border stays zero.
        let shape = [grid.side, channels];
        let at = self.bordered.iter().position(|(found, _)| *found == shape);
        let at = at.unwrap_or_else(|| {
            self.bordered.push((shape, grid.zeros(channels, 1)));
            self.bordered.len() - 1
        });
        &mut self.bordered[at].1
    }
}

impl Operands {
    /// Room for the weights of `maps`.
    pub(crate) fn new(maps: &[Map]) -> Self {
        let lanes = lanes();
        let operand = |map: &Map| {
            let taps = map.width * map.width;
            Operand {
                forward: Panels::zeros(taps * map.inputs, map.outputs, lanes),
                backward: Panels::zeros(taps * map.outputs, map.inputs, lanes),
                bias: AlignedBuffer::zeros(map.outputs.next_multiple_of(lanes)),
                map: map.clone(),
            }
        };
        Operands { maps: maps.iter().map(operand).collect() }
    }

    /// Those of one map.
    pub(crate) fn of(&self, map: &Map) -> &Operand {
        &self.maps[map.index]
    }

    /// Takes the weights from all parameters of the network.
    pub(crate) fn fill(&mut self, values: &[f32]) {
        self.maps.par_iter_mut().for_each(|operand| {
            let map = &operand.map;
            let weight = &values[map.weight.clone()];
            operand.forward.fill(weight, map.outputs);
            operand.bias[..map.bias.len()].copy_from_slice(&values[map.bias.clone()]);
            // A pixel receives from its neighbour what it gives to the opposite one.
            let taps = weight.chunks_exact(map.inputs * map.outputs).rev();
            for (tap, weight) in taps.enumerate() {
                operand.backward.fill_rows_transposed(tap * map.outputs, map.outputs, weight);
            }
        });
    }
}

impl Map {
    fn windows<'a>(&self, grid: &'a Grid, values: &'a [f32], channels: usize) -> Windows<'a> {
        if self.width == 1 { grid.each(values, channels) } else { grid.around(values, channels) }
    }

    /// `out <- [out +] x w + bias` on `samples` images; a convolution's `x` has a border.
    pub(crate) fn forward(
        &self,
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        out: &mut [f32],
        add: bool,
    ) {
        let operand = operands.of(self);
        self.product(operand, (grid, samples), x, out, (&operand.bias, add));
    }

    /// `out <- [out +] v w`: the change of the result along a change of `x`.
    pub(crate) fn along(
        &self,
        operands: &Operands,
        place: (&Grid, usize),
        v: &[f32],
        out: &mut [f32],
        add: bool,
    ) {
        self.product(operands.of(self), place, v, out, (&[], add));
    }

    fn product(
        &self,
        operand: &Operand,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        out: &mut [f32],
        (bias, add): (&[f32], bool),
    ) {
        let rows = samples * grid.pixels();
        let out = &mut out[..rows * self.outputs];
        let sums = Sums { out, columns: self.outputs, bias, add };
        multiply_windows(rows, self.windows(grid, x, self.inputs), &operand.forward, sums);
    }

    /// Adds to the gradient of weight and bias, from the gradient `g` in the result.
    pub(crate) fn backward_weights(
        &self,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        g: &[f32],
        gradient: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let rows = samples * grid.pixels();
        let x = self.windows(grid, x, self.inputs);
        let (of_weight, of_bias) = (self.weight.clone(), self.bias.clone());
        for first in (0..rows).step_by(ROWS) {
            let some = first..rows.min(first + ROWS);
            let g = &g[some.start * self.outputs..some.end * self.outputs];
            scratch.right.refill(g, (some.len(), self.outputs), self.outputs);
            let gradient = &mut gradient[of_weight.clone()];
            add_transposed_product(some, x, &scratch.right, self.outputs, gradient);
        }
        let of_bias = &mut gradient[of_bias];
        add_rows(of_bias, &g[..rows * self.outputs], self.outputs, rows);
    }

    /// `out <- [out +]` the gradient in `x`, from the gradient `g` in the result.
    pub(crate) fn backward_input(
        &self,
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        g: &[f32],
        out: &mut [f32],
        add: bool,
        scratch: &mut Scratch,
    ) {
        let backward = &operands.of(self).backward;
        let rows = samples * grid.pixels();
        let sums =
            Sums { out: &mut out[..rows * self.inputs], columns: self.inputs, bias: &[], add };
        if self.width == 1 {
            multiply_windows(rows, grid.each(g, self.outputs), backward, sums);
            return;
        }
        let bordered = scratch.bordered(grid, self.outputs);
        grid.with_border(bordered, &g[..rows * self.outputs], self.outputs);
        multiply_windows(rows, grid.around(bordered, self.outputs), backward, sums);
    }
}
