//! Pullbacks of predicted data against finite differences, on every path.

mod common;

use common::{all_paths, full_mixture, interior, mixture, points};
use driftfield_problems::field::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::predictor::{DifferentiablePredictor, Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::FieldError;
use ndarray::Array2;

type Batch = Array2<f64>;

/// A cotangent that depends on the lane and on the data.
fn cotangent(lane: usize, data: &[f64], c: &mut [f64]) {
    for (j, (c, data)) in c.iter_mut().zip(data).enumerate() {
        *c = (1.0 + lane as f64 + 2.0 * j as f64).sin() + 0.3 * data;
    }
}

/// Data and pullback.
fn pull<P: DifferentiablePredictor<Batch>>(predictor: &P, x: &Batch, t: f64) -> (Batch, Batch) {
    let (mut data, mut gradient) = (x.clone(), x.clone());
    predictor.predict_data_with_pullback(&mut data, &mut gradient, x, t, &cotangent).unwrap();
    (data, gradient)
}

fn predicted<P: Predictor<Batch>>(predictor: &P, x: &Batch, t: f64) -> Batch {
    let mut out = x.clone();
    predictor.predict(Target::DATA, &mut out, x, t).unwrap();
    out
}

/// `J^T c` by central differences of fourth order, with steps of `h`.
fn differences<P: Predictor<Batch>>(predictor: &P, x: &Batch, t: f64, h: f64) -> Batch {
    let data = predicted(predictor, x, t);
    let mut gradient = x.clone();
    for axis in 0..x.ncols() {
        let moved = |steps: f64| {
            let mut moved = x.clone();
            moved.column_mut(axis).mapv_inplace(|value| value + steps * h);
            predicted(predictor, &moved, t)
        };
        let slope = (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * h);
        for lane in 0..x.nrows() {
            let mut c = vec![0.0; x.ncols()];
            cotangent(lane, data.row(lane).as_slice().unwrap(), &mut c);
            gradient[[lane, axis]] = slope.row(lane).iter().zip(c).map(|(s, c)| s * c).sum();
        }
    }
    gradient
}

/// Gradients below this size are not resolved by differences of numbers of order 1.
const RESOLVED: f64 = 1e-3;

/// The largest error, relative to the largest entry of each lane.
fn worst(found: &Batch, expected: &Batch) -> f64 {
    let rows = found.rows().into_iter().zip(expected.rows());
    rows.map(|(found, expected)| {
        let size = expected.iter().fold(RESOLVED, |size, value| size.max(value.abs()));
        let gaps = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        gaps.fold(0.0f64, f64::max) / size
    })
    .fold(0.0, f64::max)
}

/// States as likely as not: data of `prior` carried to `t`.
fn states(prior: &GaussianMixture, path: &SharedPath, t: f64) -> Batch {
    prior.marginal(path.alpha(t), path.sigma(t)).draw(6, 11)
}

#[test]
fn mixtures_on_every_path() {
    for prior in [mixture(), full_mixture()] {
        for path in all_paths() {
            let predictor = MixturePredictor::new(prior.clone(), path.clone());
            for t in interior(&path) {
                let x = states(&prior, &path, t);
                let (data, gradient) = pull(&predictor, &x, t);
                assert!(worst(&data, &predicted(&predictor, &x, t)) < 1e-12);
                // A step small against the width of a component.
                let h = 2e-3 * path.sigma(t).hypot(0.1 * path.alpha(t));
                let error = worst(&gradient, &differences(&predictor, &x, t, h));
                assert!(error < 1e-6, "{} at {t}: {error:e}", path.spec());
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
    let (data, gradient) = pull(&MixturePredictor::new(prior.clone(), flow.clone()), &x, 0.0);
    assert!(worst(&data, &x) < 1e-13);
    for (lane, gradient) in gradient.rows().into_iter().enumerate() {
        let mut c = [0.0; 3];
        cotangent(lane, data.row(lane).as_slice().unwrap(), &mut c);
        assert!(gradient.iter().zip(c).all(|(g, c)| (g - c).abs() < 1e-12));
    }
    // Without signal it is the prior's mean, whatever the state.
    let (_, gradient) = pull(&MixturePredictor::new(prior, flow), &x, 1.0);
    assert!(gradient.iter().all(|g| *g == 0.0));
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
                let (data, gradient) = pull(&predictor, &x, t);
                assert!(worst(&data, &predicted(&predictor, &x, t)) < 1e-11);
                let width = path.sigma(t).hypot(smoothing * path.alpha(t));
                // Closer to the data nearly all responsibilities are 0 or 1, and their slope is
                // below what a difference resolves.
                if width < 0.05 * path.alpha(t) {
                    continue;
                }
                // Small against the change of x over which one point takes over from another.
                let h = 2e-3 * width * (width / path.alpha(t)).min(1.0);
                let error = worst(&gradient, &differences(&predictor, &x, t, h));
                assert!(error < 1e-6, "{} at {t}: {error:e}", path.spec());
            }
        }
    }
    let bare = EmpiricalPredictor::new(points, 0.0, process::parse("vp").unwrap()).unwrap();
    let x = Batch::zeros((1, 2));
    let (mut data, mut gradient) = (x.clone(), x.clone());
    let refused =
        bare.predict_data_with_pullback(&mut data, &mut gradient, &x, 0.0, &cotangent).unwrap_err();
    assert!(matches!(refused, FieldError::Domain { .. }), "{refused}");
}

#[test]
fn single_precision_and_single_lanes() {
    let path = process::parse("vp").unwrap();
    let predictor = MixturePredictor::new(mixture(), path);
    let x = points(300, 2);
    let (_, expected) = pull(&predictor, &x, 0.4);
    let narrow = x.mapv(|value| value as f32);
    let (mut data, mut gradient) = (narrow.clone(), narrow.clone());
    predictor
        .predict_data_with_pullback(&mut data, &mut gradient, &narrow, 0.4, &cotangent)
        .unwrap();
    assert!(worst(&gradient.mapv(f64::from), &expected) < 1e-3);
    let lane = [x[[0, 0]], x[[0, 1]]];
    let (mut data, mut gradient) = (lane, lane);
    predictor.predict_data_with_pullback(&mut data, &mut gradient, &lane, 0.4, &cotangent).unwrap();
    // A lane's bits do not depend on its batch.
    assert_eq!(gradient.as_slice(), expected.row(0).as_slice().unwrap());
    let wrong = predictor.predict_data_with_pullback(
        &mut [0.0; 3],
        &mut [0.0; 3],
        &[0.0; 3],
        0.4,
        &cotangent,
    );
    assert!(matches!(wrong, Err(FieldError::Shape { .. })));
}
