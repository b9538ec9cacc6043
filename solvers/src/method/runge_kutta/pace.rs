use crate::field::{Counted, FieldError, Times, VectorField};
use crate::method::{LaneSteps, Told, copy_lanes};
use crate::state::{State, StateError};

/// What a Runge-Kutta method knows of lanes that have steps of their own.
///
/// With `u_i(theta) = u_i(t_i + theta h_i)`, `du_i / dtheta = h_i f(u_i, t_i + theta h_i)`: a step
/// from `theta = 0` to 1 is, in every lane, the step of length `h_i` from `t_i`, error estimate and
/// continuous extension included. Stages are derivatives with respect to `theta`; what is kept
/// from step to step is `f` itself, as the next step has another length.
#[derive(Debug)]
pub(super) struct Pace<S> {
    /// `f(u_i, t_i)` at the start of the steps.
    first: S,
    known: Vec<bool>,
    /// What was evaluated last at `theta = 1`, for methods whose last stage is the first of the
    /// next step.
    last: Option<S>,
}

impl<S: State> Pace<S> {
    pub(super) fn new(u: &S, keep_last: bool) -> Self {
        let last = keep_last.then(|| u.zeros_like());
        Pace { first: u.zeros_like(), known: vec![false; u.lanes()], last }
    }

    pub(super) fn set_first(&mut self, derivative: &S) -> Result<(), StateError> {
        self.known.fill(true);
        self.first.copy_from(derivative)
    }

    pub(super) fn knows_first(&self, lane: usize) -> bool {
        self.known[lane]
    }

    /// The first stage; `f` is evaluated for the lanes alone in which it is not known.
    pub(super) fn first<F: VectorField<S>>(
        &mut self,
        field: &Counted<&F>,
        (du, u): (&mut S, &S),
        lanes: &LaneSteps,
    ) -> Result<(), FieldError> {
        let unknown: Vec<usize> = (0..self.known.len()).filter(|&lane| !self.known[lane]).collect();
        if !unknown.is_empty() {
            let some = (unknown.len() < self.known.len()).then_some(unknown);
            eval(field, some.as_deref(), (&mut self.first, u), lanes.at(0.0))?;
            self.known.fill(true);
        }
        du.copy_from(&self.first)?;
        Ok(du.combine_lanes(&lanes.lengths(), &[])?)
    }

    /// A later stage.
    pub(super) fn slope<F: VectorField<S>>(
        &mut self,
        field: &Counted<&F>,
        (du, u): (&mut S, &S),
        theta: f64,
        lanes: &LaneSteps,
    ) -> Result<(), FieldError> {
        eval(field, None, (&mut *du, u), lanes.at(theta))?;
        if let Some(last) = self.last.as_mut().filter(|_| theta == 1.0) {
            last.copy_from(du)?;
        }
        Ok(du.combine_lanes(&lanes.lengths(), &[])?)
    }

    /// A stage of the interpolant, for the lanes alone that it is wanted for.
    pub(super) fn slope_between<F: VectorField<S>>(
        &mut self,
        field: &Counted<&F>,
        (du, u): (&mut S, &S),
        theta: f64,
        lanes: &LaneSteps,
    ) -> Result<(), FieldError> {
        let wanted = &lanes.interpolated;
        let some = (wanted.len() < self.known.len()).then_some(wanted.as_slice());
        eval(field, some, (&mut *du, u), lanes.at(theta))?;
        if theta == 1.0 {
            // Evaluated at the state that was accepted: the first stage of the next step.
            copy_lanes(&mut self.first, du, wanted.iter().copied())?;
            wanted.iter().for_each(|&lane| self.known[lane] = true);
        }
        Ok(du.combine_lanes(&lanes.lengths(), &[])?)
    }

    pub(super) fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Accepted => {}
            Told::AcceptedLanes(lanes) => match &mut self.last {
                Some(last) if lanes.len() == self.known.len() => self.first.take_from(last)?,
                Some(last) => copy_lanes(&mut self.first, last, lanes.iter().copied())?,
                None => lanes.iter().for_each(|&lane| self.known[lane] = false),
            },
            Told::Corrected | Told::Replaced => self.known.fill(false),
            Told::Lanes(from) => {
                self.first = self.first.select_lanes(from)?;
                if let Some(last) = &self.last {
                    self.last = Some(last.select_lanes(from)?);
                }
                self.known = from.iter().map(|&lane| self.known[lane]).collect();
            }
        }
        Ok(())
    }
}

/// `du <- f(u, t)` in these lanes, or in all.
fn eval<S: State, F: VectorField<S>>(
    field: &Counted<&F>,
    some: Option<&[usize]>,
    states: (&mut S, &S),
    times: Vec<f64>,
) -> Result<(), FieldError> {
    let times = match some {
        Some(lanes) => lanes.iter().map(|&lane| times[lane]).collect(),
        None => times,
    };
    field.for_lanes(some, states, |field, du, u| field.eval(du, u, Times::Each(&times)))
}
