use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::host::read_like;
use super::{HostState, Scalar, State, StateError};

/// Where the numbers that [`State::draw_lanes`] fills states with come from: one
/// sequence for every lane.
pub trait LaneNumbers {
    /// The next `count` numbers of each of `lanes`: the first of every lane, then the
    /// second of every lane, and so on.
    fn next(&mut self, lanes: Range<usize>, count: usize) -> &[f64];
}

/// How many numbers a lane draws for a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerLane {
    /// One for every component, two for a complex one.
    Components,
    /// One, which all components are set to, and both parts of complex ones.
    One,
}

impl PerLane {
    /// The same as a number, for lanes of so many real numbers.
    pub(crate) fn count(self, lane_reals: usize) -> usize {
        match self {
            PerLane::Components => lane_reals,
            PerLane::One => 1,
        }
    }
}

/// Lanes that draw together.
const TILE: usize = 64;
/// Numbers drawn together: what they take stays in the first-level cache.
const NUMBERS: usize = 1024;

/// State by state, lane by lane: for any state.
pub(super) fn lane_by_lane<S: State>(
    states: &mut [S],
    each: PerLane,
    scales: &[f64],
    numbers: &mut impl LaneNumbers,
) -> Result<(), StateError> {
    for (state, &scale) in states.iter_mut().zip(scales) {
        // A long lane arrives in several blocks.
        let (mut drawn_for, mut number) = (usize::MAX, 0.0);
        state.fill_lanes(|lane, block| match each {
            PerLane::Components => {
                let drawn = numbers.next(lane..lane + 1, block.len());
                for (value, &drawn) in block.iter_mut().zip(drawn) {
                    *value = drawn * scale;
                }
            }
            PerLane::One => {
                if lane != drawn_for {
                    (drawn_for, number) = (lane, numbers.next(lane..lane + 1, 1)[0] * scale);
                }
                block.fill(number);
            }
        })?;
    }
    Ok(())
}

/// As [`lane_by_lane`], a tile of lanes at a time through all the states, so that each
/// lane's generator is at work for as long as possible.
pub(super) fn in_tiles<H: HostState>(
    states: &mut [H],
    each: PerLane,
    scales: &[f64],
    numbers: &mut impl LaneNumbers,
) -> Result<(), StateError> {
    let Some(first) = states.first() else { return Ok(()) };
    let (lanes, lane_len) = (first.lane_count(), first.lane_reals());
    for state in &*states {
        read_like(lanes, lanes * lane_len, state)?;
    }
    let per_state = each.count(lane_len);
    if lane_len == 0 {
        return Ok(());
    }
    for start in (0..lanes).step_by(TILE) {
        let tile = start..lanes.min(start + TILE);
        let most = NUMBERS / tile.len();
        let together = (most / per_state).max(1);
        for (states, scales) in states.chunks_mut(together).zip(scales.chunks(together)) {
            for from in (0..per_state).step_by(most) {
                let part = from..per_state.min(from + most);
                let drawn = numbers.next(tile.clone(), states.len() * part.len());
                let drawn = drawn.chunks(tile.len() * part.len());
                for ((state, &scale), drawn) in states.iter_mut().zip(scales).zip(drawn) {
                    let values = state.values_mut().ok_or(StateError::NotContiguous)?;
                    let values = &mut values[tile.start * lane_len..tile.end * lane_len];
                    match each {
                        PerLane::One if lane_len > 1 => spread(values, lane_len, drawn, scale),
                        _ => write(values, lane_len, part.clone(), drawn, scale),
                    }
                }
            }
        }
    }
    Ok(())
}

/// Writes the components `part` of the lanes of a tile.
fn write<T: Scalar>(
    values: &mut [T],
    lane_len: usize,
    part: Range<usize>,
    drawn: &[f64],
    scale: f64,
) {
    if lane_len == 1 {
        Arch::new().dispatch(Scaled { values, drawn, scale });
        return;
    }
    let width = values.len() / lane_len;
    for (lane, values) in values.chunks_mut(lane_len).enumerate() {
        let drawn = drawn[lane..].iter().step_by(width);
        for (value, &drawn) in values[part.clone()].iter_mut().zip(drawn) {
            *value = T::from_f64(drawn * scale);
        }
    }
}

/// Rounds `scale` times what was drawn.
struct Scaled<'a, T> {
    values: &'a mut [T],
    drawn: &'a [f64],
    scale: f64,
}

impl<T: Scalar> WithSimd for Scaled<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<A: Simd>(self, _: A) {
        for (value, &drawn) in self.values.iter_mut().zip(self.drawn) {
            *value = T::from_f64(drawn * self.scale);
        }
    }
}

/// Sets all components of a lane to the lane's number.
fn spread<T: Scalar>(values: &mut [T], lane_len: usize, drawn: &[f64], scale: f64) {
    for (values, &drawn) in values.chunks_mut(lane_len).zip(drawn) {
        values.fill(T::from_f64(drawn * scale));
    }
}
