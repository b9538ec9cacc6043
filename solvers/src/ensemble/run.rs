//! The solves of an ensemble: a tree of blocks of lanes, its branches in parallel,
//! its leaves solved in chunks.

use std::marker::PhantomData;

use super::fold::{Fold, Tally, split};
use super::{BLOCK, Failure, FailureCause, LaneSolution, Lanes, Statistic};
use crate::method::Method;
use crate::problem::Problem;
use crate::solution::Solution;
use crate::solve::{SolveError, SolveOptions, solve};
use crate::state::HostState;

/// All that the solves share.
pub(super) struct Run<'r, P, M, Make, Options, Observe, A> {
    pub(super) method: &'r M,
    pub(super) make: &'r Make,
    pub(super) options: Options,
    pub(super) observe: Observe,
    pub(super) template: &'r A,
    pub(super) chunk: usize,
    /// Problems are made where they are solved, and need not pass between threads.
    pub(super) problem: PhantomData<fn() -> P>,
}

impl<'a, P, M, Make, Options, Observe, A> Run<'_, P, M, Make, Options, Observe, A>
where
    P: Problem,
    P::State: HostState,
    M: Method<P::State, P::Field> + Sync,
    Make: Fn(Lanes) -> Result<P, SolveError> + Sync,
    Options: Fn(Lanes) -> SolveOptions<'a, P::State> + Sync,
    Observe: Fn(&LaneSolution<'_, P::State>, &mut [f64]) + Sync,
    A: Statistic,
{
    pub(super) fn tree(&self, lanes: Lanes) -> (A, Tally) {
        if lanes.count <= self.chunk.max(BLOCK) {
            return self.leaf(lanes);
        }
        let left = BLOCK * split(lanes.count.div_ceil(BLOCK));
        let (left, right) = halves(lanes, left);
        let ((mut statistic, mut tally), (later, later_tally)) =
            rayon::join(|| self.tree(left), || self.tree(right));
        statistic.merge(later);
        tally.merge(later_tally);
        (statistic, tally)
    }

    fn leaf(&self, lanes: Lanes) -> (A, Tally) {
        let mut fold = Fold::new(self.template);
        let mut values = vec![0.0; self.template.width()];
        for start in (0..lanes.count).step_by(self.chunk) {
            let count = self.chunk.min(lanes.count - start);
            let chunk = Lanes { first: lanes.first + start as u64, count };
            self.solve_chunk(chunk, &mut fold, &mut values);
        }
        fold.finish()
    }

    /// Solves a chunk; one that fails is solved again by halves, down to the lanes
    /// that fail alone. On a fixed grid, where no lane depends on another, these
    /// are the same for any chunk size.
    fn solve_chunk(&self, lanes: Lanes, fold: &mut Fold<A>, values: &mut [f64]) {
        match self.solved(lanes, &mut fold.tally) {
            Ok(solution) => self.fold_lanes(&solution, lanes, fold, values),
            Err(cause) if lanes.count > 1 && cause.depends_on_lanes() => {
                let (left, right) = halves(lanes, lanes.count / 2);
                self.solve_chunk(left, fold, values);
                self.solve_chunk(right, fold, values);
            }
            Err(cause) => {
                fold.tally.fail(Failure { lanes, cause });
                (0..lanes.count).for_each(|_| fold.lane(None));
            }
        }
    }

    fn solved(&self, lanes: Lanes, tally: &mut Tally) -> Result<Solution<P::State>, FailureCause> {
        let problem = (self.make)(lanes).map_err(FailureCause::NotStarted)?;
        check_lanes(problem.initial(), lanes)?;
        let options = (self.options)(lanes).first_lane(lanes.first);
        let solution = solve(&problem, self.method, options)
            .map_err(|error| FailureCause::not_started(error, lanes))?;
        tally.evaluations += solution.statistics;
        if !solution.outcome.is_success() {
            return Err(FailureCause::ended(solution.outcome, lanes));
        }
        // Observers can put any state in the place of the solve's own.
        check_lanes(&solution.u_last, lanes)?;
        solution.u.iter().try_for_each(|state| check_lanes(state, lanes))?;
        Ok(solution)
    }

    fn fold_lanes(
        &self,
        solution: &Solution<P::State>,
        lanes: Lanes,
        fold: &mut Fold<A>,
        values: &mut [f64],
    ) {
        for index in 0..lanes.count {
            let lane = LaneSolution::new(solution, lanes, index);
            values.fill(0.0);
            (self.observe)(&lane, values);
            if let Some(index) = values.iter().position(|value| value.is_nan()) {
                let lanes = Lanes { first: lane.number(), count: 1 };
                fold.tally.fail(Failure { lanes, cause: FailureCause::ObservedNan { index } });
                fold.lane(None);
                continue;
            }
            fold.tally.succeeded += 1;
            fold.tally.lane_nfe += solution.statistics.nfe;
            fold.lane(Some(values));
        }
    }
}

fn halves(lanes: Lanes, left: usize) -> (Lanes, Lanes) {
    let right = Lanes { first: lanes.first + left as u64, count: lanes.count - left };
    (Lanes { first: lanes.first, count: left }, right)
}

/// Refuses a state that does not have these lanes, one row of values for each.
fn check_lanes<S: HostState>(state: &S, lanes: Lanes) -> Result<(), FailureCause> {
    use crate::state::StateError;
    let values = state.values();
    let values = values.ok_or(FailureCause::NotStarted(StateError::NotContiguous.into()))?;
    let found = state.lane_count();
    if found == lanes.count && values.len() % lanes.count == 0 {
        return Ok(());
    }
    Err(FailureCause::LaneCount { expected: lanes.count, found })
}
