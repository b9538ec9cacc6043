//! Products with the Jacobian of a right-hand side.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::{ByLane, FieldError, affine, combine};
use crate::state::State;

/// Given some lanes of the batch and what the field is there, writes what those lanes of it are
/// multiplied with. Called for pieces of the batch that together make up all of it, in any order
/// and on any thread; a lane's answer must not depend on the piece.
pub type Cotangent<'p, S> = dyn Fn(Range<usize>, &S, &mut S) -> Result<(), FieldError> + Sync + 'p;

/// A product with the Jacobian from the left: where `c` of the same shape as `f(u, t)` goes back
/// to. One evaluation and one way back.
pub struct Pullback<'p, S> {
    /// Receives `f(u, t)`.
    pub value: &'p mut S,
    /// Says what `c` is, once the value is known.
    pub cotangent: &'p Cotangent<'p, S>,
    /// Receives `(df/du)^T c`, lane by lane.
    pub state: &'p mut S,
    /// Receives `c . df/dt`, one number for each lane, if it is asked for.
    pub time: Option<&'p mut [f64]>,
    /// `(df/dp)^T c` is added to this, summed over the lanes, if it is asked for: `p` are the
    /// parameters of the field, as many and in the order that its type says.
    pub parameters: Option<&'p mut [f64]>,
}

/// A product with the Jacobian from the right: how `f` changes in a direction. One evaluation.
pub struct Pushforward<'p, S> {
    /// Receives `f(u, t)`.
    pub value: &'p mut S,
    /// `du`.
    pub direction: &'p S,
    /// `dt`, the same for all lanes.
    pub time: f64,
    /// Receives `df/du du + df/dt dt`.
    pub tangent: &'p mut S,
}

impl<'p, S> Pullback<'p, S> {
    /// Into the state alone.
    pub fn new(value: &'p mut S, cotangent: &'p Cotangent<'p, S>, state: &'p mut S) -> Self {
        Pullback { value, cotangent, state, time: None, parameters: None }
    }

    /// Refuses parameters, for a field that has none.
    pub fn without_parameters(&self) -> Result<(), FieldError> {
        match self.parameters {
            Some(_) => Err(FieldError::Refused("products in parameters: it has none".to_owned())),
            None => Ok(()),
        }
    }

    /// Refuses the time, for a field that does not say how it depends on it.
    pub fn without_time(&self) -> Result<(), FieldError> {
        match self.time {
            Some(_) => Err(FieldError::Refused("products in time".to_owned())),
            None => Ok(()),
        }
    }
}

impl<S: State + Send + Sync> Pullback<'_, S> {
    /// Pulls back `a u + b f(u, t)`, `inner` being the pull-back of `f`: what the wrappers of
    /// fields, predictors and networks are made of. What `a` and `b` contribute in time is theirs.
    pub fn through(
        self,
        (a, b): (ByLane<'_, f64>, ByLane<'_, f64>),
        u: &S,
        inner: impl FnOnce(Pullback<'_, S>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let Pullback { value, cotangent, state, time, parameters } = self;
        let zero = ByLane::One(0.0);
        let keeps = a != zero;
        // `a c` goes back into the state past `f`.
        let kept = Mutex::new(keeps.then(|| u.zeros_like()));
        let of_inner = |lanes: Range<usize>, f: &S, c: &mut S| -> Result<(), FieldError> {
            let (first, count) = (lanes.start, lanes.len());
            let (a, b) = (a.part(first, count), b.part(first, count));
            let whole = count == u.lanes();
            let mut value = f.clone();
            if keeps {
                let places: Vec<usize> = lanes.clone().collect();
                let piece = if whole { None } else { Some(u.select_lanes(&places)?) };
                combine(&mut value, b, &[(a, piece.as_ref().unwrap_or(u))])?;
            } else {
                combine(&mut value, b, &[])?;
            }
            cotangent(lanes, &value, c)?;
            if let Some(kept) = &mut *kept.lock().unwrap_or_else(PoisonError::into_inner) {
                let mut past = c.clone();
                combine(&mut past, a, &[])?;
                if whole {
                    kept.copy_from(&past)?;
                } else {
                    let pairs: Vec<(usize, usize)> = (first..first + count).zip(0..).collect();
                    kept.assign_lanes(&past, &pairs)?;
                }
            }
            Ok(combine(c, b, &[])?)
        };
        inner(Pullback { value, cotangent: &of_inner, state, time, parameters })?;
        let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        match kept {
            None => Ok(combine(value, b, &[])?),
            Some(kept) => {
                combine(value, b, &[(a, u)])?;
                Ok(state.linear_combination(1.0, &[(1.0, &kept)])?)
            }
        }
    }
}

impl<S> Pushforward<'_, S> {
    /// Refuses a direction in time, for a field that does not say how it depends on it.
    pub fn without_time(&self) -> Result<(), FieldError> {
        match self.time {
            0.0 => Ok(()),
            _ => Err(FieldError::Refused("products in time".to_owned())),
        }
    }
}

impl<S: State> Pushforward<'_, S> {
    /// Pushes forward `a u + b f(u, t)`, `inner` being the push-forward of `f`; what `a` and `b`
    /// contribute in time is the caller's.
    pub fn through(
        self,
        (a, b): (ByLane<'_, f64>, ByLane<'_, f64>),
        u: &S,
        inner: impl FnOnce(Pushforward<'_, S>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let Pushforward { value, direction, time, tangent } = self;
        inner(Pushforward { value: &mut *value, direction, time, tangent: &mut *tangent })?;
        affine(value, (a, b), u)?;
        Ok(affine(tangent, (a, b), direction)?)
    }
}
