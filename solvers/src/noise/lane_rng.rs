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
    /// The space-time Levy areas of the path over the intervals of its base grid.
    Areas,
    /// The nodes of the tree that refines the path inside a base interval.
    Bridge,
}

/// Xoshiro256++ seeded by a list of keys.
///
/// The keys pass through SplitMix64 one after the other, so that neighbouring
/// keys give unrelated streams.
fn chained(seed: u64, keys: &[u64]) -> Xoshiro256PlusPlus {
    let mix = |mixed, key: &u64| SplitMix64::seed_from_u64(mixed).next_u64() ^ key;
    Xoshiro256PlusPlus::seed_from_u64(keys.iter().fold(seed, mix))
}

/// The generator of one lane: Xoshiro256++ seeded by (seed, lane, use) alone.
#[derive(Debug, Clone)]
pub struct LaneRng(Xoshiro256PlusPlus);

impl LaneRng {
    /// The stream of `lane` under `seed`.
    pub fn new(seed: u64, lane: u64, stream: Stream) -> Self {
        LaneRng(chained(seed, &[lane, stream as u64]))
    }

    /// The stream of one node of the tree that refines `lane`'s path inside base
    /// interval number `interval`; nodes are numbered as in a heap, the root 1.
    pub fn node(seed: u64, lane: u64, interval: u64, node: u64) -> Self {
        LaneRng(chained(seed, &[lane, Stream::Bridge as u64, interval, node]))
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
