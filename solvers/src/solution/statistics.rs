use std::fmt;
use std::ops::AddAssign;

use super::{LaneReport, Outcome};
use crate::field::Evaluations;

/// Exact counts of a solve, rejected steps and start-up included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Calls of the vector field (of the drift, for an SDE).
    pub nfe: u64,
    /// Calls of the diffusion.
    pub diffusion_evaluations: u64,
    /// Network forward passes.
    pub network_forwards: u64,
    /// Accepted steps.
    pub accepted: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Steps accepted although their error was too large, being the smallest
    /// ([`SolveOptions::force_dtmin`](crate::SolveOptions::force_dtmin)).
    pub forced: u64,
}

impl Statistics {
    pub(crate) fn set_evaluations(&mut self, evaluations: Evaluations) {
        self.nfe = evaluations.nfe;
        self.diffusion_evaluations = evaluations.diffusion;
        self.network_forwards = evaluations.network_forwards;
    }

    /// Of a lane that shared all steps.
    pub(crate) fn report(self, t: f64, outcome: Outcome) -> LaneReport {
        let Statistics { nfe, accepted, rejected, .. } = self;
        LaneReport { t, outcome, nfe, accepted, rejected }
    }
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Self) {
        self.nfe += other.nfe;
        self.diffusion_evaluations += other.diffusion_evaluations;
        self.network_forwards += other.network_forwards;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.forced += other.forced;
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} NFE, {} steps accepted, {} rejected", self.nfe, self.accepted, self.rejected)
    }
}
