use super::Spacing;
use crate::process::PathError;
use driftfield_solvers::number::Number;

/// Why times could not be placed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpacingError {
    /// An end cannot be used.
    #[error(transparent)]
    End(#[from] PathError),
    /// No step, or ends that coincide.
    #[error(
        "{steps} step(s) from t = {start} to {end}: take at least one step, and two different ends",
        start = Number(*start), end = Number(*end)
    )]
    Empty {
        /// Number of steps.
        steps: usize,
        /// First time.
        start: f64,
        /// Last time.
        end: f64,
    },
    /// More times than memory holds.
    #[error("the times of {steps} steps do not fit in memory; take fewer steps")]
    Memory {
        /// Number of steps.
        steps: usize,
    },
    /// Two times that are the same number.
    #[error(
        "{steps} steps of `{spacing}` from t = {start} to {end} are too fine to tell apart at t = {t}; take fewer steps",
        start = Number(*start), end = Number(*end), t = Number(*t)
    )]
    TooFine {
        /// The spacing.
        spacing: Spacing,
        /// Number of steps.
        steps: usize,
        /// First time.
        start: f64,
        /// Last time.
        end: f64,
        /// Where neighbours coincide.
        t: f64,
    },
    /// A parameter that is not positive.
    #[error(
        "`{spacing}`: {key} must be positive and finite, {usual} as a rule",
        usual = Number(*usual)
    )]
    Parameter {
        /// The spacing.
        spacing: Spacing,
        /// The parameter.
        key: &'static str,
        /// The usual value.
        usual: f64,
    },
    /// Times that do not run one way.
    #[error(
        "explicit times must rise or fall strictly; entry {index} is {value}",
        value = Number(*value)
    )]
    Order {
        /// First offending entry.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A list of another length.
    #[error("{times} explicit time(s) make {} step(s), not {steps}", times.saturating_sub(1))]
    Length {
        /// Times given.
        times: usize,
        /// Steps asked for.
        steps: usize,
    },
    /// Ends other than the spacing's own.
    #[error(
        "`{spacing}` has its own ends, t = {first} and {last}, and cannot run from {start} to {end}; leave them out",
        first = Number(*first), last = Number(*last), start = Number(*start), end = Number(*end)
    )]
    OwnEnds {
        /// The spacing.
        spacing: Spacing,
        /// Its first time.
        first: f64,
        /// Its last time.
        last: f64,
        /// Start asked for.
        start: f64,
        /// End asked for.
        end: f64,
    },
    /// Timesteps on a path that has none.
    #[error("`{process}` has no timesteps for `{spacing}`; take a `ddpm` process, or `uniform`")]
    NoTimesteps {
        /// The spacing.
        spacing: Spacing,
        /// The path's name.
        process: &'static str,
    },
    /// More timesteps than the model has.
    #[error(
        "`{spacing}` with {steps} step(s) needs timestep {needed} of a model that has {timesteps}, 0 to {}; take fewer steps or a smaller offset", timesteps - 1
    )]
    TooManyTimesteps {
        /// The spacing.
        spacing: Spacing,
        /// Number of steps.
        steps: usize,
        /// The largest timestep asked for.
        needed: usize,
        /// Timesteps of the model.
        timesteps: usize,
    },
}
