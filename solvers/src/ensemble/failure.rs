use std::fmt;

use super::Lanes;
use crate::solution::Outcome;
use crate::solve::SolveError;

/// Lanes that are not in the statistics, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// One lane, or a chunk whose lanes failed together.
    pub lanes: Lanes,
    /// What happened.
    pub cause: FailureCause,
}

/// Why lanes are not in the statistics.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FailureCause {
    /// The problem could not be made, or its solve not start. A lane whose initial
    /// state is not finite is numbered as in the whole ensemble.
    NotStarted(SolveError),
    /// The solve ended early. A lane is numbered as in the whole ensemble.
    Ended(Outcome),
    /// A state has another number of lanes than it should have.
    LaneCount {
        /// Lanes of the chunk.
        expected: usize,
        /// Lanes of the state.
        found: usize,
    },
    /// The function observed is NaN.
    ObservedNan {
        /// Which of its numbers.
        index: usize,
    },
}

impl FailureCause {
    /// Whether it may be one lane's fault that all of a chunk failed.
    pub(super) fn depends_on_lanes(&self) -> bool {
        match self {
            FailureCause::Ended(outcome) => {
                !matches!(outcome, Outcome::BudgetSpent { .. } | Outcome::Stopped { .. })
            }
            FailureCause::NotStarted(_) => true,
            FailureCause::LaneCount { .. } | FailureCause::ObservedNan { .. } => false,
        }
    }

    /// Why the solve of a chunk did not start, its lane numbered as in the whole
    /// ensemble.
    pub(super) fn not_started(error: SolveError, lanes: Lanes) -> Self {
        FailureCause::NotStarted(match error {
            SolveError::NonFiniteInitial { lane } => {
                SolveError::NonFiniteInitial { lane: lane + lanes.first as usize }
            }
            other => other,
        })
    }

    /// The outcome of a chunk, its lane numbered as in the whole ensemble.
    pub(super) fn ended(outcome: Outcome, lanes: Lanes) -> Self {
        FailureCause::Ended(outcome.from_lane(lanes.first as usize))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lanes { first, count } = self.lanes;
        match count {
            1 => write!(f, "lane {first}: "),
            _ => write!(f, "lanes {first} to {}: ", first + (count as u64 - 1)),
        }?;
        match &self.cause {
            FailureCause::NotStarted(error) => write!(f, "{error}"),
            FailureCause::Ended(outcome) => write!(f, "{outcome}"),
            FailureCause::LaneCount { expected, found } => write!(
                f,
                "a state has {found} lane(s) where the chunk has {expected}; make the problem with as many lanes as asked for, and where a state holds one lane (a number, an array of components) solve with `chunk(1)`"
            ),
            FailureCause::ObservedNan { index } => {
                write!(f, "number {index} of the function observed is NaN")
            }
        }
    }
}
