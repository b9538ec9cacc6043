//! Generation with steps of every lane's own.

use driftfield_solvers::LaneReport;
use driftfield_solvers::method::MethodInfo;

use super::GenerateError;
use super::plan::Plan;

/// Function evaluations that served each lane, and how many lanes did not arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneEvaluations {
    /// Fewest of any lane.
    pub least: u64,
    /// Most of any lane.
    pub most: u64,
    /// Of all lanes together.
    pub total: u64,
    /// Lanes that ended before the end of the span.
    pub unfinished: u64,
}

impl LaneEvaluations {
    pub(super) fn of(lanes: &[LaneReport]) -> LaneEvaluations {
        let none = LaneEvaluations { least: u64::MAX, most: 0, total: 0, unfinished: 0 };
        lanes.iter().fold(none, |all, lane| {
            let unfinished = u64::from(!lane.outcome.is_success());
            let LaneReport { nfe, .. } = *lane;
            all.with(LaneEvaluations { least: nfe, most: nfe, total: nfe, unfinished })
        })
    }

    /// One more evaluation of all of them.
    pub(super) fn one_more_each(&mut self, lanes: usize) {
        self.least += 1;
        self.most += 1;
        self.total += lanes as u64;
    }

    /// Those of more lanes.
    pub(super) fn with(self, other: LaneEvaluations) -> LaneEvaluations {
        LaneEvaluations {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            total: self.total + other.total,
            unfinished: self.unfinished + other.unfinished,
        }
    }
}

/// Refuses a method or steps that lanes cannot have for themselves.
pub(super) fn check(info: &MethodInfo, plan: &Plan) -> Result<(), GenerateError> {
    if plan.steps().is_some() {
        return Err(GenerateError::FixedPerLane);
    }
    match info.lane_steps && info.adaptive() {
        true => Ok(()),
        false => Err(GenerateError::NotPerLane(info.name)),
    }
}
