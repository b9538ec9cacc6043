//! Loss and gradient of any network on a batch.

use rayon::prelude::*;

use super::batch::Batch;
use super::loss::Loss;
use crate::Architecture;
use crate::kernel::{AlignedBuffer, add_scaled};
use crate::pass::{AnyLayers, Gradients, PassInputs, Times};
use crate::plan::with_tape;

/// Weights per task of the sum over chunks.
const PART: usize = 1 << 14;

/// A network in training, for batches of one size.
///
/// Chunks of rows, not threads, own partial gradients, and these are summed in the order of the
/// chunks: the sum does not know the threads.
#[derive(Debug)]
pub(super) struct Gradient {
    layers: Box<dyn AnyLayers>,
    loss: Loss,
    chunks: Vec<Chunk>,
    /// The gradient of the last batch, in the order of the parameters.
    total: AlignedBuffer,
}

/// The part of some rows.
#[derive(Debug)]
struct Chunk {
    rows: usize,
    /// The network's outputs, then the gradient in them.
    out: Vec<f32>,
    gradient: AlignedBuffer,
    loss: f64,
}

impl Gradient {
    pub(super) fn new<A: Architecture>(config: &A, batch: usize, loss: Loss) -> Self {
        let layers: Box<dyn AnyLayers> = Box::new(config.layers());
        let ([_, outputs], weights, most) = (layers.sizes(), layers.count(), layers.chunk());
        let chunk = |first: usize| {
            let rows = most.min(batch - first);
            let out = vec![0.0; rows * outputs];
            Chunk { rows, out, gradient: AlignedBuffer::zeros(weights), loss: 0.0 }
        };
        Gradient {
            chunks: (0..batch).step_by(most).map(chunk).collect(),
            total: AlignedBuffer::zeros(weights),
            loss,
            layers,
        }
    }

    /// The loss at the weights `values`, its gradient left in [`Gradient::total`].
    pub(super) fn evaluate(&mut self, values: &[f32], batch: &Batch) -> f64 {
        let loss = self.pass(values, batch, true);
        let Gradient { chunks, total, .. } = self;
        total.par_chunks_mut(PART).enumerate().for_each(|(part, total)| {
            total.fill(0.0);
            for chunk in chunks.iter() {
                add_scaled(total, &chunk.gradient[part * PART..][..total.len()], 1.0);
            }
        });
        loss
    }

    /// The loss alone.
    pub(super) fn loss(&mut self, values: &[f32], batch: &Batch) -> f64 {
        self.pass(values, batch, false)
    }

    /// The gradient of the last batch, in the order of the parameters.
    pub(super) fn total(&self) -> &[f32] {
        &self.total
    }

    fn pass(&mut self, values: &[f32], batch: &Batch, backward: bool) -> f64 {
        let Gradient { layers, loss, chunks, .. } = self;
        layers.fill(values);
        let (layers, loss) = (&**layers, *loss);
        let ([width, outputs], most) = (layers.sizes(), layers.chunk());
        chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
            let first = index * most;
            let rows = first..first + chunk.rows;
            let inputs = PassInputs {
                states: &batch.x[rows.start * width..rows.end * width],
                times: Times::Each(&batch.times[rows.clone()]),
                labels: batch.labels.get(rows).unwrap_or_default(),
            };
            with_tape(layers, chunk.rows, |tape| {
                layers.forward(tape, inputs, &mut chunk.out);
                chunk.loss = loss.compare(batch, first, &mut chunk.out, outputs);
                if backward {
                    chunk.gradient.fill(0.0);
                    let parameters = Some(&mut *chunk.gradient);
                    let gradients = Gradients { parameters, ..Gradients::default() };
                    layers.backward(tape, inputs, &chunk.out, gradients);
                }
            });
        });
        chunks.iter().map(|chunk| chunk.loss).sum()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor, Var};
    use candle_nn::VarBuilder;
    use driftfield_problems::process::RectifiedFlow;

    use super::super::batch::Rows;
    use super::super::{Objective, TrainingConfig};
    use super::*;
    use crate::parameters::tests::random_parameters;
    use crate::{Mlp, MlpConfig, Parameters};

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
            let mut gradient = Gradient::new(parameters.config(), batch, Loss::Squares);
            let loss = gradient.evaluate(parameters.values(), &drawn);

            let vars: Vec<(String, Var)> = parameters
                .entries()
                .into_iter()
                .map(|entry| {
                    let values = &parameters.values()[entry.range];
                    let tensor = Tensor::from_slice(values, entry.shape, &Device::Cpu).unwrap();
                    (entry.name, Var::from_tensor(&tensor).unwrap())
                })
                .collect();
            let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone()));
            let tensors = VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu);
            let mlp = Mlp::from_vars(parameters.config(), tensors).unwrap();
            let tensor = |v: &[f32]| Tensor::from_slice(v, (batch, 3), &Device::Cpu).unwrap();
            let weights: Vec<f32> = drawn.weights.iter().map(|&w| w as f32).collect();
            let weights = Tensor::from_vec(weights, (batch, 1), &Device::Cpu).unwrap();
            let out = mlp.forward_rows(&tensor(&drawn.x), &drawn.times).unwrap();
            let error = (out - tensor(&drawn.target)).unwrap().sqr().unwrap();
            let expected = error.broadcast_mul(&weights).unwrap().mean_all().unwrap();
            let grads = expected.backward().unwrap();
            let expected = f64::from(expected.to_scalar::<f32>().unwrap());
            assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
            for (entry, (_, var)) in parameters.entries().into_iter().zip(&vars) {
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
        let mut gradient = Gradient::new(parameters.config(), 40, Loss::Squares);
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
                Gradient::new(parameters.config(), 40, Loss::Squares).evaluate(&values, &drawn)
            };
            let slope = (side(1.0) - side(-1.0)) / (2.0 * step * norm);
            assert!((slope / norm - 1.0).abs() < 1e-2, "{}: {slope} {norm}", entry.name);
        }
    }
}
