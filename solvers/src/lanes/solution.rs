use crate::solution::{Outcome, Statistics};

/// How one lane fared.
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

/// What [`solve_lanes`](super::solve_lanes) returns, complete or partial.
#[derive(Debug, Clone)]
pub struct LaneSolution<S> {
    /// Every lane at the time it reached: the end of the span, if its outcome is
    /// [`Outcome::Success`].
    pub u: S,
    /// One report per lane.
    pub lanes: Vec<LaneReport>,
    /// Times asked for, in the order of integration.
    pub t_saved: Vec<f64>,
    /// States at those times; NaN in lanes that ended before.
    pub saved: Vec<S>,
    /// Calls of the field, each of which served all lanes that were still on their way.
    pub calls: u64,
    /// Network forward passes, as many per call as the field says.
    pub network_forwards: u64,
}

impl<S> LaneSolution<S> {
    /// Evaluations summed over lanes: rows that went through the field. One shared step would
    /// have cost the number of lanes times its NFE.
    pub fn lane_evaluations(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.nfe).sum()
    }

    /// [`Outcome::Success`], or the first other outcome of a lane.
    pub fn outcome(&self) -> Outcome {
        let other = self.lanes.iter().find(|lane| !lane.outcome.is_success());
        other.map_or(Outcome::Success, |lane| lane.outcome.clone())
    }

    /// Calls of the field, network forwards, and the steps of all lanes together.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            nfe: self.calls,
            network_forwards: self.network_forwards,
            accepted: self.lanes.iter().map(|lane| lane.accepted).sum(),
            rejected: self.lanes.iter().map(|lane| lane.rejected).sum(),
            ..Statistics::default()
        }
    }
}
