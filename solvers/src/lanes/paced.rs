use std::cell::RefCell;

use crate::field::{FieldError, Times, VectorField, in_some_lanes};
use crate::state::{State, StateError};

/// A field on the clock of the lanes' own steps: with `u_i(theta) = x_i(t_i + theta h_i)`,
///
/// `du_i / dtheta = h_i f(u_i, t_i + theta h_i)`.
///
/// A step of any Runge-Kutta method from `theta = 0` to 1 is then, in every lane, its step
/// of length `h_i` from `t_i`, error estimate and continuous extension included: the
/// methods need not know that lanes differ.
///
/// It is public for the bound of [`solve_lanes`](super::solve_lanes) alone, which makes it: a list of
/// methods to choose from at run time is one of methods for `Paced<S, F>`.
#[derive(Debug)]
pub struct Paced<S, F> {
    field: F,
    pace: RefCell<Pace<S>>,
}

/// What the lanes of the batch are doing.
#[derive(Debug)]
struct Pace<S> {
    steps: Vec<LaneStep>,
    /// `f(u_i, t_i)` at the start of the steps.
    first: S,
    first_known: Vec<bool>,
    /// What was evaluated last at `theta = 1`, not scaled, for methods whose last stage is
    /// the first of the next step.
    last: Option<S>,
    /// The next evaluation is that at the start of the step.
    at_start: bool,
    /// Lanes that an interpolant is wanted for; `None` while a step is attempted.
    interpolated: Option<Vec<usize>>,
    evaluations: Vec<u64>,
    calls: u64,
}

/// The step of one lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneStep {
    pub(super) t: f64,
    pub(super) t_next: f64,
    pub(super) h: f64,
}

impl LaneStep {
    fn time(&self, theta: f64) -> f64 {
        if theta == 1.0 { self.t_next } else { self.t + theta * self.h }
    }
}

impl<S: State, F: VectorField<S>> Paced<S, F> {
    /// `field` for the lanes of `u`, of which nothing is known.
    pub(super) fn new(field: F, u: &S, keep_last: bool) -> Self {
        let lanes = u.lanes();
        let pace = Pace {
            steps: Vec::new(),
            first: u.zeros_like(),
            first_known: vec![false; lanes],
            last: keep_last.then(|| u.zeros_like()),
            at_start: false,
            interpolated: None,
            evaluations: vec![0; lanes],
            calls: 0,
        };
        Paced { field, pace: RefCell::new(pace) }
    }

    /// The coming step of every lane.
    pub(super) fn start(&self, steps: impl Iterator<Item = LaneStep>) {
        let mut pace = self.pace.borrow_mut();
        pace.steps.clear();
        pace.steps.extend(steps);
        pace.at_start = true;
    }

    /// Evaluates at `(u_i, t_i)`, to be the first stage of the first step, and hands out a copy.
    pub(super) fn probe_start(&self, u: &S, t: &[f64]) -> Result<S, FieldError> {
        let mut pace = self.pace.borrow_mut();
        pace.count(None);
        let Pace { first, first_known, .. } = &mut *pace;
        self.field.eval(first, u, Times::Each(t))?;
        first_known.fill(true);
        Ok(first.clone())
    }

    /// Evaluates at any `(u_i, t_i)`.
    pub(super) fn probe(&self, du: &mut S, u: &S, t: &[f64]) -> Result<(), FieldError> {
        self.pace.borrow_mut().count(None);
        self.field.eval(du, u, Times::Each(t))
    }

    /// The steps of these lanes were accepted: what was evaluated at their ends is known at
    /// the starts of the next.
    pub(super) fn accept(&self, lanes: &[usize]) -> Result<(), StateError> {
        let mut pace = self.pace.borrow_mut();
        let Pace { first, first_known, last, .. } = &mut *pace;
        match last {
            Some(last) if lanes.len() == first_known.len() => first.take_from(last)?,
            Some(last) => first.assign_lanes(last, &in_place(lanes))?,
            None => lanes.iter().for_each(|&lane| first_known[lane] = false),
        }
        Ok(())
    }

    /// From now on what an interpolant lacks is evaluated, for these lanes alone; or, with
    /// `None`, stages are again.
    pub(super) fn interpolate(&self, lanes: Option<Vec<usize>>) {
        self.pace.borrow_mut().interpolated = lanes;
    }

    /// Every lane but these leaves.
    pub(super) fn keep(&self, lanes: &[usize]) -> Result<(), StateError> {
        let mut pace = self.pace.borrow_mut();
        pace.first = pace.first.select_lanes(lanes)?;
        if let Some(last) = &pace.last {
            pace.last = Some(last.zeros_like().select_lanes(lanes)?);
        }
        pace.first_known = lanes.iter().map(|&lane| pace.first_known[lane]).collect();
        pace.evaluations = lanes.iter().map(|&lane| pace.evaluations[lane]).collect();
        Ok(())
    }

    /// Evaluations that served a lane.
    pub(super) fn evaluations(&self, lane: usize) -> u64 {
        self.pace.borrow().evaluations[lane]
    }

    /// Whether the first stage of a lane's next step is known.
    pub(super) fn knows_first(&self, lane: usize) -> bool {
        self.pace.borrow().first_known[lane]
    }

    /// Calls of the field.
    pub(super) fn calls(&self) -> u64 {
        self.pace.borrow().calls
    }

    pub(super) fn forwards_per_call(&self) -> u64 {
        self.field.forwards()
    }

    /// `du <- f(u, t)` in the lanes asked for.
    fn eval_some(
        &self,
        du: &mut S,
        u: &S,
        t: &[f64],
        lanes: Option<&[usize]>,
    ) -> Result<(), FieldError> {
        let Some(lanes) = lanes else { return self.field.eval(du, u, Times::Each(t)) };
        let t: Vec<f64> = lanes.iter().map(|&lane| t[lane]).collect();
        in_some_lanes(du, u, lanes, |du, u| self.field.eval(du, u, Times::Each(&t)))
    }

    fn first_stage(&self, pace: &mut Pace<S>, u: &S) -> Result<(), FieldError> {
        let known = &pace.first_known;
        let unknown: Vec<usize> = (0..known.len()).filter(|&lane| !known[lane]).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let some = (unknown.len() < known.len()).then_some(unknown);
        pace.count(some.as_deref());
        let t: Vec<f64> = pace.steps.iter().map(|step| step.t).collect();
        self.eval_some(&mut pace.first, u, &t, some.as_deref())?;
        pace.first_known.fill(true);
        Ok(())
    }

    fn stage(&self, pace: &mut Pace<S>, du: &mut S, u: &S, theta: f64) -> Result<(), FieldError> {
        let interpolated = pace.interpolated.take();
        pace.count(interpolated.as_deref());
        let t: Vec<f64> = pace.steps.iter().map(|step| step.time(theta)).collect();
        let evaluated = self.eval_some(du, u, &t, interpolated.as_deref());
        if let (Some(lanes), true, Ok(())) = (&interpolated, theta == 1.0, &evaluated) {
            // Evaluated at the state that was accepted: the first stage of the next step.
            pace.first.assign_lanes(du, &in_place(lanes))?;
            lanes.iter().for_each(|&lane| pace.first_known[lane] = true);
        }
        pace.interpolated = interpolated;
        evaluated?;
        if let Some(last) = &mut pace.last
            && pace.interpolated.is_none()
            && theta == 1.0
        {
            last.copy_from(du)?;
        }
        Ok(())
    }
}

impl<S> Pace<S> {
    fn count(&mut self, lanes: Option<&[usize]>) {
        self.calls += 1;
        match lanes {
            Some(lanes) => lanes.iter().for_each(|&lane| self.evaluations[lane] += 1),
            None => self.evaluations.iter_mut().for_each(|count| *count += 1),
        }
    }
}

/// Every lane to its own place.
pub(super) fn in_place(lanes: &[usize]) -> Vec<(usize, usize)> {
    lanes.iter().map(|&lane| (lane, lane)).collect()
}

impl<S: State, F: VectorField<S>> VectorField<S> for Paced<S, F> {
    fn eval(&self, du: &mut S, u: &S, theta: Times<'_>) -> Result<(), FieldError> {
        let theta = theta.one()?;
        let pace = &mut *self.pace.borrow_mut();
        if std::mem::take(&mut pace.at_start) {
            self.first_stage(pace, u)?;
            du.copy_from(&pace.first)?;
        } else {
            self.stage(pace, du, u, theta)?;
        }
        let h: Vec<f64> = pace.steps.iter().map(|step| step.h).collect();
        Ok(du.combine_lanes(&h, &[])?)
    }

    fn forwards(&self) -> u64 {
        self.field.forwards()
    }
}
