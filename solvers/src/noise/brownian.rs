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
/// left to right, which is how two step sizes share one path. They may also divide one at times
/// inside it: a Brownian bridge gives the part, from a stream of (seed, lane, interval), and
/// the parts add up to the increment that the interval has anyway.
#[derive(Debug, Clone)]
pub struct BrownianPath<S> {
    seed: u64,
    first_lane: u64,
    grid: Vec<f64>,
    lanes: Vec<LaneRng>,
    next: usize,
    interval: S,
    bridge: Bridge<S>,
}

/// What is left of a base interval that is being divided.
#[derive(Debug, Clone)]
struct Bridge<S> {
    /// Up to where it has been handed out.
    at: Option<f64>,
    lanes: Vec<LaneRng>,
    rest: S,
}

impl<S: State> BrownianPath<S> {
    /// The path over `grid` of a batch shaped like `state`, whose first lane is
    /// lane number `first_lane` of the whole ensemble.
    pub fn new(seed: u64, first_lane: u64, state: &S, grid: Vec<f64>) -> Self {
        let lanes = (0..state.lanes() as u64)
            .map(|lane| LaneRng::new(seed, first_lane + lane, Stream::Increments))
            .collect();
        let bridge = Bridge { at: None, lanes: Vec::new(), rest: state.zeros_like() };
        BrownianPath {
            seed,
            first_lane,
            grid,
            lanes,
            next: 0,
            interval: state.zeros_like(),
            bridge,
        }
    }

    fn draw(lanes: &mut [LaneRng], dt: f64, out: &mut S) -> Result<(), NoiseError> {
        let scale = dt.abs().sqrt();
        out.fill_lanes(|lane, block| {
            lanes[lane].fill_normal(block);
            block.iter_mut().for_each(|value| *value *= scale);
        })?;
        Ok(())
    }

    /// The increment over `[a, b]`, `b` inside the base interval that `a` is in.
    fn divide(&mut self, a: f64, b: f64, end: f64, dw: &mut S) -> Result<(), NoiseError> {
        let Bridge { at, lanes, rest } = &mut self.bridge;
        if at.is_none() {
            Self::draw(&mut self.lanes, end - a, rest)?;
            let stream = |lane| LaneRng::of_interval(self.seed, lane, self.next as u64);
            lanes.clear();
            lanes.extend((0..self.lanes.len() as u64).map(|lane| stream(self.first_lane + lane)));
        }
        // A bridge from 0 at `a` to `rest` at `end`.
        let share = (b - a) / (end - a);
        Self::draw(lanes, (1.0 - share) * (b - a), dw)?;
        dw.linear_combination(1.0, &[(share, rest)])?;
        rest.linear_combination(1.0, &[(-1.0, dw)])?;
        *at = Some(b);
        Ok(())
    }
}

impl<S: State> Noise<S> for BrownianPath<S> {
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        let rest = &self.grid[self.next.min(self.grid.len())..];
        let at = self.bridge.at.or(rest.first().copied());
        if at != Some(a) || rest.len() < 2 {
            return Err(NoiseError::OffGrid { a, b });
        }
        let end = rest[1];
        if (a < b && b < end) || (end < b && b < a) {
            return self.divide(a, b, end, dw);
        }
        let intervals = rest.iter().position(|&t| t == b).unwrap_or(0);
        if intervals == 0 {
            return Err(NoiseError::OffGrid { a, b });
        }
        match self.bridge.at.take() {
            Some(_) => dw.copy_from(&self.bridge.rest)?,
            None => Self::draw(&mut self.lanes, end - a, dw)?,
        }
        for ends in rest[1..=intervals].windows(2) {
            Self::draw(&mut self.lanes, ends[1] - ends[0], &mut self.interval)?;
            dw.linear_combination(1.0, &[(1.0, &self.interval)])?;
        }
        self.next += intervals;
        Ok(())
    }
}
