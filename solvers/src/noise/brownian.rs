use super::base::{BaseStream, area_scale, increment_scale, whole_intervals};
use super::piece::{Piece, add_all};
use super::{Channels, Noise, NoiseError, NoiseRequest, Stream};
use crate::control::GridTimes;
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
/// The path is drawn as the solve goes, a few intervals ahead where lanes are short, and
/// not kept: in the order of the grid every number is drawn once, and going
/// back draws again from the start.
/// Steps may join several base intervals: their increments are summed from
/// left to right, which is how two step sizes share one path. For times off
/// the grid there is [`BrownianTree`](super::BrownianTree), which agrees to the
/// bit over the base intervals.
#[derive(Debug, Clone)]
pub struct BrownianPath<S> {
    grid: GridTimes,
    channels: Channels,
    seed_and_lane: (u64, u64),
    increments: BaseStream<S>,
    next: usize,
    /// The increment of one interval of several.
    part: Vec<S>,
    /// A generator for each lane, which most methods have no use for.
    areas: Option<Areas<S>>,
}

/// What a path needs to give areas.
#[derive(Debug, Clone)]
struct Areas<S> {
    stream: BaseStream<S>,
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
        Self::along(channels, seed_and_lane, state, grid.into())
    }

    /// The path of the steps of a solve.
    pub(crate) fn along(
        channels: Channels,
        seed_and_lane: (u64, u64),
        state: &S,
        grid: GridTimes,
    ) -> Self {
        let law = (grid.clone(), increment_scale as fn(f64, f64) -> f64);
        let stream = BaseStream::new(seed_and_lane, state, Stream::Increments, channels, law);
        BrownianPath {
            grid,
            channels,
            seed_and_lane,
            increments: stream.ahead(state),
            next: 0,
            part: (0..channels.states()).map(|_| state.zeros_like()).collect(),
            areas: None,
        }
    }

    /// The same path, ready to give areas without allocating at the first of them.
    #[must_use]
    pub(crate) fn with_areas(mut self) -> Self {
        self.prepare_areas();
        self
    }

    /// Does nothing for a path without channels, which has no areas either.
    fn prepare_areas(&mut self) {
        let Some(like) = self.part.first() else { return };
        let piece = || Piece::zeros(like, self.channels.states());
        self.areas.get_or_insert_with(|| {
            let (key, channels) = (self.seed_and_lane, self.channels);
            let law = (self.grid.clone(), area_scale as fn(f64, f64) -> f64);
            let stream = BaseStream::new(key, like, Stream::Areas, channels, law).ahead(like);
            Areas { stream, whole: piece(), interval: piece() }
        });
    }
}

impl<S: State> Areas<S> {
    /// Draws interval number `k`, from `a` to `b`, as the method asks for it.
    fn draw(
        &mut self,
        increments: &mut BaseStream<S>,
        k: usize,
        (a, b): (f64, f64),
    ) -> Result<(), StateError> {
        self.interval.length = (b - a).abs();
        increments.draw(k, &mut self.interval.w)?;
        self.stream.draw(k, &mut self.interval.h)
    }
}

impl<S: State> Noise<S> for BrownianPath<S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        let intervals = whole_intervals(&self.grid, self.next, a, b)?;
        self.next = intervals.end;
        self.increments.draw(intervals.start, dw)?;
        for k in intervals.skip(1) {
            self.increments.draw(k, &mut self.part)?;
            add_all(dw, &self.part)?;
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
        self.prepare_areas();
        let Some(own) = &mut self.areas else { return Ok(()) };
        for k in intervals.clone() {
            own.draw(&mut self.increments, k, (self.grid.at(k), self.grid.at(k + 1)))?;
            if k == intervals.start {
                own.whole.copy_from(&own.interval)?;
            } else {
                own.whole.append(&own.interval)?;
            }
        }
        own.whole.write(dw, areas)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        super::provides_on_grid(self.channels, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_cost_nothing_until_they_are_asked_for_and_are_then_the_same() {
        let grid = vec![0.0, 0.5, 0.75, 2.0];
        let path = || BrownianPath::new(3, 1, &[0.0; 2], grid.clone());
        let (mut late, mut ready) = (path(), path().with_areas());
        for ends in grid.windows(2) {
            late.increment(ends[0], ends[1], &mut [0.0; 2]).unwrap();
        }
        assert!(late.areas.is_none() && ready.areas.is_some());
        for ends in grid.windows(2) {
            let ask = |path: &mut BrownianPath<[f64; 2]>| {
                let (mut dw, mut areas) = ([[0.0; 2]], [[0.0; 2]]);
                path.increments_and_areas(ends[0], ends[1], &mut dw, &mut areas).unwrap();
                (dw, areas)
            };
            assert_eq!(ask(&mut late), ask(&mut ready));
        }
        // Asked for at the last interval only, they are those of the last interval.
        let mut fresh = path();
        let (mut dw, mut areas) = ([[0.0; 2]], [[0.0; 2]]);
        fresh.increments_and_areas(0.75, 2.0, &mut dw, &mut areas).unwrap();
        let (mut same_dw, mut same) = ([[0.0; 2]], [[0.0; 2]]);
        ready.increments_and_areas(0.75, 2.0, &mut same_dw, &mut same).unwrap();
        assert_eq!((dw, areas), (same_dw, same));
    }
}
