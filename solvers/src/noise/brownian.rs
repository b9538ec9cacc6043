use super::base::{BaseStream, area_scale, increment_scale, whole_intervals};
use super::piece::{Piece, add_all};
use super::{Channels, Noise, NoiseError, NoiseRequest, Stream};
use crate::state::{State, StateError};

/// No path at all: what deterministic methods are given.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNoise;

impl<S> Noise<S> for NoNoise {
    fn increments(&mut self, _a: f64, _b: f64, _dw: &mut [S]) -> Result<(), NoiseError> {
        Err(NoiseError::Absent)
    }

    fn provides(&self, _request: &NoiseRequest) -> Result<(), NoiseError> {
        Err(NoiseError::Absent)
    }
}

/// The Brownian path of a fixed grid: the increment of lane `i` over the
/// `k`-th base interval is `sqrt(|dt_k|)` times the `k`-th normals of the
/// lane's own stream, whatever the batch; its space-time Levy area, if any
/// method asks, `sqrt(|dt_k| / 12)` times those of another stream.
///
/// The path is drawn as the solve goes and keeps nothing: in the order of the
/// grid every number is drawn once, and going back draws again from the start.
/// Steps may join several base intervals: their increments are summed from
/// left to right, which is how two step sizes share one path. For times off
/// the grid there is [`BrownianTree`](super::BrownianTree), which agrees to the
/// bit over the base intervals.
#[derive(Debug, Clone)]
pub struct BrownianPath<S> {
    grid: Vec<f64>,
    channels: Channels,
    increments: BaseStream,
    areas: BaseStream,
    next: usize,
    whole: Piece<S>,
    interval: Piece<S>,
}

impl<S: State> BrownianPath<S> {
    /// The path over `grid`, one Brownian motion per component, of a batch shaped
    /// like `state` whose first lane is lane number `first_lane` of the whole
    /// ensemble.
    pub fn new(seed: u64, first_lane: u64, state: &S, grid: Vec<f64>) -> Self {
        Self::with_channels(Channels::PerComponent, (seed, first_lane), state, grid)
    }

    /// The path with Brownian motions laid out as `channels`;
    /// `seed_and_lane` are those of [`BrownianPath::new`].
    pub fn with_channels(
        channels: Channels,
        seed_and_lane: (u64, u64),
        state: &S,
        grid: Vec<f64>,
    ) -> Self {
        let stream = |stream| BaseStream::new(seed_and_lane, state.lanes(), stream, channels);
        let piece = || Piece::zeros(state, channels.states());
        BrownianPath {
            grid,
            channels,
            increments: stream(Stream::Increments),
            areas: stream(Stream::Areas),
            next: 0,
            whole: piece(),
            interval: piece(),
        }
    }

    fn draw_piece(&mut self, interval: usize) -> Result<(), StateError> {
        let (a, b) = (self.grid[interval], self.grid[interval + 1]);
        self.interval.length = (b - a).abs();
        self.increments.draw(interval, increment_scale(a, b), &mut self.interval.w)?;
        self.areas.draw(interval, area_scale(a, b), &mut self.interval.h)
    }
}

impl<S: State> Noise<S> for BrownianPath<S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        let intervals = whole_intervals(&self.grid, self.next, a, b)?;
        self.next = intervals.end;
        let scale = |k: usize| increment_scale(self.grid[k], self.grid[k + 1]);
        self.increments.draw(intervals.start, scale(intervals.start), dw)?;
        for k in intervals.skip(1) {
            self.increments.draw(k, scale(k), &mut self.interval.w)?;
            add_all(dw, &self.interval.w)?;
        }
        Ok(())
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        let intervals = whole_intervals(&self.grid, self.next, a, b)?;
        self.next = intervals.end;
        for k in intervals.clone() {
            self.draw_piece(k)?;
            if k == intervals.start {
                self.whole.copy_from(&self.interval)?;
            } else {
                self.whole.append(&self.interval)?;
            }
        }
        self.whole.write(dw, areas)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        super::provides_on_grid(self.channels, request)
    }
}
