//! Every Runge-Kutta method on every process, with the exact field: order of
//! convergence, closed forms, and the number of evaluations. Every method on a field that breaks.

mod broken_field;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::{Batch, all_paths, attempt, exact_flow, gap, mixture, path};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{BridgeDiffusion, PathField, probability_flow, reverse_sde};
use driftfield_problems::method::{self, Ancestral};
use driftfield_problems::predictor::{Predictor, Targets, Times};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::registry::{
    runge_kutta_methods, stochastic_exponential_methods, stochastic_methods,
};
use driftfield_solvers::method::{BoxedMethod, Dop853, Euler, Method};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{
    FieldError, Grid, Outcome, Problem, Solution, SolveOptions, StepControl, solve,
};

/// From noise to data, away from the ends where a path is singular.
fn span(path: &SharedPath) -> (f64, f64) {
    match path.name() {
        "edm" => (5.0, 0.25),
        // Sigma from 30 to 0.25.
        "ve" => (0.94, 0.38),
        _ => (0.95, 0.05),
    }
}

/// Wide components: steps that resolve the flow are affordable at order 1.
fn smooth() -> GaussianMixture {
    let means = vec![vec![-0.6, 0.3], vec![0.5, 0.4]];
    GaussianMixture::isotropic(vec![0.6, 0.4], means, vec![0.8, 0.7]).unwrap()
}

fn single() -> GaussianMixture {
    GaussianMixture::isotropic(vec![1.0], vec![vec![0.8, -0.5]], vec![0.6]).unwrap()
}

/// Eight points, each where the marginal at `t` has most of its mass.
fn initial(path: &SharedPath, t: f64) -> Batch {
    let mut points = Batch::zeros((8, 2));
    fill_initial_normals(&mut points, path.alpha(t).hypot(path.sigma(t)), 1, 0).unwrap();
    points
}

fn successful<P: Problem<State = Batch>>(
    problem: &P,
    method: &impl Method<Batch, P::Field>,
    options: SolveOptions<'_, Batch>,
) -> Solution<Batch> {
    let solution = solve(problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution
}

/// The order seen in errors at 4, 8, 16, ... steps: that of the two finest
/// grids whose errors are well above rounding (about 4e-14).
fn observed_order(errors: &[f64]) -> f64 {
    let usable: Vec<f64> = errors.iter().copied().filter(|&error| error > 2e-12).collect();
    let [.., before, last] = usable[..] else { panic!("no two errors in range: {errors:?}") };
    (before / last).log2()
}

#[test]
fn errors_fall_at_the_order_of_the_method() {
    for path in all_paths() {
        let (start, end) = span(&path);
        for method in runge_kutta_methods() {
            let info = method.info();
            // Above order 4 the leading error of these flows is so small that the
            // next orders show until rounding takes over: on a sharper mixture,
            // and from below only. `solvers/tests/methods/convergence.rs` has a problem
            // on which it rules.
            let high = info.order >= 5;
            let data = if high { mixture() } else { smooth() };
            let problem = exact_flow(data, &path).problem(initial(&path, start), (start, end));
            let truth = successful(&problem, &Dop853::new(), SolveOptions::adaptive(1e-13, 1e-13));
            let errors: Vec<f64> = (2..12)
                .map(|k| {
                    let solution = successful(&problem, &method, SolveOptions::steps(1 << k));
                    gap(&solution.u_last, &truth.u_last)
                })
                .collect();
            let order = observed_order(&errors);
            let expected = f64::from(info.order);
            let right = if high { order > expected - 0.6 } else { (order - expected).abs() < 0.3 };
            assert!(right, "{} on {}: order {order}, {errors:?}", info.name, path.spec());
        }
    }
}

#[test]
fn the_flow_of_one_gaussian_is_known() {
    for path in all_paths() {
        let (start, end) = span(&path);
        let from = initial(&path, start);
        let (mean, std) = ([0.8, -0.5], 0.6);
        let spread = |t: f64| (path.alpha(t) * std).hypot(path.sigma(t));
        let expected = Batch::from_shape_fn(from.dim(), |(i, j)| {
            let centred = from[[i, j]] - path.alpha(start) * mean[j];
            path.alpha(end) * mean[j] + spread(end) / spread(start) * centred
        });
        let problem = exact_flow(single(), &path).problem(from, (start, end));
        for method in runge_kutta_methods() {
            let info = method.info();
            let allowed = match info.order {
                1 => 4e-2,
                2 => 1e-4,
                3 => 1e-6,
                4 => 1e-8,
                _ => 1e-10,
            };
            let solution = successful(&problem, &method, SolveOptions::steps(512));
            let error = gap(&solution.u_last, &expected);
            assert!(error < allowed, "{} on {}: {error:e}", info.name, path.spec());
            if info.adaptive() {
                let options = SolveOptions::adaptive(1e-9, 1e-9);
                let error = gap(&successful(&problem, &method, options).u_last, &expected);
                assert!(error < 3e-8, "{} on {}, adaptive: {error:e}", info.name, path.spec());
            }
        }
    }
}

#[test]
fn without_noise_every_stochastic_method_of_order_one_is_euler_on_the_flow() {
    for path in all_paths() {
        let (start, end) = span(&path);
        let from = initial(&path, start);
        let options = || SolveOptions::steps(40);
        let flow = exact_flow(smooth(), &path).problem(from.clone(), (start, end));
        let euler = successful(&flow, &Euler::new(), options());
        for method in stochastic_methods().iter().filter(|method| method.info().order == 1) {
            let exact = MixturePredictor::new(smooth(), path.clone());
            let problem = reverse_sde(exact, 0.0).sde_problem(from.clone(), (start, end));
            let error = gap(&successful(&problem, method, options()).u_last, &euler.u_last);
            assert!(error < 1e-12, "{} on {}: {error:e}", method.info().name, path.spec());
        }
    }
}

/// Counts the predictions it makes.
struct CountingPredictor {
    exact: MixturePredictor,
    calls: Arc<AtomicU64>,
}

impl Predictor<Batch> for CountingPredictor {
    fn path(&self) -> &SharedPath {
        self.exact.path()
    }
    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut Batch,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.exact.predict(target, out, x, t)
    }
    fn forwards(&self, _t: Times<'_>) -> u64 {
        2
    }
}

fn counting(path: &SharedPath) -> (CountingPredictor, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let exact = MixturePredictor::new(smooth(), path.clone());
    (CountingPredictor { exact, calls: calls.clone() }, calls)
}

/// Solves with fixed steps, adaptively where possible, and compares the NFE
/// with the calls the predictor received.
fn counts_agree<P: Problem<State = Batch, Field: 'static>>(
    problem: &P,
    calls: &AtomicU64,
    methods: Vec<BoxedMethod<Batch, P::Field>>,
) {
    for method in methods {
        let info = method.info();
        let fixed = StepControl::Fixed(Grid::Steps(7));
        let mut controls = vec![SolveOptions::new(fixed)];
        if info.adaptive() {
            controls.push(SolveOptions::adaptive(1e-5, 1e-5));
            controls.push(SolveOptions::adaptive(1e-5, 1e-5).initial_step(0.5));
        }
        for (i, options) in controls.into_iter().enumerate() {
            calls.store(0, Ordering::Relaxed);
            let statistics = successful(problem, &method, options).statistics;
            assert_eq!(statistics.nfe, calls.load(Ordering::Relaxed), "{}", info.name);
            assert_eq!(statistics.network_forwards, 2 * statistics.nfe, "{}", info.name);
            if i == 0 {
                assert_eq!(statistics.nfe, info.evaluations(7), "{}", info.name);
            }
        }
    }
}

#[test]
fn the_nfe_is_the_number_of_predictions() {
    for path in all_paths() {
        let (start, end) = span(&path);
        let from = initial(&path, start);
        let (predictor, calls) = counting(&path);
        let flow = probability_flow(predictor).problem(from.clone(), (start, end));
        counts_agree(&flow, &calls, runge_kutta_methods());
        counts_agree(&flow, &calls, vec![BoxedMethod::new(Ancestral::new())]);
        counts_agree(&flow, &calls, stochastic_exponential_methods());
        let (predictor, calls) = counting(&path);
        let reversal: PathField<Batch> = reverse_sde(predictor, 1.0);
        let problem = reversal.sde_problem(from, (start, end));
        counts_agree(&problem, &calls, stochastic_methods());
        let along_scores =
            ["reverse-diffusion", "pc", "pc:predictor=heun,n=3", "annealed-langevin"];
        let along_scores = along_scores.map(|name| method::parse(name).unwrap());
        counts_agree(&problem, &calls, along_scores.into());
    }
    let bridge = path("brownian-bridge");
    let (predictor, calls) = counting(&bridge);
    let own = BridgeDiffusion::new(Arc::new(predictor)).unwrap();
    let problem = own.problem(initial(&bridge, 0.95), (0.95, 0.05));
    counts_agree(&problem, &calls, stochastic_methods());
}
