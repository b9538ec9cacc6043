//! Stochastic methods keep every process's marginals, and the check notices
//! when they do not.
//!
//! False alarms: the fewer than 1,800 comparisons of these tests each allow 6.5 standard
//! errors, exceeded with probability 8.0e-11 by a normal estimate; the skewness
//! of squares over 20,000 lanes (0.02) at most doubles that in one tail. In all
//! below 3e-7. The seeds are fixed.

use std::sync::Arc;

use crate::common::{Batch, all_paths, path};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{
    BridgeDiffusion, ForwardDiffusion, PathField, probability_flow, reverse_sde,
};
use driftfield_problems::method::{self, Ancestral};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::registry::{stochastic_exponential_methods, stochastic_methods};
use driftfield_solvers::method::{EulerMaruyama, Method};
use driftfield_solvers::{
    FieldError, Outcome, Problem, SdeProblem, SolveOptions, StochasticField, solve,
};

const LANES: usize = 20_000;
const STEPS: usize = 200;
const STANDARD_ERRORS: f64 = 6.5;
/// What the finite steps may add, in units of the component's standard
/// deviation (mean) and of the product of two (covariance).
const DISCRETISATION: f64 = 0.02;

fn data() -> GaussianMixture {
    let means = vec![vec![-1.0, 0.4], vec![0.8, 0.6]];
    GaussianMixture::isotropic(vec![0.6, 0.4], means, vec![0.4, 0.5]).unwrap()
}

/// From noise to data, away from the ends where a path is singular.
fn span(path: &SharedPath) -> (f64, f64) {
    match path.name() {
        "edm" => (5.0, 0.25),
        // Sigma from 30 to 0.25.
        "ve" => (0.94, 0.38),
        _ => (0.95, 0.05),
    }
}

fn marginal(path: &SharedPath, t: f64) -> GaussianMixture {
    MixturePredictor::new(data(), path.clone()).marginal(t).unwrap()
}

/// The largest error of a mean or covariance of the sample, in units of what is
/// allowed: below 1 the sample passes.
fn misfit(sample: &Batch, expected: &GaussianMixture) -> f64 {
    let n = sample.nrows() as f64;
    let (mean, covariance) = (expected.mean(), expected.covariance());
    let mut worst = 0.0f64;
    let mut compare = |found: &dyn Fn(usize) -> f64, expected: f64, size: f64| {
        let average = (0..sample.nrows()).map(found).sum::<f64>() / n;
        let variance = (0..sample.nrows()).map(|i| (found(i) - average).powi(2)).sum::<f64>() / n;
        let allowed = STANDARD_ERRORS * (variance / n).sqrt() + DISCRETISATION * size;
        let ratio = (average - expected).abs() / allowed;
        worst = if ratio.is_nan() { f64::INFINITY } else { worst.max(ratio) };
    };
    for i in 0..2 {
        let spread = |j: usize| covariance[(j, j)].sqrt();
        compare(&|lane| sample[[lane, i]], mean[i], spread(i));
        for j in 0..=i {
            let product =
                |lane: usize| (sample[[lane, i]] - mean[i]) * (sample[[lane, j]] - mean[j]);
            compare(&product, covariance[(i, j)], spread(i) * spread(j));
        }
    }
    worst
}

/// The misfit at the end of a solve.
fn misfit_at_end<P: Problem<State = Batch>>(
    problem: &P,
    method: &impl Method<Batch, P::Field>,
    path: &SharedPath,
) -> f64 {
    misfit_after(STEPS, problem, method, path)
}

fn misfit_after<P: Problem<State = Batch>>(
    steps: usize,
    problem: &P,
    method: &impl Method<Batch, P::Field>,
    path: &SharedPath,
) -> f64 {
    let options = SolveOptions::steps(steps).seed(23);
    let solution = solve(problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    misfit(&solution.u_last, &marginal(path, problem.span().1))
}

fn reversal(path: &SharedPath) -> PathField<Batch> {
    reverse_sde(MixturePredictor::new(data(), path.clone()), 1.0)
}

fn start(path: &SharedPath) -> Batch {
    marginal(path, span(path).0).draw(LANES, 11)
}

#[test]
fn exact_draws_pass() {
    for path in all_paths() {
        let misfit = misfit(&start(&path), &marginal(&path, span(&path).0));
        assert!(misfit < 1.0, "{}: {misfit}", path.spec());
    }
}

#[test]
fn reverse_diffusions_keep_the_marginals() {
    for path in all_paths() {
        let problem = reversal(&path).sde_problem(start(&path), span(&path));
        for method in stochastic_methods() {
            // The same number of evaluations for all.
            let steps = STEPS / method.info().evaluations_per_step as usize;
            let misfit = misfit_after(steps, &problem, &method, &path);
            assert!(misfit < 1.0, "{} on {}: {misfit}", method.info().name, path.spec());
        }
    }
}

#[test]
fn ancestral_steps_keep_the_marginals() {
    for path in all_paths() {
        let exact = MixturePredictor::new(data(), path.clone());
        let flow = probability_flow(exact);
        let misfit =
            misfit_at_end(&flow.problem(start(&path), span(&path)), &Ancestral::new(), &path);
        assert!(misfit < 1.0, "{}: {misfit}", path.spec());
    }
}

/// The exponential integrators that draw noise, with some of it and with all.
const EXPONENTIAL: [&str; 10] = [
    "ddim:eta=0.5",
    "euler-ancestral",
    "dpm-2-ancestral",
    "dpm-solver++2s-ancestral",
    "sde-dpm-solver-1",
    "sde-dpm-solver-2m",
    "sde-dpm-solver++1",
    "sde-dpm-solver++2s",
    "sde-dpm-solver++2m",
    "sde-dpm-solver++3m",
];

fn misfit_of_exponential(path: &SharedPath, solver: &str, steps: usize) -> f64 {
    let exact = MixturePredictor::new(data(), path.clone());
    let problem = probability_flow(exact).problem(start(path), span(path));
    let method = method::parse::<Batch>(solver).unwrap();
    let solution = solve(&problem, &method, SolveOptions::steps(steps).seed(23)).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    misfit(&solution.u_last, &marginal(path, span(path).1))
}

#[test]
fn exponential_integrators_with_noise_keep_the_marginals() {
    for method in stochastic_exponential_methods::<Batch, PathField<Batch>>() {
        assert!(EXPONENTIAL.iter().any(|solver| solver.starts_with(method.info().name)));
    }
    for path in all_paths() {
        for solver in EXPONENTIAL {
            // Half the steps are plenty where the marginals are kept to order 2.
            let first = method::parse::<Batch>(solver).unwrap().info().order == 1;
            let steps = if first { STEPS } else { STEPS / 2 };
            let misfit = misfit_of_exponential(&path, solver, steps);
            assert!(misfit < 1.0, "{solver} on {}: {misfit}", path.spec());
        }
    }
}

/// Noise of the wrong size: by 5 % where the method's own error is out of the way, by 10 % where
/// it is of order 1 (200 such steps make the variance too small by as much as 5 % more noise
/// makes it too large).
#[test]
fn mistaken_noise_is_noticed() {
    for path in ["vp", "edm", "rectified-flow"].map(path) {
        for (solver, mistake) in [
            ("euler-ancestral", 0.1),
            ("dpm-solver++2s-ancestral", 0.05),
            ("sde-dpm-solver++2m", 0.05),
        ] {
            for factor in [1.0 - mistake, 1.0 + mistake] {
                let solver = format!("{solver}:noise={factor}");
                let misfit = misfit_of_exponential(&path, &solver, STEPS);
                assert!(misfit > 1.0, "{solver} on {}: {misfit}", path.spec());
            }
        }
    }
}

/// Few and short corrections, whose own bias (`snr^2` of the variance) is below what is allowed.
#[test]
fn corrected_steps_and_reverse_diffusion_keep_the_marginals() {
    let check = |path: &SharedPath, solver: &str| {
        let problem = reversal(path).problem(start(path), span(path));
        let method = driftfield_problems::method::parse::<Batch>(solver).unwrap();
        let misfit = misfit_at_end(&problem, &method, path);
        println!("{solver} on {}: {misfit:.2}", path.spec());
        assert!(misfit < 1.0, "{solver} on {}: {misfit}", path.spec());
    };
    for path in all_paths() {
        check(&path, "reverse-diffusion");
        check(&path, "pc:predictor=ancestral,snr=0.05");
    }
    check(&path("vp"), "pc:predictor=euler-maruyama,corrector=langevin,snr=0.05,n=2");
    check(&path("ve"), "pc:predictor=heun,snr=0.1");
}

#[test]
fn the_bridges_own_diffusion_keeps_the_marginals() {
    let path = path("brownian-bridge");
    let exact = Arc::new(MixturePredictor::new(data(), path.clone()));
    let own = BridgeDiffusion::new(exact).unwrap();
    let misfit =
        misfit_at_end(&own.problem(start(&path), span(&path)), &EulerMaruyama::new(), &path);
    assert!(misfit < 1.0, "{misfit}");
}

#[test]
fn forward_diffusions_turn_data_into_the_marginals() {
    for path in all_paths() {
        let (noise, data) = span(&path);
        let field = ForwardDiffusion::new(path.clone());
        let initial = marginal(&path, data).draw(LANES, 12);
        let problem = field.problem(initial, (data, noise));
        for method in stochastic_methods() {
            // The same number of evaluations for all.
            let steps = STEPS / method.info().evaluations_per_step as usize;
            let misfit = misfit_after(steps, &problem, &method, &path);
            assert!(misfit < 1.0, "{} on {}: {misfit}", method.info().name, path.spec());
        }
    }
}

/// A reverse diffusion with a mistake.
struct Mistaken {
    right: PathField<Batch>,
    /// What the diffusion is multiplied by.
    diffusion: f64,
    /// Whether the score is left out of the drift.
    no_score: bool,
}

impl StochasticField<Batch> for Mistaken {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        if self.no_score {
            let rate = self.right.path().drift_rate(t);
            out.zip_mut_with(u, |out, u| *out = rate * u);
            return Ok(());
        }
        self.right.drift(out, u, t)
    }
    fn diffusion(
        &self,
        channel: usize,
        out: &mut Batch,
        u: &Batch,
        t: f64,
    ) -> Result<(), FieldError> {
        self.right.diffusion(channel, out, u, t)?;
        *out *= self.diffusion;
        Ok(())
    }
}

#[test]
fn mistakes_are_noticed() {
    for path in all_paths() {
        for (diffusion, no_score) in [(1.1, false), (0.9, false), (1.0, true)] {
            let field = Mistaken { right: reversal(&path), diffusion, no_score };
            let problem = SdeProblem::from_field(field, start(&path), span(&path));
            let misfit = misfit_at_end(&problem, &EulerMaruyama::new(), &path);
            assert!(misfit > 1.5, "{}: g * {diffusion}: {misfit}", path.spec());
        }
    }
}

/// Churn adds noise up to a higher level, which is then left again; with a tenth too much it shows.
#[test]
fn churned_steps_keep_the_marginals() {
    for path in all_paths() {
        let exact = MixturePredictor::new(data(), path.clone());
        let problem = probability_flow(exact).problem(start(&path), span(&path));
        for name in ["edm-heun", "dpm-2"] {
            let misfit = |noise: f64| {
                let solver = format!("{name}:churn=80,noise={noise}");
                let method = driftfield_problems::method::parse::<Batch>(&solver).unwrap();
                misfit_at_end(&problem, &method, &path)
            };
            let (right, wrong) = (misfit(1.0), misfit(1.1));
            println!("{name} on {}: {right:.2}, with too much noise {wrong:.2}", path.spec());
            assert!(right < 1.0, "{name} on {}: {right}", path.spec());
            assert!(wrong > 1.5, "{name} on {}, too much noise: {wrong}", path.spec());
        }
    }
}
