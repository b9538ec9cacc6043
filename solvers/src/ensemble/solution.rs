use super::Failure;
use crate::solution::Statistics;

/// What an ensemble returns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EnsembleSolution<A> {
    /// The statistics, over the lanes that did not fail.
    pub statistics: A,
    /// Counts added up over all solves made, of failed chunks too: an evaluation
    /// is a call for a whole chunk.
    pub evaluations: Statistics,
    /// NFE added up over the lanes that are in the statistics: on a fixed grid
    /// the same for any chunk size.
    pub lane_nfe: u64,
    /// Lanes that are in the statistics.
    pub succeeded: u64,
    /// Lanes that are not.
    pub failed: u64,
    /// The failures in the order of the lanes; the first
    /// [`LISTED_FAILURES`](super::LISTED_FAILURES) of them.
    pub failures: Vec<Failure>,
}

impl<A> EnsembleSolution<A> {
    /// Whether every lane is in the statistics.
    pub fn is_success(&self) -> bool {
        self.failed == 0
    }
}
