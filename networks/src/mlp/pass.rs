//! The residual MLP on the CPU: forward, back, and along a direction.
//!
//! Every layer is one product whose sums meet bias, residual and SiLU in registers. The kernel
//! forms every row's sums in one order, so that a row's bits depend on nothing but the row.
//! Weights are laid out for the kernel once. Buffers have rows [`stride`]`(width)` apart.

use pulp::{Arch, Simd, WithSimd};

use super::{Maps, MlpConfig};
use crate::kernel::{
    AlignedBuffer, BLOCK, Back, Hidden, Panels, Plain, Rows, Sums, Tangent, add_rows, add_scaled,
    lanes, multiply, multiply_transposed, stride,
};
use crate::layers::{Map, TimeFeatures, Weights};
use crate::pass::{Direction, Gradients, Layers, PassInputs, Times};

/// The layers of an MLP.
#[derive(Debug)]
pub struct MlpLayers {
    config: MlpConfig,
    maps: Maps,
    features: TimeFeatures,
    weights: Weights,
}

impl MlpLayers {
    /// Room for the weights of a valid configuration.
    pub(super) fn new(config: &MlpConfig) -> Self {
        let (maps, entries) = Maps::new(config);
        let MlpConfig { frequency_min, frequency_max, time_features, .. } = *config;
        MlpLayers {
            features: TimeFeatures::between(frequency_min, frequency_max, time_features),
            weights: Weights::new(&entries),
            config: config.clone(),
            maps,
        }
    }

    /// 1 where the input is added to the output.
    fn skip(&self) -> f32 {
        if self.config.residual { 1.0 } else { 0.0 }
    }
}

/// The buffers of a pass.
#[derive(Debug)]
pub struct Tape {
    sizes: Sizes,
    rows: usize,
    x: AlignedBuffer,
    features: AlignedBuffer,
    /// The embedding of the one time of all rows.
    embedding: AlignedBuffer,
    /// `h_l`; its gradients or changes take turns in both.
    streams: [AlignedBuffer; 2],
    /// `silu(h_l)`: the last two, or all if they are recorded.
    activations: Vec<AlignedBuffer>,
    /// `silu'(h_l)`, if they are recorded.
    derivatives: Vec<AlignedBuffer>,
    /// Like the network's output, and like the features.
    out: AlignedBuffer,
    of_features: AlignedBuffer,
    /// A gradient as right operand.
    right: Panels,
}

/// What decides the sizes of all buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    dimension: usize,
    width: usize,
    layers: usize,
    time_features: usize,
}

impl Sizes {
    fn of(config: &MlpConfig) -> Self {
        let MlpConfig { dimension, width, layers, time_features, .. } = *config;
        Sizes { dimension, width, layers, time_features }
    }
}

/// Room for `rows` rows of `width` values.
fn matrix(rows: usize, width: usize) -> AlignedBuffer {
    AlignedBuffer::zeros(rows.next_multiple_of(BLOCK) * stride(width))
}

impl Tape {
    fn new(sizes: Sizes, rows: usize) -> Self {
        let hidden = || matrix(rows, sizes.width);
        Tape {
            sizes,
            rows,
            x: matrix(rows, sizes.dimension),
            features: matrix(rows, sizes.time_features),
            embedding: AlignedBuffer::zeros(stride(sizes.width)),
            streams: [hidden(), hidden()],
            activations: vec![hidden(), hidden()],
            derivatives: Vec::new(),
            out: matrix(rows, sizes.dimension),
            of_features: AlignedBuffer::default(),
            right: Panels::zeros(1, 1, lanes()),
        }
    }

    /// Makes room for what the products need.
    fn record(&mut self) {
        let Sizes { width, layers, time_features, .. } = self.sizes;
        let rows = self.rows;
        self.activations.resize_with((layers + 1).max(2), || matrix(rows, width));
        self.derivatives.resize_with(layers + 1, || matrix(rows, width));
        self.of_features.reserve(rows.next_multiple_of(BLOCK) * stride(time_features));
    }

    /// Takes the states and the features of the times.
    fn load(&mut self, layers: &MlpLayers, inputs: PassInputs<'_>, record: bool) {
        let Sizes { dimension, width, time_features, .. } = self.sizes;
        spread(&mut self.x, inputs.states, dimension);
        let features = self.features.chunks_exact_mut(stride(time_features));
        let features = features.map(|row| &mut row[..time_features]);
        match inputs.times {
            Times::One(t) => {
                let rows = if record { inputs.states.len() / dimension } else { 1 };
                features.take(rows).for_each(|row| layers.features.write(t, row));
                let embedding = &mut self.embedding[..width];
                embedding.copy_from_slice(&layers.weights.values[layers.maps.time.bias.clone()]);
                let weight = &layers.weights.values[layers.maps.time.weight.clone()];
                for (row, &feature) in weight.chunks_exact(width).zip(self.features.iter()) {
                    add_scaled(embedding, row, feature);
                }
            }
            Times::Each(times) => {
                features.zip(times).for_each(|(row, &t)| layers.features.write(t, row));
            }
        }
    }

    /// From the last product to the network's output.
    fn finish(&self, layers: &MlpLayers, out: &mut [f32]) {
        let (dimension, skip) = (self.sizes.dimension, layers.skip());
        let apart = stride(dimension);
        let bias = &layers.weights.values[layers.maps.output.bias.clone()];
        let rows = self.out.chunks_exact(apart).zip(self.x.chunks_exact(apart));
        for (out, (result, x)) in out.chunks_exact_mut(dimension).zip(rows) {
            for (out, ((&result, &x), &bias)) in out.iter_mut().zip(result.iter().zip(x).zip(bias))
            {
                *out = result + bias + skip * x;
            }
        }
    }
}

/// Rows of `width` values, without gaps, into a buffer's.
fn spread(to: &mut [f32], from: &[f32], width: usize) {
    for (to, from) in to.chunks_exact_mut(stride(width)).zip(from.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
}

impl Layers for MlpLayers {
    type Tape = Tape;

    /// At 128 columns stream and two activations take 160 kB, which a second-level cache holds.
    const TILE: usize = 4 * BLOCK;
    const CHUNK: usize = 128;

    fn fill(&mut self, values: &[f32]) {
        self.weights.fill(values);
    }

    fn count(&self) -> usize {
        self.weights.count()
    }

    fn sizes(&self) -> [usize; 2] {
        [self.config.dimension; 2]
    }

    fn tape(&self, rows: usize) -> Tape {
        Tape::new(Sizes::of(&self.config), rows)
    }

    fn fits(&self, tape: &Tape, rows: usize) -> bool {
        tape.sizes == Sizes::of(&self.config) && tape.rows >= rows
    }

    fn forward(&self, tape: &mut Tape, inputs: PassInputs<'_>, out: &mut [f32]) {
        tape.record();
        tape.load(self, inputs, true);
        Arch::new().dispatch(Forward::<true> { layers: self, inputs, tape });
        tape.finish(self, out);
    }

    fn evaluate(&self, tape: &mut Tape, inputs: PassInputs<'_>, out: &mut [f32]) {
        tape.load(self, inputs, false);
        Arch::new().dispatch(Forward::<false> { layers: self, inputs, tape });
        tape.finish(self, out);
    }

    fn backward(
        &self,
        tape: &mut Tape,
        inputs: PassInputs<'_>,
        c: &[f32],
        gradients: Gradients<'_>,
    ) {
        let Gradients { states, times, parameters } = gradients;
        let Sizes { dimension, time_features, .. } = tape.sizes;
        let rows = c.len() / dimension;
        spread(&mut tape.out, c, dimension);
        let wanted = [states.is_some(), times.is_some()];
        Arch::new().dispatch(Backward { layers: self, rows, tape, wanted, parameters });
        if let Some(states) = states {
            let skip = self.skip();
            let found = tape.out.chunks_exact(stride(dimension)).zip(c.chunks_exact(dimension));
            for (to, (found, c)) in states.chunks_exact_mut(dimension).zip(found) {
                let values = to.iter_mut().zip(found.iter().zip(c));
                values.for_each(|(to, (&found, &c))| *to = found + skip * c);
            }
        }
        if let Some(times) = times {
            let found = tape.of_features.chunks_exact(stride(time_features));
            for (row, (to, found)) in times[..rows].iter_mut().zip(found).enumerate() {
                *to = self.features.pull_back(inputs.times.of(row), &found[..time_features]);
            }
        }
    }

    fn along(
        &self,
        tape: &mut Tape,
        inputs: PassInputs<'_>,
        direction: Direction<'_>,
        out: &mut [f32],
    ) {
        let Sizes { dimension, time_features, .. } = tape.sizes;
        let rows = direction.states.len() / dimension;
        spread(&mut tape.x, direction.states, dimension);
        let features = tape.of_features.chunks_exact_mut(stride(time_features));
        for (row, (to, &tau)) in features.zip(direction.times).enumerate() {
            self.features.write_along(inputs.times.of(row), tau, &mut to[..time_features]);
        }
        Arch::new().dispatch(Along { layers: self, rows, tape });
        let (skip, apart) = (self.skip(), stride(dimension));
        let found = tape.out.chunks_exact(apart).zip(direction.states.chunks_exact(dimension));
        for (out, (found, v)) in out.chunks_exact_mut(dimension).zip(found) {
            let values = out.iter_mut().zip(found.iter().zip(v));
            values.for_each(|(out, (&found, &v))| *out = found + skip * v);
        }
    }
}

/// One buffer to read and another to write.
#[inline(always)]
fn two(buffers: &mut [AlignedBuffer], from: usize, to: usize) -> (&[f32], &mut [f32]) {
    let (first, second) = buffers.split_at_mut(from.max(to));
    if from < to { (&first[from], &mut second[0]) } else { (&second[0], &mut first[to]) }
}

/// From the loaded inputs to the last product.
struct Forward<'a, const RECORD: bool> {
    layers: &'a MlpLayers,
    inputs: PassInputs<'a>,
    tape: &'a mut Tape,
}

impl<const RECORD: bool> WithSimd for Forward<'_, RECORD> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { layers, inputs, tape } = self;
        let MlpLayers { maps, weights: Weights { operands, .. }, .. } = layers;
        let Sizes { dimension, width, time_features, .. } = tape.sizes;
        let Tape { x, features, embedding, streams: [stream, _], activations, .. } = tape;
        let rows = inputs.states.len() / dimension;
        let kept = if RECORD { activations.len() } else { 2 };
        let mut none = [];
        let time = operands.of(&maps.time);
        let (bias, add) = match inputs.times {
            Times::One(_) => (&**embedding, false),
            Times::Each(_) => {
                let features = Rows { values: features, stride: stride(time_features) };
                multiply(simd, rows, features, &time.forward, &mut Plain::<S>::new(stream, width));
                (&*time.bias, true)
            }
        };
        let left = Rows { values: x, stride: stride(dimension) };
        let derivative = if RECORD { &mut *tape.derivatives[0] } else { &mut none };
        let activation = &mut activations[0];
        let mut hidden = Hidden::<S, RECORD>::new(bias, stream, activation, derivative, width, add);
        multiply(simd, rows, left, &operands.of(&maps.state).forward, &mut hidden);
        for (l, map) in maps.residual.iter().enumerate() {
            let (from, to) = two(activations, l % kept, (l + 1) % kept);
            let left = Rows { values: from, stride: stride(width) };
            let operand = operands.of(map);
            let derivative = if RECORD { &mut *tape.derivatives[l + 1] } else { &mut none };
            let mut hidden =
                Hidden::<S, RECORD>::new(&operand.bias, stream, to, derivative, width, true);
            multiply(simd, rows, left, &operand.forward, &mut hidden);
        }
        let last = &activations[maps.residual.len() % kept];
        let left = Rows { values: last, stride: stride(width) };
        let mut plain = Plain::<S>::new(&mut tape.out, dimension);
        multiply(simd, rows, left, &operands.of(&maps.output).forward, &mut plain);
    }
}

/// From `c` in `out` to the gradients of the parameters, and those of states and features to
/// `out` and `of_features`.
struct Backward<'a> {
    layers: &'a MlpLayers,
    rows: usize,
    tape: &'a mut Tape,
    /// Whether those of states and of features are wanted.
    wanted: [bool; 2],
    parameters: Option<&'a mut [f32]>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { layers, rows, tape, wanted: [states, times], mut parameters } = self;
        let MlpLayers { maps, weights: Weights { operands, .. }, .. } = layers;
        let Sizes { dimension, width, time_features, layers, .. } = tape.sizes;
        let Tape { x, features, streams: [stream, other], activations, derivatives, .. } = tape;
        let (out, right) = (&mut tape.out, &mut tape.right);
        let (mut stream, mut other) = (stream, other);
        if let Some(gradient) = parameters.as_deref_mut() {
            right.refill(out, (rows, dimension), stride(dimension));
            of_map(simd, gradient, &maps.output, &activations[layers], right);
            add_rows(&mut gradient[maps.output.bias.clone()], out, stride(dimension), rows);
        }
        let left = Rows { values: out, stride: stride(dimension) };
        let mut back = Back::<S>::new(None, stream, &derivatives[layers], width);
        multiply(simd, rows, left, &operands.of(&maps.output).backward, &mut back);

        for (l, map) in maps.residual.iter().enumerate().rev() {
            if let Some(gradient) = parameters.as_deref_mut() {
                right.refill(stream, (rows, width), stride(width));
                of_map(simd, gradient, map, &activations[l], right);
                add_rows(&mut gradient[map.bias.clone()], stream, stride(width), rows);
            }
            let left = Rows { values: stream, stride: stride(width) };
            let mut back = Back::<S>::new(Some(stream), other, &derivatives[l], width);
            multiply(simd, rows, left, &operands.of(map).backward, &mut back);
            std::mem::swap(&mut stream, &mut other);
        }

        if let Some(gradient) = parameters {
            right.refill(stream, (rows, width), stride(width));
            add_rows(&mut gradient[maps.time.bias.clone()], stream, stride(width), rows);
            of_map(simd, gradient, &maps.time, features, right);
            of_map(simd, gradient, &maps.state, x, right);
        }
        let left = Rows { values: stream, stride: stride(width) };
        if states {
            let mut plain = Plain::<S>::new(out, dimension);
            multiply(simd, rows, left, &operands.of(&maps.state).backward, &mut plain);
        }
        if times {
            let mut plain = Plain::<S>::new(&mut tape.of_features, time_features);
            multiply(simd, rows, left, &operands.of(&maps.time).backward, &mut plain);
        }
    }
}

/// Adds `left^T g` to the gradient of a map's weight.
#[inline(always)]
fn of_map<S: Simd>(simd: S, gradient: &mut [f32], map: &Map, left: &[f32], g: &Panels) {
    let out = &mut gradient[map.weight.clone()];
    let mut sums = Sums { out, columns: map.outputs, bias: &[], add: true };
    let left = Rows { values: left, stride: stride(map.inputs) };
    multiply_transposed(simd, map.inputs, left, g, &mut sums);
}

/// From the changes of states and features, in `x` and `of_features`, to that of the last product.
struct Along<'a> {
    layers: &'a MlpLayers,
    rows: usize,
    tape: &'a mut Tape,
}

impl WithSimd for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Along { layers, rows, tape } = self;
        let MlpLayers { maps, weights: Weights { operands, .. }, .. } = layers;
        let Sizes { dimension, width, time_features, .. } = tape.sizes;
        let Tape { x, streams: [stream, other], activations, derivatives, .. } = tape;
        // The recorded activations are no longer needed: the changes take turns in two buffers.
        let (mut from, mut to) = (other, &mut activations[0]);
        let features = Rows { values: &tape.of_features, stride: stride(time_features) };
        let mut plain = Plain::<S>::new(stream, width);
        multiply(simd, rows, features, &operands.of(&maps.time).forward, &mut plain);
        let left = Rows { values: x, stride: stride(dimension) };
        let mut tangent = Tangent::<S>::new(stream, from, &derivatives[0], width);
        multiply(simd, rows, left, &operands.of(&maps.state).forward, &mut tangent);
        for (map, derivative) in maps.residual.iter().zip(&derivatives[1..]) {
            let left = Rows { values: from, stride: stride(width) };
            let mut tangent = Tangent::<S>::new(stream, to, derivative, width);
            multiply(simd, rows, left, &operands.of(map).forward, &mut tangent);
            std::mem::swap(&mut from, &mut to);
        }
        let left = Rows { values: from, stride: stride(width) };
        let mut plain = Plain::<S>::new(&mut tape.out, dimension);
        multiply(simd, rows, left, &operands.of(&maps.output).forward, &mut plain);
    }
}
