//! Requests that no memory holds are refused before they are begun.

use driftfield_problems::memory::{MemoryError, available, check};
use driftfield_solvers::method::MethodInfo;

/// States kept beside a method's stages: the current and the next one, errors,
/// increments, and the copies of a program that reads and writes them.
const OTHER_STATES: u128 = 7;

/// Refuses a grid whose times do not fit.
pub(super) fn check_steps(steps: u64) -> Result<(), MemoryError> {
    // Kept twice, by the plan and by the solver.
    check("steps", steps, 16 * u128::from(steps))
}

/// Refuses samples that do not fit, be they written chunk by chunk: nobody could
/// read them again.
pub(super) fn check_samples(lanes: usize, lane_bytes: usize) -> Result<(), MemoryError> {
    check("samples", lanes as u64, (lanes as u128).saturating_mul(lane_bytes as u128))
}

/// Refuses lanes of `lane_bytes` whose states do not fit; `saved` is the
/// number of states kept.
pub(super) fn check_lanes(
    lanes: usize,
    lane_bytes: usize,
    info: &MethodInfo,
    saved: u64,
) -> Result<(), MemoryError> {
    let state = lanes as u128 * lane_bytes as u128;
    let states = u128::from(info.evaluations_per_step) + OTHER_STATES + u128::from(saved);
    // Three generators a lane: of the initial draw, of the path, and of its inner times.
    let generators = 96 * lanes as u128;
    check("samples", lanes as u64, state.saturating_mul(states).saturating_add(generators))
}

/// States of all lanes that fit beside those of a step: as many are kept of an adaptive solve at
/// most, whose number of steps is not known beforehand.
pub(super) fn states_that_fit(lanes: usize, lane_bytes: usize, info: &MethodInfo) -> u64 {
    let state = (lanes as u128 * lane_bytes as u128).max(1);
    let beside = u128::from(info.evaluations_per_step) + OTHER_STATES;
    let states = (u128::from(available()) / state).saturating_sub(beside);
    // Half: a list that grows is copied.
    u64::try_from(states / 2).unwrap_or(u64::MAX).max(1)
}
