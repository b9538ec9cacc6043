//! Solves that are stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::SharedPath;
use driftfield_solvers::{FieldError, State};

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
            return Err(FieldError::Other("stopped from outside".to_owned()));
        }
        Ok(())
    }
}

impl<S> Predictor<S> for Stoppable<S> {
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.predict(target, out, x, t)
    }

    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        sigma: f64,
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        self.check()?;
        self.predictor.predict_with_score(data, score, sigma, out, x, t)
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError>
    where
        S: State,
    {
        self.check()?;
        self.predictor.predict_lanes(targets, out, x, t)
    }

    fn network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}
