//! Solves that are stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driftfield_problems::predictor::{Predictor, Pullback, Pushforward, Targets, Times};
use driftfield_problems::process::SharedPath;
use driftfield_solvers::FieldError;

use super::progress::Watched;

/// A predictor that refuses every prediction once it is to stop: whatever asks for one, a solve
/// of all lanes together or of each at its own pace, then ends.
pub(super) struct Stoppable<S> {
    predictor: Arc<dyn Predictor<S>>,
    stop: Arc<AtomicBool>,
    watched: Option<Watched>,
}

impl<S> Stoppable<S> {
    /// `watched` is told of every prediction, if there is one.
    pub(super) fn new(
        predictor: Arc<dyn Predictor<S>>,
        stop: Arc<AtomicBool>,
        watched: Option<Watched>,
    ) -> Self {
        Stoppable { predictor, stop, watched }
    }

    fn check(&self, t: Times<'_>) -> Result<(), FieldError> {
        if let Some(watched) = &self.watched {
            watched.evaluated(t);
        }
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
        self.check(t)?;
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
        self.check(t.into())?;
        self.predictor.predict_with_score(data, score, out, x, t)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check(t)?;
        self.predictor.pull_back(target, pull, x, t)
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check(t)?;
        self.predictor.push_forward(target, push, x, t)
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
    }
}

#[cfg(test)]
mod tests {
    use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
    use driftfield_problems::predictor::{NetworkPredictor, Prediction};
    use driftfield_problems::process;
    use driftfield_solvers::Target;
    use ndarray::Array2;

    use super::*;

    /// Products are refused with what is asked of the predictor inside, and once stopped with that.
    #[test]
    fn what_is_stopped_says_so_whatever_it_is_asked_for() {
        let half = |out: &mut [f64; 1], x: &[f64; 1], _t: f64| *out = [0.5 * x[0]];
        let network = NetworkPredictor::new(half, Prediction::Data, process::parse("vp").unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let stoppable = Stoppable::new(Arc::new(network), stop.clone(), None);
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

    #[test]
    fn until_then_products_are_those_of_the_predictor_inside() {
        let means = vec![vec![-1.0, 0.5], vec![1.0, 1.5]];
        let mixture = GaussianMixture::isotropic(vec![0.3, 0.7], means, vec![0.5, 0.8]).unwrap();
        let parameters = mixture.parameters().len();
        let inside = MixturePredictor::new(mixture, process::parse("vp").unwrap());
        let stoppable = Stoppable::new(Arc::new(inside.clone()), Arc::default(), None);
        let x = Array2::from_shape_fn((3, 2), |(i, j)| 0.7 * i as f64 - 0.4 * j as f64);
        let all = |predictor: &dyn Predictor<Array2<f64>>| {
            let (target, t) = (Target::NOISE.into(), 0.5.into());
            let along = |_: std::ops::Range<usize>, value: &Array2<f64>, c: &mut Array2<f64>| {
                c.assign(value);
                Ok(())
            };
            let (mut value, mut state) = (x.clone(), x.clone());
            let (mut time, mut sums) = (vec![0.0; 3], vec![1.0; parameters]);
            let mut pull = Pullback::new(&mut value, &along, &mut state);
            pull.time = Some(&mut time);
            pull.inputs.parameters = Some(&mut sums);
            predictor.pull_back(target, pull, &x, t).unwrap();
            let (mut out, mut tangent) = (x.clone(), x.clone());
            let push = Pushforward {
                value: &mut out,
                direction: &x,
                time: 0.3.into(),
                tangent: &mut tangent,
            };
            predictor.push_forward(target, push, &x, t).unwrap();
            (value, state, time, sums, out, tangent)
        };
        assert_eq!(all(&stoppable), all(&inside));
    }
}
