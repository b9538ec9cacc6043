use crate::control::{AdaptiveError, ControlError};
use crate::method::StepError;
use crate::noise::NoiseError;
use crate::number::Number;
use crate::solution::{Outcome, Statistics};
use crate::state::StateError;

/// Why a solve could not start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// A span whose ends are not finite. Its end may be infinite where adaptive steps are ended by
    /// something else.
    #[error(
        "the span from t0 = {first} to t1 = {second} is not finite; give two finite times, or for an infinite t1 adaptive steps (`SolveOptions::adaptive`) and what ends them: a terminating event or a steady state",
        first = Number(*.0), second = Number(*.1)
    )]
    Span(f64, f64),
    /// An initial state without a single value.
    #[error("the initial state is empty; give at least one lane of at least one component")]
    EmptyState,
    /// An initial state that holds NaN or infinity.
    #[error(
        "the initial state is NaN or infinite in lane {lane}; give finite values, or drop that lane"
    )]
    NonFiniteInitial {
        /// First lane affected.
        lane: usize,
    },
    /// The step control cannot be used.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A state operation failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The Brownian path given cannot serve the method.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// A time to save at that the solve does not pass.
    #[error(
        "cannot save at t = {t}: it lies outside the span from {t0} to {t1}",
        t = Number(*t), t0 = Number(*t0), t1 = Number(*t1)
    )]
    SaveTime {
        /// Time asked for.
        t: f64,
        /// Start of the span.
        t0: f64,
        /// End of the span.
        t1: f64,
    },
    /// A history given to a method that does not look back.
    #[error("method `{method}` does not look back at earlier states; leave out the history")]
    NoHistory {
        /// The method.
        method: &'static str,
    },
    /// Fewer states than the order needs.
    #[error(
        "a step of `{method}` at its full order looks back at {needed} earlier state(s), and {given} were given; give {needed}, or take a method of lower order"
    )]
    ShortHistory {
        /// The method.
        method: &'static str,
        /// States it looks back at.
        needed: u32,
        /// States given.
        given: usize,
    },
    /// Times of a history that do not run towards the start.
    #[error(
        "the times of a history run strictly monotonically towards the start t0 = {t0}, from the side the solve comes from; entry {index} is {value}",
        value = Number(*value), t0 = Number(*t0)
    )]
    HistoryTimes {
        /// First offending entry.
        index: usize,
        /// Its value.
        value: f64,
        /// Start of the span.
        t0: f64,
    },
    /// Interpolation asked of a method that has none.
    #[error(
        "method `{method}` has no continuous extension, which {purpose} needs; put those times on the grid with `SolveOptions::times`"
    )]
    NoInterpolant {
        /// The method.
        method: &'static str,
        /// What asked for it.
        purpose: &'static str,
    },
    /// Something that lanes with steps of their own do not have.
    #[error(
        "lanes with steps of their own have no step in common, and {what} takes one step for all; leave out `ErrorNorm::EachLane`, or save at given times, watch single lanes, take an embedded Runge-Kutta or DPM-Solver pair"
    )]
    OneStepForAll {
        /// What asked for it.
        what: &'static str,
    },
    /// An event of single lanes that changes the state.
    #[error(
        "event {event} watches single lanes and changes the state; leave out `per_lane` and let the effect change the lanes that crossed, or leave out `affecting` and change lanes in an observer with `AcceptedStep::u_mut`"
    )]
    LaneEffect {
        /// Which event, in the order they were given.
        event: usize,
    },
    /// An error before the first step was made: there is no solution, not a part of one.
    #[error("no step was made: {outcome}")]
    NoStep {
        /// How the solve ended.
        outcome: Box<Outcome>,
        /// What was evaluated all the same.
        statistics: Statistics,
        /// The error of the field, the noise or the state, if it was one.
        #[source]
        source: Option<StepError>,
    },
}

impl SolveError {
    /// What is wrong with a solve that ended so, if an error came before its first step.
    pub fn no_step(outcome: &Outcome, statistics: Statistics) -> Option<Self> {
        let made_none = statistics.accepted == 0 && outcome.is_error();
        made_none.then(|| SolveError::NoStep {
            outcome: Box::new(outcome.clone()),
            statistics,
            source: outcome.error().cloned(),
        })
    }

    /// How the solve ended that made no step, if that is what is wrong.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            SolveError::NoStep { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

impl From<AdaptiveError> for SolveError {
    fn from(error: AdaptiveError) -> Self {
        match error {
            AdaptiveError::Control(error) => SolveError::Control(error),
            AdaptiveError::State(error) => SolveError::State(error),
        }
    }
}
