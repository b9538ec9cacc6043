use crate::solution::Solution;
use crate::state::HostState;

/// A run of consecutive lanes of an ensemble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Number of the first one in the whole ensemble: what
    /// [`fill_initial_normals`](crate::noise::fill_initial_normals) asks for.
    pub first: u64,
    /// How many there are.
    pub count: usize,
}

/// One lane of a chunk that was solved.
#[derive(Debug)]
pub struct LaneSolution<'a, S> {
    solution: &'a Solution<S>,
    lanes: Lanes,
    index: usize,
}

impl<'a, S: HostState> LaneSolution<'a, S> {
    pub(super) fn new(solution: &'a Solution<S>, lanes: Lanes, index: usize) -> Self {
        LaneSolution { solution, lanes, index }
    }

    /// The lane's number in the whole ensemble.
    pub fn number(&self) -> u64 {
        self.lanes.first + self.index as u64
    }

    fn row(&self, state: &'a S) -> &'a [S::Scalar] {
        let values = state.values().unwrap_or_default();
        let len = values.len() / self.lanes.count;
        &values[self.index * len..(self.index + 1) * len]
    }

    /// The components at the end of the solve.
    pub fn end(&self) -> &'a [S::Scalar] {
        self.row(&self.solution.u_last)
    }

    /// The times of the states saved: of the whole chunk, in the order of
    /// integration.
    pub fn times(&self) -> &'a [f64] {
        &self.solution.t
    }

    /// The components at saved time number `k`, if there is one.
    pub fn saved(&self, k: usize) -> Option<&'a [S::Scalar]> {
        self.solution.u.get(k).map(|state| self.row(state))
    }
}
