//! Generation with steps of every lane's own.

use driftfield_problems::flow::PathField;
use driftfield_solvers::lanes::Paced;
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{Method, MethodInfo};
use driftfield_solvers::{OdeProblem, Scalar, Solution, solve_lanes};
use ndarray::ArrayD;

use super::GenerateError;
use super::plan::Plan;

/// Function evaluations that served each lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneEvaluations {
    /// Fewest of any lane.
    pub least: u64,
    /// Most of any lane.
    pub most: u64,
    /// Of all lanes together.
    pub total: u64,
}

impl LaneEvaluations {
    fn of(evaluations: impl Iterator<Item = u64>) -> LaneEvaluations {
        let none = LaneEvaluations { least: u64::MAX, most: 0, total: 0 };
        evaluations.fold(none, |all, nfe| all.with(LaneEvaluations::one(nfe)))
    }

    fn one(nfe: u64) -> LaneEvaluations {
        LaneEvaluations { least: nfe, most: nfe, total: nfe }
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
        }
    }
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
    let evaluations = LaneEvaluations::of(solution.lanes.iter().map(|lane| lane.nfe));
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
