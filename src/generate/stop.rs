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

#[cfg(test)]
mod tests {
    use driftfield_problems::predictor::{NetworkPredictor, Prediction};
    use driftfield_problems::process;
    use driftfield_solvers::Target;

    use super::*;

    /// Products are refused with what is asked of the predictor inside, and once stopped with that.
    #[test]
    fn what_is_stopped_says_so_whatever_it_is_asked_for() {
        let half = |out: &mut [f64; 1], x: &[f64; 1], _t: f64| *out = [0.5 * x[0]];
        let network = NetworkPredictor::new(half, Prediction::Data, process::parse("vp").unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let stoppable = Stoppable::new(Arc::new(network), stop.clone());
        let (x, ones) = ([3.0], |_: std::ops::Range<usize>, _: &[f64; 1], c: &mut [f64; 1]| {
            *c = [1.0];
            Ok(())
        });
        let ask = || {
            let (mut value, mut state) = ([0.0], [0.0]);
            let (target, t) = (Target::DATA.into(), 0.5.into());
            let pull = Pullback::new(&mut value, &ones, &mut state);
            let pulled = stoppable.pull_back(target, pull, &x, t).unwrap_err();
            let (mut out, mut tangent) = ([0.0], [0.0]);
            let push = Pushforward {
                value: &mut out,
                direction: &x,
                time: 0.0.into(),
                tangent: &mut tangent,
            };
            let pushed = stoppable.push_forward(target, push, &x, t).unwrap_err();
            let predicted = stoppable.predict(target, &mut out, &x, t).map(|()| out);
            (pulled, pushed, predicted)
        };
        let (pulled, pushed, predicted) = ask();
        assert!(matches!((pulled, pushed), (FieldError::Refused(_), FieldError::Refused(_))));
        assert_eq!(predicted, Ok([1.5]));
        stop.store(true, Ordering::Relaxed);
        let (pulled, pushed, predicted) = ask();
        for error in [pulled, pushed, predicted.unwrap_err()] {
            assert!(error.to_string().contains("stopped from outside"), "{error}");
        }
    }
}
