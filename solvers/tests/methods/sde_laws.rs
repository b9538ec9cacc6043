//! Terminal laws of Ornstein-Uhlenbeck processes and geometric Brownian motions,
//! against the exact recursion of the scheme's moments, which is the exact law up to
//! the scheme's own error.
//!
//! False alarms: every comparison allows 5.7 standard errors, exceeded by a normal
//! estimate with probability 1.2e-8; about 50 are made, below 1e-6 in all. Lanes
//! are 200,000, for which sample moments are normal to that accuracy: the largest
//! kurtosis here is that of a log-normal of spread 0.3.

use crate::common::moments::{affine_moments, factor_moments};
use crate::common::sde::Batch;
use driftfield_solvers::method::registry::{
    additive_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::{
    Additive, FieldError, Ito, SdeProblem, SolveOptions, StochasticField, Stratonovich, Times,
    VectorField, solve,
};

const LANES: usize = 200_000;
const STEPS: usize = 16;
const STANDARD_ERRORS: f64 = 5.7;

/// Mean, variance, and the variance of a square deviation.
struct Law {
    mean: f64,
    variance: f64,
    of_squares: f64,
}

/// The larger deviation of mean and variance, in units of what is allowed.
fn misfit(sample: &Batch, law: &Law) -> f64 {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|u| (u - law.mean).powi(2)).sum::<f64>() / n;
    let of_mean = (mean - law.mean).abs() / (law.variance / n).sqrt();
    let of_variance = (variance - law.variance).abs() / (law.of_squares / n).sqrt();
    of_mean.max(of_variance) / STANDARD_ERRORS
}

fn sample<F: StochasticField<Batch>>(field: F, method: &impl Method<Batch, F>) -> Batch {
    let problem = SdeProblem::from_field(field, Batch::from_elem((LANES, 1), 1.0), (0.0, 1.0));
    let solution = solve(&problem, method, SolveOptions::steps(STEPS).seed(77)).unwrap();
    assert!(solution.outcome.is_success());
    solution.u_last
}

/// `p + q u` in every component.
#[derive(Debug, Clone, Copy)]
struct Affine(f64, f64);

impl VectorField<Batch> for Affine {
    fn eval(&self, out: &mut Batch, u: &Batch, _t: Times<'_>) -> Result<(), FieldError> {
        out.zip_mut_with(u, |out, u| *out = self.0 + self.1 * u);
        Ok(())
    }
}

/// After `STEPS` independent factors with these moments.
fn gbm_law(factors: [f64; 4]) -> Law {
    let [m1, m2, m3, m4] = factors.map(|m| m.powi(STEPS as i32));
    let variance = m2 - m1 * m1;
    let fourth = m4 - 4.0 * m3 * m1 + 6.0 * m2 * m1 * m1 - 3.0 * m1.powi(4);
    Law { mean: m1, variance, of_squares: fourth - variance * variance }
}

fn check<F: StochasticField<Batch> + 'static>(
    right: F,
    wrong: F,
    law: &Law,
    method: &BoxedMethod<Batch, F>,
) {
    let name = method.info().name;
    let misfit_of = |field| misfit(&sample(field, method), law);
    let (passes, fails) = (misfit_of(right), misfit_of(wrong));
    println!("{name}: {passes:.2} of the allowed, with 2 % more diffusion {fails:.2}");
    assert!(passes < 1.0, "{name}: {passes}");
    assert!(fails > 1.0, "{name} with 2 % more diffusion: {fails}");
}

#[test]
fn geometric_brownian_motion() {
    let (a, b) = (0.4, 0.3);
    let h = 1.0 / STEPS as f64;
    let ito = |b: f64| Ito { drift: Affine(0.0, a), diffusion: Affine(0.0, b) };
    for method in stochastic_methods() {
        let law = gbm_law(factor_moments(ito(b), &method, h));
        check(ito(b), ito(1.02 * b), &law, &method);
    }
    let drift = Affine(0.0, a - 0.5 * b * b);
    let stratonovich = |b: f64| Stratonovich { drift, diffusion: Affine(0.0, b) };
    for method in stratonovich_methods() {
        let law = gbm_law(factor_moments(stratonovich(b), &method, h));
        check(stratonovich(b), stratonovich(1.02 * b), &law, &method);
    }
}

#[test]
fn ornstein_uhlenbeck() {
    let h = 1.0 / STEPS as f64;
    let field = |sigma: f64| {
        let drift = Affine(1.5 * 0.3, -1.5);
        Additive { drift, diffusion: move |g: &mut Batch, _t: f64| g.fill(sigma) }
    };
    let mut methods = stochastic_methods();
    methods.extend(stratonovich_methods());
    methods.extend(additive_methods());
    for method in methods {
        let (mean, variance) = affine_moments(field(0.7), &method, h, STEPS, 1.0);
        let law = Law { mean, variance, of_squares: 2.0 * variance * variance };
        check(field(0.7), field(1.02 * 0.7), &law, &method);
    }
}

/// The exact laws themselves, where the scheme's error is far below what is allowed.
#[test]
fn the_exact_laws() {
    let (a, b) = (0.4_f64, 0.3_f64);
    let moment = |k: f64| (k * a + 0.5 * k * (k - 1.0) * b * b).exp();
    let root = |m: f64| m.powf(1.0 / STEPS as f64);
    let exact = gbm_law([1.0, 2.0, 3.0, 4.0].map(|k| root(moment(k))));
    let field = |b: f64| Ito { drift: Affine(0.0, a), diffusion: Affine(0.0, b) };
    let methods = stochastic_methods();
    let precise = methods.iter().find(|method| method.info().name == "sriw1").unwrap();
    check(field(b), field(1.02 * b), &exact, precise);
    let variance = 0.49 * (1.0 - (-3.0_f64).exp()) / 3.0;
    let mean = 0.3 + 0.7 * (-1.5_f64).exp();
    let exact = Law { mean, variance, of_squares: 2.0 * variance * variance };
    let field = |sigma: f64| {
        let drift = Affine(1.5 * 0.3, -1.5);
        Additive { drift, diffusion: move |g: &mut Batch, _t: f64| g.fill(sigma) }
    };
    let methods = additive_methods();
    let precise = methods.iter().find(|method| method.info().name == "shark").unwrap();
    check(field(0.7), field(1.02 * 0.7), &exact, precise);
}
