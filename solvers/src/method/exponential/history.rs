use crate::field::{Counted, FieldError};
use crate::method::StepError;
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

/// The last values of a nonlinear part and the clock at each, newest first.
///
/// The newest belongs to the step being attempted: an attempt repeated from the
/// same state does not evaluate it again, and it becomes the past when the
/// step is accepted.
#[derive(Debug)]
pub struct History<S> {
    /// Buffers in order of age; those beyond `len` are spare.
    values: Vec<(f64, S)>,
    len: usize,
    newest_is_open: bool,
}

impl<S: State> History<S> {
    /// Room for `capacity` values.
    pub fn new(capacity: usize, initial: &S) -> Self {
        let slot = || (f64::NAN, initial.zeros_like());
        History {
            values: std::iter::repeat_with(slot).take(capacity).collect(),
            len: 0,
            newest_is_open: false,
        }
    }

    /// Number of values held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value `age` steps back.
    pub fn value(&self, age: usize) -> &S {
        &self.values[age].1
    }

    /// The clock `age` steps back.
    pub fn log_snr(&self, age: usize) -> f64 {
        self.values[age].0
    }

    /// Length on the clock of the past step between the values `age + 1` and `age`
    /// steps back; NaN where the history does not reach.
    pub fn step(&self, age: usize) -> f64 {
        if age + 1 < self.len { self.log_snr(age) - self.log_snr(age + 1) } else { f64::NAN }
    }

    /// Makes the value at the start of the step the newest, unless this has been
    /// done for an earlier attempt.
    pub fn evaluate_once(
        &mut self,
        log_snr: f64,
        evaluate: impl FnOnce(&mut S) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        if self.newest_is_open {
            return Ok(());
        }
        let oldest = self.values.len() - 1;
        evaluate(&mut self.values[oldest].1)?;
        self.values.rotate_right(1);
        self.values[0].0 = log_snr;
        self.len = (self.len + 1).min(self.values.len());
        self.newest_is_open = true;
        Ok(())
    }

    /// The step was accepted: the newest value is history.
    pub fn keep(&mut self) {
        self.newest_is_open = false;
    }

    /// Evaluates the nonlinear part at states of the past, oldest first.
    pub fn seed<F: SemilinearField<S>>(
        &mut self,
        field: &Counted<&F>,
        part: NonlinearPart,
        past: &[(f64, S)],
    ) -> Result<(), StepError> {
        let Some((_, state)) = past.first() else { return Ok(()) };
        let mut value = state.zeros_like();
        for (t, state) in past {
            field.predict(part, &mut value, state, *t)?;
            self.insert(field.schedule(*t)?.log_snr, &mut value);
        }
        Ok(())
    }

    /// Adds a value from within the accepted step, after [`History::keep`]; `value` is
    /// left with arbitrary content.
    pub fn insert(&mut self, log_snr: f64, value: &mut S) {
        self.values.rotate_right(1);
        self.values[0].0 = log_snr;
        std::mem::swap(&mut self.values[0].1, value);
        self.len = (self.len + 1).min(self.values.len());
    }

    /// Adds the value at the end of the accepted step, after [`History::keep`]: the next
    /// step does not evaluate its first. `value` is left with arbitrary content.
    pub fn insert_newest(&mut self, log_snr: f64, value: &mut S) {
        self.insert(log_snr, value);
        self.newest_is_open = true;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.len = 0;
        self.newest_is_open = false;
    }
}
