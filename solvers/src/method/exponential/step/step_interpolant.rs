use std::sync::Arc;

use super::{History, Knot, Transition};
use crate::field::FieldError;
use crate::method::{
    Interpolant, InterpolantWeights, LaneSteps, Step, StepError, Told, move_lanes,
};
use crate::semilinear::{Level, NonlinearPart, Schedule, SemilinearField};
use crate::state::{State, StateError};

/// The continuous extension of every deterministic exponential integrator: what Hermite's cubic
/// is to Runge-Kutta methods.
///
/// Between `x_0` and `x_1` the nonlinear part is taken for the parabola through its values at both
/// ends that leads to `x_1`. With `s` the share of the step on the clock,
/// `N(s) = N_0 + s (N_1 - N_0) + c s (1 - s)`, and the linear part being solved exactly
///
/// `x(s) = scale x_0 + w_1 N_0 + s w_2 (N_1 - N_0) + c m(s)`, `m(s) = s w_2 - 2 s^2 w_3`,
///
/// the `w_k` being the [weights](Transition::weight) of the part of the step up to `s`; `c` is such
/// that `x(1) = x_1`. Order 3, or the method's if that is lower. `N_1` is the first value of the
/// next step, evaluated one step early.
///
/// A step of infinite length on the clock has no such parabola: between its ends `N_0` stays, and
/// what that leaves at the end is divided in proportion to time. Order 1.
#[derive(Debug)]
pub struct StepInterpolant<S> {
    /// `x_0`, `x_1`, `N_0`, `N_1`; made when they are first asked for.
    stages: Vec<S>,
    weights: Option<InterpolantWeights>,
}

/// Order of the extension of a method of this order.
pub(crate) fn continuous_order(order: u32) -> Option<u32> {
    Some(order.min(3))
}

/// A step that was made.
#[derive(Clone, Copy)]
pub struct MadeStep<'a, S> {
    /// Which nonlinear part the values are of.
    pub part: NonlinearPart,
    /// The linear part at every time.
    pub schedule: &'a Arc<dyn Schedule>,
    /// Where the step starts and ends.
    pub knots: (Knot, Knot),
    /// The states there.
    pub states: (&'a S, &'a S),
}

impl<'a, S> MadeStep<'a, S> {
    /// The step just accepted.
    pub fn of<F: SemilinearField<S>>(
        step: &'a Step<'_, S, F>,
        part: NonlinearPart,
    ) -> Result<Self, FieldError> {
        let knots = (Knot::at_end(step.field, step.t)?, Knot::at_end(step.field, step.t_next)?);
        let (schedule, states) = (step.field.schedule(), (step.u, &*step.next));
        Ok(MadeStep { part, schedule, knots, states })
    }

    /// Whether the clock is infinite at one of its ends.
    pub fn is_infinite(&self) -> bool {
        (self.knots.1.log_snr() - self.knots.0.log_snr()).is_infinite()
    }
}

impl<S> Default for StepInterpolant<S> {
    fn default() -> Self {
        StepInterpolant { stages: Vec::new(), weights: None }
    }
}

impl<S: State> StepInterpolant<S> {
    /// Takes note of what happened: a step that was accepted has no extension yet.
    pub fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Accepted | Told::AcceptedLanes(_) => self.weights = None,
            Told::Lanes(from) => move_lanes(&mut self.stages, from)?,
            Told::Corrected | Told::Replaced => {}
        }
        Ok(())
    }

    /// Makes it ready for the step accepted last, of a method whose [`History`] begins with the
    /// value at the start of that step. The value at its end becomes the newest.
    pub fn prepare_next<F: SemilinearField<S>>(
        &mut self,
        step: Step<'_, S, F>,
        part: NonlinearPart,
        history: &mut History<S>,
    ) -> Result<(), StepError> {
        if self.is_ready() {
            return Ok(());
        }
        let made = MadeStep::of(&step, part)?;
        let end = made.knots.1;
        if made.is_infinite() {
            return Ok(self.prepare(made, history.value(0), None)?);
        }
        let mut value = step.u.zeros_like();
        step.field.predict(part.into(), &mut value, step.next, step.t_next.into())?;
        self.prepare(made, history.value(0), Some(&value))?;
        history.insert_newest(end, &mut value);
        Ok(())
    }

    /// Whether it is ready for the step made last.
    pub fn is_ready(&self) -> bool {
        self.weights.is_some()
    }

    /// Makes it ready for a step to where there is no noise left, which was
    /// the predicted data.
    pub fn prepare_to_data<F: SemilinearField<S>>(
        &mut self,
        step: Step<'_, S, F>,
    ) -> Result<(), StepError> {
        let made = MadeStep::of(&step, NonlinearPart::Data)?;
        let mut data = made.states.1.clone();
        let alpha = made.knots.1.level.alpha;
        if alpha != 1.0 {
            data.linear_combination(1.0 / alpha, &[])?;
        }
        Ok(self.prepare(made, &data, None)?)
    }

    /// Makes it ready for a step, given the values at its ends; at an end of infinite clock there
    /// is none.
    pub fn prepare(
        &mut self,
        step: MadeStep<'_, S>,
        first: &S,
        last: Option<&S>,
    ) -> Result<(), StateError> {
        let (u, next) = step.states;
        self.keep([u, next, first, last.unwrap_or(first)])?;
        let MadeStep { part, knots, .. } = step;
        let schedule = step.schedule.clone();
        let weights = move |_: usize, theta: f64, weights: &mut [f64]| {
            write_weights(part, &*schedule, knots, theta, weights);
        };
        self.weights = Some(InterpolantWeights::States(Arc::new(weights)));
        Ok(())
    }

    /// The same for lanes that have a step each.
    pub(crate) fn prepare_lanes(
        &mut self,
        part: NonlinearPart,
        schedule: &Arc<dyn Schedule>,
        lanes: &LaneSteps,
        (u, next): (&S, &S),
        (first, last): (&S, &S),
    ) -> Result<(), StepError> {
        self.keep([u, next, first, last])?;
        let knot = |t: f64| schedule.at_end(t).map(|level| Knot { t, level });
        let mut knots = Vec::with_capacity(lanes.steps.len());
        for step in &lanes.steps {
            knots.push((knot(step.t)?, knot(step.t_next)?));
        }
        let schedule = schedule.clone();
        let weights = move |lane: usize, theta: f64, weights: &mut [f64]| {
            write_weights(part, &*schedule, knots[lane], theta, weights);
        };
        self.weights = Some(InterpolantWeights::States(Arc::new(weights)));
        Ok(())
    }

    fn keep(&mut self, states: [&S; 4]) -> Result<(), StateError> {
        if self.stages.is_empty() {
            self.stages = states.map(|state| state.zeros_like()).into();
        }
        for (stage, from) in self.stages.iter_mut().zip(states) {
            stage.copy_from(from)?;
        }
        Ok(())
    }

    /// The interpolant of the step it is ready for.
    pub fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        Some(Interpolant { stages: &self.stages, weights: self.weights.clone()? })
    }
}

/// The weights at a share `theta` of a step in time.
fn write_weights(
    part: NonlinearPart,
    schedule: &dyn Schedule,
    (start, end): (Knot, Knot),
    theta: f64,
    weights: &mut [f64],
) {
    let to = match theta {
        0.0 => Ok(start.level),
        1.0 => Ok(end.level),
        theta => schedule.at(start.t + theta * (end.t - start.t)),
    };
    match to {
        Ok(to) => {
            let whole = Transition::new(part, &start.level, &end.level);
            weights.copy_from_slice(&at(part, &start.level, &to, &whole, theta));
        }
        // Nowhere within a step; NaN is noticed.
        Err(_) => weights.fill(f64::NAN),
    }
}

/// Weights of `x_0`, `x_1`, `N_0`, `N_1` at a share `theta` of the step in time, where the linear
/// part is `to`.
fn at(part: NonlinearPart, from: &Level, to: &Level, whole: &Transition, theta: f64) -> [f64; 4] {
    if theta == 0.0 {
        return [1.0, 0.0, 0.0, 0.0];
    }
    let reached = Transition::new(part, from, to);
    if whole.is_infinite() {
        let w1 = reached.weight(1) - theta * whole.weight(1);
        return [reached.scale - theta * whole.scale, theta, w1, 0.0];
    }
    let s = reached.h / whole.h;
    let w2 = s * reached.weight(2);
    let bump = w2 - 2.0 * s * s * reached.weight(3);
    let share = bump / (whole.weight(2) - 2.0 * whole.weight(3));
    [
        reached.scale - share * whole.scale,
        share,
        reached.weight(1) - w2 - share * (whole.weight(1) - whole.weight(2)),
        w2 - share * whole.weight(2),
    ]
}
