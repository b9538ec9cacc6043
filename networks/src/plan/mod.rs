//! Any network on host states: rows in tiles, tiles over threads.

mod checks;
mod guidance;
mod network;
mod products;
mod tapes;
mod tensor;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, Scalar};
use rayon::prelude::*;

pub(crate) use checks::{check_rows, check_time};
use guidance::{Guidance, Pass};
pub use products::{Pulled, Pushed, RowCotangent};
pub(crate) use tapes::with_tape;
use tapes::{Buffers, with_buffers};
pub use tensor::OnTensors;
pub(crate) use tensor::uncarried;

use crate::pass::{AnyLayers, AnyTape, PassInputs, Times};
use crate::{Architecture, Parameters};

/// Multiplications that make it worth waking another thread: some 20
/// microseconds of work, the time a fork and a join may take.
const TASK: usize = 1 << 20;

/// A network prepared for the CPU: any architecture, on host states of `f32` or `f64` (rounded to
/// `f32` and back), with the products of its Jacobian.
///
/// Rows are processed in tiles that stay in the second-level cache, and tiles are spread over
/// rayon's threads. A row's result has the same bits whatever the others are and however many, and
/// for any number of threads. Evaluations of an MLP allocate nothing once every thread has seen its
/// size.
///
/// A network that takes labels evaluates every row with the one it was given by
/// [`Plan::with_label`] or [`Plan::with_labels`], and without a label if none was;
/// [`Plan::with_guidance`] sets how much the label counts.
///
/// ```
/// use driftfield_networks::{MlpConfig, Parameters, Plan, Times};
/// let plan = Plan::new(&Parameters::initialise(&MlpConfig::new(2), 0).unwrap());
/// let mut out = [f32::NAN; 4];
/// plan.evaluate(&mut out, &[1.0, 2.0, 3.0, 4.0], Times::One(0.5)).unwrap();
/// assert_eq!(out, [0.0; 4]); // the output layer starts at zero
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    layers: Arc<dyn AnyLayers>,
    row_shape: Arc<[usize]>,
    /// Labels it knows, "none" not counted.
    known: usize,
    /// One for all rows, or one per row; none if it takes none.
    labels: Arc<[u32]>,
    guidance: Guidance,
}

impl Plan {
    /// Lays the weights out for the kernel.
    pub fn new<A: Architecture>(parameters: &Parameters<A>) -> Self {
        let config = parameters.config();
        let mut layers = config.layers();
        crate::Layers::fill(&mut layers, parameters.values());
        let known = config.labels();
        let none = if known > 0 { vec![known as u32] } else { Vec::new() };
        Plan {
            layers: Arc::new(layers),
            row_shape: config.row_shape().into(),
            known,
            labels: none.into(),
            guidance: Guidance(1.0),
        }
    }

    /// Shape of a row of the state.
    pub fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    /// Values of a row of the state.
    pub fn dimension(&self) -> usize {
        self.layers.sizes()[0]
    }

    /// Values of a row of the output, which for a network that generates are as many.
    pub fn outputs(&self) -> usize {
        self.layers.sizes()[1]
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.layers.count()
    }

    /// Labels that it knows, "none" not counted, which is the number after them; 0 if it takes
    /// none.
    pub fn known_labels(&self) -> usize {
        self.known
    }

    /// The same network, every row with `label`; [`Plan::known_labels`] is none.
    pub fn with_label(&self, label: u32) -> Result<Self, FieldError> {
        self.with_labels(vec![label])
    }

    /// The same network with a label per row, which states then must have as many of.
    pub fn with_labels(&self, labels: Vec<u32>) -> Result<Self, FieldError> {
        let none = self.known as u32;
        if none == 0 {
            return Err(FieldError::other("this network takes no labels"));
        }
        match labels.iter().find(|&&label| label > none) {
            Some(label) => Err(FieldError::other(format!(
                "label {label} is out of range; give 0 to {}, or {none} for none",
                none - 1
            ))),
            None => Ok(Plan { labels: labels.into(), ..self.clone() }),
        }
    }

    /// The same network under classifier-free guidance of weight `W` (Ho & Salimans 2022): its
    /// output is `without label + W (with label - without label)`. `W = 1`, the default, is the
    /// network with the labels, `W = 0` the one without; other weights take two forward passes,
    /// made as one of twice the rows, and count as two.
    pub fn with_guidance(&self, weight: f64) -> Result<Self, FieldError> {
        if !weight.is_finite() {
            return Err(FieldError::other(format!(
                "a guidance of {} is no number to multiply with; 1 is none, 1.25 to 1.5 suits digits",
                Number(weight)
            )));
        }
        if self.known == 0 {
            return Err(FieldError::other(
                "guidance is towards a label, and this network takes none",
            ));
        }
        Ok(Plan { guidance: Guidance(weight), ..self.clone() })
    }

    /// The label of every row, or one for all; none if it takes none.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The network at states `x`, row after row, into `out`.
    pub fn evaluate<T: Scalar>(
        &self,
        out: &mut [T],
        x: &[T],
        times: Times<'_>,
    ) -> Result<(), FieldError> {
        let rows = self.check(x.len(), times)?;
        self.check_outputs(rows, out.len())?;
        let tile = self.task_rows(rows);
        let one = |(index, (out, x)): (usize, (&mut [T], &[T]))| {
            let (first, count) = (index * tile, x.len() / self.dimension());
            with_buffers(|Buffers { states, outputs, labels }| {
                let states = single(states, x);
                let labels = self.labels_of(labels, first, count);
                let inputs = PassInputs { states, times: times.part(first, count), labels };
                outputs.resize(out.len(), 0.0);
                with_tape(&*self.layers, self.guidance.passes() * count, |tape| {
                    self.pass(tape, inputs).evaluate(outputs);
                });
                store(out, outputs);
            });
        };
        let (inputs, outputs) = (tile * self.dimension(), tile * self.outputs());
        // Going through a pool of one thread would only be a detour.
        if rows <= tile || rayon::current_num_threads() == 1 {
            out.chunks_mut(outputs).zip(x.chunks(inputs)).enumerate().for_each(one);
        } else {
            out.par_chunks_mut(outputs).zip(x.par_chunks(inputs)).enumerate().for_each(one);
        }
        Ok(())
    }

    /// Rows of a task: at most a tile, and every thread's share in equal tiles of whole quarters.
    fn task_rows(&self, rows: usize) -> usize {
        let tile = self.layers.tile();
        let least = (TASK / self.weights()).max(1);
        let share = rows.div_ceil(rayon::current_num_threads()).max(least);
        share.div_ceil(share.div_ceil(tile)).next_multiple_of((tile / 4).max(1))
    }

    fn pass<'a>(&'a self, tape: &'a mut AnyTape, inputs: PassInputs<'a>) -> Pass<'a> {
        Pass::new(&*self.layers, tape, inputs, self.guidance, self.known as u32)
    }

    /// The labels of `count` rows from the `first` on.
    fn labels_of<'a>(&self, buffer: &'a mut Vec<u32>, first: usize, count: usize) -> &'a [u32] {
        buffer.clear();
        match &*self.labels {
            [] => {}
            // Without any weight on the labels there are none.
            _ if self.guidance.0 == 0.0 => buffer.resize(count, self.known as u32),
            [one] => buffer.resize(count, *one),
            each => buffer.extend_from_slice(&each[first..first + count]),
        }
        buffer
    }
}

/// In the precision of the kernels.
fn single<'a, T: Scalar>(buffer: &'a mut Vec<f32>, values: &[T]) -> &'a [f32] {
    buffer.clear();
    buffer.extend(values.iter().map(|&value| value.into_f64() as f32));
    buffer
}

fn store<T: Scalar>(out: &mut [T], values: &[f32]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = T::from_f64(f64::from(value));
    }
}
