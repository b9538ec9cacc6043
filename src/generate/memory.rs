//! Requests that no memory holds are refused before they are begun.

use driftfield_solvers::method::MethodInfo;

use super::GenerateError;

/// States kept beside a method's stages: the current and the next one, errors,
/// increments, and the copies of a program that reads and writes them.
const OTHER_STATES: u128 = 7;

/// Bytes that can be had, where the system says so; otherwise any number that
/// an address can have.
fn available() -> u128 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u128>().ok());
    kilobytes.map_or(isize::MAX as u128, |kilobytes| 1024 * kilobytes)
}

/// Refuses a grid whose times do not fit.
pub(super) fn check_steps(steps: u64) -> Result<(), GenerateError> {
    // Kept twice, by the plan and by the solver.
    check("steps", steps, 16 * u128::from(steps))
}

/// Refuses samples that do not fit, be they written chunk by chunk: nobody could
/// read them again.
pub(super) fn check_samples(lanes: usize, lane_bytes: usize) -> Result<(), GenerateError> {
    check("samples", lanes as u64, (lanes as u128).saturating_mul(lane_bytes as u128))
}

/// Refuses lanes of `lane_bytes` whose states do not fit; `saved` is the
/// number of states kept.
pub(super) fn check_lanes(
    lanes: usize,
    lane_bytes: usize,
    info: &MethodInfo,
    saved: u64,
) -> Result<(), GenerateError> {
    let state = lanes as u128 * lane_bytes as u128;
    let states = u128::from(info.evaluations_per_step) + OTHER_STATES + u128::from(saved);
    // Three generators a lane: of the initial draw, of the path, and of its inner times.
    let generators = 96 * lanes as u128;
    check("samples", lanes as u64, state.saturating_mul(states).saturating_add(generators))
}

fn check(what: &'static str, count: u64, bytes: u128) -> Result<(), GenerateError> {
    if bytes <= available() {
        return Ok(());
    }
    Err(GenerateError::Memory { what, count, gigabytes: bytes as f64 / 1e9 })
}
