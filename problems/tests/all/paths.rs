//! Gaussian paths against 60-digit values, against each other and against the
//! official DPM-Solver schedule.

use driftfield_problems::process::{self, GaussianPath, SharedPath};
use serde_json::Value;

fn all_paths() -> Vec<SharedPath> {
    let rescaled = ["spline", "log-alpha", "sigma", "log-sigma"]
        .map(|name| format!("ddpm:zero_terminal_snr=true,interpolation={name}"));
    let catalog = process::catalog();
    let all = catalog.names().chain(rescaled.iter().map(String::as_str));
    all.map(|name| process::parse(name).unwrap()).collect()
}

/// Times inside the domain, from one practical end to the other.
fn interior(path: &SharedPath) -> Vec<f64> {
    let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
    (0..=50).map(|i| start * (end / start).powf(f64::from(i) / 50.0)).collect()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let scale = expected.abs().max(f64::MIN_POSITIVE);
    assert!((found - expected).abs() <= tolerance * scale, "{what}: {found:e}, not {expected:e}");
}

#[test]
fn values_are_exact_near_both_ends() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../data/path_values.json")).unwrap();
    assert!(rows.len() > 80);
    for row in rows {
        let path = process::parse(row["path"].as_str().unwrap()).unwrap();
        let t = row["t"].as_f64().unwrap();
        for (name, found) in [
            ("alpha", path.alpha(t)),
            ("sigma", path.sigma(t)),
            ("alpha_derivative", path.alpha_derivative(t)),
            ("sigma_derivative", path.sigma_derivative(t)),
            ("sigma_squared_derivative", path.sigma_squared_derivative(t)),
            ("drift_rate", path.drift_rate(t)),
            ("diffusion_squared", path.diffusion_squared(t)),
            ("diffusion_squared_over_sigma", path.diffusion_squared_over_sigma(t)),
        ] {
            let expected = row[name].as_f64().unwrap();
            close(found, expected, 1e-14, &format!("{name} of {} at {t}", path.spec()));
        }
        // An absolute error of the log-SNR is a relative one of alpha / sigma.
        let (found, expected) = (path.log_snr(t), row["log_snr"].as_f64().unwrap());
        assert!(
            (found - expected).abs() <= 4e-15 * expected.abs().max(1.0),
            "log-SNR of {} at {t}: {found}, not {expected}",
            path.spec()
        );
    }
}

#[test]
fn log_snr_and_its_inverse_round_trip() {
    for path in all_paths() {
        for t in interior(&path) {
            let lambda = path.log_snr(t);
            let back = path.time_at_log_snr(lambda);
            // How far t moves when lambda moves by a rounding error.
            let (f, g2) = (path.drift_rate(t), path.diffusion_squared(t));
            let slope = 0.5 * g2 / path.sigma(t).powi(2);
            let allowed = 1e-14 * t + 1e-15 * lambda.abs().max(1.0) / slope;
            assert!((back - t).abs() <= allowed, "{}: {t} -> {back}", path.spec());
            assert!(f <= 0.0 && g2 > 0.0);
        }
        // Beyond the ends: no NaN, never outside the domain.
        for lambda in [-1e4, -400.0, -50.0, 50.0, 400.0, 1e4, f64::NEG_INFINITY, f64::INFINITY] {
            let t = path.time_at_log_snr(lambda);
            let domain = path.domain();
            assert!(domain.data.t <= t && t <= domain.noise.t, "{}: {lambda} {t}", path.spec());
        }
    }
}

/// A path that has only what is required: its inverse is the numerical one.
#[derive(Debug)]
struct Bare(SharedPath);

impl GaussianPath for Bare {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.0.parameters()
    }
    fn domain(&self) -> process::TimeDomain {
        self.0.domain()
    }
    fn default_span(&self) -> (f64, f64) {
        self.0.default_span()
    }
    fn alpha(&self, t: f64) -> f64 {
        self.0.alpha(t)
    }
    fn sigma(&self, t: f64) -> f64 {
        self.0.sigma(t)
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        self.0.alpha_derivative(t)
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        self.0.sigma_squared_derivative(t)
    }
    fn log_snr(&self, t: f64) -> f64 {
        self.0.log_snr(t)
    }
    fn drift_rate(&self, t: f64) -> f64 {
        self.0.drift_rate(t)
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.0.diffusion_squared(t)
    }
}

#[test]
fn numerical_inverse_agrees_with_the_closed_forms() {
    for path in all_paths() {
        let bare = Bare(path.clone());
        for t in interior(&path) {
            let lambda = path.log_snr(t);
            let (numerical, closed) = (bare.time_at_log_snr(lambda), path.time_at_log_snr(lambda));
            let slope = 0.5 * path.diffusion_squared(t) / path.sigma(t).powi(2);
            let allowed = 1e-14 * t + 2e-15 * lambda.abs().max(1.0) / slope;
            assert!((numerical - closed).abs() <= allowed, "{}: {t}", path.spec());
            close(bare.sigma_derivative(t), path.sigma_derivative(t), 1e-13, "sigma'");
        }
    }
}

#[test]
fn posterior_composes_with_the_marginals() {
    // x_t given x_0 has variance sigma_t^2: drawing x_u from the posterior
    // must give back alpha_u and sigma_u^2, at any step, both ends included.
    for path in all_paths() {
        let (start, _) = path.default_span();
        for t in [start, path.start_with_finite_log_snr(), 0.5, 0.01] {
            for u in [t, 0.999_999 * t, 0.5 * t, 1e-3 * t, 0.0] {
                let p = path.posterior(t, u);
                let alpha = p.state * path.alpha(t) + p.data;
                let variance = (p.state * path.sigma(t)).powi(2) + p.variance;
                let what = format!("{} from {t} to {u}", path.spec());
                close(alpha, path.alpha(u), 1e-12, &what);
                close(variance, path.sigma(u).powi(2), 1e-12, &what);
                assert!(p.variance >= 0.0, "{what}");
            }
        }
    }
}

#[test]
fn vp_is_the_official_schedule() {
    let table: Value = serde_json::from_str(include_str!("../data/schedule_table.json")).unwrap();
    let run = &table["runs"][0];
    let path = process::parse("vp:beta_min=0.1,beta_max=20").unwrap();
    for (i, t) in run["times"].as_array().unwrap().iter().enumerate() {
        let t = t.as_f64().unwrap();
        let number = |key: &str| run[key][i].as_f64().unwrap();
        close(path.alpha(t).ln(), number("log_alpha"), 1e-11, "ln alpha");
        close(path.alpha(t), number("log_alpha").exp(), 1e-15, "alpha");
        close(path.sigma(t), number("sigma"), 1e-12, "sigma");
        close(path.log_snr(t), number("lam"), 1e-12, "lambda");
        close(path.time_at_log_snr(number("lam")), number("inv"), 1e-11, "inverse");
    }
}

#[test]
fn spans_lie_in_the_domain_and_specs_are_read_back() {
    for path in all_paths() {
        let (start, end) = path.default_span();
        process::check_time(&path, start).unwrap();
        process::check_log_snr(&path, end).unwrap();
        process::check_log_snr(&path, path.start_with_finite_log_snr()).unwrap();
        process::check_diffusion(&path, path.start_with_finite_log_snr()).unwrap();
        for outside in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = process::check_time(&path, outside).unwrap_err();
            process::check_time(&path, error.nearest()).unwrap();
            let error = process::check_log_snr(&path, outside).unwrap_err();
            process::check_log_snr(&path, error.nearest()).unwrap();
            assert!(error.to_string().contains("nearest usable"));
        }
        assert_eq!(process::parse(&path.spec()).unwrap().spec(), path.spec());
    }
    let error =
        process::check_log_snr(&process::parse("rectified-flow").unwrap(), 1.0).unwrap_err();
    assert_eq!(error.nearest(), 0.999);
    for text in [
        "vp:beta_min=-1",
        "vp:beta_min=30",
        "vp:beta_max=0",
        "vp:beta_max=nan",
        "vp:s=1",
        "sub-vp:beta_max=1e300",
        "vp-cosine:s=-0.1",
        "ve:sigma_min=0",
        "ve:sigma_max=0.001",
        "edm:sigma_max=80",
        "brownian-bridge:s=-1",
        "rectified-flow:s=1",
        "dvp",
        "",
    ] {
        assert!(process::parse(text).is_err(), "{text}");
    }
    // Parameters at the ends of their ranges make finite paths.
    for text in ["vp:beta_min=0", "brownian-bridge:s=0", "vp-cosine:s=0", "vp:beta_min=20"] {
        let path = process::parse(text).unwrap();
        for t in interior(&path) {
            let back = path.time_at_log_snr(path.log_snr(t));
            close(back, t, 1e-11, text);
        }
    }
}

/// Nothing is left of the data at the last timestep, whatever lies before it, and the path reads
/// back as it is written.
#[test]
fn zero_terminal_snr_is_exact_and_written() {
    let plain = process::parse("ddpm").unwrap();
    assert!(plain.alpha(1.0) > 0.0 && !plain.spec().contains("zero_terminal_snr"));
    for path in all_paths().iter().filter(|path| path.spec().contains("zero_terminal_snr=true")) {
        assert_eq!(
            (path.alpha(1.0), path.sigma(1.0), path.log_snr(1.0)),
            (0.0, 1.0, f64::NEG_INFINITY)
        );
        assert_eq!(path.time_at_log_snr(f64::NEG_INFINITY), 1.0);
        assert!(path.alpha_derivative(1.0) < 0.0 && path.alpha_derivative(1.0).is_finite());
        assert_eq!((path.default_span().0, path.start_with_finite_log_snr()), (1.0, 0.999));
        assert!((path.alpha(0.001) / plain.alpha(0.001) - 1.0).abs() < 1e-12);
        assert_eq!(process::parse(&path.spec()).unwrap().spec(), path.spec());
    }
}
