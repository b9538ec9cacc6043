use std::fmt;

use crate::method::StepError;
use crate::number::Number;

/// How a solve ended. Only [`Outcome::Success`], [`Outcome::Terminated`] and [`Outcome::Steady`]
/// mean that the solution is what was asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The end of the span was reached.
    Success,
    /// A terminating event occurred.
    Terminated {
        /// Which event.
        event: usize,
        /// When.
        t: f64,
    },
    /// The state moves no faster than
    /// [`SolveOptions::steady_state`](crate::SolveOptions::steady_state) asks for.
    Steady {
        /// When.
        t: f64,
    },
    /// The largest number of attempted steps was made.
    MaxSteps {
        /// Time reached.
        t: f64,
        /// Steps attempted.
        steps: u64,
    },
    /// The tolerance asked for a step below the smallest one.
    StepTooSmall {
        /// Time reached.
        t: f64,
        /// Step asked for: its length on the method's [clock](crate::method::Method::clock), its
        /// sign that of the direction of integration.
        h: f64,
    },
    /// The field or the state became NaN or infinite.
    NonFinite {
        /// Start of the step that could not be made.
        t: f64,
        /// First lane affected.
        lane: usize,
    },
    /// An event function returned NaN.
    EventNan {
        /// Where this was seen, in the last step of the solution.
        t: f64,
        /// Which event.
        event: usize,
        /// The lane to blame, where it can be known: an event is a function of the whole state,
        /// so this is the only lane, or the first whose state on the continuous extension is
        /// not finite.
        lane: Option<usize>,
    },
    /// The budget of function evaluations is spent.
    BudgetSpent {
        /// Time reached.
        t: f64,
        /// Evaluations made.
        nfe: u64,
        /// Evaluations allowed.
        budget: u64,
    },
    /// The field, the noise or a state operation failed.
    Failed {
        /// Start of the step that failed.
        t: f64,
        /// The error.
        error: StepError,
    },
    /// An observer stopped the solve.
    Stopped {
        /// Time reached.
        t: f64,
        /// The observer's reason.
        reason: String,
    },
}

impl Outcome {
    /// Whether the solution is what was asked for.
    pub fn is_success(&self) -> bool {
        matches!(self, Outcome::Success | Outcome::Terminated { .. } | Outcome::Steady { .. })
    }

    /// The error of the step that [failed](Outcome::Failed), if one did.
    pub fn error(&self) -> Option<&StepError> {
        match self {
            Outcome::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether an error ended the solve: of the field or another part of it, or a value that is
    /// none.
    pub fn is_error(&self) -> bool {
        matches!(
            self,
            Outcome::Failed { .. }
                | Outcome::NonFinite { .. }
                | Outcome::EventNan { .. }
                | Outcome::StepTooSmall { .. }
        )
    }

    /// The same of lanes that are part of a batch, of which they are the `first` and later ones.
    #[must_use]
    pub fn from_lane(mut self, first: usize) -> Self {
        match &mut self {
            Outcome::NonFinite { lane, .. } | Outcome::EventNan { lane: Some(lane), .. } => {
                *lane += first;
            }
            _ => {}
        }
        self
    }

    /// A short name for tables and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Terminated { .. } => "terminated",
            Outcome::Steady { .. } => "steady",
            Outcome::MaxSteps { .. } => "max_steps",
            Outcome::StepTooSmall { .. } => "step_too_small",
            Outcome::NonFinite { .. } => "non_finite",
            Outcome::EventNan { .. } => "event_nan",
            Outcome::BudgetSpent { .. } => "budget_spent",
            Outcome::Failed { .. } => "failed",
            Outcome::Stopped { .. } => "stopped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Outcome::Success => write!(f, "reached the end of the span"),
            Outcome::Terminated { event, t } => {
                write!(f, "event {event} ended the solve at t = {}", Number(t))
            }
            Outcome::Steady { t } => write!(f, "the state is steady at t = {}", Number(t)),
            Outcome::MaxSteps { t, steps } => write!(
                f,
                "stopped at t = {} after {steps} attempted steps; raise max_steps, or take larger steps (for adaptive ones, relax the tolerances)",
                Number(t)
            ),
            Outcome::StepTooSmall { t, h } => write!(
                f,
                "at t = {} the tolerances ask for a step of {h:e}, below the smallest allowed; relax them, lower dtmin, or look for a singularity or stiffness of the field there",
                Number(t)
            ),
            Outcome::NonFinite { t, lane } => write!(
                f,
                "the state became NaN or infinite in the step from t = {}, first in lane {lane}; check the field there, or take smaller steps",
                Number(t)
            ),
            Outcome::EventNan { t, event, lane } => {
                write!(f, "the function of event {event} is NaN at t = {}", Number(t))?;
                if let Some(lane) = lane {
                    write!(f, ", in lane {lane}")?;
                }
                write!(f, "; make it a number wherever the solution may pass")
            }
            Outcome::BudgetSpent { t, nfe, budget } => write!(
                f,
                "the budget of {budget} function evaluations allows no further step at t = {}, after {nfe}; raise it, or relax the tolerances",
                Number(t)
            ),
            Outcome::Failed { t, ref error } => {
                write!(f, "the step from t = {} failed: {error}", Number(t))
            }
            Outcome::Stopped { t, ref reason } => {
                write!(f, "an observer stopped the solve at t = {}: {reason}", Number(t))
            }
        }
    }
}
