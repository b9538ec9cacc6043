//! Every target from data that was changed after it was predicted.

use driftfield_solvers::{FieldError, State};

use super::Target;
use crate::process::{GaussianPath, SharedPath, check_time};

/// `(a, b)` such that the target is `a x_0 + b x_t`, with `x_0` the changed data: the noise is
/// `eps = (x_t - alpha x_0) / sigma`, so that noise, velocity, v, score and every drift agree
/// with each other and with the state.
fn weights(path: &SharedPath, target: Target, t: f64) -> Result<(f64, f64), FieldError> {
    check_time(path, t)?;
    let (alpha, sigma) = (path.alpha(t), path.sigma(t));
    let state = if target.noise == 0.0 { 0.0 } else { target.noise / sigma };
    if state.is_finite() {
        return Ok((target.data - state * alpha, state));
    }
    Err(FieldError::Domain {
        t,
        advice: "there is no noise here that the changed data would determine; end at a \
                 slightly later time"
            .to_owned(),
    })
}

/// Writes the target that belongs to the data which `predict_data` writes.
pub(crate) fn target_from_data<S: State>(
    path: &SharedPath,
    target: Target,
    out: &mut S,
    (x, t): (&S, f64),
    predict_data: impl FnOnce(&mut S) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let (data, state) = weights(path, target, t)?;
    predict_data(out)?;
    if (data, state) == (1.0, 0.0) {
        return Ok(());
    }
    let terms = [(state, x)];
    let terms = if state == 0.0 { &terms[..0] } else { &terms[..] };
    Ok(out.linear_combination(data, terms)?)
}

/// The same with a target and a time of every lane's own.
pub(crate) fn targets_from_data<S: State>(
    path: &SharedPath,
    targets: &[Target],
    out: &mut S,
    (x, t): (&S, &[f64]),
    predict_data: impl FnOnce(&mut S) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let (data, state): (Vec<f64>, Vec<f64>) = targets
        .iter()
        .zip(t)
        .map(|(&target, &t)| weights(path, target, t))
        .collect::<Result<_, _>>()?;
    predict_data(out)?;
    Ok(out.combine_lanes(&data, &[(&state, x)])?)
}
