use crate::method::{Step, StepError};
use crate::semilinear::{NonlinearPart, Schedule, SemilinearField};
use crate::state::State;

/// Whether the step to `end` removes all noise: `sigma = 0`.
pub(super) fn ends_in_data(end: &Schedule) -> bool {
    end.log_snr == f64::INFINITY
}

/// The Euler step to where there is no noise left: `u_next = alpha D`, the predicted data. It is
/// exact if the prediction does not change on the way, and all that methods with evaluations
/// at the end of a step can do there.
pub(super) fn step_to_data<S: State, F: SemilinearField<S>>(
    step: Step<'_, S, F>,
    end: &Schedule,
) -> Result<(), StepError> {
    step.field.predict(NonlinearPart::Data, step.next, step.u, step.t)?;
    if end.alpha != 1.0 {
        step.next.linear_combination(end.alpha, &[])?;
    }
    Ok(())
}
