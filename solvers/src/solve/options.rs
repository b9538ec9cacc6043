use crate::control::{Adaptive, ErrorNorm, Grid, PidController, StepControl};
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
        }
    }

    /// `n` equal steps.
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

    fn map_adaptive(mut self, change: impl FnOnce(&mut Adaptive)) -> Self {
        if let StepControl::Adaptive(adaptive) = &mut self.control {
            change(adaptive);
        }
        self
    }

    /// Another controller (adaptive steps only).
    #[must_use]
    pub fn controller(self, controller: PidController) -> Self {
        self.map_adaptive(|adaptive| adaptive.controller = controller)
    }

    /// Another norm over the batch (adaptive steps only).
    #[must_use]
    pub fn norm(self, norm: ErrorNorm) -> Self {
        self.map_adaptive(|adaptive| adaptive.norm = norm)
    }

    /// Length of the first step (adaptive steps only); its sign follows the span.
    #[must_use]
    pub fn initial_step(self, length: f64) -> Self {
        self.map_adaptive(|adaptive| adaptive.initial_step = Some(length))
    }

    /// Smallest step (adaptive steps only).
    #[must_use]
    pub fn dtmin(self, length: f64) -> Self {
        self.map_adaptive(|adaptive| adaptive.dtmin = Some(length))
    }

    /// Largest step (adaptive steps only).
    #[must_use]
    pub fn dtmax(self, length: f64) -> Self {
        self.map_adaptive(|adaptive| adaptive.dtmax = Some(length))
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
