use std::ops::Range;

use super::LaneRng;
use super::group::{GROUP, Group};
use super::ziggurat::{Layers, layers};
use crate::state::LaneNumbers;

/// The generators of the lanes of a state. What a lane draws does not depend on the
/// lanes beside it.
#[derive(Debug, Clone)]
pub(super) struct LaneRngs {
    /// The last group may have places without a lane, which are never drawn from.
    groups: Vec<Group>,
    lanes: usize,
    numbers: Vec<f64>,
}

impl LaneRngs {
    /// `lane` gives the generator of a lane.
    pub(super) fn new(lanes: usize, lane: impl Fn(u64) -> LaneRng) -> Self {
        let groups = vec![Group([[0; GROUP]; 4]); lanes.div_ceil(GROUP)];
        let mut rngs = LaneRngs { groups, lanes, numbers: Vec::new() };
        rngs.restart(lane);
        rngs
    }

    /// Puts other generators in place of those there were.
    pub(super) fn restart(&mut self, lane: impl Fn(u64) -> LaneRng) {
        for number in 0..self.lanes {
            self.groups[number / GROUP].set(number % GROUP, lane(number as u64).0);
        }
    }

    /// Number of lanes.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }
}

impl LaneNumbers for LaneRngs {
    fn next(&mut self, lanes: Range<usize>, count: usize) -> &[f64] {
        let width = lanes.len();
        if self.numbers.len() < width * count {
            self.numbers.resize(width * count, 0.0);
        }
        let numbers = &mut self.numbers[..width * count];
        let layers = layers();
        let first = lanes.start / GROUP;
        let mut alone = lanes.clone();
        if lanes.start.is_multiple_of(GROUP) && width >= GROUP {
            let groups = &mut self.groups[first..first + width / GROUP];
            if whole_groups(groups, layers, numbers, width) {
                alone.start += GROUP * groups.len();
            }
        }
        for lane in alone {
            let values = &mut numbers[lane - lanes.start..];
            self.groups[lane / GROUP].one_lane(layers, lane % GROUP, values, width);
        }
        numbers
    }
}

/// The next normals of all lanes of groups, side by side at every `stride`-th
/// place of `values`; `false` if the CPU has no instructions for it.
#[cfg(target_arch = "x86_64")]
fn whole_groups(groups: &mut [Group], layers: &Layers, values: &mut [f64], stride: usize) -> bool {
    super::group_avx2::draw(groups, layers, values, stride)
}

#[cfg(not(target_arch = "x86_64"))]
fn whole_groups(_: &mut [Group], _: &Layers, _: &mut [f64], _: usize) -> bool {
    false
}
