//! A solve in the hands of the user: to look at, to change, to end.

use super::Integrator;
use super::roster::Roster;
use crate::method::Method;
use crate::observer::Change;
use crate::problem::Problem;
use crate::solution::{Outcome, Solution, Statistics};

/// The time of whoever is furthest behind.
pub(super) fn slowest(times: impl Iterator<Item = f64>, forwards: bool) -> Option<f64> {
    times.reduce(|a, b| if (a < b) == forwards { a } else { b })
}

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    /// Time reached.
    pub fn t(&self) -> f64 {
        self.t
    }

    /// State at [`Integrator::t`].
    pub fn u(&self) -> &P::State {
        &self.u
    }

    /// State at [`Integrator::t`], to be replaced: everything the method knows is forgotten
    /// ([`AcceptedStep::u_mut`](crate::observer::AcceptedStep::u_mut)).
    pub fn u_mut(&mut self) -> &mut P::State {
        self.change.and(Change::Replaced);
        &mut self.u
    }

    /// State at [`Integrator::t`], to be corrected: a multistep method keeps its history
    /// ([`AcceptedStep::correct`](crate::observer::AcceptedStep::correct)).
    pub fn correct(&mut self) -> &mut P::State {
        self.change.and(Change::Corrected);
        &mut self.u
    }

    /// Counts so far.
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        statistics.set_evaluations(self.field.evaluations());
        statistics
    }

    /// How the solve ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The solution so far. A solve that is not over counts as stopped by hand.
    pub fn finish(mut self) -> Solution<P::State> {
        let statistics = self.statistics();
        // However it ended, a solve that saves steps saves its last one.
        if self.save.every.is_some()
            && self.save.end
            && (statistics.accepted > 0 || self.t0 == self.t1)
            && let Ok(whole) = self.whole(self.u.clone())
        {
            self.keep(self.t, whole);
        }
        let outcome = self.outcome.take().unwrap_or_else(|| Outcome::Stopped {
            t: self.t,
            reason: "finished by hand before the end of the span".into(),
        });
        let mut solution = Solution {
            t: Vec::new(),
            u: Vec::new(),
            t_last: self.t,
            u_last: self.u.clone(),
            statistics,
            outcome,
            events: self.crossings,
            dense: self.dense,
            lanes: Vec::new(),
        };
        (solution.t, solution.u) = self.saved;
        if self.own.is_none() && self.roster.is_none() {
            return solution;
        }
        let roster = self.roster.take().unwrap_or_else(|| Box::new(Roster::new(&self.u)));
        let report = |slot: usize| match &self.own {
            Some(own) => own.paces[slot].report(self.field.of_lane(slot), solution.outcome.clone()),
            None => statistics.report(self.t, solution.outcome.clone()),
        };
        // Nothing but a container whose lanes come apart gets here.
        if let Ok((whole, lanes)) = roster.finish(&self.u, report) {
            (solution.u_last, solution.lanes) = (whole, lanes);
        }
        let times = solution.lanes.iter().map(|lane| lane.t);
        if let Some(t) = slowest(times, self.t1 >= self.t0) {
            solution.t_last = t;
        }
        solution
    }
}
