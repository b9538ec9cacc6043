use super::SolveError;
use super::recorder::Recorder;
use super::start::sort_along;
use crate::control::{Adaptive, ControlError, ErrorNorm, Grid, PidController, StepControl};
use crate::noise::Noise;
use crate::observer::{Event, Observer, Save};
use crate::state::{Components, Tolerance};

/// How a problem is solved: step control, noise, limits, and what is watched.
pub struct SolveOptions<'a, S> {
    pub(crate) control: StepControl,
    pub(crate) save: Save,
    pub(crate) seed: u64,
    pub(crate) first_lane: u64,
    pub(crate) noise: Option<Box<dyn Noise<S> + 'a>>,
    pub(crate) history: Vec<(f64, S)>,
    pub(crate) nfe_budget: Option<u64>,
    pub(crate) max_steps: Option<u64>,
    pub(crate) events: Vec<Event<'a, S>>,
    pub(crate) observers: Vec<Box<dyn Observer<S> + 'a>>,
    pub(crate) recorders: Vec<Recorder<'a, S>>,
    pub(crate) steady: Option<Tolerance>,
    stops: Vec<f64>,
    /// A setting of adaptive steps that was given for fixed ones.
    misplaced: Option<&'static str>,
}

impl<'a, S> SolveOptions<'a, S> {
    /// Given step control and the defaults for everything else: only the last
    /// state, seed 0, no budget, at most a million adaptive steps.
    pub fn new(control: StepControl) -> Self {
        SolveOptions {
            control,
            save: Save::last(),
            seed: 0,
            first_lane: 0,
            noise: None,
            history: Vec::new(),
            nfe_budget: None,
            max_steps: None,
            events: Vec::new(),
            observers: Vec::new(),
            recorders: Vec::new(),
            steady: None,
            stops: Vec::new(),
            misplaced: None,
        }
    }

    /// `n` steps equal in time, whatever the problem: paths that space theirs otherwise have functions
    /// for that.
    pub fn steps(n: usize) -> Self {
        Self::new(StepControl::Fixed(Grid::Steps(n)))
    }

    /// Steps of length `|dt|`, the last one shortened.
    pub fn dt(dt: f64) -> Self {
        Self::new(StepControl::Fixed(Grid::Dt(dt)))
    }

    /// Explicit step times, both ends of the span included.
    pub fn times(times: impl Into<Vec<f64>>) -> Self {
        Self::new(StepControl::Fixed(Grid::Times(times.into())))
    }

    /// Adaptive steps with an I controller and the batch norm.
    pub fn adaptive(abstol: impl Into<Components>, reltol: impl Into<Components>) -> Self {
        Self::new(StepControl::Adaptive(Adaptive::new(Tolerance::new(abstol, reltol))))
    }

    pub(super) fn forces_dtmin(&self) -> bool {
        matches!(&self.control, StepControl::Adaptive(adaptive) if adaptive.force_dtmin)
    }

    fn map_adaptive(mut self, name: &'static str, change: impl FnOnce(&mut Adaptive)) -> Self {
        match &mut self.control {
            StepControl::Adaptive(adaptive) => change(adaptive),
            StepControl::Fixed(_) => self.misplaced = Some(name),
        }
        self
    }

    pub(super) fn check_settings(&self) -> Result<(), ControlError> {
        self.misplaced.map_or(Ok(()), |name| Err(ControlError::AdaptiveOnly { name }))
    }

    /// Whether lanes have steps of their own.
    pub(super) fn is_of_lanes(&self) -> bool {
        let own = |control: &Adaptive| control.norm == ErrorNorm::EachLane;
        matches!(&self.control, StepControl::Adaptive(control) if own(control))
    }

    /// Whether something else than the end of the span may end the solve.
    pub(super) fn may_be_endless(&self) -> bool {
        let ends = self.events.iter().any(|event| event.terminates_at.is_some());
        let adaptive = matches!(self.control, StepControl::Adaptive(_));
        adaptive && (ends || self.steady.is_some())
    }

    /// Refuses what no event can do.
    pub(super) fn check_events(&self) -> Result<(), SolveError> {
        let changes_a_lane = |event: &Event<'a, S>| event.per_lane && event.effect.is_some();
        match self.events.iter().position(changes_a_lane) {
            Some(event) => Err(SolveError::LaneEffect { event }),
            None => Ok(()),
        }
    }

    /// The times to land on, in the order of integration.
    pub(super) fn stops_within(&self, t0: f64, t1: f64) -> Result<Vec<f64>, ControlError> {
        let inside = |&t: &f64| t > t0.min(t1) && t < t0.max(t1);
        let at_end = |t: &f64| *t == t0 || *t == t1;
        if let Some(&t) = self.stops.iter().find(|t| !(inside(t) || at_end(t))) {
            return Err(ControlError::Stop(t));
        }
        let mut stops: Vec<f64> = self.stops.iter().copied().filter(inside).collect();
        sort_along(&mut stops, t0, t1);
        stops.dedup();
        Ok(stops)
    }

    /// Another controller (adaptive steps only).
    #[must_use]
    pub fn controller(self, controller: PidController) -> Self {
        self.map_adaptive("controller", |adaptive| adaptive.controller = controller)
    }

    /// Another norm over the batch (adaptive steps only).
    #[must_use]
    pub fn norm(self, norm: ErrorNorm) -> Self {
        self.map_adaptive("norm", |adaptive| adaptive.norm = norm)
    }

    /// Length of the first step (adaptive steps only); its sign follows the span.
    #[must_use]
    pub fn initial_step(self, length: f64) -> Self {
        self.map_adaptive("initial_step", |adaptive| adaptive.initial_step = Some(length))
    }

    /// Smallest step (adaptive steps only).
    #[must_use]
    pub fn dtmin(self, length: f64) -> Self {
        self.map_adaptive("dtmin", |adaptive| adaptive.dtmin = Some(length))
    }

    /// Goes on at the smallest step where the error asks for a smaller one (adaptive steps only);
    /// such steps are [counted](crate::Statistics::forced).
    #[must_use]
    pub fn force_dtmin(self) -> Self {
        self.map_adaptive("force_dtmin", |adaptive| adaptive.force_dtmin = true)
    }

    /// Times to land on exactly, where the equation changes: a step that ends there evaluates the
    /// field up to the last number before, the next one anew from there on, and what a method
    /// remembers is forgotten. A Brownian path is asked for the time itself.
    ///
    /// ```
    /// use driftfield_solvers::{OdeProblem, SolveOptions, method::Tsit5, solve};
    /// // On for a second, then off.
    /// let dose = |du: &mut f64, _u: &f64, t: f64| *du = if t < 1.0 { 1.0 } else { 0.0 };
    /// let problem = OdeProblem::new(dose, 0.0, (0.0, 3.0));
    /// let options = SolveOptions::adaptive(1e-8, 1e-8).stops([1.0]);
    /// let end = solve(&problem, &Tsit5::new(), options).unwrap().complete().unwrap();
    /// assert!((end - 1.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn stops(mut self, times: impl Into<Vec<f64>>) -> Self {
        self.stops = times.into();
        self
    }

    /// Ends the solve, as a success, where the state moves no faster: where its rate of change over
    /// a step is below `abstol + reltol |u|` in every lane (root mean square over components).
    #[must_use]
    pub fn steady_state(
        mut self,
        abstol: impl Into<Components>,
        reltol: impl Into<Components>,
    ) -> Self {
        self.steady = Some(Tolerance::new(abstol, reltol));
        self
    }

    /// Calls `record(u, t)` with the state at given times, in the order of integration, by the
    /// method's continuous extension: for functions of the state, where the states themselves are
    /// not to be kept.
    #[must_use]
    pub fn record_at(
        mut self,
        times: impl Into<Vec<f64>>,
        record: impl FnMut(&S, f64) + 'a,
    ) -> Self {
        self.recorders.push(Recorder::new(times.into(), record));
        self
    }

    /// Largest step (adaptive steps only).
    #[must_use]
    pub fn dtmax(self, length: f64) -> Self {
        self.map_adaptive("dtmax", |adaptive| adaptive.dtmax = Some(length))
    }

    /// Which states are kept.
    #[must_use]
    pub fn save(mut self, save: Save) -> Self {
        self.save = save;
        self
    }

    /// Seed of the Brownian path of stochastic methods.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Number of the batch's first lane in the whole ensemble: a chunk solved
    /// apart draws the same noise as within the whole.
    #[must_use]
    pub fn first_lane(mut self, lane: u64) -> Self {
        self.first_lane = lane;
        self
    }

    /// A Brownian path of your own, instead of the one from the seed.
    #[must_use]
    pub fn noise(mut self, noise: impl Noise<S> + 'a) -> Self {
        self.noise = Some(Box::new(noise));
        self
    }

    /// States before the start, oldest first, from which a multistep method takes its first
    /// values instead of starting with lower orders: a solve that was interrupted, or the
    /// exact solution where it is known. One evaluation each.
    #[must_use]
    pub fn history(mut self, past: impl Into<Vec<(f64, S)>>) -> Self {
        self.history = past.into();
        self
    }

    /// Most function evaluations the solve may make; it stops before the one
    /// that would exceed them.
    #[must_use]
    pub fn nfe_budget(mut self, nfe: u64) -> Self {
        self.nfe_budget = Some(nfe);
        self
    }

    /// Most steps attempted, rejected ones included; a grid that has more ends there too, with
    /// [`Outcome::MaxSteps`](crate::Outcome::MaxSteps). By default a million adaptive
    /// steps, and all those of a fixed grid, whose number has been asked for already.
    #[must_use]
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = Some(steps);
        self
    }

    /// Watches for the zero crossings of an event.
    #[must_use]
    pub fn event(mut self, event: Event<'a, S>) -> Self {
        self.events.push(event);
        self
    }

    /// Adds an observer; observers are called in the order they were added.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer<S> + 'a) -> Self {
        self.observers.push(Box::new(observer));
        self
    }
}
