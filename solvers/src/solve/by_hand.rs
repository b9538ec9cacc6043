//! A solve in the hands of the user: to look at, to change, to end.

use super::Integrator;
use crate::method::Method;
use crate::observer::Change;
use crate::problem::Problem;
use crate::solution::{Outcome, Solution, Statistics};

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
        if self.save.every.is_some() && (statistics.accepted > 0 || self.t0 == self.t1) {
            self.keep(self.t, self.u.clone());
        }
        let outcome = self.outcome.unwrap_or_else(|| Outcome::Stopped {
            t: self.t,
            reason: "finished by hand before the end of the span".into(),
        });
        let (t, u) = self.saved;
        Solution {
            t,
            u,
            t_last: self.t,
            u_last: self.u,
            statistics,
            outcome,
            events: self.crossings,
            dense: self.dense,
        }
    }
}
