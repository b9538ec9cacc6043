//! Every target from data that was changed after it was predicted.

use driftfield_solvers::FieldError;
use driftfield_solvers::field::ByLane;

use super::{Target, Targets, Times};
use crate::process::{GaussianPath, SharedPath, check_time};

/// Weights of the state and of the data, by lane.
pub(crate) type Weights<'r> = (ByLane<'r, f64>, ByLane<'r, f64>);

/// `(a, b)` such that the target is `a x_t + b x_0`, with `x_0` the changed data: the noise is
/// `eps = (x_t - alpha x_0) / sigma`, so that noise, velocity, v, score and every drift agree
/// with each other and with the state.
fn weights(path: &SharedPath, target: Target, t: f64) -> Result<(f64, f64), FieldError> {
    check_time(path, t)?;
    let (alpha, sigma) = (path.alpha(t), path.sigma(t));
    let state = if target.noise == 0.0 { 0.0 } else { target.noise / sigma };
    if state.is_finite() {
        return Ok((state, target.data - state * alpha));
    }
    Err(FieldError::Domain {
        t,
        advice: "there is no noise here that the changed data would determine; end at a \
                 slightly later time"
            .to_owned(),
    })
}

/// The weights with which targets are made of the state and of changed data.
pub(crate) fn weights_from_data<'r>(
    path: &SharedPath,
    target: Targets<'_>,
    t: Times<'_>,
    room: &'r mut (Vec<f64>, Vec<f64>),
) -> Result<Weights<'r>, FieldError> {
    by_lane(target, t, room, |target, t| weights(path, target, t))
}

/// What `weights` says of every lane's target and time, worked out once if they share both.
pub(super) fn by_lane<'r>(
    target: Targets<'_>,
    t: Times<'_>,
    (of_state, of_value): &'r mut (Vec<f64>, Vec<f64>),
    weights: impl Fn(Target, f64) -> Result<(f64, f64), FieldError>,
) -> Result<Weights<'r>, FieldError> {
    let lanes = match (target, t) {
        (ByLane::One(target), ByLane::One(t)) => {
            let (a, b) = weights(target, t)?;
            return Ok((ByLane::One(a), ByLane::One(b)));
        }
        (ByLane::Each(targets), _) => targets.len(),
        (_, ByLane::Each(times)) => times.len(),
    };
    of_state.clear();
    of_value.clear();
    for lane in 0..lanes {
        let (a, b) = weights(target.of(lane), t.of(lane))?;
        of_state.push(a);
        of_value.push(b);
    }
    Ok((ByLane::Each(of_state), ByLane::Each(of_value)))
}
