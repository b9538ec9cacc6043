use crate::field::{Counted, NoiseStructure, StochasticField};
use crate::method::StepError;
use crate::noise::{Channels, Noise, NoiseError, NoiseRequest};
use crate::state::{State, StateError};

/// The Brownian path that a solve of `field` needs.
pub(super) fn request<S, F: StochasticField<S>>(field: &F, areas: bool) -> NoiseRequest {
    let channels =
        if F::Noise::SHARED { Channels::Shared(field.channels()) } else { Channels::PerComponent };
    NoiseRequest { channels, areas, ..NoiseRequest::default() }
}

/// Increments and areas of one step, one state per channel.
#[derive(Debug)]
pub(super) struct Wiener<S> {
    pub(super) dw: Vec<S>,
    pub(super) area: Vec<S>,
}

impl<S: State> Wiener<S> {
    pub(super) fn new() -> Self {
        Wiener { dw: Vec::new(), area: Vec::new() }
    }

    /// All states held, to be moved with the lanes.
    pub(super) fn states(&mut self) -> impl Iterator<Item = &mut S> {
        self.dw.iter_mut().chain(&mut self.area)
    }

    /// Draws the increments over `[a, b]`. The number of channels is known with the
    /// field, at the first step: only that one allocates.
    pub(super) fn draw(
        &mut self,
        noise: &mut dyn Noise<S>,
        channels: usize,
        like: &S,
        (a, b): (f64, f64),
    ) -> Result<(), NoiseError> {
        resize(&mut self.dw, channels, like);
        noise.increments(a, b, &mut self.dw)
    }

    /// `out <- own * out + sum_i c_i k_i + sum_k g_k(u, t) dW_k`.
    pub(super) fn combine_with_noise<F: StochasticField<S>>(
        &self,
        field: &Counted<&F>,
        diffusion: &mut S,
        out: &mut S,
        (own, terms): (f64, &[(f64, &S)]),
        (u, t): (&S, f64),
    ) -> Result<(), StepError> {
        let Some((first, others)) = self.dw.split_first() else {
            return Ok(out.linear_combination(own, terms)?);
        };
        field.diffusion(0, diffusion, u, t)?;
        out.linear_combination_and_product(own, terms, (diffusion, first))?;
        for (channel, dw) in (1..).zip(others) {
            field.diffusion(channel, diffusion, u, t)?;
            out.add_product(diffusion, dw)?;
        }
        Ok(())
    }

    /// Draws increments and areas over `[a, b]`.
    pub(super) fn draw_with_areas(
        &mut self,
        noise: &mut dyn Noise<S>,
        channels: usize,
        like: &S,
        (a, b): (f64, f64),
    ) -> Result<(), NoiseError> {
        resize(&mut self.dw, channels, like);
        resize(&mut self.area, channels, like);
        noise.increments_and_areas(a, b, &mut self.dw, &mut self.area)
    }
}

pub(super) fn resize<S: State>(states: &mut Vec<S>, len: usize, like: &S) {
    if states.len() != len {
        states.resize_with(len, || like.zeros_like());
    }
}

/// A state of ones, for the constants in sums of states.
pub(super) fn ones<S: State>(like: &S) -> S {
    let mut ones = like.zeros_like();
    // A state that cannot be filled cannot be given noise either, and says so.
    let _ = ones.fill_lanes(|_, block| block.fill(1.0));
    ones
}

/// `out <- a * b`, component by component.
pub(super) fn product<S: State>(out: &mut S, a: &S, b: &S) -> Result<(), StateError> {
    out.linear_combination_and_product(0.0, &[], (a, b))
}
