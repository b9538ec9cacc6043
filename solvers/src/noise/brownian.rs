use super::{LaneRng, Noise, NoiseError, Stream};
use crate::state::State;

/// No path at all: what deterministic methods are given.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNoise;

impl<S> Noise<S> for NoNoise {
    fn increment(&mut self, _a: f64, _b: f64, _dw: &mut S) -> Result<(), NoiseError> {
        Err(NoiseError::Absent)
    }
}

/// The Brownian path of a fixed grid: the increment of lane `i` over the
/// `k`-th base interval is `sqrt(|dt_k|)` times the `k`-th normals of the
/// lane's own stream, whatever the batch.
///
/// The path is drawn as the solve goes: increments are asked for in the order
/// of the grid and once. Steps may join several base intervals: their increments are summed from
/// left to right, which is how two step sizes share one path.
#[derive(Debug, Clone)]
pub struct BrownianPath<S> {
    grid: Vec<f64>,
    lanes: Vec<LaneRng>,
    next: usize,
    interval: S,
}

impl<S: State> BrownianPath<S> {
    /// The path over `grid` of a batch shaped like `state`, whose first lane is
    /// lane number `first_lane` of the whole ensemble.
    pub fn new(seed: u64, first_lane: u64, state: &S, grid: Vec<f64>) -> Self {
        let lanes = (0..state.lanes() as u64)
            .map(|lane| LaneRng::new(seed, first_lane + lane, Stream::Increments))
            .collect();
        BrownianPath { grid, lanes, next: 0, interval: state.zeros_like() }
    }

    fn draw(lanes: &mut [LaneRng], dt: f64, out: &mut S) -> Result<(), NoiseError> {
        let scale = dt.abs().sqrt();
        out.fill_lanes(|lane, block| {
            lanes[lane].fill_normal(block);
            block.iter_mut().for_each(|value| *value *= scale);
        })?;
        Ok(())
    }
}

impl<S: State> Noise<S> for BrownianPath<S> {
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        let rest = &self.grid[self.next.min(self.grid.len())..];
        let intervals = rest.iter().position(|&t| t == b).unwrap_or(0);
        if rest.first() != Some(&a) || intervals == 0 {
            return Err(NoiseError::OffGrid { a, b });
        }
        Self::draw(&mut self.lanes, rest[1] - rest[0], dw)?;
        for ends in rest[1..=intervals].windows(2) {
            Self::draw(&mut self.lanes, ends[1] - ends[0], &mut self.interval)?;
            dw.linear_combination(1.0, &[(1.0, &self.interval)])?;
        }
        self.next += intervals;
        Ok(())
    }
}
