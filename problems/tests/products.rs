//! Products with the Jacobians of every exact field, and through everything that wraps a predictor.

mod common;

use std::sync::Arc;

use common::products::{
    At, Batch, Flow, Smooth, check, cotangent, cotangents, direction, pull, push, slope, worst,
};
use common::{all_paths, full_mixture, interior, mixture, points};
use driftfield_problems::field::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::inverse::{self, Conditioned, ImageShape, Observation};
use driftfield_problems::predictor::{
    Network, NetworkPredictor, Prediction, Predictor, Pullback, Pushforward, Shifted, Target,
    Targets, Threshold, Thresholded, Times,
};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::{Counted, FieldError, SemilinearField, VectorField};
use ndarray::Axis;

const TARGETS: [Target; 3] = [Target::DATA, Target::NOISE, Target { data: -0.7, noise: 0.4 }];

/// States as likely as not: data of `prior` carried to `t`.
fn states(prior: &GaussianMixture, path: &SharedPath, t: f64) -> Batch {
    prior.marginal(path.alpha(t), path.sigma(t)).draw(6, 11)
}

/// A step small against the width of a component.
fn step(path: &SharedPath, t: f64) -> f64 {
    2e-3 * path.sigma(t).hypot(0.1 * path.alpha(t))
}

#[test]
fn mixtures_on_every_path() {
    for prior in [mixture(), full_mixture()] {
        for path in all_paths() {
            let predictor = MixturePredictor::new(prior.clone(), path.clone());
            for t in interior(&path) {
                let (x, h) = (states(&prior, &path, t), step(&path, t));
                for target in TARGETS {
                    let what = format!("{} at {t}, {target:?}", path.spec());
                    check(&what, &At(&predictor, target.into(), t.into()), &x, h, 1e-6);
                }
            }
        }
    }
}

#[test]
fn mixtures_at_both_ends() {
    let prior = full_mixture();
    let x = points(4, 3);
    // Without noise the data is the state over alpha, whatever the prior.
    let flow = process::parse("rectified-flow").unwrap();
    let predictor = MixturePredictor::new(prior, flow);
    let at = |t: f64| pull(&At(&predictor, Target::DATA.into(), t.into()), &x).unwrap();
    let (data, gradient) = at(0.0);
    assert!(worst(&data, &x) < 1e-13);
    assert!(worst(&gradient, &cotangents(&data)) < 1e-12);
    // Without signal it is the prior's mean, whatever the state.
    assert!(at(1.0).1.iter().all(|g| *g == 0.0));
}

/// Closer to the data nearly all responsibilities are 0 or 1, and their slope is below what a
/// difference resolves.
fn resolved(path: &SharedPath, smoothing: f64, t: f64) -> Option<f64> {
    let width = path.sigma(t).hypot(smoothing * path.alpha(t));
    // Small against the change of x over which one point takes over from another.
    let h = 2e-3 * width * (width / path.alpha(t)).min(1.0);
    (width >= 0.05 * path.alpha(t)).then_some(h)
}

#[test]
fn data_sets_on_every_path() {
    let points = mixture().draw(40, 5);
    for smoothing in [0.0, 0.15] {
        for path in all_paths() {
            let predictor =
                EmpiricalPredictor::new(points.clone(), smoothing, path.clone()).unwrap();
            for t in interior(&path) {
                let x = states(&mixture(), &path, t);
                for target in TARGETS {
                    let at = At(&predictor, target.into(), t.into());
                    let (value, _) = pull(&at, &x).unwrap();
                    assert!(worst(&value, &at.value(&x).unwrap()) < 1e-11);
                    if let Some(h) = resolved(&path, smoothing, t) {
                        check(&format!("{} at {t}, {target:?}", path.spec()), &at, &x, h, 1e-6);
                    }
                }
            }
        }
    }
    let bare = EmpiricalPredictor::new(points, 0.0, process::parse("vp").unwrap()).unwrap();
    let x = Batch::zeros((1, 2));
    let refused = pull(&At(&bare, Target::DATA.into(), 0.0.into()), &x).unwrap_err();
    assert!(matches!(refused, FieldError::Domain { .. }), "{refused}");
}

/// Differences in time, with steps small against the time itself: `h^4` and `eps / h` are both
/// below 1e-9 of the change over the time.
#[test]
fn exact_fields_in_time() {
    let fields = |path: &SharedPath| -> Vec<(Arc<dyn Predictor<Batch>>, GaussianMixture, f64)> {
        let data = EmpiricalPredictor::new(mixture().draw(40, 5), 0.15, path.clone()).unwrap();
        let exact = |prior| Arc::new(MixturePredictor::new(prior, path.clone()));
        vec![
            (exact(mixture()), mixture(), 0.1),
            (exact(full_mixture()), full_mixture(), 0.1),
            (Arc::new(data), mixture(), 0.15),
        ]
    };
    for path in all_paths() {
        for (predictor, prior, width) in fields(&path) {
            for t in interior(&path).into_iter().skip(1) {
                let Some(_) = resolved(&path, width, t) else { continue };
                let x = states(&prior, &path, t);
                for target in TARGETS {
                    let at = |t: f64| At(&predictor, target.into(), t.into());
                    let still = Batch::zeros(x.dim());
                    let (_, found) = push(&at(t), &x, &still, 1.0).unwrap();
                    let expected = slope(|s| at(t + s).value(&x).unwrap(), 1e-3 * t.min(0.05));
                    let gap = (&found - &expected).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                    let size = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                    assert!(
                        gap < 1e-6 * size / t.min(1.0),
                        "{} at {t}: {gap:e} {size}",
                        path.spec()
                    );
                    // From the left: c . dy/dt.
                    let (mut value, mut state) = (x.clone(), x.clone());
                    let mut times = vec![0.0; x.nrows()];
                    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
                    pull.time = Some(&mut times);
                    at(t).pull(pull, &x).unwrap();
                    let products = (&found * &cotangents(&value)).sum_axis(Axis(1));
                    let size = found.iter().fold(1e-9, |a: f64, b| a.max(b.abs()));
                    assert!(products.iter().zip(&times).all(|(a, b)| (a - b).abs() < 1e-11 * size));
                }
            }
        }
    }
}

/// A network that has its products: the mixture's own prediction.
struct Perfect {
    exact: MixturePredictor,
    prediction: Prediction,
}

impl Perfect {
    fn target(&self, t: Times<'_>) -> Vec<Target> {
        let of = |t| self.prediction.target(Predictor::<Batch>::path(&self.exact), t);
        match t {
            Times::One(t) => vec![of(t)],
            Times::Each(times) => times.iter().map(|&t| of(t)).collect(),
        }
    }
}

fn by_lane(targets: &[Target]) -> Targets<'_> {
    if let &[target] = targets { target.into() } else { Targets::Each(targets) }
}

impl Network<Batch> for Perfect {
    fn forward(&self, out: &mut Batch, x: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        self.exact.predict(by_lane(&self.target(t)), out, x, t)
    }
    fn pull_back(
        &self,
        pull: Pullback<'_, Batch>,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.exact.pull_back(by_lane(&self.target(t)), pull, x, t)
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, Batch>,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.exact.push_forward(by_lane(&self.target(t)), push, x, t)
    }
}

/// Everything that makes a predictor of a predictor or of a network.
fn wrappers(path: &SharedPath) -> Vec<(String, Arc<dyn Predictor<Batch>>)> {
    let exact = || MixturePredictor::new(full_mixture(), path.clone());
    let mut all: Vec<(String, Arc<dyn Predictor<Batch>>)> = vec![
        ("itself".into(), Arc::new(exact())),
        ("box".into(), Arc::new(Box::new(exact()) as Box<dyn Predictor<Batch>>)),
    ];
    for prediction in Prediction::ALL {
        let network = || Perfect { exact: exact(), prediction };
        let plain = NetworkPredictor::new(Arc::new(network()), prediction, path.clone());
        all.push((format!("network of {}", prediction.name()), Arc::new(plain)));
        let shifted = Shifted::new(network(), points(6, 3) * 0.1, prediction);
        let shifted = NetworkPredictor::new(shifted, prediction, path.clone());
        all.push((format!("shifted network of {}", prediction.name()), Arc::new(shifted)));
    }
    let units = Standardisation { mean: vec![0.3, -0.2, 0.1], std: vec![1.5, 0.8, 2.0] };
    for threshold in [
        Threshold::Static { max: 0.9 },
        Threshold::Dynamic { quantile: 0.7, max: 0.5 },
        Threshold::Dynamic { quantile: 1.0, max: 50.0 },
    ] {
        all.push((threshold.to_string(), Arc::new(Thresholded::new(exact(), threshold))));
        let scaled = Thresholded::new(exact(), threshold).in_units(units.clone());
        all.push((format!("{threshold} in units"), Arc::new(scaled)));
    }
    let measurement = inverse::parse("square:size=1,center=0x1,std=0.2", &ImageShape::grey(1, 3));
    let observation = Arc::new(Observation::new(measurement.unwrap(), vec![0.4]).unwrap());
    let replaced = Conditioned::replacement(exact(), observation).unwrap();
    all.push(("replacement".into(), Arc::new(replaced)));
    all
}

#[test]
fn every_wrapper_of_a_predictor() {
    for spec in ["vp", "rectified-flow", "edm", "sub-vp"] {
        let path = process::parse(spec).unwrap();
        for (what, predictor) in wrappers(&path) {
            for log_snr in [1.2, -0.4] {
                let t = path.time_at_log_snr(log_snr);
                // Of the flow's own scale, so that a clipped lane is not a step from its bound.
                let (x, h) = (states(&full_mixture(), &path, t), 0.2 * step(&path, t));
                let velocity = Prediction::Velocity.target(&path, t);
                for target in TARGETS.into_iter().chain([velocity]) {
                    let what = format!("{what} on {spec} at {t}, {target:?}");
                    check(&what, &At(&predictor, target.into(), t.into()), &x, h, 1e-5);
                }
                let flow = PathField::new(predictor.clone(), 0.0.into());
                check(&format!("flow of {what}"), &Flow(&flow, t.into()), &x, h, 1e-5);
                let counted = Counted::new(&flow, None);
                check(&format!("counted {what}"), &Flow(&counted, t.into()), &x, h, 1e-5);
                let score = flow.clone().score_at(t);
                check(&format!("score of {what}"), &Flow(&score, 0.0.into()), &x, h, 1e-5);
            }
        }
    }
}

/// The one lane of a batch.
fn lane(batch: &Batch, lane: usize) -> Batch {
    batch.select(Axis(0), &[lane])
}

#[test]
fn at_times_and_targets_of_their_own_lanes_get_what_they_get_alone() {
    let path = process::parse("vp").unwrap();
    let times = [0.4, 0.9, 0.2, 0.4, 0.7, 0.3];
    let targets: Vec<Target> = (0..6).map(|i| TARGETS[i % 3]).collect();
    let x = points(6, 3);
    let v = direction(&x);
    // A shift is a mean for each lane of a whole batch.
    let wrappers = wrappers(&path).into_iter().filter(|(what, _)| !what.starts_with("shifted"));
    for (what, predictor) in wrappers {
        let at = At(&predictor, Targets::Each(&targets), Times::Each(&times));
        let (value, (_, state), (_, tangent)) =
            (at.value(&x).unwrap(), pull(&at, &x).unwrap(), push(&at, &x, &v, 0.0).unwrap());
        let flow = PathField::new(predictor.clone(), 0.0.into());
        let velocity = Flow(&flow, Times::Each(&times)).value(&x).unwrap();
        let (_, velocity_tangent) = push(&Flow(&flow, Times::Each(&times)), &x, &v, 0.0).unwrap();
        let c = cotangents(&value);
        for (i, (&t, &target)) in times.iter().zip(&targets).enumerate() {
            let (x, v) = (lane(&x, i), lane(&v, i));
            let alone = At(&predictor, target.into(), t.into());
            let same = |together: &Batch, alone: &Batch| {
                assert!(worst(&lane(together, i), alone) < 1e-12, "{what}: lane {i}");
            };
            same(&value, &alone.value(&x).unwrap());
            same(&tangent, &push(&alone, &x, &v, 0.0).unwrap().1);
            let own = |_: std::ops::Range<usize>, _: &Batch, to: &mut Batch| {
                to.assign(&lane(&c, i));
                Ok(())
            };
            let (mut value, mut gradient) = (x.clone(), x.clone());
            alone.pull(Pullback::new(&mut value, &own, &mut gradient), &x).unwrap();
            same(&state, &gradient);
            let alone = Flow(&flow, t.into());
            same(&velocity, &alone.value(&x).unwrap());
            same(&velocity_tangent, &push(&alone, &x, &v, 0.0).unwrap().1);
        }
    }
}

#[test]
fn single_precision_and_single_lanes() {
    let path = process::parse("vp").unwrap();
    let predictor = MixturePredictor::new(mixture(), path);
    let x = points(300, 2);
    let (_, expected) = pull(&At(&predictor, Target::DATA.into(), 0.4.into()), &x).unwrap();
    let narrow = x.mapv(|value| value as f32);
    let (mut data, mut gradient) = (narrow.clone(), narrow.clone());
    let wide = |lanes: std::ops::Range<usize>,
                data: &ndarray::Array2<f32>,
                c: &mut ndarray::Array2<f32>| {
        let mut own = data.mapv(f64::from);
        cotangent(lanes, &data.mapv(f64::from), &mut own)?;
        c.assign(&own.mapv(|c| c as f32));
        Ok(())
    };
    let pulled = Pullback::new(&mut data, &wide, &mut gradient);
    predictor.pull_back(Target::DATA.into(), pulled, &narrow, 0.4.into()).unwrap();
    assert!(worst(&gradient.mapv(f64::from), &expected) < 1e-3);
    // A lane's bits do not depend on its batch.
    let first = lane(&x, 0);
    let (_, alone) = pull(&At(&predictor, Target::DATA.into(), 0.4.into()), &first).unwrap();
    assert_eq!(alone, lane(&expected, 0));
    let wrong = Batch::zeros((1, 3));
    let wrong = pull(&At(&predictor, Target::DATA.into(), 0.4.into()), &wrong);
    assert!(matches!(wrong, Err(FieldError::Shape { .. })));
}

#[test]
fn products_that_are_not_there_are_refused() {
    let path = process::parse("vp").unwrap();
    let x = points(3, 2);
    let refused = |outcome: Result<(), FieldError>| match outcome {
        Err(FieldError::Refused(what)) => what,
        other => panic!("{other:?}"),
    };
    // A closure says nothing of its Jacobian, as a field or as a network.
    let field = |du: &mut Batch, u: &Batch, _t: f64| du.assign(u);
    refused(pull(&Flow(&field, 0.5.into()), &x).map(|_| ()));
    refused(push(&Flow(&field, 0.5.into()), &x, &x, 0.0).map(|_| ()));
    let network = NetworkPredictor::new(field, Prediction::Data, path.clone());
    let said = refused(pull(&At(&network, Target::DATA.into(), 0.5.into()), &x).map(|_| ()));
    assert!(said.contains("Network::pull_back"), "{said}");
    let flow = probability_flow(network);
    refused(push(&Flow(&flow, 0.5.into()), &x, &x, 0.0).map(|_| ()));
    // Guidance by a derivative would need a second one.
    let exact = MixturePredictor::new(mixture(), path.clone());
    let measurement = inverse::parse("square:size=1,center=0x0,std=0.2", &ImageShape::grey(1, 2));
    let observation = Arc::new(Observation::new(measurement.unwrap(), vec![0.4]).unwrap());
    let guided = Conditioned::pseudo_inverse(exact.clone(), observation).unwrap();
    let said = refused(pull(&At(&guided, Target::DATA.into(), 0.5.into()), &x).map(|_| ()));
    assert!(said.contains("second derivative"), "{said}");
    // Parameters that are none, a flow's second derivatives, and a score without noise.
    let (mut value, mut state, mut none) = (x.clone(), x.clone(), [0.0]);
    let mut pulled = Pullback::new(&mut value, &cotangent, &mut state);
    pulled.parameters = Some(&mut none);
    refused(exact.pull_back(Target::DATA.into(), pulled, &x, 0.5.into()));
    let flow = probability_flow(exact);
    refused(push(&Flow(&flow, 0.5.into()), &x, &x, 1.0).map(|_| ()));
    refused(pull(&Flow(&flow, 0.0.into()), &x).map(|_| ()));
    refused(pull(&Flow(&flow.clone().score_at(0.0), 0.0.into()), &x).map(|_| ()));
    // Products count as evaluations.
    let counted = Counted::new(&flow, Some(1));
    let mut out = x.clone();
    counted.predict(Target::DATA, &mut out, &x, 0.5.into()).unwrap();
    assert_eq!(counted.eval(&mut out, &x, 0.5.into()), Err(FieldError::BudgetSpent));
    let spent = pull(&Flow(&counted, 0.5.into()), &x);
    assert_eq!(spent.map(|_| ()), Err(FieldError::BudgetSpent));
}
