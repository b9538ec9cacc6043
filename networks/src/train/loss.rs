//! What a network's outputs cost, and the gradient in them.

use super::batch::Batch;

/// A mean over the rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// `w |f(x, t) - target|^2 / d`.
    Squares,
    /// `-log p(label)`, the outputs being logarithms of probabilities up to a constant.
    CrossEntropy,
}

impl Loss {
    /// The share of the rows from the `first` on, whose outputs are `out`, in the batch's loss;
    /// `out` becomes its gradient.
    pub(super) fn compare(self, batch: &Batch, first: usize, out: &mut [f32], width: usize) -> f64 {
        let mut sum = 0.0;
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let row = first + row;
            match self {
                Loss::Squares => {
                    let share = 1.0 / (batch.times.len() * width) as f64;
                    let target = &batch.target[row * width..][..width];
                    add_squares(&mut sum, out, target, share * batch.weights[row]);
                }
                Loss::CrossEntropy => {
                    let share = 1.0 / batch.labels.len() as f64;
                    sum += share * cross_entropy(out, batch.labels[row] as usize, share);
                }
            }
        }
        sum
    }
}

/// Adds `weight |out - target|^2`, whose gradient it leaves in `out`.
fn add_squares(sum: &mut f64, out: &mut [f32], target: &[f32], weight: f64) {
    for (out, target) in out.iter_mut().zip(target) {
        let error = *out - target;
        *sum += weight * f64::from(error) * f64::from(error);
        *out = (2.0 * weight) as f32 * error;
    }
}

/// `-log p(label)`; in `logits` is left its gradient, times `share`.
fn cross_entropy(logits: &mut [f32], label: usize, share: f64) -> f64 {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |largest, &x| largest.max(x));
    let exp = |x: f32| f64::from(x - largest).exp();
    let sum: f64 = logits.iter().map(|&x| exp(x)).sum();
    let of_label = f64::from(logits[label] - largest);
    for (class, logit) in logits.iter_mut().enumerate() {
        let one = if class == label { 1.0 } else { 0.0 };
        *logit = (share * (exp(*logit) / sum - one)) as f32;
    }
    sum.ln() - of_label
}
