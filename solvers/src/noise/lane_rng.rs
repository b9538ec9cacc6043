use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

use crate::state::{State, StateError};

/// What a lane's stream is used for: streams of different use never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The initial draw.
    Initial,
    /// The increments of the Brownian path on its base grid.
    Increments,
}

/// The generator of one lane: Xoshiro256++ seeded by (seed, lane, use) alone.
#[derive(Debug, Clone)]
pub struct LaneRng(Xoshiro256PlusPlus);

impl LaneRng {
    /// The stream of `lane` under `seed`.
    ///
    /// The three inputs pass through SplitMix64 one after the other, so that
    /// neighbouring seeds and lanes give unrelated streams.
    pub fn new(seed: u64, lane: u64, stream: Stream) -> Self {
        let mixed = SplitMix64::seed_from_u64(seed).next_u64() ^ lane;
        let mixed = SplitMix64::seed_from_u64(mixed).next_u64() ^ stream as u64;
        LaneRng(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// Fills `values` with independent standard normals.
    pub fn fill_normal(&mut self, values: &mut [f64]) {
        for value in values {
            *value = StandardNormal.sample(&mut self.0);
        }
    }
}

/// Overwrites `state` with `scale * N(0, 1)`: lane `i` depends on
/// `(seed, first_lane + i)` alone.
pub fn fill_initial_normals<S: State>(
    state: &mut S,
    scale: f64,
    seed: u64,
    first_lane: u64,
) -> Result<(), StateError> {
    let mut rngs: Vec<LaneRng> = (0..state.lanes() as u64)
        .map(|lane| LaneRng::new(seed, first_lane + lane, Stream::Initial))
        .collect();
    state.fill_lanes(|lane, block| {
        rngs[lane].fill_normal(block);
        block.iter_mut().for_each(|value| *value *= scale);
    })
}
