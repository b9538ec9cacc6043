//! Lanes of host containers one by one.

use num_traits::Zero;

use super::host::{checked_values, read, read_like, wide};
use super::sums::add_multiple;
use super::{HostState, Scalar, StateError};

fn lane_of<T>(values: &[T], lane: usize, lanes: usize) -> Result<&[T], StateError> {
    let len = values.len() / lanes.max(1);
    values.get(lane * len..(lane + 1) * len).ok_or(StateError::NoSuchLane { lane, lanes })
}

/// See [`State::select_lanes`](super::State::select_lanes).
pub(super) fn select<H: HostState>(state: &H, lanes: &[usize]) -> Result<H, StateError> {
    let mut selected = state.zeros_of_lanes(lanes.len()).ok_or(StateError::LanesInseparable)?;
    assign(&mut selected, state, lanes.iter().copied().enumerate())?;
    Ok(selected)
}

/// See [`State::assign_lanes`](super::State::assign_lanes). The states may differ in the
/// number of lanes, not in their length.
pub(super) fn assign<H: HostState>(
    state: &mut H,
    other: &H,
    pairs: impl Iterator<Item = (usize, usize)>,
) -> Result<(), StateError> {
    let (lanes, other_lanes) = (state.lane_count(), other.lane_count());
    let out = state.values_mut().ok_or(StateError::NotContiguous)?;
    let values = read(other)?;
    if out.len() * other_lanes != values.len() * lanes {
        return Err(StateError::ShapeMismatch {
            expected_lanes: lanes,
            expected_len: out.len(),
            found_lanes: other_lanes,
            found_len: values.len(),
        });
    }
    let len = out.len() / lanes.max(1);
    for (to, from) in pairs {
        let no_such = StateError::NoSuchLane { lane: to, lanes };
        let out = out.get_mut(to * len..(to + 1) * len).ok_or(no_such)?;
        out.copy_from_slice(lane_of(values, from, other_lanes)?);
    }
    Ok(())
}

/// See [`State::dot_lanes`](super::State::dot_lanes).
pub(super) fn dot<H: HostState>(a: &H, b: &H) -> Result<Vec<f64>, StateError> {
    let (lanes, a) = (a.lane_count(), read(a)?);
    let b = read_like(lanes, a.len(), b)?;
    let len = a.len() / lanes.max(1);
    let lane = |lane: usize| {
        let range = lane * len..(lane + 1) * len;
        let parts = a[range.clone()].iter().zip(&b[range]);
        parts.map(|(a, b)| a.into_f64() * b.into_f64()).sum()
    };
    Ok((0..lanes).map(lane).collect())
}

/// See [`State::combine_lanes`](super::State::combine_lanes).
pub(super) fn combine<H: HostState>(
    state: &mut H,
    own: &[f64],
    terms: &[(&[f64], &H)],
) -> Result<(), StateError> {
    let lanes = state.lane_count();
    for coefficients in terms.iter().map(|(coefficients, _)| *coefficients).chain([own]) {
        if coefficients.len() != lanes {
            return Err(StateError::LaneCoefficients { lanes, found: coefficients.len() });
        }
    }
    let out = state.values_mut().ok_or(StateError::NotContiguous)?;
    let total = out.len();
    for (_, term) in terms {
        read_like(lanes, total, *term)?;
    }
    let len = (total / lanes.max(1)).max(1);
    Scalar::in_wide(out, |sums| {
        for (sums, &own) in sums.chunks_exact_mut(len).zip(own) {
            if own == 0.0 {
                sums.fill(Zero::zero());
            } else if own != 1.0 {
                let own = wide::<H>(own);
                sums.iter_mut().for_each(|sum| *sum = own * *sum);
            }
        }
        for &(coefficients, term) in terms {
            let values = checked_values(term).chunks_exact(len);
            for ((sums, &c), values) in sums.chunks_exact_mut(len).zip(coefficients).zip(values) {
                // A coefficient of zero leaves out what may not be finite.
                if c != 0.0 {
                    add_multiple(sums, wide::<H>(c), values);
                }
            }
        }
    });
    Ok(())
}
