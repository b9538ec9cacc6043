//! Exact fields against the official numbers, against each other and against
//! the identities that tie score, noise and data together.

use crate::common::{all_paths, full_mixture, gap, interior, mixture, points, rows};
use driftfield_problems::exact::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::predictor::{Prediction, Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::FieldError;
use ndarray::Array2;
use serde_json::Value;

fn predict(
    predictor: &impl Predictor<Array2<f64>>,
    target: Target,
    x: &Array2<f64>,
    t: f64,
) -> Array2<f64> {
    let mut out = Array2::zeros(x.dim());
    predictor.predict(target.into(), &mut out, x, t.into()).unwrap();
    out
}

#[test]
fn official_values_at_the_eight_points() {
    let table: Value = serde_json::from_str(include_str!("../data/schedule_table.json")).unwrap();
    let run = &table["runs"][0];
    let path = process::parse("vp").unwrap();
    let predictor = MixturePredictor::new(mixture(), path.clone());
    let x = rows(&run["points"]);
    for (i, t) in run["times"].as_array().unwrap().iter().enumerate() {
        let t = t.as_f64().unwrap();
        for (key, prediction) in
            [("eps", Prediction::Noise), ("x0", Prediction::Data), ("score", Prediction::Score)]
        {
            let found = predict(&predictor, prediction.target(&path, t), &x, t);
            // The official sigma itself is only good to 1e-12 at small t.
            let gap = gap(&found, &rows(&run[key][i]));
            assert!(gap < 1e-12, "{key} at {t}: {gap:e}");
        }
        let marginal = predictor.marginal(t).unwrap();
        for (j, row) in x.rows().into_iter().enumerate() {
            let found = marginal.log_density(row.as_slice().unwrap()).unwrap();
            let expected = run["logp"][i][j].as_f64().unwrap();
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 2e-12, "log p at {t}: {found} {expected}");
        }
    }
}

#[test]
fn state_is_recovered_and_score_is_the_gradient() {
    for data in [mixture(), full_mixture()] {
        let x = points(20, data.dimension());
        for path in all_paths() {
            let predictor = MixturePredictor::new(data.clone(), path.clone());
            for t in interior(&path) {
                // Tweedie: alpha E[x_0] + sigma E[eps] = x_t, in one target and two.
                let (data, noise) = (path.alpha(t), path.sigma(t));
                let x = &x * path.sigma(t).max(1.0);
                let found = predict(&predictor, Target { data, noise }, &x, t);
                assert!(gap(&found, &x) < 1e-13, "{} {t}", path.spec());
                let marginal = predictor.marginal(t).unwrap();
                let score = predict(&predictor, Prediction::Score.target(&path, t), &x, t);
                for (x, score) in x.rows().into_iter().zip(score.rows()) {
                    let direct = marginal.score(x.as_slice().unwrap()).unwrap();
                    for (direct, score) in direct.iter().zip(score) {
                        assert!((direct - score).abs() < 1e-12 * (1.0 + score.abs() * 10.0));
                    }
                }
            }
        }
        // The score is the gradient of the log density.
        let x = points(5, data.dimension());
        for row in x.rows() {
            let row = row.to_vec();
            let score = data.score(&row).unwrap();
            for j in 0..row.len() {
                let h = 1e-5;
                let at = |step: f64| {
                    let mut moved = row.clone();
                    moved[j] += step;
                    data.log_density(&moved).unwrap()
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                assert!((slope - score[j]).abs() < 1e-6 * (1.0 + score[j].abs()), "{slope}");
            }
        }
    }
}

#[test]
fn velocity_preserves_the_marginals() {
    // velocity = f x - g^2 / 2 score, the identity between the probability flow
    // and the diffusion with the same marginals.
    for data in [mixture(), full_mixture()] {
        for path in all_paths() {
            let predictor = MixturePredictor::new(data.clone(), path.clone());
            for t in interior(&path) {
                let x = points(20, data.dimension()) * path.sigma(t).max(1.0);
                let velocity = predict(&predictor, Prediction::Velocity.target(&path, t), &x, t);
                let score = predict(&predictor, Prediction::Score.target(&path, t), &x, t);
                let (f, g2) = (path.drift_rate(t), path.diffusion_squared(t));
                let identity = &x * f - &score * (0.5 * g2);
                // Near alpha = 0 the two terms on the right cancel.
                let scale = 1.0 + (f * x[[0, 0]]).abs();
                assert!(gap(&velocity, &identity) < 2e-13 * scale, "{} {t}", path.spec());
            }
        }
    }
}

#[test]
fn full_covariances_contain_the_isotropic_ones() {
    let isotropic = mixture();
    let variance = |std: f64| vec![vec![std * std, 0.0], vec![0.0, std * std]];
    let full = GaussianMixture::full(
        vec![0.5, 0.3, 0.2],
        isotropic.means().map(<[f64]>::to_vec).collect(),
        [0.3, 0.2, 0.4].map(variance).to_vec(),
    )
    .unwrap();
    let path = process::parse("vp").unwrap();
    let x = points(30, 2);
    for t in [0.0, 0.1, 1.0] {
        let target = Target { data: 0.7, noise: -0.3 };
        let [a, b] = [&isotropic, &full].map(|mixture| {
            predict(&MixturePredictor::new(mixture.clone(), path.clone()), target, &x, t)
        });
        assert!(gap(&a, &b) < 1e-13);
    }
    let (a, b) = (isotropic.log_density(&[0.1, 0.2]), full.log_density(&[0.1, 0.2]));
    assert!((a.unwrap() - b.unwrap()).abs() < 1e-13);
}

#[test]
fn rows_do_not_depend_on_the_batch() {
    let path = process::parse("vp").unwrap();
    let x = points(3000, 2);
    let data = points(100, 2);
    let predictors: [Box<dyn Predictor<Array2<f64>>>; 2] = [
        Box::new(MixturePredictor::new(mixture(), path.clone())),
        Box::new(EmpiricalPredictor::new(data, 0.1, path.clone()).unwrap()),
    ];
    for predictor in &predictors {
        let all = predict(predictor, Target::DATA, &x, 0.3);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(|| predict(predictor, Target::DATA, &x, 0.3)), all);
        for (start, n) in [(0, 1), (5, 3), (2900, 100), (17, 1000)] {
            let part = x.slice(ndarray::s![start..start + n, ..]).to_owned();
            let found = predict(predictor, Target::DATA, &part, 0.3);
            assert_eq!(found, all.slice(ndarray::s![start..start + n, ..]));
        }
    }
    // One lane as an array state, and f32.
    let predictor = MixturePredictor::new(mixture(), path);
    let all = predict(&predictor, Target::DATA, &x, 0.3);
    let mut lane = [0.0; 2];
    predictor.predict(Target::DATA.into(), &mut lane, &[x[[7, 0]], x[[7, 1]]], 0.3.into()).unwrap();
    assert_eq!(lane, [all[[7, 0]], all[[7, 1]]]);
    let mut single = Array2::<f32>::zeros(x.dim());
    predictor.predict(Target::DATA.into(), &mut single, &x.mapv(|x| x as f32), 0.3.into()).unwrap();
    assert!(gap(&single.mapv(f64::from), &all) < 1e-5);
}

#[test]
fn wrong_shapes_and_times_are_errors() {
    let path: SharedPath = process::parse("vp").unwrap();
    let predictor = MixturePredictor::new(mixture(), path.clone());
    let mut out = [0.0; 3];
    let error =
        predictor.predict(Target::DATA.into(), &mut out, &[0.0; 3], 0.5.into()).unwrap_err();
    assert!(matches!(error, FieldError::Shape { .. }));
    let mut out = Array2::<f64>::zeros((2, 2));
    let x = Array2::zeros((3, 2));
    assert!(predictor.predict(Target::DATA.into(), &mut out, &x, 0.5.into()).is_err());
    let x = Array2::zeros((2, 2));
    for t in [-0.1, 1.1, f64::NAN] {
        assert!(predictor.predict(Target::DATA.into(), &mut out, &x, t.into()).is_err());
    }
    let velocity = Prediction::Velocity.target(&path, 0.0);
    assert!(predictor.predict(velocity.into(), &mut out, &x, 0.0.into()).is_err());
    let mut empty = Array2::<f64>::zeros((0, 2));
    predictor.predict(Target::DATA.into(), &mut empty, &Array2::zeros((0, 2)), 0.5.into()).unwrap();
    // A bad lane stays bad, and alone.
    let mut x = Array2::zeros((3, 2));
    x[[1, 0]] = f64::NAN;
    let found = predict(&predictor, Target::DATA, &x, 0.5);
    assert!(found[[1, 1]].is_nan() || found[[1, 0]].is_nan());
    assert!(found.row(0).iter().chain(found.row(2)).all(|value| value.is_finite()));
}

#[test]
fn a_data_set_is_a_mixture_of_its_points() {
    let data = points(40, 3);
    let n = data.nrows();
    for smoothing in [1e-3, 0.2] {
        let mixture = GaussianMixture::isotropic(
            vec![1.0 / n as f64; n],
            data.rows().into_iter().map(|row| row.to_vec()).collect(),
            vec![smoothing; n],
        )
        .unwrap();
        for path in all_paths() {
            let exact = MixturePredictor::new(mixture.clone(), path.clone());
            let empirical = EmpiricalPredictor::new(data.clone(), smoothing, path.clone()).unwrap();
            let x = points(25, 3);
            for t in interior(&path) {
                for target in [Target::DATA, Target::NOISE, Target { data: -0.3, noise: 2.0 }] {
                    let a = predict(&empirical, target, &x, t);
                    assert!(gap(&a, &predict(&exact, target, &x, t)) < 1e-10);
                }
            }
        }
    }
    // Without smoothing, small noise finds the point itself.
    let path = process::parse("rectified-flow").unwrap();
    let bare = EmpiricalPredictor::new(data.clone(), 0.0, path.clone()).unwrap();
    let x = &data * (1.0 - 1e-4);
    assert!(gap(&predict(&bare, Target::DATA, &x, 1e-4), &data) < 1e-12);
    let mut out = data.clone();
    let error =
        bare.predict(Target::DATA.into(), &mut out, &data, 0.0.into()).unwrap_err().to_string();
    assert!(error.contains("smoothing"), "{error}");
    assert!(EmpiricalPredictor::new(Array2::zeros((0, 2)), 0.0, path.clone()).is_err());
    assert!(EmpiricalPredictor::new(data.clone(), -1.0, path.clone()).is_err());
    assert!(EmpiricalPredictor::new(data * f64::NAN, 0.0, path).is_err());
}

#[test]
fn draws_have_the_moments_and_depend_on_their_own_index() {
    for data in [mixture(), full_mixture()] {
        let n = 200_000;
        let drawn = data.draw(n, 3);
        assert_eq!(drawn.slice(ndarray::s![..10, ..]), data.draw(10, 3));
        assert_ne!(drawn.row(0), data.draw(1, 4).row(0));
        let (mean, covariance) = (data.mean(), data.covariance());
        let found = drawn.mean_axis(ndarray::Axis(0)).unwrap();
        for i in 0..data.dimension() {
            assert!((found[i] - mean[i]).abs() < 5.0 * (covariance[(i, i)] / n as f64).sqrt());
            for j in 0..data.dimension() {
                let product: f64 = drawn
                    .rows()
                    .into_iter()
                    .map(|row| (row[i] - mean[i]) * (row[j] - mean[j]))
                    .sum::<f64>()
                    / n as f64;
                assert!((product - covariance[(i, j)]).abs() < 0.03, "{product}");
            }
        }
    }
}

/// Variances 24 orders of magnitude apart, along the axes and at a correlation: score, posterior
/// mean and draws are those of the closed form, each relative to its own size.
#[test]
fn components_of_any_scale_have_their_closed_form() {
    let (wide, narrow) = (1e6, 1e-6);
    for r in [0.0, 0.5, -0.9] {
        let c = r * wide * narrow;
        let text = format!(
            r#"{{"weights": [1], "means": [[3e5, -2e-6]],
                "covariances": [[[{:e}, {c:e}], [{c:e}, {:e}]]]}}"#,
            wide * wide,
            narrow * narrow
        );
        let data: GaussianMixture = text.parse().unwrap();
        let mean = [3e5, -2e-6];
        // In units of the standard deviations S is the matrix of correlations.
        let score = |z: [f64; 2]| {
            let by = 1.0 - r * r;
            [-(z[0] - r * z[1]) / by / wide, -(z[1] - r * z[0]) / by / narrow]
        };
        for z in [[1.0, 0.3], [-0.2, 2.0], [0.0, -1.0]] {
            let x = [mean[0] + wide * z[0], mean[1] + narrow * z[1]];
            for (found, exact) in data.score(&x).unwrap().into_iter().zip(score(z)) {
                assert!((found - exact).abs() <= 1e-9 * exact.abs(), "{r} {z:?}: {found} {exact}");
            }
        }
        let drawn = data.draw(20_000, 3);
        let z =
            |row: usize| [(drawn[[row, 0]] - mean[0]) / wide, (drawn[[row, 1]] - mean[1]) / narrow];
        let moment = |i: usize, j: usize| {
            (0..drawn.nrows()).map(|row| z(row)[i] * z(row)[j]).sum::<f64>() / drawn.nrows() as f64
        };
        // Six standard errors.
        for (found, exact) in [(moment(0, 0), 1.0), (moment(1, 1), 1.0), (moment(0, 1), r)] {
            assert!((found - exact).abs() < 6.0 * (2.0 / 20_000f64).sqrt(), "{found} {exact}");
        }
    }
    // Along the axes every axis is a Gaussian of its own, at all times.
    let data: GaussianMixture =
        r#"{"weights": [1], "means": [[3e5, -2e-6]], "covariances": [[[1e12, 0], [0, 1e-12]]]}"#
            .parse()
            .unwrap();
    let path = process::parse("vp").unwrap();
    let predictor = MixturePredictor::new(data, path.clone());
    for t in interior(&path) {
        let (alpha, sigma) = (path.alpha(t), path.sigma(t));
        let x = points(6, 2) * 1e3;
        let found = predict(&predictor, Target::DATA, &x, t);
        for (row, found) in x.rows().into_iter().zip(found.rows()) {
            for (axis, (mean, variance)) in [(3e5, 1e12), (-2e-6, 1e-12)].into_iter().enumerate() {
                let gain = alpha * variance / (alpha * alpha * variance + sigma * sigma);
                let exact = mean + gain * (row[axis] - alpha * mean);
                assert!((found[axis] - exact).abs() < 1e-12 * exact.abs().max(1e-6), "{t}");
            }
        }
    }
}
