//! Steps to or from where there is no noise, `sigma = 0`, or nothing else, `alpha = 0`. One rule for
//! all methods: a step whose formula is finite is made.
//!
//! - To the data, a formula of one value of the nonlinear part is finite, and is the predicted
//!   data. Multistep methods lower their order to it, as published, unless their weights are
//!   finite as they are (polynomials in `rho` or in time); so does UniPC at its last step anyway.
//!   Methods that would look at the end of the step or between take it as published, too
//!   ([`step_to_data`]). Singlestep DPM-Solvers with inner nodes have no such step.
//! - From the data, a formula of one value of the noise is finite, and so is Heun's in `rho`.
//!   Those of the data are not: clean data does not say which way it goes.
//! - From pure noise, a formula of one value of the data is finite: `sigma_next / sigma` of the noise
//!   and `alpha_next` of the predicted data. Those of the noise are not: noise does not say what
//!   it hides. The steps after it leave that value out, as those after clean data do.

use super::{Knot, Transition};
use crate::field::FieldError;
use crate::method::{Step, StepError};
use crate::semilinear::{Level, SemilinearField, Target};
use crate::state::State;

/// Refuses a step that is not finite although the state is.
pub(crate) fn check_finite(
    start: &Knot,
    end: &Knot,
    numbers: impl IntoIterator<Item = f64>,
) -> Result<(), FieldError> {
    if numbers.into_iter().all(f64::is_finite) {
        return Ok(());
    }
    let infinite = if start.log_snr().is_infinite() { start } else { end };
    let (t, only_noise) = (infinite.t, infinite.log_snr() == f64::NEG_INFINITY);
    Err(FieldError::Domain {
        t,
        advice: format!(
            "there is {} here, where the formula of this method is not finite; start or end a \
             little away, or take one that is, such as `ddim`, or {}",
            if only_noise { "nothing but noise" } else { "no noise" },
            if only_noise { "`dpm-solver++2m`" } else { "`lms` or `edm-heun`" },
        ),
    })
}

/// Refuses a step whose formula, with one value of weight `gain h phi_k`, is not finite: only one
/// to or from where the clock is infinite.
pub(crate) fn check_transition(
    start: &Knot,
    end: &Knot,
    whole: &Transition,
    k: usize,
) -> Result<(), FieldError> {
    if !whole.is_infinite() {
        return Ok(());
    }
    check_finite(start, end, [whole.scale, whole.weight(k)])
}

/// Refuses to divide a first step that has no parts.
pub(crate) fn undivided(start: &Knot) -> FieldError {
    FieldError::Domain {
        t: start.t,
        advice: "a first step from here is of infinite length on the clock and cannot be divided; \
                 leave out start=matching, or start a little away"
            .to_owned(),
    }
}

/// Whether the step to `end` removes all noise: `sigma = 0`.
pub(crate) fn ends_in_data(end: &Level) -> bool {
    end.log_snr == f64::INFINITY
}

/// The Euler step to where there is no noise left: `x_next = alpha_next D`, the predicted data. It is
/// exact if the prediction does not change on the way, and all that methods with evaluations
/// at the end of a step can do there.
pub(crate) fn step_to_data<S: State, F: SemilinearField<S>>(
    step: Step<'_, S, F>,
    end: &Level,
) -> Result<(), StepError> {
    step.field.predict(Target::DATA, step.next, step.u, step.t.into())?;
    if end.alpha != 1.0 {
        step.next.linear_combination(end.alpha, &[])?;
    }
    Ok(())
}
