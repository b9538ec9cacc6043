use super::lane_rngs::LaneRngs;
use super::piece::take_all;
use super::{Channels, LaneRng, NoiseError, Stream};
use crate::control::GridTimes;
use crate::state::{State, StateError};

/// Numbers of a lane drawn ahead: the generators of many lanes come from far memory,
/// and better not for one number each.
const AHEAD: usize = 16;
/// Most numbers drawn ahead by all lanes together.
const MOST: usize = 1 << 23;

/// A grid, and the standard deviation of what is drawn over an interval.
type Law = (GridTimes, fn(f64, f64) -> f64);

/// Scaled normals for the intervals of a base grid: those of interval `k` are the
/// `k`-th of every lane's stream.
#[derive(Debug, Clone)]
pub(super) struct BaseStream<S> {
    seed: u64,
    first_lane: u64,
    stream: Stream,
    channels: Channels,
    rngs: LaneRngs,
    law: Law,
    /// Standard deviations of what is drawn next, interval after interval and channel after
    /// channel.
    scales: Vec<f64>,
    /// The states of the intervals drawn last, if more than one is drawn at a time.
    ahead: Vec<S>,
    /// The first of them.
    oldest: usize,
    /// The first interval not drawn.
    drawn: usize,
    /// The first interval not given away.
    next: usize,
}

impl<S: State> BaseStream<S> {
    /// For lanes shaped like those of `like`.
    pub(super) fn new(
        (seed, first_lane): (u64, u64),
        like: &S,
        stream: Stream,
        channels: Channels,
        law: Law,
    ) -> Self {
        BaseStream {
            seed,
            first_lane,
            stream,
            channels,
            rngs: LaneRngs::new(like.lanes(), |lane| LaneRng::new(seed, first_lane + lane, stream)),
            law,
            scales: Vec::new(),
            ahead: Vec::new(),
            oldest: 0,
            drawn: 0,
            next: 0,
        }
    }

    /// The same numbers, drawn for several intervals at a time where lanes are short;
    /// `like` gives the shape of a state.
    pub(super) fn ahead(mut self, like: &S) -> Self {
        let (states, lane_reals) = (self.channels.states().max(1), like.lane_reals().max(1));
        let in_memory = states * like.lanes() * lane_reals;
        let of_lane = states * self.channels.per_lane().count(lane_reals);
        let intervals = (AHEAD / of_lane).min(MOST / in_memory.max(1)).min(self.law.0.steps());
        if intervals > 1 {
            self.ahead = (0..intervals * states).map(|_| like.zeros_like()).collect();
        }
        self
    }

    /// Writes the numbers of `interval` into `out`. In the order of the grid each is drawn
    /// once; going back starts the streams again.
    pub(super) fn draw(&mut self, interval: usize, out: &mut [S]) -> Result<(), StateError> {
        let states = self.channels.states();
        if states == 0 {
            return Ok(());
        }
        check_lanes(self.rngs.lanes(), out)?;
        if interval < self.next {
            let (seed, first_lane, stream) = (self.seed, self.first_lane, self.stream);
            self.rngs.restart(|lane| LaneRng::new(seed, first_lane + lane, stream));
            self.drawn = 0;
        }
        while self.drawn <= interval {
            let drawn = if self.ahead.is_empty() { &mut *out } else { &mut self.ahead[..] };
            let (grid, scale) = &self.law;
            let intervals = (drawn.len() / states).min(grid.steps() - self.drawn);
            self.scales.clear();
            for k in self.drawn..self.drawn + intervals {
                let of_interval = scale(grid.at(k), grid.at(k + 1));
                self.scales.extend(std::iter::repeat_n(of_interval, states));
            }
            let (count, each) = (intervals * states, self.channels.per_lane());
            S::draw_lanes(&mut drawn[..count], each, &self.scales, &mut self.rngs)?;
            self.oldest = self.drawn;
            self.drawn += intervals;
        }
        self.next = interval + 1;
        if self.ahead.is_empty() {
            return Ok(());
        }
        take_all(out, &mut self.ahead[(interval - self.oldest) * states..][..states])
    }
}

/// Refuses states of other lanes than the generators'.
fn check_lanes<S: State>(lanes: usize, states: &[S]) -> Result<(), StateError> {
    match states.iter().find(|state| state.lanes() != lanes) {
        None => Ok(()),
        Some(state) => Err(StateError::ShapeMismatch {
            expected_lanes: lanes,
            expected_len: lanes * state.lane_len(),
            found_lanes: state.lanes(),
            found_len: state.lanes() * state.lane_len(),
        }),
    }
}

/// Standard deviation of an increment over `[a, b]`.
pub(super) fn increment_scale(a: f64, b: f64) -> f64 {
    (b - a).abs().sqrt()
}

/// Standard deviation of the space-time Levy area of `[a, b]`, which is
/// independent of the increment.
pub(super) fn area_scale(a: f64, b: f64) -> f64 {
    ((b - a).abs() / 12.0).sqrt()
}

/// The base intervals `first..end` that make up `[a, b]` exactly; `hint` is
/// where `a` probably is.
pub(super) fn whole_intervals(
    grid: &GridTimes,
    hint: usize,
    a: f64,
    b: f64,
) -> Result<std::ops::Range<usize>, NoiseError> {
    let off_grid = NoiseError::OffGrid { a, b };
    let first = if grid.get(hint) == Some(a) { Some(hint) } else { grid.position(0, a) };
    let Some(first) = first else { return Err(off_grid) };
    match grid.get(first + 1) == Some(b) {
        true => Ok(first..first + 1),
        false => Ok(first..grid.position(first + 1, b).ok_or(off_grid)?),
    }
}
