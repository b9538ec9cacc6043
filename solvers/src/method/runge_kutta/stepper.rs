use std::marker::PhantomData;

use super::pace::Pace;
use super::{Continuous, ErrorWeights, ExplicitTableau, Tableau};
use crate::field::{ByLane, Counted, Times, VectorField};
use crate::method::{
    ErrorEstimate, Interpolant, InterpolantWeights, Kind, LaneSteps, Method, MethodInfo, Step,
    StepError, Stepper, Told, move_lanes,
};
use crate::state::{State, StateError};

/// The explicit Runge-Kutta method with tableau `T`: the one stepper of all of
/// them.
///
/// A first stage that is already known (FSAL, a rejected attempt from the same
/// state, the probe of the automatic first step) is never evaluated again.
#[derive(Debug, Clone, Copy, Default)]
pub struct RungeKutta<T>(PhantomData<T>);

impl<T> RungeKutta<T> {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        RungeKutta(PhantomData)
    }
}

/// Where `f(u, t)` at the start of the coming step is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstStage {
    Unknown,
    InPlace,
    InSlot(usize),
}

/// A Runge-Kutta method in the midst of a solve: stages and scratch.
#[derive(Debug)]
pub struct RungeKuttaStepper<S, T> {
    tableau: PhantomData<T>,
    stages: Vec<S>,
    stage_state: S,
    errors: Vec<S>,
    first: FirstStage,
    /// Length of the step whose interpolant is ready.
    interpolated: Option<f64>,
    /// What is known of lanes with steps of their own.
    pace: Option<Box<Pace<S>>>,
}

impl<S: State, T: ExplicitTableau> RungeKuttaStepper<S, T> {
    pub(in crate::method) fn new(initial: &S) -> Self {
        let zeros = || initial.zeros_like();
        RungeKuttaStepper {
            tableau: PhantomData,
            stages: std::iter::repeat_with(zeros).take(T::TABLEAU.interpolant_stages()).collect(),
            stage_state: zeros(),
            errors: std::iter::repeat_with(zeros).take(T::TABLEAU.error_estimates()).collect(),
            first: FirstStage::Unknown,
            interpolated: None,
            pace: None,
        }
    }

    /// The derivative at the start of the step that was made last, of a method whose last stage
    /// is not the next one's first.
    pub(in crate::method) fn first(&self) -> &S {
        &self.stages[0]
    }

    /// What is known of the lanes of `u`, which have steps of their own.
    fn pace_of(&mut self, u: &S) -> &mut Pace<S> {
        self.pace.get_or_insert_with(|| Box::new(Pace::new(u, T::TABLEAU.first_same_as_last())))
    }

    /// The first stage of lanes with steps of their own.
    fn first_of_lanes<F: VectorField<S>>(
        &mut self,
        step: &Step<'_, S, F>,
    ) -> Result<(), StepError> {
        let Some(lanes) = step.lanes else { return Ok(()) };
        self.pace_of(step.u);
        let RungeKuttaStepper { stages, pace: Some(pace), .. } = self else { return Ok(()) };
        Ok(pace.first(step.field, (&mut stages[0], step.u), lanes)?)
    }

    /// Gives the derivative at the start of the coming step.
    pub(in crate::method) fn set_first(&mut self, derivative: &S) -> Result<(), StateError> {
        self.first = FirstStage::InPlace;
        self.stages[0].copy_from(derivative)
    }
}

/// Time of a node; the end of the step exactly, whatever `t + h` rounds to.
#[inline(always)]
fn node_time(c: f64, t: f64, t_next: f64, h: f64) -> f64 {
    if c == 1.0 { t_next } else { t + c * h }
}

impl Tableau {
    /// Stages an interpolant works with: the main ones, `f(u_next, t_next)`
    /// where the method is not FSAL, the extra ones.
    pub(super) const fn interpolant_stages(&self) -> usize {
        let end = if self.first_same_as_last() { 0 } else { 1 };
        let extra = match self.continuous {
            Continuous::Hermite => 0,
            Continuous::Own { extra, .. } => extra.len(),
        };
        self.stages() + end + extra
    }

    const fn error_estimates(&self) -> usize {
        match self.error {
            ErrorWeights::None => 0,
            ErrorWeights::Single { .. } => 1,
            ErrorWeights::Stretched { .. } => 2,
        }
    }

    fn info(&self) -> MethodInfo {
        let saved = u64::from(self.first_same_as_last());
        let evaluations = self.stages() as u64 - saved;
        MethodInfo {
            embedded_order: match self.error {
                ErrorWeights::None => None,
                ErrorWeights::Single { order, .. } => Some(order),
                // Stretched estimates fall like h^order: they steer as one
                // whose embedded order is one less than the method's.
                ErrorWeights::Stretched { .. } => Some(self.order - 1),
            },
            interpolant_order: Some(match self.continuous {
                Continuous::Hermite => self.order.min(3),
                Continuous::Own { order, .. } => order,
            }),
            lane_steps: true,
            interpolant_evaluations: (self.interpolant_stages() - self.stages()) as u64,
            evaluations_at_start: saved,
            ..MethodInfo::one_step(self.name, Kind::RungeKutta, self.order, evaluations)
        }
    }
}

/// Weights of the cubic Hermite polynomial through both ends, over the stages
/// and `f(u_next, t_next)`:
/// `u + theta (u1 - u) + theta (theta - 1) [(1 - 2 theta)(u1 - u) + (theta - 1) h f0 + theta h f1]`
/// with `u1 - u = h sum_i b_i k_i`.
fn hermite_weights<T: ExplicitTableau>(theta: f64, weights: &mut [f64]) {
    let tableau = T::TABLEAU;
    let bump = theta * (theta - 1.0);
    let chord = theta + bump * (1.0 - 2.0 * theta);
    weights.fill(0.0);
    for (weight, &b) in weights.iter_mut().zip(tableau.b) {
        *weight = chord * b;
    }
    let end = tableau.interpolant_stages() - 1;
    weights[0] += bump * (theta - 1.0);
    weights[end] += bump * theta;
}

/// Stages written out for states that are [unrolled](State::UNROLLED).
const UNROLLED_STAGES: usize = 16;

/// Where the results of one step go.
struct Buffers<'m, S> {
    /// The stages, the first of them known.
    stages: &'m mut [S],
    stage_state: &'m mut S,
    next: &'m mut S,
    errors: &'m mut [S],
    pace: &'m mut Option<Box<Pace<S>>>,
}

impl<S: State> Buffers<'_, S> {
    #[inline(always)]
    fn fill<F: VectorField<S>, T: ExplicitTableau>(
        &mut self,
        start: &Start<'_, S, F>,
    ) -> Result<(), StepError> {
        let tableau = const { T::TABLEAU };
        self.evaluate_stages::<F, T>(start)?;
        let &Start { u, h, .. } = start;
        if !const { T::TABLEAU.first_same_as_last() } {
            self.next.stage_sum(Some(u), h, tableau.b, self.stages)?;
        }
        match tableau.error {
            // Nobody asks on a fixed grid.
            _ if start.on_grid => {}
            ErrorWeights::None => {}
            ErrorWeights::Single { weights, .. } => {
                self.errors[0].stage_sum(None, h, weights, self.stages)?;
            }
            ErrorWeights::Stretched { high, low, .. } => {
                self.errors[0].stage_sum(None, h, high, self.stages)?;
                self.errors[1].stage_sum(None, h, low, self.stages)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn evaluate_stages<F: VectorField<S>, T: ExplicitTableau>(
        &mut self,
        start: &Start<'_, S, F>,
    ) -> Result<(), StepError> {
        let mut next = 1;
        if S::UNROLLED {
            // Literal numbers, so that every row of the tableau is a constant.
            macro_rules! stages {
                ($($i:literal)*) => {$(
                    if $i < const { T::TABLEAU.stages() } {
                        self.evaluate_stage::<F, T>(start, $i)?;
                    }
                )*};
            }
            stages!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            next = UNROLLED_STAGES;
        }
        for i in next..const { T::TABLEAU.stages() } {
            self.evaluate_stage::<F, T>(start, i)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn evaluate_stage<F: VectorField<S>, T: ExplicitTableau>(
        &mut self,
        start: &Start<'_, S, F>,
        i: usize,
    ) -> Result<(), StepError> {
        let tableau = const { T::TABLEAU };
        let &Start { field, u, lanes, t, t_next, h, .. } = start;
        let (known, rest) = self.stages.split_at_mut(i);
        let last = const { T::TABLEAU.stages() - 1 };
        let at_end = const { T::TABLEAU.first_same_as_last() } && i == last;
        let target = if at_end { &mut *self.next } else { &mut *self.stage_state };
        target.stage_sum(Some(u), h, tableau.a[i], known)?;
        let time = node_time(tableau.c[i], t, t_next, h);
        match (lanes, &mut self.pace) {
            (Some(lanes), Some(pace)) => pace.slope(field, (&mut rest[0], target), time, lanes)?,
            _ => field.eval(&mut rest[0], target, time.into())?,
        }
        Ok(())
    }
}

/// What a step starts from.
struct Start<'s, S, F> {
    field: &'s Counted<&'s F>,
    u: &'s S,
    lanes: Option<&'s LaneSteps>,
    t: f64,
    t_next: f64,
    h: f64,
    on_grid: bool,
}

impl<S: State, F: VectorField<S>, T: ExplicitTableau> Method<S, F> for RungeKutta<T> {
    type Stepper = RungeKuttaStepper<S, T>;

    fn info(&self) -> MethodInfo {
        T::TABLEAU.info()
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        RungeKuttaStepper::new(initial)
    }
}

impl<S: State, F: VectorField<S>, T: ExplicitTableau> Stepper<S, F> for RungeKuttaStepper<S, T> {
    #[inline]
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        match self.first {
            _ if step.lanes.is_some() => self.first_of_lanes(&step)?,
            FirstStage::Unknown => step.field.eval(&mut self.stages[0], step.u, step.t.into())?,
            FirstStage::InPlace => {}
            FirstStage::InSlot(slot) if S::UNROLLED => {
                // A copy of a few numbers is shorter than an exchange of them.
                let (first, rest) = self.stages.split_at_mut(slot);
                first[0].copy_from(&rest[0])?;
            }
            FirstStage::InSlot(slot) => self.stages.swap(0, slot),
        }
        self.first = FirstStage::InPlace;
        let Step { field, t, t_next, h, u, next, grid, lanes, .. } = step;
        let start = Start { field, u, lanes, t, t_next, h, on_grid: grid.is_some() };
        let RungeKuttaStepper { stages, stage_state, errors, pace, .. } = self;
        let stages = &mut stages[..const { T::TABLEAU.stages() }];
        let errors = &mut errors[..const { T::TABLEAU.error_estimates() }];
        Buffers { stages, stage_state, next, errors, pace }.fill::<F, T>(&start)
    }

    #[inline]
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Accepted => {
                self.interpolated = None;
                self.first = if const { T::TABLEAU.first_same_as_last() } {
                    FirstStage::InSlot(const { T::TABLEAU.stages() } - 1)
                } else {
                    FirstStage::Unknown
                };
            }
            Told::AcceptedLanes(_) => self.interpolated = None,
            Told::Corrected | Told::Replaced => self.first = FirstStage::Unknown,
            Told::Lanes(from) => {
                let RungeKuttaStepper { stages, stage_state, errors, .. } = self;
                move_lanes(stages.iter_mut().chain([stage_state]).chain(errors), from)?;
            }
        }
        match &mut self.pace {
            Some(pace) => pace.tell(told),
            None => Ok(()),
        }
    }

    #[inline]
    fn error(&self) -> ErrorEstimate<'_, S> {
        match T::TABLEAU.error {
            ErrorWeights::None => ErrorEstimate::None,
            ErrorWeights::Single { .. } => ErrorEstimate::Single(&self.errors[0]),
            ErrorWeights::Stretched { .. } => {
                ErrorEstimate::Stretched { high: &self.errors[0], low: &self.errors[1] }
            }
        }
    }

    fn slope(
        &mut self,
        field: &Counted<&F>,
        du: &mut S,
        (u, t): (&S, Times<'_>),
        kept: bool,
    ) -> Result<bool, StepError> {
        match t {
            ByLane::One(_) => field.eval(du, u, t)?,
            ByLane::Each(_) => {
                field.for_lanes(None, (&mut *du, u), |field, du, u| field.eval(du, u, t))?;
            }
        }
        match t {
            _ if !kept => {}
            ByLane::One(_) => self.set_first(du)?,
            ByLane::Each(_) => self.pace_of(u).set_first(du)?,
        }
        Ok(true)
    }

    fn known(&self, lane: usize) -> u64 {
        self.pace.as_ref().map_or(0, |pace| u64::from(pace.knows_first(lane)))
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        if self.interpolated.is_some() {
            return Ok(());
        }
        let tableau = T::TABLEAU;
        let Step { field, t, t_next, h, u, next, lanes, .. } = step;
        let mut known = tableau.stages();
        let RungeKuttaStepper { stages, stage_state, pace, first, .. } = self;
        let mut slope = |du: &mut S, u: &S, t: f64| match (lanes, &mut *pace) {
            (Some(lanes), Some(pace)) => pace.slope_between(field, (du, u), t, lanes),
            _ => field.eval(du, u, t.into()),
        };
        if !tableau.first_same_as_last() {
            slope(&mut stages[known], next, t_next)?;
            *first = FirstStage::InSlot(known);
            known += 1;
        }
        if let Continuous::Own { extra, .. } = tableau.continuous {
            for stage in extra {
                let (done, rest) = stages.split_at_mut(known);
                stage_state.stage_sum(Some(u), h, stage.a, done)?;
                slope(&mut rest[0], stage_state, node_time(stage.c, t, t_next, h))?;
                known += 1;
            }
        }
        self.interpolated = Some(h);
        Ok(())
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        let weights = match T::TABLEAU.continuous {
            Continuous::Hermite => hermite_weights::<T>,
            Continuous::Own { weights, .. } => weights,
        };
        let weights = InterpolantWeights::Tableau { h: self.interpolated?, weights };
        Some(Interpolant { stages: &self.stages, weights })
    }
}
