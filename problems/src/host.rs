//! The values of host states.

use driftfield_solvers::{HostState, StateError};

/// The values of `out` for writing, refused unless it is shaped like a state of `lanes` lanes and
/// `len` values.
pub fn values_like<H: HostState>(
    out: &mut H,
    lanes: usize,
    len: usize,
) -> Result<&mut [H::Scalar], StateError> {
    let found_lanes = out.lane_count();
    let out = out.values_mut().ok_or(StateError::NotContiguous)?;
    if out.len() == len && found_lanes == lanes {
        return Ok(out);
    }
    Err(StateError::ShapeMismatch {
        expected_lanes: lanes,
        expected_len: len,
        found_lanes,
        found_len: out.len(),
    })
}
