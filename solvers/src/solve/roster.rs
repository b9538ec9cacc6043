//! The lanes on their way, once some have parted from the others.

use crate::solution::{LaneReport, Outcome};
use crate::state::{State, StateError};

/// A lane that leaves.
#[derive(Clone)]
pub(super) struct Departure<S> {
    /// Its place in the batch.
    pub(super) slot: usize,
    pub(super) report: LaneReport,
    /// Where it ends, a state of one lane; its lane of the batch's state, if nothing is said.
    pub(super) state: Option<S>,
}

/// Which lanes of the whole batch are on their way, and how the others ended.
pub(super) struct Roster<S> {
    /// The number in the whole batch of each lane on its way.
    pub(super) numbers: Vec<usize>,
    /// The lanes that left, where they ended.
    arrived: S,
    reports: Vec<Option<LaneReport>>,
}

impl<S: State> Roster<S> {
    /// All lanes of `u`.
    pub(super) fn new(u: &S) -> Self {
        let lanes = u.lanes();
        Roster { numbers: (0..lanes).collect(), arrived: u.clone(), reports: vec![None; lanes] }
    }

    /// Lets lanes go; `u` is the state of those on their way. Returns the places that stay.
    pub(super) fn dismiss(
        &mut self,
        departures: Vec<Departure<S>>,
        u: &S,
    ) -> Result<Vec<usize>, StateError> {
        let mut stays = vec![true; self.numbers.len()];
        for Departure { slot, report, state } in departures {
            let number = self.numbers[slot];
            match &state {
                Some(state) => self.arrived.assign_lanes(state, &[(number, 0)])?,
                None => self.arrived.assign_lanes(u, &[(number, slot)])?,
            }
            self.reports[number] = Some(report);
            stays[slot] = false;
        }
        let staying: Vec<usize> = (0..stays.len()).filter(|&slot| stays[slot]).collect();
        self.renumber(&staying);
        Ok(staying)
    }

    /// The lanes on their way changed places.
    pub(super) fn renumber(&mut self, from: &[usize]) {
        self.numbers = from.iter().map(|&slot| self.numbers[slot]).collect();
    }

    /// A state of the lanes on their way as one of the whole batch, NaN in lanes that left; where all
    /// ended, once none is on its way.
    pub(super) fn whole(&self, u: &S) -> Result<S, StateError> {
        if self.numbers.is_empty() {
            return Ok(self.arrived.clone());
        }
        let mut whole = self.arrived.zeros_like();
        whole.fill_lanes(|_, block| block.fill(f64::NAN))?;
        self.put(&mut whole, u)?;
        Ok(whole)
    }

    /// The lanes of `u` into their places.
    fn put(&self, whole: &mut S, u: &S) -> Result<(), StateError> {
        let pairs: Vec<(usize, usize)> = self.numbers.iter().copied().zip(0..).collect();
        whole.assign_lanes(u, &pairs)
    }

    /// [`Outcome::Success`], or the first other outcome of a lane that left.
    pub(super) fn outcome(&self) -> Outcome {
        let outcomes = || self.reports.iter().flatten().map(|report| &report.outcome);
        let bad = outcomes().find(|outcome| !outcome.is_success());
        let other = bad.or_else(|| outcomes().find(|outcome| **outcome != Outcome::Success));
        other.cloned().unwrap_or(Outcome::Success)
    }

    /// The state of the whole batch and every lane's report; `report` is that of a lane still on
    /// its way, by its place.
    pub(super) fn finish(
        mut self,
        u: &S,
        report: impl Fn(usize) -> LaneReport,
    ) -> Result<(S, Vec<LaneReport>), StateError> {
        let mut whole = self.arrived.clone();
        self.put(&mut whole, u)?;
        for (slot, &number) in self.numbers.iter().enumerate() {
            self.reports[number] = Some(report(slot));
        }
        Ok((whole, self.reports.into_iter().flatten().collect()))
    }
}
