//! Classifier-free guidance of a few images: one pass or two in one.

use super::pass::{Tape, Weights};

/// Classifier-free guidance (J. Ho & T. Salimans, "Classifier-free diffusion guidance", 2022) with
/// weight `W`: the network's output is
///
/// ```text
/// without label + W (with label - without label)
/// ```
///
/// so that `W = 1` is the conditional network and `W = 0` the unconditional one, which both take
/// one pass; any other weight takes two. (The paper's `w` is `W - 1`.) What the network predicts
/// does not matter: noise, data, velocity and score are affine in each other at equal weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guidance(pub(super) f64);

impl Guidance {
    /// Rows that the network is given for one image.
    pub(super) fn passes(self) -> usize {
        if self.0 == 0.0 || self.0 == 1.0 { 1 } else { 2 }
    }

    /// Labels of the rows: each image's, or none, or the ones after the other.
    fn rows(self, labels: &[u32], none: u32) -> Vec<u32> {
        let without = vec![none; labels.len()];
        match self.0 {
            0.0 => without,
            1.0 => labels.to_vec(),
            _ => [labels, &without].concat(),
        }
    }

    /// `out <-` the guided output at `images`. Returns the labels of the rows that `tape` holds.
    pub(super) fn forward(
        self,
        tape: &mut Tape,
        weights: &Weights,
        images: &[f32],
        times: &[f64],
        labels: &[u32],
        out: &mut [f32],
    ) -> Vec<u32> {
        let rows = self.rows(labels, weights.config.no_label());
        if rows.len() == labels.len() {
            tape.forward(weights, images, times, &rows, out);
            return rows;
        }
        let (images, times) = ([images, images].concat(), [times, times].concat());
        let mut both = vec![0.0; images.len()];
        tape.forward(weights, &images, &times, &rows, &mut both);
        let (with, without) = both.split_at(out.len());
        let weight = self.0 as f32;
        for ((out, with), without) in out.iter_mut().zip(with).zip(without) {
            *out = without + weight * (with - without);
        }
        rows
    }

    /// After [`Guidance::forward`], which returned `rows`: `gradient <- J^T direction`.
    pub(super) fn backward(
        self,
        tape: &mut Tape,
        weights: &Weights,
        rows: &[u32],
        direction: &[f32],
        gradient: &mut [f32],
    ) {
        if self.passes() == 1 {
            tape.backward(weights, rows, direction, Some(gradient), None);
            return;
        }
        let weight = self.0 as f32;
        let shares = [weight, 1.0 - weight];
        let both: Vec<f32> =
            shares.iter().flat_map(|share| direction.iter().map(move |d| share * d)).collect();
        let mut gradients = vec![0.0; both.len()];
        tape.backward(weights, rows, &both, Some(&mut gradients), None);
        let (with, without) = gradients.split_at(gradient.len());
        for ((gradient, with), without) in gradient.iter_mut().zip(with).zip(without) {
            *gradient = with + without;
        }
    }
}
