use crate::control::{Adaptive, PidController};
use crate::state::{Components, Tolerance};

/// How the lanes of a batch are solved, each with adaptive steps of its own.
#[derive(Debug, Clone)]
pub struct LaneOptions {
    pub(super) adaptive: Adaptive,
    pub(super) save_times: Vec<f64>,
    pub(super) nfe_budget: Option<u64>,
    pub(super) max_steps: u64,
}

impl LaneOptions {
    /// Given tolerances and the defaults of
    /// [`SolveOptions::adaptive`](crate::SolveOptions::adaptive).
    pub fn adaptive(abstol: impl Into<Components>, reltol: impl Into<Components>) -> Self {
        LaneOptions {
            adaptive: Adaptive::new(Tolerance::new(abstol, reltol)),
            save_times: Vec::new(),
            nfe_budget: None,
            max_steps: 1_000_000,
        }
    }

    /// Another controller; every lane has its own history of errors.
    #[must_use]
    pub fn controller(mut self, controller: PidController) -> Self {
        self.adaptive.controller = controller;
        self
    }

    /// Length of every lane's first step; its sign follows the span.
    #[must_use]
    pub fn initial_step(mut self, length: f64) -> Self {
        self.adaptive.initial_step = Some(length);
        self
    }

    /// Smallest step.
    #[must_use]
    pub fn dtmin(mut self, length: f64) -> Self {
        self.adaptive.dtmin = Some(length);
        self
    }

    /// Largest step.
    #[must_use]
    pub fn dtmax(mut self, length: f64) -> Self {
        self.adaptive.dtmax = Some(length);
        self
    }

    /// Times at which all lanes are saved, by the method's continuous extension.
    #[must_use]
    pub fn save_at(mut self, times: impl Into<Vec<f64>>) -> Self {
        self.save_times = times.into();
        self
    }

    /// Most function evaluations that may serve any one lane; a lane stops before the
    /// step that would exceed them.
    #[must_use]
    pub fn nfe_budget(mut self, nfe: u64) -> Self {
        self.nfe_budget = Some(nfe);
        self
    }

    /// Most steps a lane attempts, rejected ones included.
    #[must_use]
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = steps;
        self
    }
}
