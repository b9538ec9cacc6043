#[cfg(doc)]
use super::State;
use super::{Scalar, StateError};

/// A container in host memory whose values are one contiguous slice, lanes one
/// after the other. Every `HostState` is a [`State`]. The values of a container of complex numbers
/// are their real and imaginary parts in turn.
///
/// ```
/// use driftfield_solvers::State;
/// let mut u = [1.0, 2.0];
/// u.linear_combination(1.0, &[(0.5, &[2.0, 4.0]), (0.25, &[4.0, 0.0])]).unwrap();
/// assert_eq!(u, [3.0, 4.0]);
/// ```
pub trait HostState: Clone + Send + Sync + 'static {
    /// The type of the values.
    type Scalar: Scalar;

    /// Number of values, for a container that always has as many.
    const LEN: Option<usize> = None;

    /// Values that make up one component: 2 for complex ones.
    const PARTS: usize = 1;

    /// Number of lanes.
    fn lane_count(&self) -> usize;

    /// The values, or `None` if they are not contiguous in standard order.
    fn values(&self) -> Option<&[Self::Scalar]>;

    /// The values for writing, or `None` as in [`HostState::values`].
    fn values_mut(&mut self) -> Option<&mut [Self::Scalar]>;

    /// Same shape, all zeros.
    fn zeros(&self) -> Self;

    /// The same with another number of lanes, if the container can have it. A container of several
    /// lanes says so here if lanes are to run at their own pace
    /// ([`ErrorNorm::EachLane`](crate::ErrorNorm::EachLane)).
    fn zeros_of_lanes(&self, lanes: usize) -> Option<Self> {
        (lanes == self.lane_count()).then(|| self.zeros())
    }

    /// Exchanges two containers laid out alike, without touching their values; `false`,
    /// and nothing done, if that cannot be.
    fn exchange(&mut self, _other: &mut Self) -> bool {
        false
    }
}

#[inline(always)]
pub(super) fn read<H: HostState>(state: &H) -> Result<&[H::Scalar], StateError> {
    state.values().ok_or(StateError::NotContiguous)
}

/// The values of `other`, refused unless shaped like a state of `lanes` lanes
/// and `len` values.
#[inline(always)]
pub(super) fn read_like<H: HostState>(
    lanes: usize,
    len: usize,
    other: &H,
) -> Result<&[H::Scalar], StateError> {
    let values = read(other)?;
    if other.lane_count() != lanes || values.len() != len {
        return Err(StateError::ShapeMismatch {
            expected_lanes: lanes,
            expected_len: len,
            found_lanes: other.lane_count(),
            found_len: values.len(),
        });
    }
    Ok(values)
}

/// The values of a state already known to have some.
#[inline(always)]
pub(super) fn checked_values<H: HostState>(state: &H) -> &[H::Scalar] {
    state.values().unwrap_or_default()
}

/// A coefficient in the precision of sums.
#[inline(always)]
pub(super) fn wide<H: HostState>(coefficient: f64) -> <H::Scalar as Scalar>::Wide {
    Scalar::from_f64(coefficient)
}
