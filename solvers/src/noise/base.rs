use super::{Channels, LaneRng, NoiseError, Stream};
use crate::state::{State, StateError};

/// Normals for the intervals of a base grid: those of interval `k` are the
/// `k`-th of every lane's stream.
#[derive(Debug, Clone)]
pub(super) struct BaseStream {
    seed: u64,
    first_lane: u64,
    stream: Stream,
    channels: Channels,
    lanes: Vec<LaneRng>,
    next: usize,
}

impl BaseStream {
    pub(super) fn new(
        (seed, first_lane): (u64, u64),
        lanes: usize,
        stream: Stream,
        channels: Channels,
    ) -> Self {
        let lanes =
            (0..lanes as u64).map(|lane| LaneRng::new(seed, first_lane + lane, stream)).collect();
        BaseStream { seed, first_lane, stream, channels, lanes, next: 0 }
    }

    /// Writes `scale` times the normals of `interval` into `out`. In the order of
    /// the grid each is drawn once; going back starts the streams again.
    pub(super) fn draw<S: State>(
        &mut self,
        interval: usize,
        scale: f64,
        out: &mut [S],
    ) -> Result<(), StateError> {
        if interval < self.next {
            for (lane, rng) in self.lanes.iter_mut().enumerate() {
                *rng = LaneRng::new(self.seed, self.first_lane + lane as u64, self.stream);
            }
            self.next = 0;
        }
        while self.next <= interval {
            self.channels.fill(&mut self.lanes, scale, out)?;
            self.next += 1;
        }
        Ok(())
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
    grid: &[f64],
    hint: usize,
    a: f64,
    b: f64,
) -> Result<std::ops::Range<usize>, NoiseError> {
    let first = if grid.get(hint) == Some(&a) {
        Some(hint)
    } else {
        grid.iter().position(|&time| time == a)
    };
    let first = first.ok_or(NoiseError::OffGrid { a, b })?;
    match grid[first..].iter().position(|&time| time == b) {
        Some(count) if count > 0 => Ok(first..first + count),
        _ => Err(NoiseError::OffGrid { a, b }),
    }
}
