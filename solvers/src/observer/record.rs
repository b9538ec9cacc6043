use super::{AcceptedStep, Flow, Observer};
use crate::state::State;

/// Keeps a function of the state at every accepted step, instead of the state.
///
/// Lend it to the solve by `&mut` and read [`Record::values`] afterwards.
#[derive(Debug)]
pub struct Record<V, M> {
    map: M,
    /// Times and values, in the order of integration.
    pub values: Vec<(f64, V)>,
}

impl<V, M> Record<V, M> {
    /// Records `map(u, t)`.
    pub fn new(map: M) -> Self {
        Record { map, values: Vec::new() }
    }
}

impl<S: State, V, M: FnMut(&S, f64) -> V> Observer<S> for &mut Record<V, M> {
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        let value = (self.map)(step.u(), step.t);
        self.values.push((step.t, value));
        Flow::Continue
    }
}

/// Streams every `n`-th accepted state to `write`; an error of `write` stops
/// the solve, which returns its partial solution.
#[derive(Debug)]
pub struct Sink<W> {
    every: u64,
    write: W,
}

impl<W> Sink<W> {
    /// Writes every `every`-th accepted step (0 is read as 1).
    pub fn every(every: u64, write: W) -> Self {
        Sink { every: every.max(1), write }
    }
}

impl<S: State, E: std::fmt::Display, W: FnMut(&S, f64) -> Result<(), E>> Observer<S> for Sink<W> {
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        if !step.statistics.accepted.is_multiple_of(self.every) {
            return Flow::Continue;
        }
        match (self.write)(step.u(), step.t) {
            Ok(()) => Flow::Continue,
            Err(error) => Flow::Stop(format!("the sink failed: {error}")),
        }
    }
}

/// Reports the share of the span that is done, at most about `reports` times.
#[derive(Debug)]
pub struct Progress<R> {
    step: f64,
    next: f64,
    report: R,
}

impl<R> Progress<R> {
    /// Calls `report(fraction)`; 100 reports suit a progress bar.
    pub fn new(reports: u32, report: R) -> Self {
        let step = 1.0 / f64::from(reports.max(1));
        Progress { step, next: step, report }
    }
}

impl<S: State, R: FnMut(f64)> Observer<S> for Progress<R> {
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        let fraction = step.fraction();
        if fraction >= self.next || fraction >= 1.0 {
            (self.report)(fraction);
            self.next = (fraction / self.step).floor() * self.step + self.step;
        }
        Flow::Continue
    }
}
