//! Generation with steps of every lane's own.

use driftfield_problems::flow::PathField;
use driftfield_solvers::lanes::{LaneReport, Paced};
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{Method, MethodInfo};
use driftfield_solvers::{OdeProblem, Scalar, Solution, solve_lanes};
use ndarray::ArrayD;

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
    fn of(lanes: &[LaneReport]) -> LaneEvaluations {
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
    plan.lane_options()?;
    let methods = runge_kutta_methods::<[f64; 2], Paced<[f64; 2], PathField<[f64; 2]>>>();
    let adaptive = |method: &_| {
        let own = Method::info(method);
        own.name == info.name && own.adaptive()
    };
    methods.iter().any(adaptive).then_some(()).ok_or(GenerateError::NotPerLane(info.name))
}

/// Solves every lane at its own pace; the solution holds the states the lanes reached.
pub(super) fn solve<T: Scalar>(
    problem: &OdeProblem<ArrayD<T>, PathField<ArrayD<T>>>,
    info: &MethodInfo,
    plan: &Plan,
) -> Result<(Solution<ArrayD<T>>, LaneEvaluations), GenerateError> {
    let methods = runge_kutta_methods::<ArrayD<T>, Paced<ArrayD<T>, PathField<ArrayD<T>>>>();
    let adaptive = |method: &&_| {
        let own = Method::info(*method);
        own.name == info.name && own.adaptive()
    };
    let method = methods.iter().find(adaptive).ok_or(GenerateError::NotPerLane(info.name))?;
    let solution = solve_lanes(problem, method, plan.lane_options()?)?;
    let evaluations = LaneEvaluations::of(&solution.lanes);
    let solution = Solution {
        t: Vec::new(),
        u: Vec::new(),
        t_last: plan.span.end,
        statistics: solution.statistics(),
        outcome: solution.outcome(),
        u_last: solution.u,
        events: Vec::new(),
        dense: Vec::new(),
    };
    Ok((solution, evaluations))
}
