//! Loss and gradient of the residual MLP, written out by hand.
//!
//! The network is three kinds of operation, so that its backward pass is a
//! screenful; it goes through faer's products and fused passes, and its memory
//! is reused from step to step. Tested against candle's gradients and against
//! finite differences.

use rayon::prelude::*;

use super::batch::Batch;
use crate::network::{
    AlignedBuffer, Layout, MlpConfig, Sizes, TimeFeatures, add_scaled, multiply,
    multiply_left_transposed, multiply_right_transposed, silu_backward,
    silu_forward_with_derivative, sum_rows,
};

/// Rows per chunk. Chunks, not threads, own partial gradients, and these are
/// summed in the order of the chunks: the sum does not know the threads.
const CHUNK: usize = 128;

/// Buffers to evaluate a loss and its gradient, for batches of one size.
#[derive(Debug)]
pub(crate) struct Gradient {
    config: MlpConfig,
    layout: Layout,
    features: TimeFeatures,
    chunks: Vec<Chunk>,
    /// The gradient of the last batch, in the order of the parameters.
    pub(crate) total: AlignedBuffer,
}

/// The part of one chunk of rows.
#[derive(Debug)]
struct Chunk {
    features: AlignedBuffer,
    /// `h_l`, and on the way back its gradient.
    stream: AlignedBuffer,
    /// `silu(h_l)` and `silu'(h_l)` for `l = 0 .. layers + 1`.
    activations: Vec<AlignedBuffer>,
    derivatives: Vec<AlignedBuffer>,
    /// What comes back to an activation.
    through: AlignedBuffer,
    out: AlignedBuffer,
    gradient: AlignedBuffer,
    loss: f64,
}

impl Chunk {
    fn new(config: &MlpConfig, rows: usize, weights: usize) -> Self {
        let hidden = || AlignedBuffer::zeros(rows * config.width);
        Chunk {
            features: AlignedBuffer::zeros(rows * config.time_features),
            stream: hidden(),
            activations: (0..=config.layers).map(|_| hidden()).collect(),
            derivatives: (0..=config.layers).map(|_| hidden()).collect(),
            through: hidden(),
            out: AlignedBuffer::zeros(rows * config.dimension),
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
            config: config.clone(),
            layout,
            chunks,
            total: AlignedBuffer::zeros(weights),
        }
    }

    /// The loss `1/n sum_i w_i |f(x_i, t_i) - target_i|^2 / d` at the weights
    /// `values`; leaves its gradient in [`Gradient::total`].
    pub(crate) fn evaluate(&mut self, values: &[f32], batch: &Batch) -> f64 {
        let Gradient { config, layout, features, chunks, total } = self;
        chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
            chunk.forward(config, layout, features, values, batch, index * CHUNK);
            chunk.backward(config, layout, values, batch, index * CHUNK);
        });
        let mut loss = 0.0;
        total.fill(0.0);
        for chunk in chunks {
            add_scaled(total, &chunk.gradient, 1.0);
            loss += chunk.loss;
        }
        loss
    }
}

impl Chunk {
    /// Rows of this chunk.
    fn rows(&self, config: &MlpConfig) -> usize {
        self.out.len() / config.dimension
    }

    /// Fills activations and derivatives, the loss, and `out` with the loss's
    /// gradient in the network's output.
    fn forward(
        &mut self,
        config: &MlpConfig,
        layout: &Layout,
        features: &TimeFeatures,
        values: &[f32],
        batch: &Batch,
        first: usize,
    ) {
        let rows = self.rows(config);
        let MlpConfig { dimension, width, time_features, .. } = *config;
        let x = &batch.x[first * dimension..(first + rows) * dimension];
        for (row, &t) in
            self.features.chunks_exact_mut(time_features).zip(&batch.times[first..first + rows])
        {
            features.write(t, row);
        }
        let sizes = |inputs, outputs| Sizes { rows, inputs, outputs };
        let weight = |range: &std::ops::Range<usize>| &values[range.clone()];
        let time = sizes(time_features, width);
        multiply(&mut self.stream, false, &self.features, weight(&layout.time_weight), time);
        let state = sizes(dimension, width);
        multiply(&mut self.stream, true, x, weight(&layout.state_weight), state);
        let mut bias = weight(&layout.time_bias);
        for l in 0..=config.layers {
            let (activation, derivative) = (&mut self.activations[l], &mut self.derivatives[l]);
            silu_forward_with_derivative(&mut self.stream, bias, activation, derivative);
            if let Some((layer_weight, layer_bias)) = layout.layers.get(l) {
                let hidden = sizes(width, width);
                multiply(&mut self.stream, true, activation, weight(layer_weight), hidden);
                bias = weight(layer_bias);
            }
        }
        let (activation, output) = (&self.activations[config.layers], sizes(width, dimension));
        multiply(&mut self.out, false, activation, weight(&layout.output_weight), output);

        let skip = if config.residual { 1.0 } else { 0.0 };
        let bias = weight(&layout.output_bias);
        let scale = 1.0 / (batch.times.len() * dimension) as f64;
        self.loss = 0.0;
        for (row, out) in self.out.chunks_exact_mut(dimension).enumerate() {
            let weight = scale * batch.weights[first + row];
            for (j, out) in out.iter_mut().enumerate() {
                let target = batch.target[(first + row) * dimension + j];
                let error = *out + bias[j] + skip * x[row * dimension + j] - target;
                self.loss += weight * f64::from(error) * f64::from(error);
                *out = (2.0 * weight) as f32 * error;
            }
        }
    }

    /// From the gradient in `out` to that of every weight.
    fn backward(
        &mut self,
        config: &MlpConfig,
        layout: &Layout,
        values: &[f32],
        batch: &Batch,
        first: usize,
    ) {
        let rows = self.rows(config);
        let MlpConfig { dimension, width, time_features, layers, .. } = *config;
        let x = &batch.x[first * dimension..(first + rows) * dimension];
        let sizes = |inputs, outputs| Sizes { rows, inputs, outputs };
        let weight = |range: &std::ops::Range<usize>| &values[range.clone()];
        let gradient = &mut self.gradient;
        let stream = &mut self.stream;

        let output = sizes(width, dimension);
        let of_output = &mut gradient[layout.output_weight.clone()];
        multiply_left_transposed(of_output, &self.activations[layers], &self.out, output);
        sum_rows(&mut gradient[layout.output_bias.clone()], &self.out);
        let output_weight = weight(&layout.output_weight);
        multiply_right_transposed(&mut self.through, &self.out, output_weight, output);
        silu_backward(stream, false, &self.through, &self.derivatives[layers]);

        for (l, (layer_weight, layer_bias)) in layout.layers.iter().enumerate().rev() {
            let hidden = sizes(width, width);
            let of_weight = &mut gradient[layer_weight.clone()];
            multiply_left_transposed(of_weight, &self.activations[l], stream, hidden);
            sum_rows(&mut gradient[layer_bias.clone()], stream);
            multiply_right_transposed(&mut self.through, stream, weight(layer_weight), hidden);
            silu_backward(stream, true, &self.through, &self.derivatives[l]);
        }

        sum_rows(&mut gradient[layout.time_bias.clone()], stream);
        let of_time = &mut gradient[layout.time_weight.clone()];
        multiply_left_transposed(of_time, &self.features, stream, sizes(time_features, width));
        let of_state = &mut gradient[layout.state_weight.clone()];
        multiply_left_transposed(of_state, x, stream, sizes(dimension, width));
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor, Var};

    use super::super::{Objective, TrainingConfig};
    use super::*;
    use crate::network::{Mlp, Parameters, random_parameters};
    use crate::process::RectifiedFlow;

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
