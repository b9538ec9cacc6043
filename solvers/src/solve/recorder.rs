use super::start::sort_along;

type Record<'a, S> = Box<dyn FnMut(&S, f64) + 'a>;

/// Whoever wants to see the state at given times, saved or not.
pub(crate) struct Recorder<'a, S> {
    times: Vec<f64>,
    at: usize,
    record: Record<'a, S>,
}

impl<'a, S> Recorder<'a, S> {
    pub(super) fn new(times: Vec<f64>, record: impl FnMut(&S, f64) + 'a) -> Self {
        Recorder { times, at: 0, record: Box::new(record) }
    }

    pub(super) fn times(&self) -> &[f64] {
        &self.times
    }

    pub(super) fn sort_along(&mut self, t0: f64, t1: f64) {
        sort_along(&mut self.times, t0, t1);
        self.times.dedup();
    }

    /// The next time that is wanted.
    pub(super) fn next(&self) -> Option<f64> {
        self.times.get(self.at).copied()
    }

    /// Shows the state at that time.
    pub(super) fn record(&mut self, state: &S) {
        if let Some(t) = self.next() {
            (self.record)(state, t);
            self.at += 1;
        }
    }
}
