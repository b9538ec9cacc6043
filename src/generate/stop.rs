//! Solves that are stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driftfield_problems::predictor::{Predictor, Pullback, Pushforward, Targets, Times};
use driftfield_problems::process::SharedPath;
use driftfield_solvers::FieldError;

/// A predictor that refuses every prediction once it is to stop: whatever asks for one, a solve
/// of all lanes together or of each at its own pace, then ends.
pub(super) struct Stoppable<S> {
    predictor: Arc<dyn Predictor<S>>,
    stop: Arc<AtomicBool>,
}

impl<S> Stoppable<S> {
    pub(super) fn new(predictor: Arc<dyn Predictor<S>>, stop: Arc<AtomicBool>) -> Self {
        Stoppable { predictor, stop }
    }

    fn check(&self) -> Result<(), FieldError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(FieldError::other("stopped from outside"));
        }
        Ok(())
    }
}

impl<S> Predictor<S> for Stoppable<S> {
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.predict(target, out, x, t)
    }

    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.predict_with_score(data, score, out, x, t)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.pull_back(target, pull, x, t)
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.push_forward(target, push, x, t)
    }

    fn forwards(&self) -> u64 {
        self.predictor.forwards()
    }
}
