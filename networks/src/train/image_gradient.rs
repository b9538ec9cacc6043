//! Loss and gradient of the U-Net.

use rayon::prelude::*;

use super::batch::Batch;
use super::gradient::sum;
use super::trainable::LossGradient;
use crate::{AlignedBuffer, UNetConfig, Weights, with_tape};

/// Images per chunk. As for the MLP, chunks and not threads own partial gradients.
const CHUNK: usize = 8;

/// Buffers to evaluate a loss and its gradient, for batches of one size.
#[derive(Debug)]
pub struct ImageGradient {
    dimension: usize,
    weights: Weights,
    chunks: Vec<Chunk>,
    total: AlignedBuffer,
}

#[derive(Debug)]
struct Chunk {
    images: usize,
    /// The network's output, then the gradient in it.
    out: Vec<f32>,
    gradient: AlignedBuffer,
    loss: f64,
}

impl ImageGradient {
    pub(crate) fn new(config: &UNetConfig, batch: usize) -> Self {
        let weights = Weights::new(config, true);
        let chunk = |first: usize| {
            let images = CHUNK.min(batch - first);
            Chunk {
                images,
                out: vec![0.0; images * config.dimension()],
                gradient: AlignedBuffer::zeros(weights.count()),
                loss: 0.0,
            }
        };
        ImageGradient {
            dimension: config.dimension(),
            chunks: (0..batch).step_by(CHUNK).map(chunk).collect(),
            total: AlignedBuffer::zeros(weights.count()),
            weights,
        }
    }
}

impl Chunk {
    /// The loss, and in `out` its gradient in the network's output.
    fn compare(&mut self, target: &[f32], weights: &[f64], batch: usize) {
        let dimension = target.len() / weights.len();
        let share = 1.0 / (batch * dimension) as f64;
        self.loss = 0.0;
        let rows = self.out.chunks_exact_mut(dimension).zip(target.chunks_exact(dimension));
        for ((out, target), weight) in rows.zip(weights) {
            let slope = (2.0 * share * weight) as f32;
            let mut squares = 0.0f64;
            for (out, target) in out.iter_mut().zip(target) {
                let error = *out - target;
                squares += f64::from(error) * f64::from(error);
                *out = slope * error;
            }
            self.loss += share * weight * squares;
        }
    }
}

impl LossGradient for ImageGradient {
    fn pass(&mut self, values: &[f32], batch: &Batch, backward: bool) -> f64 {
        self.weights.fill(values);
        let (weights, dimension) = (&self.weights, self.dimension);
        self.chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
            let rows = index * CHUNK..index * CHUNK + chunk.images;
            let pixels = rows.start * dimension..rows.end * dimension;
            let labels = &batch.labels[rows.clone()];
            with_tape(weights, CHUNK, |tape| {
                let (x, times) = (&batch.x[pixels.clone()], &batch.times[rows.clone()]);
                tape.forward(weights, x, times, labels, &mut chunk.out);
                chunk.compare(&batch.target[pixels], &batch.weights[rows], batch.times.len());
                if backward {
                    chunk.gradient.fill(0.0);
                    tape.backward(weights, labels, &chunk.out, None, Some(&mut chunk.gradient));
                }
            });
        });
        if backward {
            sum(&mut self.total, self.chunks.iter().map(|chunk| &*chunk.gradient));
        }
        self.chunks.iter().map(|chunk| chunk.loss).sum()
    }

    fn total(&self) -> &[f32] {
        &self.total
    }
}
