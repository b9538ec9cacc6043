//! The residual MLP as a fused plan for host states on the CPU.
//!
//! Rows are processed in tiles that stay in the second-level cache; tiles are
//! spread over rayon's threads, and within a tile each layer is one product
//! whose sums meet bias, residual and SiLU in registers. The kernel forms every
//! row's sums in one order, so a row's bits do not depend on batch, chunking,
//! tiles or threads. Weights are laid out for the kernel once; the time
//! embedding with the first bias is computed once per evaluation.

use std::cell::RefCell;

use driftfield_solvers::field::ByLane;
use driftfield_solvers::{FieldError, HostState, Scalar, StateError};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::aligned::AlignedBuffer;
use super::elementwise::add_scaled;
use super::kernel::{BLOCK, Rows, multiply, stride};
use super::layers::{Hidden, Plain};
use super::mlp::{check_rows, check_time};
use super::panels::Panels;
use super::parameters::Layout;
use super::time_features::TimeFeatures;
use super::{MlpConfig, Parameters};
use driftfield_problems::host::values_like;
use driftfield_problems::predictor::Network;

/// Most rows of a tile: at 128 columns stream and two activations take 160 kB.
const TILE: usize = 4 * BLOCK;

/// Multiplications that make it worth waking another thread: some 20
/// microseconds of work, the time a fork and a join may take.
const TASK: usize = 1 << 20;

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
    /// Number of weights.
    weights: usize,
    time_weight: AlignedBuffer,
    /// The same for the kernel, where every row has its own time.
    time: Panels,
    /// `b_t`: the part of the first bias that does not depend on time.
    time_bias: AlignedBuffer,
    state: Panels,
    /// The first bias where the embedding is in the stream already.
    no_bias: AlignedBuffer,
    /// Weight and bias, padded to whole vectors.
    layers: Vec<(Panels, AlignedBuffer)>,
    output: Panels,
    output_bias: AlignedBuffer,
}

/// What the first layer adds for the time.
#[derive(Clone, Copy)]
enum Times<'a> {
    /// The embedding of the one time of all rows.
    One(&'a [f32]),
    /// A time per row.
    Each(&'a [f64]),
}

impl<'a> Times<'a> {
    /// Those of the rows from `first` on.
    fn rows_from(self, first: usize) -> Times<'a> {
        match self {
            Times::One(embedding) => Times::One(embedding),
            Times::Each(times) => Times::Each(&times[first..]),
        }
    }
}

/// Buffers of one thread; they grow to the largest network it has seen.
#[derive(Default)]
struct Scratch {
    x: AlignedBuffer,
    /// Time features, where every row has its own.
    features: AlignedBuffer,
    stream: AlignedBuffer,
    /// Of the layer before and of this one.
    activations: [AlignedBuffer; 2],
    out: AlignedBuffer,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    /// The time features and the time embedding of the calling thread, apart
    /// from the tiles' scratch because that thread works on tiles as well.
    static EMBEDDING: RefCell<[AlignedBuffer; 2]> = RefCell::default();
}

impl MlpPlan {
    /// Lays the weights out for the kernel.
    pub fn new(parameters: &Parameters) -> Self {
        let config = parameters.config().clone();
        let layout = Layout::new(&config);
        let MlpConfig { dimension, width, .. } = config;
        let values = |range: &std::ops::Range<usize>| &parameters.values()[range.clone()];
        let layer = |(weight, bias): &_| {
            (Panels::new(values(weight), width, width), padded(values(bias), width))
        };
        MlpPlan {
            features: TimeFeatures::new(&config),
            weights: layout.len(),
            time_weight: AlignedBuffer::copy_of(values(&layout.time_weight)),
            time: Panels::new(values(&layout.time_weight), config.time_features, width),
            time_bias: padded(values(&layout.time_bias), width),
            no_bias: AlignedBuffer::zeros(stride(width)),
            state: Panels::new(values(&layout.state_weight), dimension, width),
            layers: layout.layers.iter().map(layer).collect(),
            output: Panels::new(values(&layout.output_weight), width, dimension),
            output_bias: AlignedBuffer::copy_of(values(&layout.output_bias)),
            config,
        }
    }

    /// The architecture.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.weights
    }

    /// `features(t) W_t + b_t`, padded with zeros to whole vectors.
    fn embed_time<'a>(&self, t: f64, buffers: &'a mut [AlignedBuffer; 2]) -> &'a [f32] {
        let width = self.config.width;
        let [features, embedding] = buffers;
        features.reserve(self.features.len());
        embedding.reserve(stride(width));
        let features = &mut features[..self.features.len()];
        let embedding = &mut embedding[..stride(width)];
        self.features.write(t, features);
        let (values, padding) = embedding.split_at_mut(width);
        padding.fill(0.0);
        values.copy_from_slice(&self.time_bias[..width]);
        for (row, &feature) in self.time_weight.chunks_exact(width).zip(features.iter()) {
            add_scaled(values, row, feature);
        }
        embedding
    }

    /// Rows of a task: at most a tile, and every thread's share in equal tiles.
    fn task_rows(&self, rows: usize) -> usize {
        let least = (TASK / self.weights).max(1);
        let share = rows.div_ceil(rayon::current_num_threads()).max(least);
        share.div_ceil(share.div_ceil(TILE)).next_multiple_of(BLOCK)
    }

    fn tiles<T: Scalar>(&self, out: &mut [T], x: &[T], times: Times<'_>) {
        let arch = Arch::new();
        let rows = self.task_rows(x.len() / self.config.dimension);
        let one = |(task, (out, x)): (usize, (&mut [T], &[T]))| {
            let times = times.rows_from(task * rows);
            SCRATCH.with_borrow_mut(|scratch| {
                arch.dispatch(Tile { plan: self, out, x, times, scratch });
            });
        };
        let values = rows * self.config.dimension;
        // Going through a pool of one thread would only be a detour.
        if x.len() <= values || rayon::current_num_threads() == 1 {
            out.chunks_mut(values).zip(x.chunks(values)).enumerate().for_each(one);
        } else {
            out.par_chunks_mut(values).zip(x.par_chunks(values)).enumerate().for_each(one);
        }
    }

    /// The rows of a state.
    fn rows<'a, H: HostState>(&self, x: &'a H) -> Result<&'a [H::Scalar], FieldError> {
        let values = x.values().ok_or(StateError::NotContiguous)?;
        // A container that is one lane (`[f32; 2]`) is one row, and an array of
        // any shape is as many as its first axis says.
        check_rows(x.lane_count(), values.len(), self.config.dimension)?;
        Ok(values)
    }
}

/// `values` and zeros up to the row of a buffer of `width` columns.
fn padded(values: &[f32], width: usize) -> AlignedBuffer {
    let mut buffer = AlignedBuffer::zeros(stride(width));
    buffer[..width].copy_from_slice(values);
    buffer
}

/// The evaluation of at most [`TILE`] rows.
struct Tile<'a, T> {
    plan: &'a MlpPlan,
    out: &'a mut [T],
    x: &'a [T],
    times: Times<'a>,
    scratch: &'a mut Scratch,
}

impl<T: Scalar> WithSimd for Tile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tile { plan, out, x, times, scratch } = self;
        let MlpConfig { dimension, width, residual, .. } = plan.config;
        scratch.reserve(dimension, width);
        let Scratch { x: inputs, features, stream, activations: [previous, next], out: result } =
            scratch;
        let (mut previous, mut next) = (previous, next);

        let rows = x.len() / dimension;
        for (input, value) in inputs.iter_mut().zip(x) {
            *input = value.into_f64() as f32;
        }
        let state = Rows { values: inputs, stride: dimension };
        let embedded = match times {
            Times::One(embedding) => embedding,
            Times::Each(times) => {
                let apart = stride(plan.features.len());
                features.reserve(TILE * apart);
                for (row, &t) in features.chunks_exact_mut(apart).zip(&times[..rows]) {
                    plan.features.write(t, &mut row[..plan.features.len()]);
                }
                let features = Rows { values: features, stride: apart };
                let mut embed = Hidden::<S>::new(&plan.time_bias, stream, next, width, false);
                multiply(simd, rows, features, &plan.time, &mut embed);
                &plan.no_bias
            }
        };
        let add = matches!(times, Times::Each(_));
        let mut first = Hidden::<S>::new(embedded, stream, next, width, add);
        multiply(simd, rows, state, &plan.state, &mut first);
        for (weight, bias) in &plan.layers {
            std::mem::swap(&mut previous, &mut next);
            let activation = Rows { values: previous, stride: stride(width) };
            let mut hidden = Hidden::<S>::new(bias, stream, next, width, true);
            multiply(simd, rows, activation, weight, &mut hidden);
        }
        let activation = Rows { values: next, stride: stride(width) };
        multiply(simd, rows, activation, &plan.output, &mut Plain::<S>::new(result, dimension));

        let skip = if residual { 1.0 } else { 0.0 };
        let results = result.chunks_exact(stride(dimension)).zip(inputs.chunks_exact(dimension));
        for (out, (result, x)) in out.chunks_exact_mut(dimension).zip(results) {
            let values = result.iter().zip(x).zip(plan.output_bias.iter());
            for (out, ((&result, &x), &bias)) in out.iter_mut().zip(values) {
                *out = T::from_f64(f64::from(result + bias + skip * x));
            }
        }
    }
}

impl Scratch {
    fn reserve(&mut self, dimension: usize, width: usize) {
        self.x.reserve(TILE * dimension);
        self.out.reserve(TILE * stride(dimension));
        self.stream.reserve(TILE * stride(width));
        self.activations.iter_mut().for_each(|buffer| buffer.reserve(TILE * stride(width)));
    }
}

impl<H: HostState> Network<H> for MlpPlan {
    fn forward(&self, out: &mut H, x: &H, t: ByLane<'_, f64>) -> Result<(), FieldError> {
        t.check(x)?;
        let lanes = x.lane_count();
        let x = self.rows(x)?;
        let out = values_like(out, lanes, x.len())?;
        match t {
            ByLane::One(t) => {
                check_time(t)?;
                // Taken out of its cell: a rayon worker may start another evaluation
                // while it waits for this one.
                let mut buffers = EMBEDDING.take();
                self.tiles(out, x, Times::One(self.embed_time(t, &mut buffers)));
                EMBEDDING.set(buffers);
            }
            ByLane::Each(times) => {
                times.iter().try_for_each(|&t| check_time(t))?;
                self.tiles(out, x, Times::Each(times));
            }
        }
        Ok(())
    }
}
