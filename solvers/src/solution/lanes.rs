use super::Outcome;

/// How one lane fared, where lanes had steps or ends of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneReport {
    /// Time reached.
    pub t: f64,
    /// How the lane ended.
    pub outcome: Outcome,
    /// Function evaluations that served the lane.
    pub nfe: u64,
    /// Accepted steps.
    pub accepted: u64,
    /// Rejected steps.
    pub rejected: u64,
}
