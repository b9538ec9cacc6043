//! Step control: which step comes next, and whether it is accepted.

mod adaptive;
mod grid;
mod grid_times;
mod initial_step;
mod inverse_root;
mod pid;

pub use adaptive::{Adaptive, ErrorNorm, LaneNorm};
pub(crate) use adaptive::{AdaptiveError, NormScratch};
pub use grid::Grid;
pub use grid_times::GridTimes;
pub(crate) use initial_step::{initial_step, length_of_first_step, length_of_probe};
pub use pid::{ErrorHistory, PidController, Verdict};

use crate::number::Number;

/// Why a grid or a setting of the step control is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A fixed grid of no steps.
    #[error("a fixed grid needs at least one step; give `steps >= 1`")]
    NoSteps,
    /// A step length that is zero, negative or not finite.
    #[error(
        "dt = {value} is not a positive finite step length; its sign follows the span, so give |dt|",
        value = Number(*.0)
    )]
    StepLength(f64),
    /// Steps so small that times next to each other are the same number, or so many that their
    /// list does not fit into memory.
    #[error(
        "steps of {dt} make {steps:.3e} of them over the span, more than its times can tell apart or a list can hold; take larger steps",
        dt = Number(*dt)
    )]
    TooManySteps {
        /// The length asked for.
        dt: f64,
        /// Steps it would take.
        steps: f64,
    },
    /// Explicit times that do not run strictly from start to end of the span.
    #[error(
        "explicit times must run strictly monotonically from t0 = {t0} to t1 = {t1}; entry {index} is {value}",
        value = Number(*value), t0 = Number(*t0), t1 = Number(*t1)
    )]
    Times {
        /// First offending entry.
        index: usize,
        /// Its value.
        value: f64,
        /// Start of the span.
        t0: f64,
        /// End of the span.
        t1: f64,
    },
    /// A tolerance that is negative, NaN or infinite, or both tolerances zero.
    #[error(
        "{name} = {value} is not usable; tolerances are finite and >= 0, and abstol and reltol not both 0",
        value = Number(*value)
    )]
    Tolerance {
        /// `abstol` or `reltol`.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// A setting of the controller outside its range.
    #[error("{name} = {value} is out of range: {range}", value = Number(*value))]
    Setting {
        /// Which setting.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What is accepted.
        range: &'static str,
    },
    /// A first step that leads beyond the end.
    #[error(
        "initial_step = {length} is longer than the span, {span} on the method's clock; give a shorter one, or none",
        length = Number(*length), span = Number(*span)
    )]
    InitialStep {
        /// Length asked for.
        length: f64,
        /// Length of the span.
        span: f64,
    },
    /// A setting of adaptive steps with a fixed grid.
    #[error(
        "`{name}` is a setting of adaptive steps, and these are fixed; take `SolveOptions::adaptive`, or leave it out"
    )]
    AdaptiveOnly {
        /// The setting.
        name: &'static str,
    },
    /// A time to land on that the solve does not pass.
    #[error("cannot land on t = {}: it does not lie within the span", Number(*.0))]
    Stop(f64),
    /// Adaptive steps with a method that estimates no error.
    #[error(
        "method `{method}` has no error estimate; use a fixed grid, or an embedded pair such as tsit5"
    )]
    NotAdaptive {
        /// The method.
        method: &'static str,
    },
}

/// How the steps of a solve are chosen.
#[derive(Debug, Clone)]
pub enum StepControl {
    /// A grid fixed in advance.
    Fixed(Grid),
    /// Steps that follow the estimated error.
    Adaptive(Adaptive),
}
