use super::lane_rngs::LaneRngs;
use super::xoshiro::Xoshiro;
use super::ziggurat::{layers, normal};
use crate::state::{PerLane, State, StateError};

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

/// The generator of one lane: xoshiro256++ seeded by (seed, lane, use) alone.
///
/// Its normals are to the bit those of `rand_distr::StandardNormal` on
/// `rand_xoshiro::Xoshiro256PlusPlus`; many lanes at once are drawn with vector
/// instructions where the CPU has them, and are the same.
#[derive(Debug, Clone)]
pub struct LaneRng(pub(super) Xoshiro);

impl LaneRng {
    /// The stream of `lane` under `seed`.
    pub fn new(seed: u64, lane: u64, stream: Stream) -> Self {
        LaneRng(Xoshiro::chained(seed, &[lane, stream as u64]))
    }

    /// The stream of one node of the tree that refines `lane`'s path inside base
    /// interval number `interval`; nodes are numbered as in a heap, the root 1.
    pub fn node(seed: u64, lane: u64, interval: u64, node: u64) -> Self {
        LaneRng(Xoshiro::chained(seed, &[lane, Stream::Bridge as u64, interval, node]))
    }

    /// Fills `values` with independent standard normals.
    pub fn fill_normal(&mut self, values: &mut [f64]) {
        let layers = layers();
        for value in values {
            *value = normal(layers, &mut self.0);
        }
    }
}

/// Overwrites `state` with `scale * N(0, 1)`: lane `i` depends on
/// `(seed, first_lane + i)` alone. Real and imaginary parts of complex states are independent.
pub fn fill_initial_normals<S: State>(
    state: &mut S,
    scale: f64,
    seed: u64,
    first_lane: u64,
) -> Result<(), StateError> {
    let lane = |lane| LaneRng::new(seed, first_lane + lane, Stream::Initial);
    let mut rngs = LaneRngs::new(state.lanes(), lane);
    S::draw_lanes(std::slice::from_mut(state), PerLane::Components, &[scale], &mut rngs)
}
