//! Products with the Jacobians of every exact field, and through everything that wraps a predictor.

use std::sync::Arc;

use crate::common::products::{
    At, Batch, Flow, Smooth, check, cotangent, cotangents, direction, pull, push, slope, worst,
};
use crate::common::{all_paths, full_mixture, interior, mixture, points};
use driftfield_problems::exact::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::inverse::{self, Conditioned, ImageShape, Observation};
use driftfield_problems::predictor::{
    ModelTime, Network, NetworkPredictor, Prediction, Predictor, Pullback, Pushforward, Shifted,
    Target, Targets, Threshold, Thresholded, Times,
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

impl Perfect {
    /// How the target of the prediction moves with the time, predicted.
    fn moving(&self, x: &Batch, t: Times<'_>) -> Result<Batch, FieldError> {
        let h = 1e-5;
        let ahead = |s: f64| match t {
            Times::One(t) => self.target((t + s).into()),
            Times::Each(times) => {
                self.target(Times::Each(&times.iter().map(|t| t + s).collect::<Vec<_>>()))
            }
        };
        let rate = |(a, b): (&Target, &Target)| Target {
            data: (a.data - b.data) / (2.0 * h),
            noise: (a.noise - b.noise) / (2.0 * h),
        };
        let rates: Vec<Target> = ahead(h).iter().zip(&ahead(-h)).map(rate).collect();
        let mut out = x.clone();
        self.exact.predict(by_lane(&rates), &mut out, x, t)?;
        Ok(out)
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
        let Pullback { value, cotangent, state, mut time, inputs } = pull;
        let held =
            Pullback { value: &mut *value, cotangent, state, time: time.as_deref_mut(), inputs };
        self.exact.pull_back(by_lane(&self.target(t)), held, x, t)?;
        if let Some(time) = time {
            let mut c = value.clone();
            cotangent(0..x.nrows(), value, &mut c)?;
            let moving = (self.moving(x, t)? * c).sum_axis(Axis(1));
            time.iter_mut().zip(moving).for_each(|(time, moving)| *time += moving);
        }
        Ok(())
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, Batch>,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let Pushforward { value, direction, time, tangent } = push;
        let held = Pushforward { value, direction, time, tangent: &mut *tangent };
        self.exact.push_forward(by_lane(&self.target(t)), held, x, t)?;
        add_in_time(tangent, time, &self.moving(x, t)?);
        Ok(())
    }
}

type Named = Vec<(String, Arc<dyn Predictor<Batch>>)>;

/// Adds `rate dt`, lane by lane.
fn add_in_time(tangent: &mut Batch, time: Times<'_>, rate: &Batch) {
    for (lane, mut tangent) in tangent.rows_mut().into_iter().enumerate() {
        tangent.scaled_add(time.of(lane), &rate.row(lane));
    }
}

/// Everything that makes a predictor of a predictor or of a network.
fn wrappers(path: &SharedPath) -> Named {
    wrappers_of(&full_mixture(), path, path)
}

/// The same of data like `prior`, and of networks that were trained on `trained`.
fn wrappers_of(prior: &GaussianMixture, trained: &SharedPath, path: &SharedPath) -> Named {
    let exact = || MixturePredictor::new(prior.clone(), path.clone());
    let mut all: Named = vec![
        ("itself".into(), Arc::new(exact())),
        ("box".into(), Arc::new(Box::new(exact()) as Box<dyn Predictor<Batch>>)),
    ];
    for prediction in Prediction::ALL {
        let network =
            || Perfect { exact: MixturePredictor::new(prior.clone(), trained.clone()), prediction };
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

/// Products of all kinds at once.
struct Found {
    time: Vec<f64>,
    process: Vec<f64>,
}

fn found(smooth: &impl Smooth, x: &Batch, parameters: usize) -> Found {
    let (mut value, mut state) = (x.clone(), x.clone());
    // What there is in the sums stays.
    let (mut time, mut process) = (vec![f64::NAN; x.nrows()], vec![1.0; parameters]);
    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
    pull.time = Some(&mut time);
    pull.inputs.process = Some(&mut process);
    smooth.pull(pull, x).unwrap();
    process.iter_mut().for_each(|sum| *sum -= 1.0);
    Found { time, process }
}

/// The largest of the numbers, at least 1.
fn size(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers.into_iter().fold(1.0, |size, number| size.max(number.abs()))
}

/// Times and parameters of the process move the path too, and with it every weight.
#[test]
fn in_time_and_in_the_parameters_of_the_process() {
    for path in all_paths() {
        let values: Vec<f64> = path.parameters().into_iter().map(|(_, value)| value).collect();
        let (log_snr, target) = (0.4, Target { data: -0.7, noise: 0.4 });
        let t = path.time_at_log_snr(log_snr);
        let x = states(&full_mixture(), &path, t);
        let moved = |index: usize, s: f64| {
            let mut values = values.clone();
            values[index] += s;
            wrappers_of(&full_mixture(), &path, &path.with_parameters(&values).unwrap())
        };
        for (which, (what, predictor)) in wrappers(&path).into_iter().enumerate() {
            let what = format!("{what} on {}", path.spec());
            let flow = PathField::new(predictor.clone(), 0.0.into());
            let at = |t: f64| At(&predictor, target.into(), t.into());
            let velocity = |t: f64| Flow(&flow, t.into());
            let of_both = [found(&at(t), &x, values.len()), found(&velocity(t), &x, values.len())];
            let value_at = |is_flow: bool, t: f64| match is_flow {
                false => at(t).value(&x).unwrap(),
                true => velocity(t).value(&x).unwrap(),
            };
            for (is_flow, of) in [false, true].into_iter().zip(&of_both) {
                let expected = slope(|s| value_at(is_flow, t + s), 1e-3 * t.min(0.1));
                let still = Batch::zeros(x.dim());
                let (_, pushed) = match is_flow {
                    false => push(&at(t), &x, &still, 1.0).unwrap(),
                    true => push(&velocity(t), &x, &still, 1.0).unwrap(),
                };
                let gap = (&pushed - &expected).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                let bound = 1e-6 * size(expected.iter().copied()) / t.min(1.0);
                assert!(gap < bound, "{what} in time, {is_flow}: {gap:e} {bound:e}");
                let c = cotangents(&value_at(is_flow, t));
                for (found, expected) in of.time.iter().zip((&pushed * &c).sum_axis(Axis(1))) {
                    let gap = (found - expected).abs();
                    assert!(gap < 1e-8 * size([expected]), "{what}: {found} {expected}");
                }
                for (index, (&value, &found)) in values.iter().zip(&of.process).enumerate() {
                    let beside = |s: f64| -> Batch {
                        let predictor = moved(index, s).swap_remove(which).1;
                        match is_flow {
                            false => At(&predictor, target.into(), t.into()).value(&x).unwrap(),
                            true => {
                                let flow = PathField::new(predictor, 0.0.into());
                                Flow(&flow, t.into()).value(&x).unwrap()
                            }
                        }
                    };
                    if path.parameters()[index].0 == "timesteps" {
                        assert!(found.is_nan(), "{what}");
                        continue;
                    }
                    let (rate, bound) = if value == 0.0 {
                        // At a bound of the parameter, from above.
                        let h = 1e-4;
                        let ahead = 4.0 * beside(h) - beside(2.0 * h) - 3.0 * beside(0.0);
                        (ahead / (2.0 * h), 1e-5)
                    } else {
                        (slope(beside, 1e-3 * value), 1e-6 / value.abs().min(1.0))
                    };
                    let expected = (&rate * &c).sum();
                    let bound = bound * size(rate.iter().copied());
                    assert!(
                        (found - expected).abs() < bound,
                        "{what} in parameter {index}, {is_flow}: {found} {expected} {bound:e}"
                    );
                }
            }
        }
    }
}

/// What the parameters receive of the cotangent at the value.
fn in_parameters(smooth: &impl Smooth, x: &Batch, count: usize) -> Vec<f64> {
    let (mut value, mut state) = (x.clone(), x.clone());
    // What there is in the sums stays.
    let mut sums = vec![1.0; count];
    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
    pull.inputs.parameters = Some(&mut sums);
    smooth.pull(pull, x).unwrap();
    sums.iter().map(|sum| sum - 1.0).collect()
}

/// Those of what is wrapped, through the wrapper alone and under a counted flow.
#[test]
fn in_the_parameters_of_what_is_wrapped() {
    let (prior, target) = (full_mixture(), Target { data: -0.7, noise: 0.4 });
    let values = prior.parameters();
    let path = process::parse("vp").unwrap();
    let t = path.time_at_log_snr(0.4);
    let x = states(&prior, &path, t);
    let value_of = |predictor: Arc<dyn Predictor<Batch>>| {
        At(&predictor, target.into(), t.into()).value(&x).unwrap()
    };
    let velocity_of = |predictor| {
        let flow = PathField::new(predictor, 0.0.into());
        Flow(&flow, t.into()).value(&x).unwrap()
    };
    for (which, (what, predictor)) in wrappers(&path).into_iter().enumerate() {
        let flow = PathField::new(predictor.clone(), 0.0.into());
        let counted = Counted::new(&flow, None);
        let prediction = At(&predictor, target.into(), t.into());
        let of_value = in_parameters(&prediction, &x, values.len());
        let of_velocity = in_parameters(&Flow(&counted, t.into()), &x, values.len());
        let c = [value_of(predictor.clone()), velocity_of(predictor.clone())];
        let c = c.map(|value| cotangents(&value));
        // Every weight, every mean, and the first variance.
        for index in 0..=prior.weights().len() * (1 + prior.dimension()) {
            let moved = |s: f64| {
                let mut values = values.clone();
                values[index] += s;
                let prior = prior.with_parameters(&values).unwrap();
                wrappers_of(&prior, &path, &path).swap_remove(which).1
            };
            let rates =
                [slope(|s| value_of(moved(s)), 1e-4), slope(|s| velocity_of(moved(s)), 1e-4)];
            for ((found, rate), c) in
                [of_value[index], of_velocity[index]].iter().zip(&rates).zip(&c)
            {
                let expected = (rate * c).sum();
                assert!(
                    (found - expected).abs() < 1e-6 * size(rate.iter().copied()),
                    "{what} in parameter {index}: {found} {expected}"
                );
            }
        }
    }
}

/// Networks that are given another time than the path's.
#[test]
fn in_time_through_the_time_of_the_model() {
    /// What it is given is in its output.
    struct Clock;
    impl Network<Batch> for Clock {
        fn forward(&self, out: &mut Batch, x: &Batch, t: Times<'_>) -> Result<(), FieldError> {
            for (lane, (mut out, x)) in out.rows_mut().into_iter().zip(x.rows()).enumerate() {
                out.assign(&(&x * (0.01 * t.of(lane)).sin()));
            }
            Ok(())
        }
        fn pull_back(
            &self,
            pull: Pullback<'_, Batch>,
            x: &Batch,
            t: Times<'_>,
        ) -> Result<(), FieldError> {
            let Pullback { value, cotangent, state, time, .. } = pull;
            self.forward(value, x, t)?;
            cotangent(0..x.nrows(), value, state)?;
            let slopes = (x * &*state).sum_axis(Axis(1));
            for (lane, time) in time.into_iter().flatten().enumerate() {
                *time = slopes[lane] * 0.01 * (0.01 * t.of(lane)).cos();
            }
            for (lane, mut state) in state.rows_mut().into_iter().enumerate() {
                state *= (0.01 * t.of(lane)).sin();
            }
            Ok(())
        }
        fn push_forward(
            &self,
            push: Pushforward<'_, Batch>,
            x: &Batch,
            t: Times<'_>,
        ) -> Result<(), FieldError> {
            let Pushforward { value, direction, time, tangent } = push;
            self.forward(value, x, t)?;
            self.forward(tangent, direction, t)?;
            let rate = |(lane, _)| 0.01 * (0.01 * t.of(lane)).cos();
            let rates = Batch::from_shape_fn(x.dim(), rate);
            add_in_time(tangent, time, &(rates * x));
            Ok(())
        }
    }
    let path = process::parse("ddpm").unwrap();
    let function = ModelTime::function(|t| 300.0 * t * t);
    for model_time in [ModelTime::Path, ModelTime::Timestep, function] {
        let network = NetworkPredictor::new(Clock, Prediction::V, path.clone());
        let predictor = network.model_time(model_time);
        let x = points(3, 2);
        let times = [0.35, 0.2511, 0.7];
        let at = |s: f64| times.map(|t| t + s);
        let value =
            |s: f64| At(&predictor, Target::DATA.into(), Times::Each(&at(s))).value(&x).unwrap();
        let here = At(&predictor, Target::DATA.into(), Times::Each(&times));
        let (_, rate) = push(&here, &x, &Batch::zeros(x.dim()), 1.0).unwrap();
        assert!(worst(&rate, &slope(value, 1e-4)) < 1e-6, "{:?}", predictor.model_time);
        let products = (&rate * &cotangents(&value(0.0))).sum_axis(Axis(1));
        for (found, expected) in found(&here, &x, 3).time.iter().zip(products) {
            assert!((found - expected).abs() < 1e-9 * size([expected]));
        }
    }
    let network = NetworkPredictor::new(Clock, Prediction::V, path);
    let rounded = network.model_time(ModelTime::NearestTimestep);
    let x = points(3, 2);
    let refused = push(&At(&rounded, Target::DATA.into(), 0.4.into()), &x, &x, 1.0);
    assert!(matches!(refused, Err(FieldError::Refused(_))));
}

#[test]
fn mixtures_in_their_parameters() {
    for prior in [mixture(), full_mixture()] {
        for spec in ["vp", "edm", "rectified-flow"] {
            let path = process::parse(spec).unwrap();
            let values = prior.parameters();
            let moved = |changes: &[usize], s: f64| {
                let mut values = values.clone();
                changes.iter().for_each(|&index| values[index] += s);
                MixturePredictor::new(prior.with_parameters(&values).unwrap(), path.clone())
            };
            let predictor = moved(&[], 0.0);
            for (log_snr, target) in [(1.2, TARGETS[2]), (-0.4, TARGETS[0]), (0.2, TARGETS[1])] {
                let t = path.time_at_log_snr(log_snr);
                let x = states(&prior, &path, t);
                let (mut value, mut state) = (x.clone(), x.clone());
                let mut found = vec![0.0; values.len()];
                let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
                pull.inputs.parameters = Some(&mut found);
                predictor.pull_back(target.into(), pull, &x, t.into()).unwrap();
                let c = cotangents(&value);
                let (count, d) = (prior.weights().len(), prior.dimension());
                let spread = values.len() - count * (1 + d);
                for index in 0..values.len() {
                    // A covariance stays symmetric.
                    let entry = (spread > count).then(|| index.checked_sub(count * (1 + d)));
                    let (changes, found) = match entry.flatten() {
                        Some(entry) if entry / d % d != entry % d => {
                            let (k, i, j) = (entry / (d * d), entry / d % d, entry % d);
                            let twin = count * (1 + d) + (k * d + j) * d + i;
                            (vec![index, twin], found[index] + found[twin])
                        }
                        _ => (vec![index], found[index]),
                    };
                    let value = |s: f64| {
                        let predictor = moved(&changes, s);
                        At(&predictor, target.into(), t.into()).value(&x).unwrap()
                    };
                    let expected = (slope(value, 1e-4) * &c).sum();
                    assert!(
                        (found - expected).abs() < 1e-6 * size([expected]),
                        "{spec} {target:?}, parameter {index}: {found} {expected}"
                    );
                }
            }
        }
    }
    let (prior, path) = (mixture(), process::parse("vp").unwrap());
    assert!(prior.with_parameters(&[0.5]).is_err());
    let (x, mut short) = (points(3, 2), [0.0; 2]);
    let (mut value, mut state) = (x.clone(), x.clone());
    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
    pull.inputs.parameters = Some(&mut short);
    let predictor = MixturePredictor::new(prior, path);
    let refused = predictor.pull_back(Target::DATA.into(), pull, &x, 0.5.into());
    assert!(matches!(refused, Err(FieldError::Shape { .. })));
}

/// `(dy/dm)^T c` for what `predictor_of` makes of a conditioning, against differences.
fn check_conditioning<P: Predictor<Batch>>(
    what: &str,
    predictor_of: impl Fn(&Batch) -> P,
    conditioning: &Batch,
    x: &Batch,
    t: f64,
) {
    let predictor = predictor_of(conditioning);
    let (mut value, mut state) = (x.clone(), x.clone());
    let mut told = Batch::from_elem((x.nrows(), conditioning.ncols()), f64::NAN);
    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
    pull.inputs.conditioning = Some(&mut told);
    let target: Targets<'_> = TARGETS[2].into();
    predictor.pull_back(target, pull, x, t.into()).unwrap();
    let c = cotangents(&value);
    for axis in 0..conditioning.ncols() {
        let value = |s: f64| {
            let mut conditioning = conditioning.clone();
            conditioning.column_mut(axis).mapv_inplace(|x| x + s);
            At(&predictor_of(&conditioning), target, t.into()).value(x).unwrap()
        };
        let expected = (slope(value, 1e-3) * &c).sum_axis(Axis(1));
        for (found, expected) in told.column(axis).iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-7 * size([*expected]),
                "{what}: {found} {expected}"
            );
        }
    }
}

#[test]
fn in_what_they_are_conditioned_on() {
    let path = process::parse("vp").unwrap();
    let t = path.time_at_log_snr(0.4);
    let x = states(&full_mixture(), &path, t);
    for prediction in Prediction::ALL {
        let shifted = |mean: &Batch| {
            let exact = MixturePredictor::new(full_mixture(), path.clone());
            let network = Shifted::new(Perfect { exact, prediction }, mean.clone(), prediction);
            NetworkPredictor::new(network, prediction, path.clone())
        };
        check_conditioning(prediction.name(), shifted, &(points(6, 3) * 0.1), &x, t);
    }
    let measured = |y: &Batch| {
        let measurement =
            inverse::parse("square:size=1,center=0x1,std=0.2", &ImageShape::grey(1, 3));
        let observation = Observation::new(measurement.unwrap(), y.row(0).to_vec()).unwrap();
        let exact = MixturePredictor::new(full_mixture(), path.clone());
        Conditioned::replacement(exact, Arc::new(observation)).unwrap()
    };
    let known = measured(&Batch::from_elem((1, 1), 0.4));
    check_conditioning("measurement", measured, &Batch::from_elem((1, 1), 0.4), &x, t);
    // Room of another shape.
    let (mut value, mut state, mut wrong) = (x.clone(), x.clone(), x.clone());
    let mut pull = Pullback::new(&mut value, &cotangent, &mut state);
    pull.inputs.conditioning = Some(&mut wrong);
    assert!(known.pull_back(Target::DATA.into(), pull, &x, t.into()).is_err());
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
    let guided = Conditioned::pseudo_inverse(exact.clone(), observation.clone()).unwrap();
    let said = refused(pull(&At(&guided, Target::DATA.into(), 0.5.into()), &x).map(|_| ()));
    assert!(said.contains("second derivative"), "{said}");
    // Next to where there is no noise the weight of a noisy measurement is not finite.
    let straight = MixturePredictor::new(mixture(), process::parse("rectified-flow").unwrap());
    let replaced = Conditioned::replacement(straight, observation).unwrap();
    let at_data = At(&replaced, Target::DATA.into(), 0.0.into());
    let said = refused(push(&at_data, &x, &x, 1.0).map(|_| ()));
    assert!(said.contains("no derivative at t = 0"), "{said}");
    // Inputs that are none, parameters that a path has not or does not say, a score without noise.
    let (mut value, mut state, mut none) = (x.clone(), x.clone(), [0.0]);
    let mut pulled = Pullback::new(&mut value, &cotangent, &mut state);
    pulled.inputs.process = Some(&mut none);
    assert!(exact.pull_back(Target::DATA.into(), pulled, &x, 0.5.into()).is_err());
    let mut room = x.clone();
    let mut pulled = Pullback::new(&mut value, &cotangent, &mut state);
    pulled.inputs.conditioning = Some(&mut room);
    refused(exact.pull_back(Target::DATA.into(), pulled, &x, 0.5.into()));
    #[derive(Debug)]
    struct Own;
    impl GaussianPath for Own {
        fn parameters(&self) -> Vec<(&'static str, f64)> {
            vec![("power", 2.0)]
        }
        fn alpha(&self, t: f64) -> f64 {
            1.0 - t * t
        }
        fn sigma(&self, t: f64) -> f64 {
            t * t
        }
    }
    let own = MixturePredictor::new(mixture(), Arc::new(Own));
    let mut pulled = Pullback::new(&mut value, &cotangent, &mut state);
    pulled.inputs.process = Some(&mut none);
    let said = refused(own.pull_back(Target::DATA.into(), pulled, &x, 0.5.into()));
    assert!(said.contains("with_parameters"), "{said}");
    let flow = probability_flow(exact);
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
