//! The residual block of diffusion networks.

use super::entries::Entries;
use super::map::{Map, Operands, Scratch};
use super::norm::{Norm, NormTape};
use super::pixels::Grid;
use crate::kernel::{AlignedBuffer, add_scaled};

/// `skip(x) + conv(silu(norm(h) (1 + a) + b))`, `h = conv(silu(norm(x)))`.
///
/// A pre-activation block (He et al., 2016) whose second normalisation is scaled by `a` and
/// shifted by `b`, linear in the condition (Dhariwal & Nichol, "Diffusion models beat GANs on
/// image synthesis", 2021). The second convolution starts at zero, and so the block as the
/// identity where it keeps the number of channels.
#[derive(Debug, Clone)]
pub(crate) struct Residual {
    outputs: usize,
    norms: [Norm; 2],
    convolutions: [Map; 2],
    /// From the condition to `a` and `b`.
    condition: Option<Map>,
    /// Where the number of channels changes.
    skip: Option<Map>,
}

/// What the backward pass needs beside the input.
#[derive(Debug)]
pub(crate) struct ResidualTape {
    norms: [NormTape; 2],
    hidden: AlignedBuffer,
    /// `a` and `b` of every image, and their gradients.
    condition: AlignedBuffer,
    of_condition: AlignedBuffer,
    /// Every image as one pixel, which is what the condition is a map of.
    whole: Grid,
    /// The change of `hidden` along a direction; empty until one is asked for.
    along: AlignedBuffer,
}

impl Residual {
    /// A block whose condition has `condition` values (0: it has none).
    pub(crate) fn new(
        entries: &mut Entries,
        name: &str,
        (inputs, outputs): (usize, usize),
        groups: usize,
        condition: usize,
    ) -> Self {
        let part = |part: &str| format!("{name}.{part}");
        let first = entries.norm(&part("norm1"), inputs, groups);
        let enter = entries.convolution(&part("conv1"), inputs, outputs, false);
        let condition = (condition > 0)
            .then(|| entries.linear(&part("condition"), condition, 2 * outputs, true));
        let second = entries.norm(&part("norm2"), outputs, groups);
        let leave = entries.convolution(&part("conv2"), outputs, outputs, true);
        let skip =
            (inputs != outputs).then(|| entries.linear(&part("skip"), inputs, outputs, false));
        Residual { outputs, norms: [first, second], convolutions: [enter, leave], condition, skip }
    }

    pub(crate) fn tape(&self, grid: &Grid, samples: usize) -> ResidualTape {
        let whole = Grid::new(1, samples);
        ResidualTape {
            norms: [0, 1].map(|i| self.norms[i].tape(grid, samples, 1)),
            hidden: grid.zeros(self.outputs, 0),
            condition: whole.zeros(2 * self.outputs, 0),
            of_condition: whole.zeros(2 * self.outputs, 0),
            whole,
            along: AlignedBuffer::default(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "weights twice, place, state, condition")]
    pub(crate) fn forward(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        condition: &[f32],
        out: &mut [f32],
        tape: &mut ResidualTape,
    ) {
        let place = (grid, samples);
        let ResidualTape { norms: [first, second], hidden, condition: shifts, whole, .. } = tape;
        self.norms[0].forward(values, place, x, None, true, first);
        self.convolutions[0].forward(operands, place, &first.out, hidden, false);
        let shifts = self.condition.as_ref().map(|map| {
            map.forward(operands, (whole, samples), condition, shifts, false);
            &**shifts
        });
        self.norms[1].forward(values, place, hidden, shifts, true, second);
        match &self.skip {
            Some(skip) => skip.forward(operands, place, x, out, false),
            None => {
                let len = samples * grid.pixels() * self.outputs;
                out[..len].copy_from_slice(&x[..len]);
            }
        }
        self.convolutions[1].forward(operands, place, &second.out, out, true);
    }

    /// After [`Residual::forward`]: `out <-` the change of the result along the change `v` of `x`
    /// and that of the condition.
    #[expect(clippy::too_many_arguments, reason = "everything the forward pass had, and changes")]
    pub(crate) fn along(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        (x, v): (&[f32], &[f32]),
        of_condition: &[f32],
        out: &mut [f32],
        tape: &mut ResidualTape,
    ) {
        let place = (grid, samples);
        let ResidualTape {
            norms: [first, second], hidden, of_condition: shifts, whole, along, ..
        } = tape;
        along.reserve(hidden.len());
        self.norms[0].along(values, place, (x, v), None, true, first);
        self.convolutions[0].along(operands, place, &first.along, along, false);
        let shifts = self.condition.as_ref().map(|map| {
            map.along(operands, (whole, samples), of_condition, shifts, false);
            &**shifts
        });
        self.norms[1].along(values, place, (hidden, along), shifts, true, second);
        match &self.skip {
            Some(skip) => skip.along(operands, place, v, out, false),
            None => {
                let len = samples * grid.pixels() * self.outputs;
                out[..len].copy_from_slice(&v[..len]);
            }
        }
        self.convolutions[1].along(operands, place, &second.along, out, true);
    }

    /// From the gradient `g` in the result to `of_x`; adds to the condition's, if it is wanted,
    /// and to the parameters'.
    #[expect(clippy::too_many_arguments, reason = "everything the forward pass had, and gradients")]
    pub(crate) fn backward(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        (condition, of_condition): (&[f32], Option<&mut [f32]>),
        g: &[f32],
        of_x: &mut [f32],
        tape: &mut ResidualTape,
        gradient: &mut Option<&mut [f32]>,
        scratch: &mut BlockScratch,
    ) {
        let place = (grid, samples);
        let ResidualTape {
            norms: [first, second],
            hidden,
            condition: shifts,
            of_condition: of_shifts,
            whole,
            ..
        } = tape;
        let BlockScratch { inner, outer, maps } = scratch;
        let [enter, leave] = &self.convolutions;
        if let Some(gradient) = gradient.as_deref_mut() {
            leave.backward_weights(place, &second.out, g, gradient, maps);
        }
        leave.backward_input(operands, place, g, outer, false, maps);
        let given = self.condition.as_ref().map(|_| (&**shifts, &mut **of_shifts));
        let of = gradient.as_deref_mut();
        self.norms[1].backward(values, place, hidden, given, true, second, outer, inner, of);
        if let Some(map) = &self.condition {
            let place = (&*whole, samples);
            if let Some(gradient) = gradient.as_deref_mut() {
                map.backward_weights(place, condition, of_shifts, gradient, maps);
            }
            if let Some(of_condition) = of_condition {
                map.backward_input(operands, place, of_shifts, of_condition, true, maps);
            }
        }
        if let Some(gradient) = gradient.as_deref_mut() {
            enter.backward_weights(place, &first.out, inner, gradient, maps);
        }
        enter.backward_input(operands, place, inner, outer, false, maps);
        let of = gradient.as_deref_mut();
        self.norms[0].backward(values, place, x, None, true, first, outer, of_x, of);
        match &self.skip {
            Some(skip) => {
                if let Some(gradient) = gradient.as_deref_mut() {
                    skip.backward_weights(place, x, g, gradient, maps);
                }
                skip.backward_input(operands, place, g, of_x, true, maps);
            }
            None => {
                let len = samples * grid.pixels() * self.outputs;
                add_scaled(&mut of_x[..len], g, 1.0);
            }
        }
    }
}

/// Working memory of a block's backward pass.
#[derive(Debug)]
pub(crate) struct BlockScratch {
    inner: AlignedBuffer,
    outer: AlignedBuffer,
    pub(crate) maps: Scratch,
}

impl BlockScratch {
    /// For results of at most `len` values.
    pub(crate) fn new(len: usize) -> Self {
        let buffer = || AlignedBuffer::zeros(len);
        BlockScratch { inner: buffer(), outer: buffer(), maps: Scratch::new() }
    }
}
