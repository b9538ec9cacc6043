//! A path of one's own, two functions, against the path that knows everything.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use crate::common::{interior, mixture};
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::reverse_sde;
use driftfield_problems::method;
use driftfield_problems::process::{self, GaussianPath, OwnPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::Method;
use driftfield_solvers::{OdeProblem, SolveOptions, solve};

/// Pairs of a path that knows all its formulas and its two functions alone.
fn pairs() -> Vec<(SharedPath, SharedPath)> {
    ["vp", "rectified-flow", "ve", "sub-vp", "vp-cosine", "brownian-bridge", "mean-reverting"]
        .into_iter()
        .map(|spec| {
            let path = process::parse(spec).unwrap();
            let (alpha, sigma) = (path.clone(), path.clone());
            let own = OwnPath::new(move |t| alpha.alpha(t), move |t| sigma.sigma(t)).named("two");
            (path, Arc::new(own) as SharedPath)
        })
        .collect()
}

/// Derivatives to `2e-13` of the function over the distance to an end, on whose scale they change,
/// or to what rounding of the time makes of it; `f` and `g^2` relative to what they are made of.
#[test]
fn what_is_derived_is_accurate() {
    for (path, own) in pairs() {
        for t in interior(&path) {
            let near = t.min(1.0 - t).max(1e-3);
            let close = |what: &str, found: f64, expected: f64, size: f64| {
                let gap = (found - expected).abs() / size;
                assert!(
                    gap < 2e-13,
                    "{what} of {} at {t}: {found} {expected} {gap:e}",
                    path.spec()
                );
            };
            let (alpha, sigma) = (path.alpha(t), path.sigma(t));
            // Of a function, and of the time that it is asked at.
            let size = |function: f64, slope: f64| (function + t * slope.abs()) / near;
            let (slope, squared) = (path.alpha_derivative(t), path.sigma_squared_derivative(t));
            let of_alpha = size(alpha, slope);
            let of_squared = size(sigma * sigma, squared);
            close("alpha'", own.alpha_derivative(t), slope, of_alpha);
            close("(sigma^2)'", own.sigma_squared_derivative(t), squared, of_squared);
            let of_sigma = of_squared / sigma;
            close("sigma'", own.sigma_derivative(t), path.sigma_derivative(t), of_sigma);
            close("f", own.drift_rate(t), path.drift_rate(t), of_alpha / alpha);
            let size = of_squared + 2.0 * of_alpha / alpha * sigma * sigma;
            close("g^2", own.diffusion_squared(t), path.diffusion_squared(t), size);
            // What the logarithms lose of alpha near 1 and of sigma.
            let lambda = path.log_snr(t);
            close("log-SNR", own.log_snr(t), lambda, lambda.abs().max(1.0));
            let slope = 0.5 * path.diffusion_squared(t) / (sigma * sigma);
            let back = own.time_at_log_snr(lambda);
            close("inverse", back, t, 1.0 / slope + t);
        }
    }
}

#[test]
fn ends_are_found_out() {
    for (path, own) in pairs() {
        assert_eq!(own.domain().noise, path.domain().noise, "{}", path.spec());
        assert_eq!(own.domain().data.finite_log_snr, path.domain().data.finite_log_snr);
        // Where sigma starts like a root its slope is infinite, and that of its square is not.
        let squared = own.sigma_squared_derivative(0.0);
        assert!((squared - path.sigma_squared_derivative(0.0)).abs() < 1e-9, "{}", path.spec());
        assert!((own.alpha_derivative(0.0) - path.alpha_derivative(0.0)).abs() < 1e-9);
        assert!((own.alpha_derivative(1.0) - path.alpha_derivative(1.0)).abs() < 1e-9);
        assert!(own.alpha(-0.5).is_nan() || own.alpha_derivative(-0.5).is_nan());
        assert_eq!(own.spec(), "two");
    }
    // Rounding at the end is not data.
    let circle = OwnPath::new(|t| (FRAC_PI_2 * t).cos(), |t| (FRAC_PI_2 * t).sin());
    assert!(!circle.domain().noise.finite_log_snr);
    assert_eq!(circle.start_with_finite_log_snr(), 0.999);
}

/// Every method of the registry: the same noise, the same grid, results as near as the derivatives.
#[test]
fn every_solver_runs_on_two_functions() {
    let (vp, own) = pairs().swap_remove(0);
    let span = (vp.start_with_finite_log_snr(), vp.default_span().1);
    let times = Spacing::LogSnr.times(&vp, span.0, span.1, 30).unwrap();
    let initial = mixture().marginal(vp.alpha(span.0), vp.sigma(span.0)).draw(4, 1);
    for method in method::path_methods::<crate::common::products::Batch>() {
        let name = method.info().name;
        let run = |path: &SharedPath| {
            let field = reverse_sde(MixturePredictor::new(mixture(), path.clone()), 1.0);
            let problem = OdeProblem::new(field, initial.clone(), span);
            let solution = solve(&problem, &method, SolveOptions::times(times.clone()).seed(3));
            let solution = solution.unwrap();
            assert!(solution.outcome.is_success(), "{name}: {}", solution.outcome);
            solution.u_last
        };
        let gap = crate::common::gap(&run(&own), &run(&vp));
        assert!(gap < 1e-9, "{name}: {gap:e}");
    }
}
