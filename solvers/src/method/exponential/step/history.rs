use super::Knot;
use crate::field::{Counted, FieldError};
use crate::method::{StepError, Told, move_lanes};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// The last values of a nonlinear part and the knot of each, newest first; and the states there, if
/// they are asked for.
///
/// The newest belongs to the step being attempted: an attempt repeated from the
/// same state does not evaluate it again, and it becomes the past when the
/// step is accepted.
#[derive(Debug)]
pub struct History<S> {
    /// In order of age, as `values`; those beyond `len` are spare.
    knots: Vec<Knot>,
    values: Vec<S>,
    states: Vec<S>,
    len: usize,
    newest_is_open: bool,
}

impl<S: State> History<S> {
    /// Room for `capacity` values.
    pub fn new(capacity: usize, initial: &S) -> Self {
        Self::with_states(capacity, 0, initial)
    }

    /// Room for `capacity` values and the newest `states` of the states at which they were taken.
    pub fn with_states(capacity: usize, states: usize, initial: &S) -> Self {
        let room = |places| std::iter::repeat_with(|| initial.zeros_like()).take(places).collect();
        let knots = vec![Knot::NONE; capacity];
        let (values, states) = (room(capacity), room(states));
        History { knots, values, states, len: 0, newest_is_open: false }
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
        &self.values[age]
    }

    /// The state `age` steps back, of those that are kept.
    pub fn state(&self, age: usize) -> &S {
        &self.states[age]
    }

    /// Where the values were taken, newest first.
    pub fn knots(&self) -> &[Knot] {
        &self.knots[..self.len]
    }

    /// Makes the value at the start of the step, where the state is `u`, the newest, unless this has
    /// been done for an earlier attempt.
    pub fn evaluate_once(
        &mut self,
        knot: Knot,
        u: &S,
        evaluate: impl FnOnce(&mut S) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        if !self.newest_is_open {
            let oldest = self.values.len() - 1;
            evaluate(&mut self.values[oldest])?;
            self.make_room(knot);
            self.newest_is_open = true;
        }
        Ok(self.keep_state(u)?)
    }

    /// The newest value's state, which a correction may have moved from where the value was taken.
    fn keep_state(&mut self, u: &S) -> Result<(), StateError> {
        self.states.first_mut().map_or(Ok(()), |newest| newest.copy_from(u))
    }

    /// Rotates the oldest place to the front.
    fn make_room(&mut self, knot: Knot) {
        self.values.rotate_right(1);
        self.knots.rotate_right(1);
        if !self.states.is_empty() {
            self.states.rotate_right(1);
        }
        self.knots[0] = knot;
        self.len = (self.len + 1).min(self.values.len());
    }

    /// Takes note of what happened: what is held becomes history, is forgotten at the state that
    /// was corrected, or altogether, or moves with the lanes.
    pub fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Accepted | Told::AcceptedLanes(_) => self.newest_is_open = false,
            Told::Corrected => self.forget_newest(),
            Told::Replaced => self.clear(),
            Told::Lanes(from) => {
                move_lanes(self.values.iter_mut().chain(&mut self.states), from)?;
            }
        }
        Ok(())
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
            field.predict(part.into(), &mut value, state, (*t).into())?;
            self.insert(Knot::at_end(field, *t)?, &mut value, state)?;
        }
        Ok(())
    }

    /// Adds a value later than all others, taken at `state`; `value` is left with arbitrary content.
    pub fn insert(&mut self, knot: Knot, value: &mut S, state: &S) -> Result<(), StateError> {
        self.insert_value(knot, value);
        self.keep_state(state)
    }

    fn insert_value(&mut self, knot: Knot, value: &mut S) {
        self.make_room(knot);
        std::mem::swap(&mut self.values[0], value);
    }

    /// Adds the value at the end of the accepted step, after it was accepted: the next
    /// step does not evaluate its first. `value` is left with arbitrary content.
    pub fn insert_newest(&mut self, knot: Knot, value: &mut S) {
        self.insert_value(knot, value);
        self.newest_is_open = true;
    }

    /// Forgets the value at the end of the accepted step ([`History::insert_newest`]), if there
    /// is one.
    fn forget_newest(&mut self) {
        if std::mem::take(&mut self.newest_is_open) {
            self.len -= 1;
            self.values.rotate_left(1);
            self.knots.rotate_left(1);
            if !self.states.is_empty() {
                self.states.rotate_left(1);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.len = 0;
        self.newest_is_open = false;
    }
}
