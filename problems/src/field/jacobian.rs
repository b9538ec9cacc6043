//! Products with the Jacobians of exact fields, lane by lane.

use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};

use super::each_time::Prepared;
use crate::host::{add, each_lane};
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Targets, Times};

/// The derivative of a prediction at one target and time, the target held.
///
/// An exact field's Jacobian in the state is symmetric: products from either side are the same.
pub(super) trait Jacobian: Sync {
    /// `J(x) v`.
    fn times(&self, x: &[f64], v: &[f64]) -> Vec<f64>;

    /// The derivative in time.
    fn in_time(&self, x: &[f64]) -> Vec<f64>;
}

/// [`Predictor::pull_back`] of a field with such derivatives; `work` is the cost of a lane's
/// product.
pub(super) fn pull_back<S: HostState, J: Jacobian + Send>(
    field: &impl Predictor<S>,
    work: usize,
    jacobian: impl Fn(Target, f64) -> Result<J, FieldError>,
    (target, t): (Targets<'_>, Times<'_>),
    pull: Pullback<'_, S>,
    x: &S,
) -> Result<(), FieldError> {
    pull.without_parameters()?;
    field.predict(target, pull.value, x, t)?;
    let jacobians = Prepared::new((target, t), x, jacobian)?;
    let Pullback { value, cotangent, state, time, .. } = pull;
    let lanes = x.lane_count();
    cotangent(0..lanes, value, state)?;
    if let Some(time) = time {
        let found = time.len();
        if found != lanes {
            return Err(StateError::LaneCoefficients { lanes, found }.into());
        }
        let mut slope = x.zeros();
        each_lane(0..lanes, x, &mut slope, work, |lane, x, slope| {
            slope.copy_from_slice(&jacobians.of(lane).in_time(x));
        })?;
        let c = state.values().ok_or(StateError::NotContiguous)?;
        let slope = slope.values().ok_or(StateError::NotContiguous)?;
        let len = c.len() / lanes.max(1);
        for ((time, c), slope) in
            time.iter_mut().zip(c.chunks_exact(len)).zip(slope.chunks_exact(len))
        {
            *time = c.iter().zip(slope).map(|(c, slope)| c.into_f64() * slope.into_f64()).sum();
        }
    }
    each_lane(0..lanes, x, state, work, |lane, x, c| {
        let product = jacobians.of(lane).times(x, c);
        c.copy_from_slice(&product);
    })?;
    Ok(())
}

/// [`Predictor::push_forward`], likewise.
pub(super) fn push_forward<S: HostState, J: Jacobian + Send>(
    field: &impl Predictor<S>,
    work: usize,
    jacobian: impl Fn(Target, f64) -> Result<J, FieldError>,
    (target, t): (Targets<'_>, Times<'_>),
    push: Pushforward<'_, S>,
    x: &S,
) -> Result<(), FieldError> {
    field.predict(target, push.value, x, t)?;
    let jacobians = Prepared::new((target, t), x, jacobian)?;
    let Pushforward { direction, time, tangent, .. } = push;
    let lanes = x.lane_count();
    tangent.copy_from(direction)?;
    each_lane(0..lanes, x, tangent, work, |lane, x, v| {
        let jacobian = jacobians.of(lane);
        let mut product = jacobian.times(x, v);
        if time != 0.0 {
            add(&mut product, time, &jacobian.in_time(x));
        }
        v.copy_from_slice(&product);
    })?;
    Ok(())
}
