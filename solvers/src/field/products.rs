//! Products with the Jacobian of a right-hand side.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// What else is asked for.
    pub inputs: Inputs<'p, S>,
}

/// What a field depends on beside the state and the time, each if it is asked for. A field that
/// does not depend on it, or does not say how, refuses.
#[derive(Debug)]
pub struct Inputs<'p, S> {
    /// `(df/dp)^T c` is added to this, summed over the lanes: `p` are the parameters of the field,
    /// as many and in the order that its type says.
    pub parameters: Option<&'p mut [f64]>,
    /// Receives `(df/dy)^T c`, lane by lane: `y` is what the field is conditioned on, of as many
    /// values a lane as its type says.
    pub conditioning: Option<&'p mut S>,
    /// `(df/dq)^T c` is added to this, summed over the lanes: `q` are the parameters of the process
    /// that the field belongs to, in their order.
    pub process: Option<&'p mut [f64]>,
}

impl<S> Default for Inputs<'_, S> {
    fn default() -> Self {
        Inputs { parameters: None, conditioning: None, process: None }
    }
}

impl<S> Inputs<'_, S> {
    /// Refuses whatever is asked for, for a field that depends on nothing else.
    pub fn none(&self) -> Result<(), FieldError> {
        self.without_parameters()?;
        self.without_conditioning()?;
        self.without_process()
    }

    /// Refuses parameters, for a field that has none.
    pub fn without_parameters(&self) -> Result<(), FieldError> {
        refuse(self.parameters.is_some(), "products in parameters: it has none")
    }

    /// Refuses the conditioning, for a field that is conditioned on no number.
    pub fn without_conditioning(&self) -> Result<(), FieldError> {
        let what = "products in its conditioning: it is conditioned on no number";
        refuse(self.conditioning.is_some(), what)
    }

    /// Refuses the process's parameters, for a field that does not say how it depends on them.
    pub fn without_process(&self) -> Result<(), FieldError> {
        refuse(self.process.is_some(), "products in the parameters of a process")
    }
}

fn refuse(asked: bool, what: &str) -> Result<(), FieldError> {
    if asked { Err(FieldError::Refused(what.to_owned())) } else { Ok(()) }
}

/// A product with the Jacobian from the right: how `f` changes in a direction. One evaluation.
pub struct Pushforward<'p, S> {
    /// Receives `f(u, t)`.
    pub value: &'p mut S,
    /// `du`.
    pub direction: &'p S,
    /// `dt`.
    pub time: ByLane<'p, f64>,
    /// Receives `df/du du + df/dt dt`.
    pub tangent: &'p mut S,
}

impl<'p, S> Pullback<'p, S> {
    /// Into the state alone.
    pub fn new(value: &'p mut S, cotangent: &'p Cotangent<'p, S>, state: &'p mut S) -> Self {
        Pullback { value, cotangent, state, time: None, inputs: Inputs::default() }
    }

    /// Refuses the time, for a field that does not say how it depends on it.
    pub fn without_time(&self) -> Result<(), FieldError> {
        refuse(self.time.is_some(), "products in time")
    }
}

/// `a u + b f(u, t)`: what the wrappers of fields, predictors and networks are made of.
#[derive(Debug, Clone, Copy)]
pub struct Affine<'w> {
    /// `a` and `b`.
    pub weights: (ByLane<'w, f64>, ByLane<'w, f64>),
    /// `[da/dt, db/dt]`, lane by lane; empty if the weights stay.
    pub time: &'w [[f64; 2]],
    /// The same for each parameter of the process; empty if the weights stay.
    pub process: &'w [Vec<[f64; 2]>],
}

/// Weights that stay.
impl<'w> From<(ByLane<'w, f64>, ByLane<'w, f64>)> for Affine<'w> {
    fn from(weights: (ByLane<'w, f64>, ByLane<'w, f64>)) -> Self {
        Affine { weights, time: &[], process: &[] }
    }
}

impl<S: State> Pullback<'_, S> {
    /// Pulls back `a u + b f(u, t)`, `inner` being the pull-back of `f`.
    pub fn through<'w>(
        self,
        outer: impl Into<Affine<'w>>,
        u: &S,
        inner: impl FnOnce(Pullback<'_, S>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let Affine { weights: (a, b), time: in_time, process: in_process } = outer.into();
        let moves = self.time.is_some() && !in_time.is_empty()
            || self.inputs.process.is_some() && !in_process.is_empty();
        if (a, b) == (ByLane::One(0.0), ByLane::One(1.0)) && !moves {
            return inner(self);
        }
        let Pullback { value, cotangent, state, mut time, mut inputs } = self;
        let keeps = a != ByLane::One(0.0);
        // `a c` goes back into the state past `f`, and `c . u` and `c . f` into what moves `a` and
        // `b`.
        let kept = Mutex::new(keeps.then(|| u.zeros_like()));
        let dots = Mutex::new(vec![[0.0; 2]; if moves { u.lanes() } else { 0 }]);
        let of_inner = |lanes: Range<usize>, f: &S, c: &mut S| -> Result<(), FieldError> {
            let (first, count) = (lanes.start, lanes.len());
            let (a, b) = (a.part(first, count), b.part(first, count));
            let whole = count == u.lanes();
            let piece = match whole || !(keeps || moves) {
                true => None,
                false => Some(u.select_lanes(&lanes.clone().collect::<Vec<_>>())?),
            };
            let piece = piece.as_ref().unwrap_or(u);
            let mut value = f.clone();
            if keeps {
                combine(&mut value, b, &[(a, piece)])?;
            } else {
                combine(&mut value, b, &[])?;
            }
            cotangent(lanes, &value, c)?;
            if moves {
                let (of_state, of_value) = (c.dot_lanes(piece)?, c.dot_lanes(f)?);
                let mut dots = locked(&dots);
                for (to, dot) in dots[first..].iter_mut().zip(of_state.into_iter().zip(of_value)) {
                    *to = dot.into();
                }
            }
            if let Some(kept) = &mut *locked(&kept) {
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
        inner(Pullback {
            value: &mut *value,
            cotangent: &of_inner,
            state: &mut *state,
            time: time.as_deref_mut(),
            inputs: inputs.reborrow(),
        })?;
        let dots = dots.into_inner().unwrap_or_else(PoisonError::into_inner);
        let along = |[a, b]: [f64; 2], [u, f]: [f64; 2]| a * u + b * f;
        for ((time, &rate), &dot) in time.into_iter().flatten().zip(in_time).zip(&dots) {
            *time += along(rate, dot);
        }
        for (sum, rates) in inputs.process.into_iter().flatten().zip(in_process) {
            *sum += rates.iter().zip(&dots).map(|(&rate, &dot)| along(rate, dot)).sum::<f64>();
        }
        match kept.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(combine(value, b, &[])?),
            Some(kept) => {
                combine(value, b, &[(a, u)])?;
                Ok(state.linear_combination(1.0, &[(1.0, &kept)])?)
            }
        }
    }
}

impl<S> Inputs<'_, S> {
    /// The same, to be handed on.
    pub fn reborrow(&mut self) -> Inputs<'_, S> {
        Inputs {
            parameters: self.parameters.as_deref_mut(),
            conditioning: self.conditioning.as_deref_mut(),
            process: self.process.as_deref_mut(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Pushforward<'_, S> {
    /// Refuses a direction in time, for a field that does not say how it depends on it.
    pub fn without_time(&self) -> Result<(), FieldError> {
        refuse(self.time != ByLane::One(0.0), "products in time")
    }
}

impl<S: State> Pushforward<'_, S> {
    /// Pushes forward `a u + b f(u, t)`, `inner` being the push-forward of `f`.
    pub fn through<'w>(
        self,
        outer: impl Into<Affine<'w>>,
        u: &S,
        inner: impl FnOnce(Pushforward<'_, S>) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let Affine { weights: (a, b), time: in_time, .. } = outer.into();
        let Pushforward { value, direction, time, tangent } = self;
        inner(Pushforward { value: &mut *value, direction, time, tangent: &mut *tangent })?;
        affine(tangent, (a, b), direction)?;
        if time != ByLane::One(0.0) && !in_time.is_empty() {
            let along = |i: usize| -> Vec<f64> {
                in_time.iter().enumerate().map(|(lane, rate)| time.of(lane) * rate[i]).collect()
            };
            let (of_state, of_value) = (along(0), along(1));
            let (of_state, of_value) = (ByLane::Each(&of_state), ByLane::Each(&of_value));
            combine(tangent, ByLane::One(1.0), &[(of_state, u), (of_value, value)])?;
        }
        Ok(affine(value, (a, b), u)?)
    }
}
