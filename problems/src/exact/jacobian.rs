//! Products with the Jacobians of exact fields, lane by lane.

use driftfield_solvers::{FieldError, HostState, State, StateError};

use super::each_time::Prepared;
use crate::host::{add, each_lane, wide};
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Targets, Times, check_process};
use crate::process::{GaussianPath, Parameter, SharedPath};

/// The derivative of a prediction at one target and time, the target held.
///
/// An exact field's Jacobian in the state is symmetric: products from either side are the same.
pub(super) trait Jacobian: Sync {
    /// `J(x) v`.
    fn times(&self, x: &[f64], v: &[f64]) -> Vec<f64>;

    /// The change of the prediction as the level of noise moves so.
    fn along(&self, x: &[f64], rate: &LevelRate) -> Vec<f64>;

    /// Adds `(dy/dp)^T c` of a lane, for the parameters `p` of what is predicted.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] if there are none.
    fn add_parameters(&self, _x: &[f64], _c: &[f64], _to: &mut [f64]) -> Result<(), FieldError> {
        Err(FieldError::Refused("products in parameters: it has none".to_owned()))
    }
}

/// How `alpha` and `sigma` move with a time or with a parameter of the process.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelRate {
    pub alpha: f64,
    /// Infinite where `sigma` starts like a root; `variance` is not.
    pub sigma: f64,
    /// Of `sigma^2`.
    pub variance: f64,
}

impl LevelRate {
    fn in_time(path: &SharedPath, t: f64) -> Self {
        LevelRate {
            alpha: path.alpha_derivative(t),
            sigma: path.sigma_derivative(t),
            variance: path.sigma_squared_derivative(t),
        }
    }

    fn in_parameter(parameter: &Parameter, t: f64) -> Self {
        LevelRate {
            alpha: parameter.slope(|path| path.alpha(t)),
            sigma: parameter.slope(|path| path.sigma(t)),
            variance: parameter.slope(|path| path.sigma(t).powi(2)),
        }
    }
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
    pull.inputs.without_conditioning()?;
    let path = field.path();
    check_process(path, pull.inputs.process.as_deref())?;
    field.predict(target, pull.value, x, t)?;
    let jacobians = Prepared::new((target, t), x, jacobian)?;
    let Pullback { value, cotangent, state, time, inputs } = pull;
    let lanes = x.lane_count();
    cotangent(0..lanes, value, state)?;
    let along = |rate: &dyn Fn(f64) -> LevelRate| -> Result<Vec<f64>, FieldError> {
        let (mut slope, mut room) = (x.zeros(), Vec::new());
        let rates = t.map(&mut room, |t| Ok(rate(t)))?;
        each_lane(0..lanes, x, &mut slope, work, |lane, x, slope| {
            slope.copy_from_slice(&jacobians.of(lane).along(x, &rates.of(lane)));
        })?;
        Ok(state.dot_lanes(&slope)?)
    };
    if let Some(time) = time {
        let found = time.len();
        if found != lanes {
            return Err(StateError::LaneCoefficients { lanes, found }.into());
        }
        time.copy_from_slice(&along(&|t| LevelRate::in_time(path, t))?);
    }
    if let Some(sums) = inputs.process {
        for (sum, parameter) in sums.iter_mut().zip(Parameter::all(path)?) {
            let slopes = along(&|t| LevelRate::in_parameter(&parameter, t))?;
            *sum += slopes.into_iter().sum::<f64>();
        }
    }
    if let Some(sums) = inputs.parameters {
        let (rows, c) = (wide(x)?, wide(state)?);
        let len = x.lane_len();
        for (lane, (x, c)) in rows.chunks_exact(len).zip(c.chunks_exact(len)).enumerate() {
            jacobians.of(lane).add_parameters(x, c, sums)?;
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
    let mut room = Vec::new();
    let rates = match time {
        Times::One(0.0) => None,
        _ => Some(t.map(&mut room, |t| Ok(LevelRate::in_time(field.path(), t)))?),
    };
    each_lane(0..lanes, x, tangent, work, |lane, x, v| {
        let jacobian = jacobians.of(lane);
        let mut product = jacobian.times(x, v);
        if let Some(rates) = rates.filter(|_| time.of(lane) != 0.0) {
            add(&mut product, time.of(lane), &jacobian.along(x, &rates.of(lane)));
        }
        v.copy_from_slice(&product);
    })?;
    Ok(())
}
