//! Posterior samples held against the closed form: data of one Gaussian, for which pseudo-inverse
//! guidance and replacement are exact, and what must hold of them on any data.

use std::sync::Arc;

use crate::common::posterior::{moments, posterior};
use crate::common::{all_paths, gap, interior};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow, reverse_sde};
use driftfield_problems::inverse::{
    Conditioned, ImageShape, KalmanGain, Matrix, Observation, PseudoInverse, SharedMeasurement,
    parse,
};

use driftfield_problems::method;
use driftfield_problems::predictor::{Predictor, Target, Times};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::{ErrorNorm, FieldError, OdeProblem, SolveOptions, VectorField, solve};
use ndarray::{Array2, array};

type Batch = Array2<f64>;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 2, width: 2 };
/// Standard deviation of the prior.
const STD: f64 = 0.8;

fn mean() -> Vec<f64> {
    vec![0.4, -0.2, 1.0, 0.1]
}

fn gaussian(path: &SharedPath) -> MixturePredictor {
    let prior = GaussianMixture::isotropic(vec![1.0], vec![mean()], vec![STD]).unwrap();
    MixturePredictor::new(prior, path.clone())
}

fn measurements(std: f64) -> Vec<SharedMeasurement> {
    let dense = array![[1.0, -0.5, 0.3, 0.0], [0.2, 0.7, -1.1, 0.6]];
    vec![
        parse(&format!("square:size=1x2,center=0x1,std={std}"), &SHAPE).unwrap(),
        parse(&format!("pool:factor=2,std={std}"), &SHAPE).unwrap(),
        parse(&format!("blur:width=0.8,std={std}"), &SHAPE).unwrap(),
        Arc::new(Matrix::new(dense, 4, std).unwrap()),
    ]
}

fn observation(measurement: SharedMeasurement) -> Arc<Observation> {
    let image = [1.1, -0.7, 0.2, 0.9];
    Arc::new(Observation::of_image(measurement, &image, 4).unwrap())
}

fn data(predictor: &impl Predictor<Batch>, x: &Batch, t: f64) -> Batch {
    let mut out = x.clone();
    predictor.predict(Target::DATA.into(), &mut out, x, t.into()).unwrap();
    out
}

/// States as the path has them at `t`.
fn states(path: &SharedPath, t: f64) -> Batch {
    gaussian(path).marginal(t).unwrap().draw(5, 3)
}

#[test]
fn for_gaussian_data_both_are_the_exact_conditional_prediction() {
    for path in all_paths() {
        for measurement in measurements(0.3) {
            let observation = observation(measurement);
            let truth = posterior((&[1.0], &[mean()], &[STD]), &observation);
            let truth = MixturePredictor::new(truth, path.clone());
            let given = || (gaussian(&path), observation.clone());
            let (predictor, of) = given();
            let guided = Conditioned::pseudo_inverse(predictor, of).unwrap();
            let guided = guided.data_std(STD).unwrap();
            let (predictor, of) = given();
            let replaced = Conditioned::replacement(predictor, of).unwrap();
            let replaced = replaced.data_std(STD).unwrap();
            for t in interior(&path) {
                let x = states(&path, t);
                let expected = data(&truth, &x, t);
                // The data's own scale: near alpha = 0 it is no more precise than the state.
                for found in [data(&guided, &x, t), data(&replaced, &x, t)] {
                    let error = gap(&found, &expected);
                    assert!(error < 1e-10, "{}, {observation:?} at {t}: {error:e}", path.spec());
                }
                // Score and noise follow.
                let (mut score, mut exact) = (x.clone(), x.clone());
                let sigma = path.sigma(t);
                guided.predict_with_score(0.0, 1.0, &mut score, &x, t).unwrap();
                truth.predict_with_score(0.0, 1.0, &mut exact, &x, t).unwrap();
                assert!(gap(&(score * sigma), &(exact * sigma)) < 1e-9, "{}", path.spec());
            }
        }
    }
}

/// Mean and covariance of `count` samples by every kind of method, on three kinds of path.
#[test]
fn samples_have_the_posterior_s_mean_and_covariance() {
    const COUNT: usize = 2000;
    // 504 numbers are compared: beyond 6.5 standard deviations one in 1e10 is.
    const BOUND: f64 = 6.5;
    for spec in ["vp", "rectified-flow", "brownian-bridge:s=0.5"] {
        let path = process::parse(spec).unwrap();
        let span = (path.start_with_finite_log_snr(), path.default_span().1);
        for measurement in measurements(0.3) {
            let observation = observation(measurement);
            let truth = posterior((&[1.0], &[mean()], &[STD]), &observation);
            let at = |t: f64| truth.marginal(path.alpha(t), path.sigma(t));
            // From the posterior's own law at the start, as far as noise is from it.
            let initial = at(span.0).draw(COUNT, 17);
            let (wanted, covariance) = (at(span.1).mean(), at(span.1).covariance());
            let guided = Conditioned::pseudo_inverse(gaussian(&path), observation).unwrap();
            let guided = Arc::new(guided.data_std(STD).unwrap());
            for (solver, steps) in
                [("rk4", 60), ("dpm-solver++3m", 60), ("sde-dpm-solver++2m", 200)]
            {
                let times = Spacing::LogSnr.times(&path, span.0, span.1, steps).unwrap();
                let flow = probability_flow(guided.clone());
                let problem = OdeProblem::new(flow, initial.clone(), span);
                let method = method::parse(solver).unwrap();
                let options = SolveOptions::times(times).seed(5);
                let solution = solve(&problem, &method, options).unwrap();
                assert!(solution.outcome.is_success(), "{spec}, {solver}");
                let (found, spread) = moments(&solution.u_last);
                for i in 0..4 {
                    let error = (found[i] - wanted[i]) / (covariance[(i, i)] / COUNT as f64).sqrt();
                    assert!(error.abs() < BOUND, "{spec}, {solver}: mean off by {error}");
                    for j in 0..=i {
                        let product = covariance[(i, i)] * covariance[(j, j)];
                        let variance = product + covariance[(i, j)].powi(2);
                        let error = (spread[(i, j)] - covariance[(i, j)])
                            / (variance / COUNT as f64).sqrt();
                        assert!(error.abs() < BOUND, "{spec}, {solver}: covariance off by {error}");
                    }
                }
            }
        }
    }
}

#[test]
fn without_noise_the_predicted_data_is_what_was_measured() {
    let three = |path: &SharedPath| {
        let means = vec![vec![1.0, -1.0, 0.0, 0.3], vec![-1.0, 0.5, 0.8, -0.6]];
        let prior = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.5]).unwrap();
        MixturePredictor::new(prior, path.clone())
    };
    for path in all_paths() {
        for measurement in measurements(0.0) {
            let observation = observation(measurement);
            let replaced = Conditioned::replacement(three(&path), observation.clone()).unwrap();
            for t in interior(&path) {
                let x = states(&path, t);
                let found = data(&replaced, &x, t);
                for (lane, data) in found.rows().into_iter().enumerate() {
                    let residual = observation.residual(lane, data.as_slice().unwrap());
                    let worst = residual.iter().fold(0.0f64, |worst, r| worst.max(r.abs()));
                    assert!(worst < 1e-9, "{}: {worst:e}", path.spec());
                }
            }
        }
    }
}

/// Given `y`, a posterior sample is as likely as the truth, whose misfit is the noise: over all
/// images `E r_i^2 = sigma_y^2`. For one image, and with a sampler that is not exact, twice that is
/// allowed.
#[test]
fn replacement_explains_what_was_observed() {
    const STD: f64 = 0.1;
    let path = process::parse("vp").unwrap();
    let means = vec![vec![1.0, -1.0, 0.0, 0.3], vec![-1.0, 0.5, 0.8, -0.6]];
    let prior = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.5]).unwrap();
    let image = prior.draw(1, 2).row(0).to_vec();
    let square = parse(&format!("square:size=1x2,center=0x1,std={STD}"), &SHAPE).unwrap();
    let observation = Arc::new(Observation::of_image(square, &image, 8).unwrap());
    let predictor = MixturePredictor::new(prior, path.clone());
    let replaced = Conditioned::replacement(predictor, observation.clone()).unwrap();
    let span = path.default_span();
    let mut initial = Batch::zeros((500, 4));
    driftfield_solvers::noise::fill_initial_normals(&mut initial, path.sigma(1.0), 0, 0).unwrap();
    for (solver, steps) in [("heun", 50), ("dpm-solver++2m", 50), ("ancestral", 100)] {
        let problem = OdeProblem::new(probability_flow(replaced.clone()), initial.clone(), span);
        let solver_method = method::parse(solver).unwrap();
        let solution = solve(&problem, &solver_method, SolveOptions::steps(steps)).unwrap();
        let mut square = 0.0;
        for (lane, x) in solution.u_last.rows().into_iter().enumerate() {
            let residual = observation.residual(lane, x.as_slice().unwrap());
            square += residual.iter().map(|r| r * r).sum::<f64>() / 1000.0;
        }
        assert!(square < 2.0 * STD * STD, "{solver}: {square}");
    }
}

#[test]
fn lanes_may_have_measurements_of_their_own() {
    let path = process::parse("rectified-flow").unwrap();
    let square = parse("square:size=1x2,center=0x1,std=0.1", &SHAPE).unwrap();
    let values = vec![0.5, -0.5, 1.0, 0.0, -2.0, 0.3];
    let whole = Arc::new(Observation::new(square.clone(), values.clone()).unwrap());
    let x = states(&path, 0.6).slice_move(ndarray::s![..3, ..]);
    let all = Conditioned::pseudo_inverse(gaussian(&path), whole).unwrap();
    let found = data(&all, &x, 0.6);
    for lane in 0..3 {
        let own = Observation::new(square.clone(), values[2 * lane..2 * lane + 2].to_vec());
        let own = Arc::new(own.unwrap());
        let alone = Conditioned::pseudo_inverse(gaussian(&path), own).unwrap();
        let x = x.row(lane).insert_axis(ndarray::Axis(0)).to_owned();
        assert_eq!(data(&alone, &x, 0.6).row(0), found.row(lane));
    }
    let mut out = Batch::zeros((2, 4));
    let two = out.clone();
    let refused = all.predict(Target::DATA.into(), &mut out, &two, 0.6.into());
    assert!(matches!(refused, Err(FieldError::Shape { .. })));
}

#[test]
fn data_units_are_those_of_the_measurement() {
    let path = process::parse("vp").unwrap();
    let units = Standardisation { mean: vec![3.0, 1.0, -2.0, 0.5], std: vec![2.5; 4] };
    let observation = |measurement| {
        let image = [4.0, 0.0, -1.0, 2.0];
        Observation::of_image(measurement, &image, 1).unwrap()
    };
    for measurement in measurements(0.3) {
        let seen = Arc::new(observation(measurement).in_units(&units).unwrap());
        let truth = posterior((&[1.0], &[mean()], &[STD]), &seen);
        let truth = MixturePredictor::new(truth, path.clone());
        let guided = Conditioned::pseudo_inverse(gaussian(&path), seen).unwrap();
        let guided = guided.data_std(STD).unwrap();
        let x = states(&path, 0.4);
        assert!(gap(&data(&guided, &x, 0.4), &data(&truth, &x, 0.4)) < 1e-11);
    }
}

#[test]
fn ends_are_right_or_refused() {
    let path = process::parse("rectified-flow").unwrap();
    let observation = observation(measurements(0.3).remove(0));
    let guided = Conditioned::pseudo_inverse(gaussian(&path), observation.clone()).unwrap();
    let replaced = Conditioned::replacement(gaussian(&path), observation.clone()).unwrap();
    let x = states(&path, 0.5);
    let mut out = x.clone();
    let refused = guided.predict(Target::DATA.into(), &mut out, &x, 1.0.into()).unwrap_err();
    assert!(refused.to_string().contains("start at 0.999"), "{refused}");
    assert!(replaced.predict(Target::DATA.into(), &mut out, &x, 1.0.into()).is_ok());
    // Without noise in the state, a noisy measurement adds nothing to it.
    guided.predict(Target::DATA.into(), &mut out, &x, 0.0.into()).unwrap();
    assert!(gap(&out, &x) < 1e-12);
    assert!(guided.predict(Target::NOISE.into(), &mut out, &x, 0.0.into()).is_err());
    for std in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(guided.clone().data_std(std).is_err(), "{std}");
        let gain = KalmanGain::new(observation.clone()).unwrap();
        assert!(gain.data_std(std).is_err());
    }
}

#[test]
fn lanes_at_their_own_pace() {
    let path = process::parse("vp").unwrap();
    let observation = observation(measurements(0.3).remove(0));
    let x = states(&path, 0.5);
    let times = [0.2, 0.5, 0.5, 0.9, 0.05];
    let replaced = Conditioned::replacement(gaussian(&path), observation.clone()).unwrap();
    let flow = probability_flow(replaced.clone());
    let each_as_alone = |flow: &PathField<Batch>| {
        let mut together = x.clone();
        flow.eval(&mut together, &x, Times::Each(&times)).unwrap();
        for (lane, &t) in times.iter().enumerate() {
            let mut out = x.clone();
            flow.eval(&mut out, &x, t.into()).unwrap();
            assert!((&out.row(lane) - &together.row(lane)).iter().all(|gap| gap.abs() < 1e-12));
        }
    };
    each_as_alone(&flow);
    let problem = OdeProblem::new(flow, x.clone(), (0.5, 0.01));
    let tsit5 = driftfield_solvers::method::Tsit5::new();
    assert!(
        solve(&problem, &tsit5, SolveOptions::adaptive(1e-5, 1e-5).norm(ErrorNorm::EachLane))
            .is_ok()
    );
    // One way back for all lanes, also where some of them are not guided yet.
    for least_signal in [0.0, 0.5] {
        let guidance = PseudoInverse::new().beginning_at(least_signal);
        let guided = Conditioned::new(gaussian(&path), observation.clone(), guidance).unwrap();
        each_as_alone(&probability_flow(guided));
    }
}

/// Every method of the registry on every process.
#[test]
fn every_method_samples_a_conditioned_process() {
    for path in all_paths() {
        let span = (path.start_with_finite_log_snr(), path.default_span().1);
        let observation = observation(measurements(0.3).remove(1));
        let truth = posterior((&[1.0], &[mean()], &[STD]), &observation);
        let initial = truth.marginal(path.alpha(span.0), path.sigma(span.0)).draw(3, 1);
        let guided = Conditioned::pseudo_inverse(gaussian(&path), observation).unwrap();
        let field = reverse_sde(guided.data_std(STD).unwrap(), 1.0);
        let times = Spacing::LogSnr.times(&path, span.0, span.1, 40).unwrap();
        for method in method::path_methods::<Batch>() {
            use driftfield_solvers::method::Method;
            let info = method.info();
            let problem = OdeProblem::new(field.clone(), initial.clone(), span);
            let solution = solve(&problem, &method, SolveOptions::times(times.clone())).unwrap();
            let what = format!("{} on {}", info.name, path.spec());
            assert!(solution.outcome.is_success(), "{what}: {:?}", solution.outcome);
            assert_eq!(solution.statistics.nfe, info.evaluations(40), "{what}");
            assert_eq!(solution.statistics.network_forwards, 0);
        }
    }
}

#[test]
fn single_precision_agrees_with_double() {
    let path = process::parse("vp").unwrap();
    let observation = observation(measurements(0.3).remove(3));
    let guided = Conditioned::pseudo_inverse(gaussian(&path), observation).unwrap();
    let x = states(&path, 0.4);
    let narrow = x.mapv(|value| value as f32);
    let mut out = narrow.clone();
    guided.predict(Target::DATA.into(), &mut out, &narrow, 0.4.into()).unwrap();
    assert!(gap(&out.mapv(f64::from), &data(&guided, &x, 0.4)) < 1e-5);
}
