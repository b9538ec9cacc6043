//! Self-attention among the pixels of an image.

use pulp::{Arch, Simd, WithSimd};

use super::entries::Entries;
use super::map::{Map, Operands, Scratch};
use super::norm::{Norm, NormTape};
use super::pixels::Grid;
use crate::kernel::{AlignedBuffer, add_scaled};

/// `x + W softmax(q k^T / sqrt(d)) v`, with `q, k, v` linear in the normalised pixels and as
/// many such products side by side as there are heads (Vaswani et al., 2017).
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    channels: usize,
    heads: usize,
    norm: Norm,
    /// To queries, keys and values, each of all heads.
    input: Map,
    output: Map,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(crate) struct AttentionTape {
    norm: NormTape,
    /// Queries, keys and values.
    qkv: AlignedBuffer,
    /// Weight of every pixel (column) for every pixel (row) of a head of an image.
    weights: AlignedBuffer,
    mixed: AlignedBuffer,
    /// Gradients, or changes along a direction.
    of_mixed: AlignedBuffer,
    of_qkv: AlignedBuffer,
    /// One head's keys or values, pixels last.
    turned: Vec<f32>,
    row: Vec<f32>,
}

impl Attention {
    pub(crate) fn new(
        entries: &mut Entries,
        name: &str,
        channels: usize,
        (groups, heads): (usize, usize),
    ) -> Self {
        Attention {
            channels,
            heads,
            norm: entries.norm(&format!("{name}.norm"), channels, groups),
            input: entries.linear(&format!("{name}.input"), channels, 3 * channels, false),
            output: entries.linear(&format!("{name}.output"), channels, channels, true),
        }
    }

    pub(crate) fn tape(&self, grid: &Grid, samples: usize) -> AttentionTape {
        let pixels = grid.pixels();
        let buffer = |channels| grid.zeros(channels, 0);
        AttentionTape {
            norm: self.norm.tape(grid, samples, 0),
            qkv: buffer(3 * self.channels),
            weights: AlignedBuffer::zeros(samples * self.heads * pixels * pixels),
            mixed: buffer(self.channels),
            of_mixed: buffer(self.channels),
            of_qkv: buffer(3 * self.channels),
            turned: vec![0.0; pixels * self.channels / self.heads],
            row: vec![0.0; pixels],
        }
    }

    /// `out <- x +` attention.
    pub(crate) fn forward(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        out: &mut [f32],
        tape: &mut AttentionTape,
    ) {
        let place = (grid, samples);
        self.norm.forward(values, place, x, None, false, &mut tape.norm);
        self.input.forward(operands, place, &tape.norm.out, &mut tape.qkv, false);
        Arch::new().dispatch(Mix { attention: self, samples, pixels: grid.pixels(), tape });
        let len = samples * grid.pixels() * self.channels;
        out[..len].copy_from_slice(&x[..len]);
        self.output.forward(operands, place, &tape.mixed, out, true);
    }

    /// After [`Attention::forward`]: `out <-` the change of the result along the change `v` of `x`.
    pub(crate) fn along(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        (x, v): (&[f32], &[f32]),
        out: &mut [f32],
        tape: &mut AttentionTape,
    ) {
        let place = (grid, samples);
        self.norm.along(values, place, (x, v), None, false, &mut tape.norm);
        self.input.along(operands, place, &tape.norm.along, &mut tape.of_qkv, false);
        Arch::new().dispatch(Shift(Mix { attention: self, samples, pixels: grid.pixels(), tape }));
        let len = samples * grid.pixels() * self.channels;
        out[..len].copy_from_slice(&v[..len]);
        self.output.along(operands, place, &tape.of_mixed, out, true);
    }

    /// From the gradient `g` in the result to `of_x` and the parameters'.
    #[expect(clippy::too_many_arguments, reason = "everything the forward pass had, and gradients")]
    pub(crate) fn backward(
        &self,
        values: &[f32],
        operands: &Operands,
        (grid, samples): (&Grid, usize),
        x: &[f32],
        g: &[f32],
        of_x: &mut [f32],
        tape: &mut AttentionTape,
        gradient: &mut Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) {
        let place = (grid, samples);
        if let Some(gradient) = gradient.as_deref_mut() {
            self.output.backward_weights(place, &tape.mixed, g, gradient, scratch);
        }
        self.output.backward_input(operands, place, g, &mut tape.of_mixed, false, scratch);
        Arch::new().dispatch(Unmix(Mix { attention: self, samples, pixels: grid.pixels(), tape }));
        if let Some(gradient) = gradient.as_deref_mut() {
            self.input.backward_weights(place, &tape.norm.out, &tape.of_qkv, gradient, scratch);
        }
        let AttentionTape { norm, of_mixed, of_qkv, .. } = tape;
        self.input.backward_input(operands, place, of_qkv, of_mixed, false, scratch);
        let gradient = gradient.as_deref_mut();
        self.norm.backward(values, place, x, None, false, norm, of_mixed, of_x, gradient);
        let len = samples * grid.pixels() * self.channels;
        add_scaled(&mut of_x[..len], g, 1.0);
    }

    /// Where a head's query, key and value begin in a pixel.
    fn places(&self, head: usize) -> (usize, [usize; 3]) {
        let depth = self.channels / self.heads;
        (depth, [0, 1, 2].map(|part| part * self.channels + head * depth))
    }

    #[inline(always)]
    fn mix(&self, samples: usize, pixels: usize, tape: &mut AttentionTape) {
        let (channels, wide) = (self.channels, 3 * self.channels);
        let AttentionTape { qkv, weights, mixed, turned, .. } = tape;
        mixed[..samples * pixels * channels].fill(0.0);
        let weights = weights.chunks_exact_mut(pixels * pixels).take(samples * self.heads);
        for (index, weights) in weights.enumerate() {
            let (sample, head) = (index / self.heads, index % self.heads);
            let (depth, [query, key, value]) = self.places(head);
            let qkv = &qkv[sample * pixels * wide..][..pixels * wide];
            let mixed = &mut mixed[sample * pixels * channels..][..pixels * channels];
            turn(turned, qkv, wide, key, depth);
            let scale = 1.0 / (depth as f32).sqrt();
            for ((weights, pixel), mixed) in weights
                .chunks_exact_mut(pixels)
                .zip(qkv.chunks_exact(wide))
                .zip(mixed.chunks_exact_mut(channels))
            {
                weights.fill(0.0);
                let keys = turned.chunks_exact(pixels);
                for (keys, &q) in keys.zip(&pixel[query..query + depth]) {
                    add(weights, keys, scale * q);
                }
                softmax(weights);
                let mixed = &mut mixed[head * depth..][..depth];
                for (pixel, &weight) in qkv.chunks_exact(wide).zip(&*weights) {
                    add(mixed, &pixel[value..value + depth], weight);
                }
            }
        }
    }

    #[inline(always)]
    fn unmix(&self, samples: usize, pixels: usize, tape: &mut AttentionTape) {
        let (channels, wide) = (self.channels, 3 * self.channels);
        let AttentionTape { qkv, weights, of_mixed, of_qkv, turned, row, .. } = tape;
        of_qkv[..samples * pixels * wide].fill(0.0);
        let weights = weights.chunks_exact(pixels * pixels).take(samples * self.heads);
        for (index, weights) in weights.enumerate() {
            let (sample, head) = (index / self.heads, index % self.heads);
            let (depth, [query, key, value]) = self.places(head);
            let qkv = &qkv[sample * pixels * wide..][..pixels * wide];
            let of_qkv = &mut of_qkv[sample * pixels * wide..][..pixels * wide];
            let of_mixed = &of_mixed[sample * pixels * channels..][..pixels * channels];
            turn(turned, qkv, wide, value, depth);
            let scale = 1.0 / (depth as f32).sqrt();
            for (i, weights) in weights.chunks_exact(pixels).enumerate() {
                let g = &of_mixed[i * channels + head * depth..][..depth];
                // The gradient in the weights, then in what the softmax was taken of.
                row.fill(0.0);
                for (values, &g) in turned.chunks_exact(pixels).zip(g) {
                    add(row, values, g);
                }
                let mean: f32 = row.iter().zip(weights).map(|(r, w)| r * w).sum();
                for (row, &weight) in row.iter_mut().zip(weights) {
                    *row = scale * weight * (*row - mean);
                }
                for (j, (&weight, &slope)) in weights.iter().zip(&*row).enumerate() {
                    let [mine, other] = [i * wide, j * wide];
                    add(&mut of_qkv[other + value..][..depth], g, weight);
                    add(&mut of_qkv[mine + query..][..depth], &qkv[other + key..], slope);
                    add(&mut of_qkv[other + key..][..depth], &qkv[mine + query..], slope);
                }
            }
        }
    }
}

impl Attention {
    /// From the changes of queries, keys and values to that of their mixture. With scores `s` and
    /// weights `w`, `w_j` changes by `w_j (ds_j - sum_k w_k ds_k)`.
    #[inline(always)]
    fn shift(&self, samples: usize, pixels: usize, tape: &mut AttentionTape) {
        let (channels, wide) = (self.channels, 3 * self.channels);
        let AttentionTape { qkv, weights, of_mixed, of_qkv, row, .. } = tape;
        of_mixed[..samples * pixels * channels].fill(0.0);
        let weights = weights.chunks_exact(pixels * pixels).take(samples * self.heads);
        for (index, weights) in weights.enumerate() {
            let (sample, head) = (index / self.heads, index % self.heads);
            let (depth, [query, key, value]) = self.places(head);
            let qkv = &qkv[sample * pixels * wide..][..pixels * wide];
            let of_qkv = &of_qkv[sample * pixels * wide..][..pixels * wide];
            let of_mixed = &mut of_mixed[sample * pixels * channels..][..pixels * channels];
            let scale = 1.0 / (depth as f32).sqrt();
            for (i, weights) in weights.chunks_exact(pixels).enumerate() {
                let (q, dq) = (&qkv[i * wide + query..], &of_qkv[i * wide + query..]);
                for (j, row) in row.iter_mut().enumerate() {
                    let (k, dk) = (&qkv[j * wide + key..], &of_qkv[j * wide + key..]);
                    *row = scale * (product(&dq[..depth], k) + product(&q[..depth], dk));
                }
                let mean = product(weights, row);
                let mixed = &mut of_mixed[i * channels + head * depth..][..depth];
                for (j, (&weight, &slope)) in weights.iter().zip(&*row).enumerate() {
                    let at = j * wide + value;
                    add(mixed, &qkv[at..at + depth], weight * (slope - mean));
                    add(mixed, &of_qkv[at..at + depth], weight);
                }
            }
        }
    }
}

/// From queries, keys and values to their mixture. A type rather than a closure: only a method is
/// compiled into its caller for certain, with its vector instructions.
struct Mix<'a> {
    attention: &'a Attention,
    samples: usize,
    pixels: usize,
    tape: &'a mut AttentionTape,
}

impl WithSimd for Mix<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.attention.mix(self.samples, self.pixels, self.tape);
    }
}

/// The way back.
struct Unmix<'a>(Mix<'a>);

impl WithSimd for Unmix<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Mix { attention, samples, pixels, tape } = self.0;
        attention.unmix(samples, pixels, tape);
    }
}

/// Along a direction.
struct Shift<'a>(Mix<'a>);

impl WithSimd for Shift<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Mix { attention, samples, pixels, tape } = self.0;
        attention.shift(samples, pixels, tape);
    }
}

/// `to[d, pixel] <- from[pixel, first + d]`.
#[inline(always)]
fn turn(to: &mut [f32], from: &[f32], stride: usize, first: usize, depth: usize) {
    let pixels = to.len() / depth;
    for (pixel, from) in from.chunks_exact(stride).enumerate() {
        for (d, &value) in from[first..first + depth].iter().enumerate() {
            to[d * pixels + pixel] = value;
        }
    }
}

#[inline(always)]
fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[inline(always)]
fn add(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from * weight;
    }
}

#[inline(always)]
fn softmax(values: &mut [f32]) {
    let largest = values.iter().fold(f32::NEG_INFINITY, |largest, &value| largest.max(value));
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    let share = 1.0 / sum;
    values.iter_mut().for_each(|value| *value *= share);
}
