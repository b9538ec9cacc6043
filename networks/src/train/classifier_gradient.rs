//! Loss and gradient of the classifier.

use rayon::prelude::*;

use super::batch::Batch;
use super::gradient::sum;
use super::trainable::LossGradient;
use crate::{AlignedBuffer, ClassifierConfig, ClassifierTape, ClassifierWeights};

/// Images per chunk. As for the MLP, chunks and not threads own partial gradients.
const CHUNK: usize = 8;

/// Buffers to evaluate the cross-entropy of the labels and its gradient, for batches of one
/// size.
#[derive(Debug)]
pub struct ClassifierGradient {
    dimension: usize,
    classes: usize,
    weights: ClassifierWeights,
    chunks: Vec<Chunk>,
    total: AlignedBuffer,
}

#[derive(Debug)]
struct Chunk {
    images: usize,
    tape: ClassifierTape,
    /// The gradient in the logits.
    of_logits: AlignedBuffer,
    gradient: AlignedBuffer,
    loss: f64,
}

impl ClassifierGradient {
    pub(crate) fn new(config: &ClassifierConfig, batch: usize) -> Self {
        let weights = ClassifierWeights::new(config, true);
        let chunk = |first: usize| Chunk {
            images: CHUNK.min(batch - first),
            tape: ClassifierTape::new(&weights, CHUNK),
            of_logits: AlignedBuffer::zeros(CHUNK * config.classes),
            gradient: AlignedBuffer::zeros(weights.count()),
            loss: 0.0,
        };
        ClassifierGradient {
            dimension: config.side * config.side,
            classes: config.classes,
            chunks: (0..batch).step_by(CHUNK).map(chunk).collect(),
            total: AlignedBuffer::zeros(weights.count()),
            weights,
        }
    }
}

/// `-log p(label)`, and in `g` its gradient in the logits, times `share`.
fn cross_entropy(logits: &[f32], label: usize, share: f64, g: &mut [f32]) -> f64 {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |largest, &x| largest.max(x));
    let exp = |x: f32| f64::from(x - largest).exp();
    let sum: f64 = logits.iter().map(|&x| exp(x)).sum();
    for (class, (g, &x)) in g.iter_mut().zip(logits).enumerate() {
        let one = if class == label { 1.0 } else { 0.0 };
        *g = (share * (exp(x) / sum - one)) as f32;
    }
    sum.ln() - f64::from(logits[label] - largest)
}

impl LossGradient for ClassifierGradient {
    fn pass(&mut self, values: &[f32], batch: &Batch, backward: bool) -> f64 {
        self.weights.fill(values);
        let (weights, dimension, classes) = (&self.weights, self.dimension, self.classes);
        let share = 1.0 / batch.labels.len() as f64;
        self.chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
            let rows = index * CHUNK..index * CHUNK + chunk.images;
            let x = &batch.x[rows.start * dimension..rows.end * dimension];
            let (_, logits) = chunk.tape.forward(weights, x, chunk.images);
            let pairs = logits.chunks_exact(classes).zip(&batch.labels[rows]);
            chunk.loss = 0.0;
            for ((logits, &label), g) in pairs.zip(chunk.of_logits.chunks_exact_mut(classes)) {
                chunk.loss += share * cross_entropy(logits, label as usize, share, g);
            }
            if backward {
                chunk.gradient.fill(0.0);
                let (g, gradient) = (&chunk.of_logits, &mut chunk.gradient);
                chunk.tape.backward(weights, chunk.images, g, gradient);
            }
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
