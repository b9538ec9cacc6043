use driftfield_solvers::FieldError;
use driftfield_solvers::number::Number;

use crate::predictor::Target;
use crate::process::{GaussianPath, SharedPath, check_time};

/// `alpha` and `sigma` at a time, refused where the path or the target does not exist.
pub(super) fn level(path: &SharedPath, target: Target, t: f64) -> Result<(f64, f64), FieldError> {
    check_time(path, t)?;
    check_target(target, t)?;
    Ok((path.alpha(t), path.sigma(t)))
}

/// Refuses coefficients that are not finite: the quantity does not exist here.
fn check_target(target: Target, t: f64) -> Result<(), FieldError> {
    if target.is_finite() {
        return Ok(());
    }
    Err(FieldError::Domain {
        t,
        advice: format!(
            "the quantity asked for, {} E[x_0] + {} E[eps], is not finite; use a time strictly \
             inside the path's domain",
            Number(target.data),
            Number(target.noise)
        ),
    })
}
