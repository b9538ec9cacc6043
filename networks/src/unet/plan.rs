//! The U-Net on host states, a few images per task.

use std::cell::RefCell;
use std::sync::Arc;

use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use rayon::prelude::*;

use super::UNetConfig;
use super::guidance::Guidance;
use super::pass::{Tape, Weights};
use crate::Parameters;
use crate::mlp::{check_rows, check_time};
use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Network, Pullback, Times};

/// Images of a task.
const TILE: usize = 4;

thread_local! {
    static TAPES: RefCell<Vec<(UNetConfig, Tape)>> = const { RefCell::new(Vec::new()) };
}

/// Given the first image of a piece and the results, writes what goes back.
type Direction<'d, T> = dyn Fn(usize, &[T], &mut [T]) -> Result<(), FieldError> + Sync + 'd;

/// Architectures whose working memory a thread keeps.
const KEPT: usize = 2;

/// The U-Net prepared for the CPU: the numbers of [`super::UNet`], computed by fused kernels.
///
/// As a [`Network`] it evaluates every image with the label it was given by
/// [`UNetPlan::with_label`] or [`UNetPlan::with_labels`], and without a label if none was;
/// [`UNetPlan::with_guidance`] sets how much the label counts.
/// An image's result has the same bits whatever the others are and however many.
#[derive(Debug, Clone)]
pub struct UNetPlan {
    weights: Arc<Weights>,
    /// One for all images, or one per image.
    labels: Arc<Vec<u32>>,
    guidance: Guidance,
}

impl UNetPlan {
    /// Lays the weights out for the kernel.
    pub fn new(parameters: &Parameters<UNetConfig>) -> Self {
        let config = parameters.config();
        let mut weights = Weights::new(config, true);
        weights.fill(parameters.values());
        let labels = Arc::new(vec![config.no_label()]);
        UNetPlan { weights: Arc::new(weights), labels, guidance: Guidance(1.0) }
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
        Ok(UNetPlan { labels: Arc::new(labels), ..self.clone() })
    }

    /// The same network under classifier-free guidance of weight `W` (Ho & Salimans 2022): its
    /// output is `without label + W (with label - without label)`. `W = 1`, the default, is the
    /// network with the labels, `W = 0` the one without; other weights take two forward passes,
    /// made as one of twice the images, and count as two.
    pub fn with_guidance(&self, weight: f64) -> Result<Self, FieldError> {
        if !weight.is_finite() {
            return Err(FieldError::other(format!(
                "a guidance of {} is no number to multiply with; 1 is none, 1.25 to 1.5 suits digits",
                Number(weight)
            )));
        }
        Ok(UNetPlan { guidance: Guidance(weight), ..self.clone() })
    }

    /// The label of every image, or one for all.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    fn check_labels(&self, labels: &[u32]) -> Result<(), FieldError> {
        let none = self.config().no_label();
        match labels.iter().find(|&&label| label > none) {
            Some(label) => Err(FieldError::other(format!(
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
        let width = TILE * dimension;
        let tiles = out.par_chunks_mut(width).zip(images.par_chunks(width));
        tiles.enumerate().for_each(|(tile, (out, images))| {
            let (first, count) = (tile * TILE, images.len() / dimension);
            let (times, labels) = (pick(times, first, count), pick(labels, first, count));
            let mut result = vec![0.0; images.len()];
            with_tape(&self.weights, self.guidance.passes() * TILE, |tape| {
                let (weights, images) = (&self.weights, single(images));
                self.guidance.forward(tape, weights, &images, &times, &labels, &mut result);
            });
            store(out, &result);
        });
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
        self.check(direction.len(), images.len(), times, labels)?;
        let dimension = self.config().dimension();
        let given = |first: usize, _: &[f32], c: &mut [f32]| {
            c.copy_from_slice(&direction[first * dimension..][..c.len()]);
            Ok(())
        };
        self.pull_back((out, gradient), images, times, labels, &given)
    }

    /// [`UNetPlan::evaluate`] into the first of `results`, and `J(x)^T c` into the second, where
    /// `direction` writes `c` given the first image of a piece, its results and room for `c`.
    fn pull_back<T: Scalar>(
        &self,
        (out, gradient): (&mut [T], &mut [T]),
        images: &[T],
        times: &[f64],
        labels: &[u32],
        direction: &Direction<'_, T>,
    ) -> Result<(), FieldError> {
        for len in [out.len(), gradient.len()] {
            self.check(len, images.len(), times, labels)?;
        }
        let dimension = self.config().dimension();
        let width = TILE * dimension;
        let tiles = out
            .par_chunks_mut(width)
            .zip(gradient.par_chunks_mut(width))
            .zip(images.par_chunks(width));
        tiles.enumerate().try_for_each(|(tile, ((out, gradient), images))| {
            let images = single(images);
            let (first, count) = (tile * TILE, images.len() / dimension);
            let (times, labels) = (pick(times, first, count), pick(labels, first, count));
            let mut result = vec![0.0; images.len()];
            let mut of_images = result.clone();
            with_tape(&self.weights, self.guidance.passes() * TILE, |tape| {
                let (guidance, weights) = (self.guidance, &self.weights);
                let rows = guidance.forward(tape, weights, &images, &times, &labels, &mut result);
                store(out, &result);
                // Room for the direction, until the gradient takes its place.
                direction(first, out, gradient)?;
                guidance.backward(tape, weights, &rows, &single(gradient), &mut of_images);
                Ok::<_, FieldError>(())
            })?;
            store(gradient, &of_images);
            Ok(())
        })
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

/// In the precision of the kernels.
fn single<T: Scalar>(values: &[T]) -> Vec<f32> {
    values.iter().map(|&value| value.into_f64() as f32).collect()
}

fn store<T: Scalar>(out: &mut [T], values: &[f32]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = T::from_f64(f64::from(value));
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

impl UNetPlan {
    /// One pass for lanes at times of their own; with labels of their own as well, a lane that
    /// has moved up in the batch would be given another's.
    fn check_label_for_all(&self) -> Result<(), FieldError> {
        match self.labels.len() {
            1 => Ok(()),
            count => Err(FieldError::other(format!(
                "the {count} labels of this network are those of the lanes by number, and lanes \
                 that take steps of their own leave the batch; give one label, or take one step \
                 for all lanes"
            ))),
        }
    }
}

impl<H: HostState + Sync> Network<H> for UNetPlan {
    fn forward(&self, out: &mut H, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        let mut one = [0.0];
        let times = self.times(x, t, &mut one)?;
        let values = x.values().ok_or(StateError::NotContiguous)?;
        check_rows(x.lane_count(), values.len(), self.config().dimension())?;
        let out = values_like(out, x.lane_count(), values.len())?;
        self.evaluate(out, values, times, &self.labels)
    }

    fn pull_back(&self, pull: Pullback<'_, H>, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        pull.without_parameters()?;
        pull.without_time()?;
        let mut one = [0.0];
        let times = self.times(x, t, &mut one)?;
        let values = x.values().ok_or(StateError::NotContiguous)?;
        let (lanes, len) = (x.lane_count(), values.len());
        check_rows(lanes, len, self.config().dimension())?;
        let Pullback { value, cotangent, state, .. } = pull;
        let value = values_like(value, lanes, len)?;
        let state = values_like(state, lanes, len)?;
        let direction = |first: usize, out: &[H::Scalar], c: &mut [H::Scalar]| {
            let count = out.len() / (len / lanes);
            let mut piece = x.zeros_of_lanes(count).ok_or(StateError::LanesInseparable)?;
            values_like(&mut piece, count, out.len())?.copy_from_slice(out);
            let mut along = piece.zeros();
            cotangent(first..first + count, &piece, &mut along)?;
            c.copy_from_slice(values_like(&mut along, count, out.len())?);
            Ok(())
        };
        self.pull_back((value, state), values, times, &self.labels, &direction)
    }

    fn forwards(&self) -> u64 {
        self.guidance.passes() as u64
    }
}

impl UNetPlan {
    fn times<'t, H: HostState>(
        &self,
        x: &H,
        t: Times<'t>,
        one: &'t mut [f64; 1],
    ) -> Result<&'t [f64], FieldError> {
        match t {
            Times::One(t) => {
                *one = [t];
                Ok(one)
            }
            Times::Each(times) => {
                self.check_label_for_all()?;
                t.check(x)?;
                Ok(times)
            }
        }
    }
}
