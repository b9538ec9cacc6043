//! Loss and gradient of the residual MLP, written out by hand.
//!
//! The network is three kinds of operation, so that its backward pass is a
//! screenful; it goes through the fused products of the forward pass, and its
//! memory is reused from step to step. Tested against candle's gradients and
//! against finite differences.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::batch::Batch;
use super::passes::{Back, OfWeight, Operands, Recorded};
use super::trainable::LossGradient;
use crate::{
    AlignedBuffer, BLOCK, Layout, MlpConfig, Panels, Plain, Rows, TimeFeatures, add_scaled, lanes,
    multiply, multiply_transposed, stride, sum_rows,
};

/// Rows per chunk. Chunks, not threads, own partial gradients, and these are
/// summed in the order of the chunks: the sum does not know the threads.
const CHUNK: usize = 128;

/// Weights per task of the sum over chunks.
const PART: usize = 1 << 14;

/// Buffers to evaluate a loss and its gradient, for batches of one size.
#[derive(Debug)]
pub struct Gradient {
    config: MlpConfig,
    layout: Layout,
    features: TimeFeatures,
    operands: Operands,
    chunks: Vec<Chunk>,
    /// The gradient of the last batch, in the order of the parameters.
    pub(crate) total: AlignedBuffer,
}

/// The part of one chunk of rows; matrices have rows [`stride`] apart.
#[derive(Debug)]
struct Chunk {
    rows: usize,
    x: AlignedBuffer,
    features: AlignedBuffer,
    /// `h_l`; on the way back its gradient, in one and the other by turns.
    streams: [AlignedBuffer; 2],
    /// `silu(h_l)` and `silu'(h_l)` for `l = 0 .. layers + 1`.
    activations: Vec<AlignedBuffer>,
    derivatives: Vec<AlignedBuffer>,
    /// The network's output, then the gradient in it.
    out: AlignedBuffer,
    /// Gradients in `h_l` and in the output, laid out as right operands.
    right: Panels,
    right_out: Panels,
    gradient: AlignedBuffer,
    loss: f64,
}

impl Chunk {
    fn new(config: &MlpConfig, rows: usize, weights: usize) -> Self {
        let matrix =
            |width: usize| AlignedBuffer::zeros(rows.next_multiple_of(BLOCK) * stride(width));
        let hidden = || matrix(config.width);
        Chunk {
            rows,
            x: matrix(config.dimension),
            features: matrix(config.time_features),
            streams: [hidden(), hidden()],
            activations: (0..=config.layers).map(|_| hidden()).collect(),
            derivatives: (0..=config.layers).map(|_| hidden()).collect(),
            out: matrix(config.dimension),
            right: Panels::zeros(rows, config.width, lanes()),
            right_out: Panels::zeros(rows, config.dimension, lanes()),
            gradient: AlignedBuffer::zeros(weights),
            loss: 0.0,
        }
    }
}

impl Gradient {
    pub(crate) fn new(config: &MlpConfig, batch: usize) -> Self {
        let layout = Layout::new(config);
        let weights = layout.len();
        let chunks = (0..batch)
            .step_by(CHUNK)
            .map(|first| Chunk::new(config, CHUNK.min(batch - first), weights))
            .collect();
        Gradient {
            features: TimeFeatures::new(config),
            operands: Operands::new(config),
            config: config.clone(),
            layout,
            chunks,
            total: AlignedBuffer::zeros(weights),
        }
    }
}

impl LossGradient for Gradient {
    /// The way back is taken in any case.
    fn pass(&mut self, values: &[f32], batch: &Batch, _backward: bool) -> f64 {
        let Gradient { config, layout, features, operands, chunks, total } = self;
        operands.fill(values, layout, config);
        let arch = Arch::new();
        chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
            let first = index * CHUNK;
            chunk.load(config, features, batch, first);
            arch.dispatch(Forward { chunk, config, operands });
            let bias = &values[layout.output_bias.clone()];
            chunk.compare(config, bias, batch, first);
            arch.dispatch(Backward { chunk, config, layout, operands });
        });
        sum(total, chunks.iter().map(|chunk| &*chunk.gradient));
        chunks.iter().map(|chunk| chunk.loss).sum()
    }

    fn total(&self) -> &[f32] {
        &self.total
    }
}

/// `total <-` the sum of `gradients`, in their order.
pub(super) fn sum<'a>(
    total: &mut [f32],
    gradients: impl Iterator<Item = &'a [f32]> + Clone + Sync,
) {
    total.par_chunks_mut(PART).enumerate().for_each(|(part, total)| {
        total.fill(0.0);
        for gradient in gradients.clone() {
            add_scaled(total, &gradient[part * PART..][..total.len()], 1.0);
        }
    });
}

impl Chunk {
    /// Takes the states and the features of the times.
    fn load(&mut self, config: &MlpConfig, features: &TimeFeatures, batch: &Batch, first: usize) {
        let MlpConfig { dimension, time_features, .. } = *config;
        let given = batch.x[first * dimension..].chunks_exact(dimension).take(self.rows);
        for (row, x) in self.x.chunks_exact_mut(stride(dimension)).zip(given) {
            row[..dimension].copy_from_slice(x);
        }
        let times = &batch.times[first..first + self.rows];
        for (row, &t) in self.features.chunks_exact_mut(stride(time_features)).zip(times) {
            features.write(t, &mut row[..time_features]);
        }
    }

    /// The loss, and in `out` its gradient in the network's output.
    fn compare(&mut self, config: &MlpConfig, bias: &[f32], batch: &Batch, first: usize) {
        let MlpConfig { dimension, residual, .. } = *config;
        let skip = if residual { 1.0 } else { 0.0 };
        let scale = 1.0 / (batch.times.len() * dimension) as f64;
        self.loss = 0.0;
        let rows = self.out.chunks_exact_mut(stride(dimension)).take(self.rows);
        for (row, out) in rows.enumerate() {
            let weight = scale * batch.weights[first + row];
            let x = &self.x[row * stride(dimension)..];
            let target = &batch.target[(first + row) * dimension..][..dimension];
            for (j, (out, target)) in out.iter_mut().zip(target).enumerate() {
                let error = *out + bias[j] + skip * x[j] - target;
                self.loss += weight * f64::from(error) * f64::from(error);
                *out = (2.0 * weight) as f32 * error;
            }
        }
    }
}

/// Fills activations, derivatives and `out` (without its bias).
struct Forward<'a> {
    chunk: &'a mut Chunk,
    config: &'a MlpConfig,
    operands: &'a Operands,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { chunk, config, operands } = self;
        let MlpConfig { dimension, width, time_features, .. } = *config;
        let Chunk { rows, x, features, streams: [stream, _], activations, derivatives, .. } = chunk;
        let rows = *rows;

        let times = Rows { values: features, stride: stride(time_features) };
        multiply(simd, rows, times, &operands.time, &mut Plain::<S>::new(stream, width));
        for (l, bias) in operands.biases.iter().enumerate() {
            let (before, after) = activations.split_at_mut(l);
            let (left, weight) = match before.last() {
                Some(before) => {
                    let left = Rows { values: before, stride: stride(width) };
                    (left, &operands.layers[l - 1].forward)
                }
                None => (Rows { values: x, stride: stride(dimension) }, &operands.state),
            };
            let (activation, derivative) = (&mut after[0], &mut derivatives[l]);
            let mut hidden = Recorded::<S>::new(bias, stream, activation, derivative, width);
            multiply(simd, rows, left, weight, &mut hidden);
        }
        let left = Rows { values: &activations[operands.layers.len()], stride: stride(width) };
        let mut plain = Plain::<S>::new(&mut chunk.out, dimension);
        multiply(simd, rows, left, &operands.output.forward, &mut plain);
    }
}

/// The gradient `left^T g` of a weight `[inputs, outputs]`.
#[inline(always)]
fn of_weight<S: Simd>(
    simd: S,
    gradient: &mut [f32],
    left: &[f32],
    g: &Panels,
    (inputs, outputs): (usize, usize),
) {
    let left = Rows { values: left, stride: stride(inputs) };
    multiply_transposed(simd, inputs, left, g, &mut OfWeight::new(gradient, outputs));
}

/// From the gradient in `out` to that of every weight.
struct Backward<'a> {
    chunk: &'a mut Chunk,
    config: &'a MlpConfig,
    layout: &'a Layout,
    operands: &'a Operands,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { chunk, config, layout, operands } = self;
        let MlpConfig { dimension, width, time_features, layers, .. } = *config;
        let Chunk { rows, x, features, streams: [stream, other], activations, derivatives, .. } =
            chunk;
        let (out, gradient) = (&mut chunk.out, &mut chunk.gradient);
        let (right, right_out) = (&mut chunk.right, &mut chunk.right_out);
        let (rows, hidden) = (*rows, stride(width));
        let (mut stream, mut other) = (stream, other);
        right_out.fill(out, stride(dimension));
        let of_output = &mut gradient[layout.output_weight.clone()];
        of_weight(simd, of_output, &activations[layers], right_out, (width, dimension));
        sum_rows(&mut gradient[layout.output_bias.clone()], out, stride(dimension), rows);
        let left = Rows { values: out, stride: stride(dimension) };
        let mut back = Back::<S>::new(None, stream, &derivatives[layers], width);
        multiply(simd, rows, left, &operands.output.backward, &mut back);

        for (l, (layer, (weight, bias))) in
            operands.layers.iter().zip(&layout.layers).enumerate().rev()
        {
            right.fill(stream, hidden);
            let of_layer = &mut gradient[weight.clone()];
            of_weight(simd, of_layer, &activations[l], right, (width, width));
            sum_rows(&mut gradient[bias.clone()], stream, hidden, rows);
            let left = Rows { values: stream, stride: hidden };
            let mut back = Back::<S>::new(Some(stream), other, &derivatives[l], width);
            multiply(simd, rows, left, &layer.backward, &mut back);
            std::mem::swap(&mut stream, &mut other);
        }

        right.fill(stream, hidden);
        sum_rows(&mut gradient[layout.time_bias.clone()], stream, hidden, rows);
        let of_time = &mut gradient[layout.time_weight.clone()];
        of_weight(simd, of_time, features, right, (time_features, width));
        of_weight(simd, &mut gradient[layout.state_weight.clone()], x, right, (dimension, width));
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor, Var};

    use super::super::batch::Rows;
    use super::super::{Objective, TrainingConfig};
    use super::*;
    use crate::{Mlp, Parameters, random_parameters};
    use driftfield_problems::process::RectifiedFlow;

    fn setting(objective: Objective, batch: usize) -> (Parameters, Batch) {
        let network = MlpConfig {
            width: 20,
            layers: 2,
            time_features: 6,
            frequency_max: 10.0,
            residual: objective.residual(),
            ..MlpConfig::new(3)
        };
        let parameters = random_parameters(&network, 4);
        let config = TrainingConfig { batch, network, ..TrainingConfig::new("", "", 3) };
        let data = ndarray::Array2::from_shape_fn((30, 3), |(i, j)| ((7 * i + j) as f64).sin());
        let mut drawn = Batch::default();
        let data = Rows { values: data, labels: Vec::new() };
        drawn.draw(&config, objective, &RectifiedFlow, &data, 0).unwrap();
        (parameters, drawn)
    }

    #[test]
    fn the_gradient_is_candles() {
        for (objective, batch) in
            [(Objective::Noise, 300), (Objective::Velocity, 5), (Objective::Data, 129)]
        {
            let (parameters, drawn) = setting(objective, batch);
            let mut gradient = Gradient::new(parameters.config(), batch);
            let loss = gradient.evaluate(parameters.values(), &drawn);

            let vars: Vec<Var> = parameters
                .entries()
                .into_iter()
                .map(|entry| {
                    let values = &parameters.values()[entry.range];
                    let tensor = Tensor::from_slice(values, entry.shape, &Device::Cpu).unwrap();
                    Var::from_tensor(&tensor).unwrap()
                })
                .collect();
            let tensors = vars.iter().map(|var| var.as_tensor().clone()).collect();
            let mlp = Mlp::from_tensors(parameters.config().clone(), tensors, &Device::Cpu);
            let tensor = |v: &[f32]| Tensor::from_slice(v, (batch, 3), &Device::Cpu).unwrap();
            let weights: Vec<f32> = drawn.weights.iter().map(|&w| w as f32).collect();
            let weights = Tensor::from_vec(weights, (batch, 1), &Device::Cpu).unwrap();
            let out = mlp.forward_rows(&tensor(&drawn.x), &drawn.times).unwrap();
            let error = (out - tensor(&drawn.target)).unwrap().sqr().unwrap();
            let expected = error.broadcast_mul(&weights).unwrap().mean_all().unwrap();
            let grads = expected.backward().unwrap();
            let expected = f64::from(expected.to_scalar::<f32>().unwrap());
            assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
            for (entry, var) in parameters.entries().into_iter().zip(&vars) {
                let expected = grads.get(var).unwrap().flatten_all().unwrap();
                let expected = expected.to_vec1::<f32>().unwrap();
                let scale = expected.iter().fold(1e-3f32, |scale, value| scale.max(value.abs()));
                for (found, expected) in gradient.total[entry.range].iter().zip(expected) {
                    assert!((found - expected).abs() < 2e-5 * scale, "{}", entry.name);
                }
            }
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let (parameters, drawn) = setting(Objective::Data, 40);
        let mut gradient = Gradient::new(parameters.config(), 40);
        gradient.evaluate(parameters.values(), &drawn);
        for entry in parameters.entries() {
            // Along the gradient of one tensor the slope is its norm.
            let direction = gradient.total[entry.range.clone()].to_vec();
            let norm = direction.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            let step = 2e-2 / norm;
            let side = |sign: f64| {
                let mut values = parameters.values().to_vec();
                for (value, &g) in values[entry.range.clone()].iter_mut().zip(&direction) {
                    *value += (sign * step * f64::from(g)) as f32;
                }
                Gradient::new(parameters.config(), 40).evaluate(&values, &drawn)
            };
            let slope = (side(1.0) - side(-1.0)) / (2.0 * step * norm);
            assert!((slope / norm - 1.0).abs() < 1e-2, "{}: {slope} {norm}", entry.name);
        }
    }
}
