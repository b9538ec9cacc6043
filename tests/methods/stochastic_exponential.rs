//! The exponential integrators that draw noise: which of them are the same, what they are without
//! noise, their weak orders, and what is refused.
//!
//! `cargo test --release --test methods stochastic_exponential -- --nocapture` prints the weak orders.

use crate::common::{Batch, all_paths, exact_flow, gap, mixture, path};
use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::method::{self, path_methods};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::{Kind, Method, MethodInfo};
use driftfield_solvers::noise::{RecordedPath, fill_initial_normals};
use driftfield_solvers::{Outcome, Solution, SolveOptions, solve};
use ndarray::Array2;

/// From where the log-SNR is finite to the path's own end.
fn span(path: &SharedPath) -> (f64, f64) {
    (path.start_with_finite_log_snr(), path.default_span().1)
}

fn grid(path: &SharedPath, steps: usize) -> Vec<f64> {
    let (start, end) = span(path);
    Spacing::LogSnr.times(path, start, end, steps).unwrap()
}

fn initial(path: &SharedPath) -> Batch {
    let mut points = Batch::zeros((8, 2));
    fill_initial_normals(&mut points, path.sigma(span(path).0), 1, 0).unwrap();
    points
}

fn run(path: &SharedPath, solver: &str) -> Solution<Batch> {
    let problem = exact_flow(mixture(), path).problem(initial(path), span(path));
    let method = method::parse::<Batch>(solver).unwrap();
    let options = SolveOptions::times(grid(path, 20)).seed(5);
    let solution = solve(&problem, &method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success, "{solver} on {}", path.spec());
    assert_eq!(solution.statistics.nfe, method.info().evaluations(20), "{solver}");
    solution
}

fn info(solver: &str) -> MethodInfo {
    method::parse::<Batch>(solver).unwrap().info()
}

/// The gap of two solvers' ends, relative to the largest value of the start.
fn difference(path: &SharedPath, a: &str, b: &str) -> f64 {
    let size = initial(path).iter().fold(1.0f64, |size, value| size.max(value.abs()));
    gap(&run(path, a).u_last, &run(path, b).u_last) / size
}

/// Every exponential integrator that draws noise by default.
fn stochastic() -> Vec<&'static str> {
    let infos = path_methods::<Batch>().into_iter().map(|method| method.info());
    let drawing = infos.filter(|info| info.kind == Kind::Exponential && info.draws_noise);
    drawing.map(|info| info.name).collect()
}

#[test]
fn with_all_noise_the_first_order_methods_are_ancestral_sampling() {
    for path in all_paths() {
        for (a, b) in [
            ("ddim:eta=1", "euler-ancestral"),
            ("ddim:eta=1", "sde-dpm-solver++1"),
            ("ddim:eta=0.4,noise=1.1", "euler-ancestral:eta=0.4,noise=1.1"),
        ] {
            let gap = difference(&path, a, b);
            assert!(gap < 1e-12, "{a} and {b} on {}: {gap:e}", path.spec());
        }
        // On the bridge `ancestral` is the bridge's own conditional, which is another sampler
        // with the same marginals: these are diffusions with the path's alpha and sigma.
        let gap = difference(&path, "ddim:eta=1", "ancestral");
        let equal = gap < 1e-12;
        assert_eq!(equal, path.name() != "brownian-bridge", "{}: {gap:e}", path.spec());
    }
}

#[test]
fn without_noise_every_one_is_its_ode_method() {
    let pairs = [
        ("ddim:eta=0", "ddim"),
        ("euler-ancestral:eta=0", "ddim"),
        ("dpm-2-ancestral:eta=0", "dpm-solver-2s"),
        ("dpm-solver++2s-ancestral:eta=0", "dpm-solver++2s"),
        ("sde-dpm-solver-1:eta=0", "dpm-solver-1"),
        ("sde-dpm-solver-2m:eta=0", "dpm-solver-2m"),
        ("sde-dpm-solver++1:eta=0", "dpm-solver++1"),
        ("sde-dpm-solver++2s:eta=0", "dpm-solver++2s"),
        ("sde-dpm-solver++2m:eta=0", "dpm-solver++2m"),
        ("sde-dpm-solver++2m:eta=0,type=heun", "dpm-solver++2m:type=taylor"),
        ("sde-dpm-solver++3m:eta=0", "dpm-solver++3m"),
        ("sde-dpm-solver++3m:eta=0,form=reference", "dpm-solver++3m:form=reference"),
    ];
    for name in stochastic() {
        assert!(pairs.iter().any(|(with, _)| with.starts_with(&format!("{name}:"))), "{name}");
    }
    for path in all_paths() {
        for (without, ode) in pairs {
            let gap = difference(&path, without, ode);
            assert!(gap < 1e-12, "{without} on {}: {gap:e}", path.spec());
        }
    }
    for (without, ode) in pairs {
        let (without, ode) = (info(without), info(ode));
        assert!(!without.draws_noise && without.weak_order.is_none(), "{}", without.name);
        assert_eq!(without.order, ode.order, "{}", without.name);
        assert_eq!(without.history, ode.history, "{}", without.name);
    }
}

/// Without noise drawn, DDIM has the very bits of DDIM as it was before it knew any.
#[test]
fn ddim_without_noise_is_one_step_of_data_and_noise() {
    let path = path("vp");
    let field = exact_flow(mixture(), &path);
    let times = grid(&path, 20);
    let mut u = initial(&path);
    for ends in times.windows(2) {
        let mut data = Batch::zeros(u.dim());
        let predictor = field.predictor();
        let target = driftfield_problems::predictor::Target::DATA;
        predictor.predict(target.into(), &mut data, &u, ends[0].into()).unwrap();
        let scale = path.sigma(ends[1]) / path.sigma(ends[0]);
        let weight = path.alpha(ends[1]) - scale * path.alpha(ends[0]);
        u.zip_mut_with(&data, |u, data| *u = scale * *u + weight * data);
    }
    assert!(crate::common::same_bits(&u, &run(&path, "ddim").u_last));
}

/// One Gaussian of standard deviation 0.5: the field is affine, and so is every step.
fn gaussian() -> GaussianMixture {
    GaussianMixture::isotropic(vec![1.0], vec![vec![0.7]], vec![0.5]).unwrap()
}

/// Mean and standard deviation of what a method makes of the exact marginal, without any
/// sampling: the end is an affine function of the start and the normals of the steps, whose
/// coefficients are the differences of lanes that differ in one of them alone.
fn moments(path: &SharedPath, solver: &str, steps: usize) -> (f64, f64) {
    let (start, end) = (0.95, 0.05);
    let times = Spacing::LogSnr.times(path, start, end, steps).unwrap();
    let method = method::parse::<Batch>(solver).unwrap();
    // Times of the nodes too: the path is asked for its parts.
    let halves: Vec<f64> = times
        .windows(2)
        .flat_map(|ends| {
            let (from, to) = (path.log_snr(ends[0]), path.log_snr(ends[1]));
            [ends[0], path.time_at_log_snr(from + 0.5 * (to - from))]
        })
        .chain([end])
        .collect();
    let draws = halves.len() - 1;
    let spread = |t: f64| (path.alpha(t) * 0.5).hypot(path.sigma(t));
    let mut from = Array2::from_elem((draws + 2, 1), path.alpha(start) * 0.7);
    from[[draws + 1, 0]] += spread(start);
    let normals = (0..draws)
        .map(|draw| Array2::from_shape_fn(from.dim(), |(lane, _)| f64::from(lane == draw)))
        .collect();
    let noise = RecordedPath::from_normals(halves, normals).unwrap();
    let problem = exact_flow(gaussian(), path).problem(from, (start, end));
    let solution = solve(&problem, &method, SolveOptions::times(times).noise(noise)).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    let base = solution.u_last[[draws, 0]];
    let variance: f64 = solution.u_last.iter().map(|end| (end - base).powi(2)).sum();
    (base, variance.sqrt())
}

/// The errors of mean and standard deviation at the end.
fn marginal_errors(path: &SharedPath, solver: &str, steps: usize) -> [f64; 2] {
    let (mean, std) = moments(path, solver, steps);
    let exact = (path.alpha(0.05) * 0.5).hypot(path.sigma(0.05));
    [(mean - path.alpha(0.05) * 0.7).abs(), (std - exact).abs()]
}

/// The solver, and the order to which it keeps the marginals of an affine field.
const MARGINAL_ORDERS: &[(&str, f64)] = &[
    ("ddim:eta=1", 1.0),
    ("ddim:eta=0.5", 1.0),
    ("euler-ancestral", 1.0),
    ("sde-dpm-solver++1", 1.0),
    ("sde-dpm-solver++1:eta=0.5", 1.0),
    ("sde-dpm-solver-1", 1.0),
    ("dpm-2-ancestral", 2.0),
    ("dpm-solver++2s-ancestral", 2.0),
    ("dpm-solver++2s-ancestral:eta=0.5", 2.0),
    ("sde-dpm-solver++2s", 2.0),
    ("sde-dpm-solver++2s:eta=0.5", 2.0),
    ("sde-dpm-solver-2m", 2.0),
    ("sde-dpm-solver-2m:type=heun", 2.0),
    ("sde-dpm-solver++2m", 2.0),
    ("sde-dpm-solver++2m:eta=2", 2.0),
    ("sde-dpm-solver++2m:type=heun", 2.0),
    ("sde-dpm-solver++3m", 2.0),
    ("sde-dpm-solver++3m:form=reference", 2.0),
];

#[test]
fn marginals_are_kept_to_the_weak_order() {
    let mut failures = Vec::new();
    for name in ["vp", "rectified-flow", "brownian-bridge"] {
        let path = path(name);
        for &(solver, order) in MARGINAL_ORDERS {
            let errors = [160, 320, 640].map(|steps| marginal_errors(&path, solver, steps));
            let worst = errors.map(|[mean, std]| mean.hypot(std));
            let slopes = [(worst[0] / worst[1]).log2(), (worst[1] / worst[2]).log2()];
            println!(
                "{name:<16} {solver:<40} {slopes:.2?} {:.1e} {:.1e}",
                errors[2][0], errors[2][1]
            );
            if (slopes[1] - order).abs() > 0.2 {
                failures.push(format!("{name} {solver}: {slopes:?} {errors:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
