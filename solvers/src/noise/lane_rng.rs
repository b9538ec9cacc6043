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
    /// The inner times of a base interval.
    Bridges,
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
        LaneRng(Xoshiro256PlusPlus::seed_from_u64(Self::mixed(seed, lane, stream)))
    }

    /// The stream of `lane` for the inner times of the `interval`-th base interval.
    pub(super) fn of_interval(seed: u64, lane: u64, interval: u64) -> Self {
        let mixed = Self::mixed(seed, lane, Stream::Bridges);
        let mixed = SplitMix64::seed_from_u64(mixed).next_u64() ^ interval;
        LaneRng(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    fn mixed(seed: u64, lane: u64, stream: Stream) -> u64 {
        let mixed = SplitMix64::seed_from_u64(seed).next_u64() ^ lane;
        SplitMix64::seed_from_u64(mixed).next_u64() ^ stream as u64
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
