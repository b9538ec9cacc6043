//! Problems made of paths and predictors: the true flow of P1, P2 and P3, the
//! moments of every diffusion, and ancestral steps.

use std::sync::Arc;

use crate::common::{all_paths, gap, interior, mixture, points, rows};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{
    BridgeDiffusion, ForwardDiffusion, NoiseLevel, PathField, probability_flow, reverse_sde,
};
use driftfield_problems::method::Ancestral;
use driftfield_problems::predictor::{Prediction, Predictor, Target};
use driftfield_problems::process::{self, BrownianBridge, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::field::Counted;
use driftfield_solvers::method::{BoxedMethod, Method, Step, Stepper};
use driftfield_solvers::noise::{BrownianPath, NoNoise, Noise, fill_initial_normals};
use driftfield_solvers::{FieldError, SemilinearField, State, StochasticField, VectorField};
use ndarray::Array2;
use serde_json::Value;

type Batch = Array2<f64>;

fn exact_flow(path: &SharedPath) -> PathField<Batch> {
    probability_flow(MixturePredictor::new(mixture(), path.clone()))
}

/// Classical Runge-Kutta over the times of a grid.
fn rk4(field: &impl VectorField<Batch>, mut u: Batch, times: &[f64]) -> Batch {
    let eval = |u: &Batch, t: f64| {
        let mut du = Batch::zeros(u.dim());
        field.eval(&mut du, u, t.into()).unwrap();
        du
    };
    for pair in times.windows(2) {
        let (t, h) = (pair[0], pair[1] - pair[0]);
        let k1 = eval(&u, t);
        let k2 = eval(&(&u + &k1 * (h / 2.0)), t + h / 2.0);
        let k3 = eval(&(&u + &k2 * (h / 2.0)), t + h / 2.0);
        let k4 = eval(&(&u + &k3 * h), pair[1]);
        u = u + (k1 + (k2 + k3) * 2.0 + k4) * (h / 6.0);
    }
    u
}

#[test]
fn true_flows_of_the_reference_problems() {
    for (name, file) in [
        ("vp", include_str!("../data/p1_pf_ode.json")),
        ("rectified-flow", include_str!("../data/p2_pf_ode.json")),
        ("edm", include_str!("../data/p3_pf_ode.json")),
    ] {
        let path = process::parse(name).unwrap();
        let field = exact_flow(&path);
        let truth: Value = serde_json::from_str(file).unwrap();
        let run = &truth["runs"][0];
        let times: Vec<f64> =
            run["times"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        let predictor = MixturePredictor::new(mixture(), path.clone());
        for (i, ends) in times.windows(2).enumerate() {
            let start = rows(&run["states"][i]);
            let grid = Spacing::Quadratic.times(&path, ends[0], ends[1], 2000).unwrap();
            let end = rk4(&field, start, &grid);
            let error = gap(&end, &rows(&run["states"][i + 1]));
            assert!(error < 1e-9, "{name} from {} to {}: {error:e}", ends[0], ends[1]);
            let marginal = predictor.marginal(ends[0]).unwrap();
            for (j, row) in rows(&run["states"][i]).rows().into_iter().enumerate() {
                let found = marginal.log_density(row.as_slice().unwrap()).unwrap();
                let expected = run["logp_exact"][i][j].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-11 * expected.abs().max(1.0), "{name}");
            }
        }
    }
}

#[test]
fn reverse_drift_is_the_textbook_one() {
    for path in all_paths() {
        for t in interior(&path) {
            let x = points(10, 2) * path.sigma(t).max(1.0);
            let exact = MixturePredictor::new(mixture(), path.clone());
            let mut score = x.clone();
            exact
                .predict((Prediction::Score.target(&path, t)).into(), &mut score, &x, t.into())
                .unwrap();
            let (f, g2) = (path.drift_rate(t), path.diffusion_squared(t));
            for level in [0.0, 0.5, 1.0, 2.0] {
                let field: PathField<Batch> =
                    reverse_sde(exact.clone(), NoiseLevel::schedule(move |_| level));
                let (mut drift, mut diffusion) = (x.clone(), x.clone());
                field.drift(&mut drift, &x, t).unwrap();
                field.diffusion(0, &mut diffusion, &x, t).unwrap();
                let expected = &x * f - &score * (0.5 * (1.0 + level * level) * g2);
                let size = 1.0 + f.abs() * x.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                assert!(gap(&drift, &expected) < 1e-12 * size, "{} {t}", path.spec());
                assert!(diffusion.iter().all(|g| (g - level * g2.sqrt()).abs() <= 1e-15 * g));
            }
        }
    }
}

/// Data at one point, nearly: every drift is then linear in the state.
fn spike(path: &SharedPath) -> MixturePredictor {
    let spike = GaussianMixture::isotropic(vec![1.0], vec![vec![0.7]], vec![1e-9]).unwrap();
    MixturePredictor::new(spike, path.clone())
}

/// Slope of the drift and its value at the mean, and the square of the diffusion.
fn linearised(field: &impl StochasticField<Batch>, mean: f64, sigma: f64, t: f64) -> [f64; 3] {
    let x = ndarray::array![[mean], [mean + sigma]];
    let (mut drift, mut diffusion) = (x.clone(), x.clone());
    field.drift(&mut drift, &x, t).unwrap();
    field.diffusion(0, &mut diffusion, &x, t).unwrap();
    [(drift[[1, 0]] - drift[[0, 0]]) / sigma, drift[[0, 0]], diffusion[[0, 0]].powi(2)]
}

#[test]
fn every_diffusion_keeps_mean_and_variance() {
    let close = |found: f64, expected: f64, what: &str| {
        assert!(
            (found - expected).abs() < 1e-7 * (1.0 + expected.abs()),
            "{what}: {found} {expected}"
        );
    };
    for path in all_paths() {
        for t in interior(&path) {
            let (mean, sigma) = (0.7 * path.alpha(t), path.sigma(t));
            let rate = path.sigma_squared_derivative(t);
            let shift = 0.7 * path.alpha_derivative(t);
            let what = format!("{} at {t}", path.spec());
            for level in [0.0, 0.6, 1.0] {
                let field = reverse_sde(spike(&path), level);
                let [slope, drift, square] = linearised(&field, mean, sigma, t);
                close(2.0 * slope * sigma * sigma - square, rate, &what);
                close(drift, shift, &what);
            }
            let forward = ForwardDiffusion::new(path.clone());
            let [slope, drift, square] = linearised(&forward, mean, sigma, t);
            close(2.0 * slope * sigma * sigma + square, rate, &what);
            close(drift, shift, &what);
        }
    }
    let bridge = BrownianBridge::new(0.8).unwrap();
    let path: SharedPath = Arc::new(bridge);
    let own = BridgeDiffusion::new(Arc::new(spike(&path))).unwrap();
    for t in [1e-3, 0.4, 1.0] {
        let [slope, drift, square] = linearised(&own, 0.7 * path.alpha(t), path.sigma(t), t);
        let variance = path.sigma(t).powi(2);
        close(2.0 * slope * variance - square, path.sigma_squared_derivative(t), "bridge");
        close(drift, -0.7, "bridge");
    }
    let mut out = Batch::zeros((1, 1));
    assert!(own.drift(&mut out, &Batch::zeros((1, 1)), 0.0).is_err());
}

#[test]
fn ends_are_right_or_refused() {
    for path in all_paths() {
        let field = exact_flow(&path);
        let x = points(6, 2);
        let (mut at, mut near) = (x.clone(), x.clone());
        // The flow of an exact field is finite at the data end on every path.
        field.eval(&mut at, &x, 0.0.into()).unwrap();
        field.eval(&mut near, &x, 1e-10.into()).unwrap();
        assert!(gap(&at, &near) < 1e-5, "{}", path.spec());
        field.eval(&mut at, &x, path.default_span().0.into()).unwrap();
        assert!(field.eval(&mut at, &x, (-0.1).into()).is_err());
    }
    // Noise cannot be had where g^2 is infinite; level 0 needs none.
    let path = process::parse("rectified-flow").unwrap();
    let (x, mut out) = (points(6, 2), points(6, 2));
    let field = exact_flow(&path).with_noise_level(1.0);
    for result in [field.drift(&mut out, &x, 1.0), field.diffusion(0, &mut out, &x, 1.0)] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("nearest usable time is 0.999"), "{error}");
    }
    let still = field.with_noise_level(0.0);
    still.drift(&mut out, &x, 1.0).unwrap();
    still.diffusion(0, &mut out, &x, 1.0).unwrap();
    assert!(still.with_noise_level(f64::NAN).drift(&mut out, &x, 0.5).is_err());
}

/// Runs a method over a grid, as the solver's loop does; the state and the NFE.
fn run<F>(
    method: &impl Method<Batch, F>,
    field: &F,
    mut u: Batch,
    times: &[f64],
    noise: &mut dyn Noise<Batch>,
) -> (Batch, u64) {
    let counted = Counted::new(field, None);
    let mut stepper = method.begin(&u);
    let mut next = u.zeros_like();
    for pair in times.windows(2) {
        let (t, t_next) = (pair[0], pair[1]);
        let h = t_next - t;
        let step = Step {
            field: &counted,
            t,
            t_next,
            h,
            u: &u,
            next: &mut next,
            noise,
            grid: None,
            lanes: None,
        };
        stepper.step(step).unwrap();
        std::mem::swap(&mut u, &mut next);
    }
    (u, counted.evaluations().nfe)
}

#[test]
fn ancestral_sampling_of_a_point_is_exact() {
    // With all data at one point the posterior is exact at any step size.
    let n = 40_000;
    for path in all_paths() {
        let field: PathField<Batch> = probability_flow(spike(&path));
        let (start, _) = path.default_span();
        let end = 0.3 * start.min(1.0);
        let times = Spacing::Uniform.times(&path, start, end, 3).unwrap();
        let mut u = Batch::zeros((n, 1));
        fill_initial_normals(&mut u, path.sigma(start), 5, 0).unwrap();
        u += 0.7 * path.alpha(start);
        let mut noise = BrownianPath::new(11, 0, &u, times.clone());
        let method = BoxedMethod::new(Ancestral::new());
        let (u, nfe) = run(&method, &field, u, &times, &mut noise);
        assert_eq!(nfe, 3);
        let (mean, sigma) = (0.7 * path.alpha(end), path.sigma(end));
        let found = u.mean().unwrap();
        assert!((found - mean).abs() < 5.0 * sigma / (n as f64).sqrt(), "{}", path.spec());
        let variance = u.iter().map(|x| (x - found).powi(2)).sum::<f64>() / n as f64;
        let ratio = variance / (sigma * sigma);
        assert!((ratio - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{} {ratio}", path.spec());
    }
}

#[test]
fn the_last_noise_can_be_left_out_and_steps_up_are_refused() {
    let path = process::parse("vp").unwrap();
    let field = exact_flow(&path);
    let x = points(5, 2);
    // No noise is drawn at all: neither by choice nor where sigma ends at 0.
    let (mean, _) =
        run(&Ancestral::noiseless_at(0.2), &field, x.clone(), &[0.5, 0.2], &mut NoNoise);
    let mut data = x.clone();
    field.predict(Target::DATA, &mut data, &x, 0.5.into()).unwrap();
    let posterior = field.schedule().posterior(0.5, 0.2).unwrap();
    assert!(gap(&mean, &(&x * posterior.state + &data * posterior.data)) < 1e-15);
    let (end, _) = run(&Ancestral::new(), &field, x.clone(), &[0.5, 0.0], &mut NoNoise);
    assert!(gap(&end, &data) < 1e-15);
    assert!(matches!(field.schedule().posterior(0.2, 0.5), Err(FieldError::Domain { .. })));
    assert!(field.schedule().posterior(0.2, -0.5).is_err());
    // The budget counts a prediction as one evaluation.
    let counted = Counted::new(&field, Some(1));
    counted.predict(Target::DATA, &mut data, &x, 0.5.into()).unwrap();
    assert_eq!(
        counted.predict(Target::DATA, &mut data, &x, 0.5.into()),
        Err(FieldError::BudgetSpent)
    );
}
