//! The residual MLP as a fused plan for host states on the CPU.
//!
//! Rows are processed in tiles of [`TILE`], the last one padded with zeros, so
//! that every row meets the same matrix kernels whether it comes alone or among
//! thousands: a row's bits do not depend on batch, chunking or threads. Tiles
//! are spread over rayon's threads; within a tile the products are sequential
//! (a threaded product of this size is slower), accumulate onto the residual
//! stream in place, and bias, residual sum and SiLU are one pass between them.
//! Time embedding and first bias are computed once per evaluation.

use std::cell::RefCell;

use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use rayon::prelude::*;

use super::aligned::AlignedBuffer;
use super::elementwise::{add_scaled, silu_forward};
use super::mlp::{check_rows, check_time};
use super::parameters::Layout;
use super::product::{Sizes, multiply};
use super::time_features::TimeFeatures;
use super::{MlpConfig, Parameters};
use crate::predictor::Network;

/// Rows per tile: 64 x 128 values of stream and activation stay in the
/// second-level cache, and the kernels are at their peak.
const TILE: usize = 64;

/// The residual MLP of [`MlpConfig`], prepared for fast evaluation on host
/// states of `f32` or `f64` (rounded to `f32` and back).
///
/// The same numbers as [`super::Mlp`] to rounding; bit-identical to itself for
/// any batch size, chunking and number of threads. Evaluations allocate nothing
/// once every thread has seen the network's size.
#[derive(Debug, Clone)]
pub struct MlpPlan {
    config: MlpConfig,
    features: TimeFeatures,
    layout: Layout,
    time_weight: AlignedBuffer,
    /// `b_t`: the part of the first bias that does not depend on time.
    time_bias: AlignedBuffer,
    state_weight: AlignedBuffer,
    layers: Vec<(AlignedBuffer, AlignedBuffer)>,
    output_weight: AlignedBuffer,
    output_bias: AlignedBuffer,
}

/// Buffers of one thread; they grow to the largest network it has seen.
#[derive(Default)]
struct Scratch {
    x: AlignedBuffer,
    stream: AlignedBuffer,
    activation: AlignedBuffer,
    out: AlignedBuffer,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    /// The time features and the time embedding of the calling thread, apart
    /// from the tiles' scratch because that thread works on tiles as well.
    static EMBEDDING: RefCell<Vec<f32>> = RefCell::default();
}

impl MlpPlan {
    /// Copies the weights into aligned buffers.
    pub fn new(parameters: &Parameters) -> Self {
        let config = parameters.config().clone();
        let layout = Layout::new(&config);
        let copy = |range: &std::ops::Range<usize>| {
            AlignedBuffer::copy_of(&parameters.values()[range.clone()])
        };
        MlpPlan {
            features: TimeFeatures::new(&config),
            time_weight: copy(&layout.time_weight),
            time_bias: copy(&layout.time_bias),
            state_weight: copy(&layout.state_weight),
            layers: layout.layers.iter().map(|(w, b)| (copy(w), copy(b))).collect(),
            output_weight: copy(&layout.output_weight),
            output_bias: copy(&layout.output_bias),
            config,
            layout,
        }
    }

    /// The architecture.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.layout.len()
    }

    /// `features(t) W_t + b_t` into the end of `buffer`.
    fn embed_time<'a>(&self, t: f64, buffer: &'a mut Vec<f32>) -> &'a [f32] {
        let width = self.config.width;
        buffer.resize(self.features.len() + width, 0.0);
        let (features, embedding) = buffer.split_at_mut(self.features.len());
        self.features.write(t, features);
        embedding.copy_from_slice(&self.time_bias);
        for (row, &feature) in self.time_weight.chunks_exact(width).zip(features.iter()) {
            add_scaled(embedding, row, feature);
        }
        embedding
    }

    /// Evaluates at most [`TILE`] rows.
    fn tile<T: Scalar>(&self, out: &mut [T], x: &[T], embedding: &[f32], scratch: &mut Scratch) {
        let MlpConfig { dimension, width, .. } = self.config;
        scratch.x.reserve(TILE * dimension);
        scratch.out.reserve(TILE * dimension);
        scratch.stream.reserve(TILE * width);
        scratch.activation.reserve(TILE * width);
        let rows = &mut scratch.x[..TILE * dimension];
        let stream = &mut scratch.stream[..TILE * width];
        let activation = &mut scratch.activation[..TILE * width];
        let result = &mut scratch.out[..TILE * dimension];

        let (given, padding) = rows.split_at_mut(x.len());
        for (row, value) in given.iter_mut().zip(x) {
            *row = value.into_f64() as f32;
        }
        padding.fill(0.0);

        let sizes = Sizes { rows: TILE, inputs: dimension, outputs: width };
        multiply(stream, false, rows, &self.state_weight, sizes);
        let mut bias = embedding;
        for (weight, next_bias) in &self.layers {
            silu_forward(stream, bias, activation);
            let sizes = Sizes { rows: TILE, inputs: width, outputs: width };
            multiply(stream, true, activation, weight, sizes);
            bias = next_bias;
        }
        silu_forward(stream, bias, activation);
        let sizes = Sizes { rows: TILE, inputs: width, outputs: dimension };
        multiply(result, false, activation, &self.output_weight, sizes);

        let skip = if self.config.residual { 1.0 } else { 0.0 };
        let results = result.chunks_exact(dimension).zip(rows.chunks_exact(dimension));
        for (out, (result, x)) in out.chunks_exact_mut(dimension).zip(results) {
            let values = result.iter().zip(x).zip(self.output_bias.iter());
            for (out, ((&result, &x), &bias)) in out.iter_mut().zip(values) {
                *out = T::from_f64(f64::from(result + bias + skip * x));
            }
        }
    }
}

impl<H: HostState> Network<H> for MlpPlan {
    fn forward(&self, out: &mut H, x: &H, t: f64) -> Result<(), FieldError> {
        check_time(t)?;
        let values = x.values().ok_or(StateError::NotContiguous)?;
        let dimension = self.config.dimension;
        // A container that is one lane (`[f32; 2]`) is one row, and an array of
        // any shape is as many as its first axis says.
        check_rows(x.lane_count(), values.len(), dimension)?;
        let (lanes, len) = (out.lane_count(), values.len());
        let out = out.values_mut().ok_or(StateError::NotContiguous)?;
        if out.len() != len || lanes != x.lane_count() {
            return Err(FieldError::State(StateError::ShapeMismatch {
                expected_lanes: x.lane_count(),
                expected_len: len,
                found_lanes: lanes,
                found_len: out.len(),
            }));
        }
        // Taken out of its cell: a rayon worker may start another evaluation
        // while it waits for this one.
        let mut buffer = EMBEDDING.take();
        let embedding = self.embed_time(t, &mut buffer);
        let one = |(out, x): (&mut [H::Scalar], &[H::Scalar])| {
            SCRATCH.with_borrow_mut(|scratch| self.tile(out, x, embedding, scratch));
        };
        let tile = TILE * dimension;
        if values.len() <= tile {
            one((out, values));
        } else {
            out.par_chunks_mut(tile).zip(values.par_chunks(tile)).for_each(one);
        }
        EMBEDDING.set(buffer);
        Ok(())
    }
}
