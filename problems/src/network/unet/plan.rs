//! The U-Net on host states, a few images per task.

use std::cell::RefCell;
use std::sync::Arc;

use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use rayon::prelude::*;

use super::super::Parameters;
use super::super::mlp::{check_rows, check_time};
use super::UNetConfig;
use super::pass::{Tape, Weights};
use crate::host::values_like;
use crate::predictor::Network;

/// Images of a task.
const TILE: usize = 4;

thread_local! {
    static TAPES: RefCell<Vec<(UNetConfig, Tape)>> = const { RefCell::new(Vec::new()) };
}

/// Architectures whose working memory a thread keeps.
const KEPT: usize = 2;

/// The U-Net prepared for the CPU: the numbers of [`super::UNet`], computed by fused kernels.
///
/// As a [`Network`] it evaluates every image with the label it was given by
/// [`UNetPlan::with_label`] or [`UNetPlan::with_labels`], and without a label if none was.
/// An image's result has the same bits whatever the others are and however many.
#[derive(Debug, Clone)]
pub struct UNetPlan {
    weights: Arc<Weights>,
    /// One for all images, or one per image.
    labels: Arc<Vec<u32>>,
}

impl UNetPlan {
    /// Lays the weights out for the kernel.
    pub fn new(parameters: &Parameters<UNetConfig>) -> Self {
        let config = parameters.config();
        let mut weights = Weights::new(config, true);
        weights.fill(parameters.values());
        let labels = Arc::new(vec![config.no_label()]);
        UNetPlan { weights: Arc::new(weights), labels }
    }

    /// The architecture.
    pub fn config(&self) -> &UNetConfig {
        &self.weights.config
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.weights.count()
    }

    /// The same network, every image with `label`; [`UNetConfig::no_label`] is none.
    pub fn with_label(&self, label: u32) -> Result<Self, FieldError> {
        self.with_labels(vec![label])
    }

    /// The same network with a label per image, which states then must have as many of.
    pub fn with_labels(&self, labels: Vec<u32>) -> Result<Self, FieldError> {
        self.check_labels(&labels)?;
        Ok(UNetPlan { weights: self.weights.clone(), labels: Arc::new(labels) })
    }

    /// The label of every image, or one for all.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    fn check_labels(&self, labels: &[u32]) -> Result<(), FieldError> {
        let none = self.config().no_label();
        match labels.iter().find(|&&label| label > none) {
            Some(label) => Err(FieldError::Other(format!(
                "label {label} is out of range; give 0 to {}, or {none} for none",
                none.saturating_sub(1)
            ))),
            None => Ok(()),
        }
    }

    /// The network at `images` (row-major, one after the other), at one time and label for all
    /// or one of each per image, into `out`.
    pub fn evaluate<T: Scalar>(
        &self,
        out: &mut [T],
        images: &[T],
        times: &[f64],
        labels: &[u32],
    ) -> Result<(), FieldError> {
        self.check(out.len(), images.len(), times, labels)?;
        let dimension = self.config().dimension();
        let values = TILE * dimension;
        let one = |(tile, (out, x)): (usize, (&mut [T], &[T]))| {
            let (first, count) = (tile * TILE, x.len() / dimension);
            with_tape(&self.weights, TILE, |tape| {
                let times = pick(times, first, count);
                let labels = pick(labels, first, count);
                let x: Vec<f32> = x.iter().map(|&x| x.into_f64() as f32).collect();
                let mut result = vec![0.0; x.len()];
                tape.forward(&self.weights, &x, &times, &labels, &mut result);
                for (out, result) in out.iter_mut().zip(result) {
                    *out = T::from_f64(f64::from(result));
                }
            });
        };
        out.par_chunks_mut(values).zip(images.par_chunks(values)).enumerate().for_each(one);
        Ok(())
    }

    /// [`UNetPlan::evaluate`], and into `gradient` the gradient in the images of the inner
    /// product of the result with `direction`: `J(x)^T direction`, image by image.
    pub fn evaluate_with_gradient(
        &self,
        (out, gradient): (&mut [f32], &mut [f32]),
        images: &[f32],
        direction: &[f32],
        times: &[f64],
        labels: &[u32],
    ) -> Result<(), FieldError> {
        self.check(out.len(), images.len(), times, labels)?;
        self.check(gradient.len(), direction.len(), times, labels)?;
        self.check(direction.len(), images.len(), times, labels)?;
        let dimension = self.config().dimension();
        let values = TILE * dimension;
        let results = out.par_chunks_mut(values).zip(gradient.par_chunks_mut(values));
        let given = images.par_chunks(values).zip(direction.par_chunks(values));
        results.zip(given).enumerate().for_each(|(tile, ((out, gradient), (x, direction)))| {
            let (first, count) = (tile * TILE, x.len() / dimension);
            with_tape(&self.weights, TILE, |tape| {
                let labels = pick(labels, first, count);
                tape.forward(&self.weights, x, &pick(times, first, count), &labels, out);
                tape.backward(&self.weights, &labels, direction, Some(gradient), None);
            });
        });
        Ok(())
    }

    fn check(
        &self,
        out: usize,
        values: usize,
        times: &[f64],
        labels: &[u32],
    ) -> Result<(), FieldError> {
        times.iter().try_for_each(|&t| check_time(t))?;
        self.check_labels(labels)?;
        let dimension = self.config().dimension();
        let images = values / dimension;
        check_rows(images, values, dimension)?;
        let fits = |count: usize| count == 1 || count == images;
        if out == values && fits(times.len()) && fits(labels.len()) {
            return Ok(());
        }
        Err(FieldError::Shape {
            expected: format!("{images} image(s), with one time and label or as many"),
            found: format!(
                "{} image(s) of result, {} time(s) and {} label(s)",
                out / dimension,
                times.len(),
                labels.len()
            ),
        })
    }
}

/// The numbers of `count` images from the `first` on.
fn pick<T: Copy>(given: &[T], first: usize, count: usize) -> Vec<T> {
    match given {
        [one] => vec![*one; count],
        each => each[first..first + count].to_vec(),
    }
}

/// Runs `use_tape` with working memory of the calling thread, which keeps it.
pub(crate) fn with_tape<R>(
    weights: &Weights,
    samples: usize,
    use_tape: impl FnOnce(&mut Tape) -> R,
) -> R {
    // Taken out of its cell: the kernels may let the thread start on another task.
    let kept = TAPES.with_borrow_mut(|tapes| {
        let fits = |(config, tape): &(UNetConfig, Tape)| {
            *config == weights.config && tape.samples() >= samples
        };
        let at = tapes.iter().position(fits)?;
        Some(tapes.swap_remove(at).1)
    });
    let mut tape = kept.unwrap_or_else(|| Tape::new(weights, samples));
    let result = use_tape(&mut tape);
    TAPES.with_borrow_mut(|tapes| {
        tapes.truncate(KEPT - 1);
        tapes.push((weights.config.clone(), tape));
    });
    result
}

impl<H: HostState> Network<H> for UNetPlan {
    fn forward(&self, out: &mut H, x: &H, t: f64) -> Result<(), FieldError> {
        let values = x.values().ok_or(StateError::NotContiguous)?;
        check_rows(x.lane_count(), values.len(), self.config().dimension())?;
        let out = values_like(out, x.lane_count(), values.len())?;
        self.evaluate(out, values, &[t], &self.labels)
    }
}
