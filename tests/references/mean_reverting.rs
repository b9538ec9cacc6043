//! The mean-reverting sampler of mr-sampler against its published code: the exponential
//! integrators on an Ornstein-Uhlenbeck path shifted to its mean, with the tables of `alpha`,
//! `sigma` and `lambda` that it used (interpolated one by one, so that between the knots `lambda`
//! is not `ln(alpha / sigma)`).
//!
//! `cargo test --release --test references mean_reverting -- --nocapture` prints how many match.

use std::sync::Arc;

use crate::common::published::{Ours, Published, numbers};
use crate::common::{Batch, gap, mixture, path};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::method;
use driftfield_problems::predictor::{
    Network, NetworkPredictor, Prediction, Predictor, Shifted, Target,
};
use driftfield_problems::process::{DomainEnd, GaussianPath, SharedPath, TimeDomain};
use driftfield_solvers::method::{
    GridPosition, Method, MethodInfo, Step, StepError, Stepper, Told,
};
use driftfield_solvers::noise::{BrownianPath, Noise};
use driftfield_solvers::{FieldError, OdeProblem, SolveOptions, StateError, Times, solve};
use serde_json::Value;

const MEAN: [f64; 2] = [0.4, -0.3];

/// The tables of a run; time counts the steps that are left.
#[derive(Debug)]
struct Tables {
    alphas: Vec<f64>,
    sigmas: Vec<f64>,
    lambdas: Vec<f64>,
}

impl Tables {
    fn steps(&self) -> usize {
        self.alphas.len() - 1
    }
    fn at(&self, table: &[f64], t: f64) -> f64 {
        table[self.steps() - t.round() as usize]
    }
}

/// What exponential integrators ask for, and nothing else.
impl GaussianPath for Tables {
    fn name(&self) -> &'static str {
        "tables"
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
    fn domain(&self) -> TimeDomain {
        let end = |t: f64| DomainEnd { t, finite_log_snr: true, finite_diffusion: false };
        TimeDomain { data: end(0.0), noise: end(self.steps() as f64) }
    }
    fn default_span(&self) -> (f64, f64) {
        (self.steps() as f64, 0.0)
    }
    fn alpha(&self, t: f64) -> f64 {
        self.at(&self.alphas, t)
    }
    fn sigma(&self, t: f64) -> f64 {
        self.at(&self.sigmas, t)
    }
    fn log_snr(&self, t: f64) -> f64 {
        self.at(&self.lambdas, t)
    }
    fn alpha_derivative(&self, _t: f64) -> f64 {
        f64::NAN
    }
    fn sigma_squared_derivative(&self, _t: f64) -> f64 {
        f64::NAN
    }
    fn drift_rate(&self, _t: f64) -> f64 {
        f64::NAN
    }
    fn diffusion_squared(&self, _t: f64) -> f64 {
        f64::NAN
    }
}

/// The mixture as seen from the mean.
fn centred() -> GaussianMixture {
    let means = mixture().means().map(|m| vec![m[0] - MEAN[0], m[1] - MEAN[1]]).collect();
    GaussianMixture::isotropic(mixture().weights().to_vec(), means, vec![0.3, 0.2, 0.4]).unwrap()
}

fn mean(like: &Batch) -> Batch {
    Batch::from_shape_fn(like.dim(), |(_, j)| MEAN[j])
}

/// The second and third order are the Taylor forms, the third with the published difference;
/// orders are lowered on grids below 10 steps, as in DPM-Solver's own code.
fn solver(settings: &Value) -> String {
    let family = if settings["parameterization"] == "data" { "++" } else { "-" };
    match (settings["solver_type"].as_str().unwrap(), settings["order"].as_u64().unwrap()) {
        ("sde", 1) => format!("sde-dpm-solver{family}1"),
        ("sde", _) => format!("sde-dpm-solver{family}2m:type=heun,few_steps=10"),
        (_, 1) => format!("dpm-solver{family}1"),
        (_, 2) => format!("dpm-solver{family}2m:type=taylor"),
        _ => format!("dpm-solver{family}3m:type=taylor,form=reference"),
    }
}

/// A method as the published loop runs it.
///
/// Its step in data prediction weights the data by `alpha (1 - e^-h)`, `h` the difference of
/// the table of lambda, and the mean by what is left of it with `alpha - sigma alpha_s / sigma_s`
/// in place of that. The two are one where `lambda` is `ln(alpha / sigma)`; between the knots
/// of its tables it moves the state along the mean, which is added here to every step.
///
/// Its lowered orders come one step early, and the last step has the full order again.
struct AsPublished<M> {
    method: M,
    tables: Arc<Tables>,
    moves_mean: bool,
}

struct PublishedStepper<P> {
    method: P,
    tables: Arc<Tables>,
    moves_mean: bool,
}

impl<M: Method<Batch, PathField<Batch>>> Method<Batch, PathField<Batch>> for AsPublished<M> {
    type Stepper = PublishedStepper<M::Stepper>;
    fn info(&self) -> MethodInfo {
        self.method.info()
    }
    fn begin(&self, initial: &Batch) -> Self::Stepper {
        let (tables, moves_mean) = (self.tables.clone(), self.moves_mean);
        PublishedStepper { method: self.method.begin(initial), tables, moves_mean }
    }
}

impl<P: Stepper<Batch, PathField<Batch>>> Stepper<Batch, PathField<Batch>> for PublishedStepper<P> {
    fn step(&mut self, step: Step<'_, Batch, PathField<Batch>>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, grid, lanes } = step;
        let early = grid.map(|grid| GridPosition { index: (grid.index + 1) % grid.steps, ..grid });
        let step = Step { field, t, t_next, h, u, next: &mut *next, noise, grid: early, lanes };
        self.method.step(step)?;
        if !self.moves_mean {
            return Ok(());
        }
        let tables = &self.tables;
        let [alpha, sigma] = [tables.alpha(t_next), tables.sigma(t_next)];
        let length = tables.log_snr(t_next) - tables.log_snr(t);
        let weight = -alpha * (-length).exp_m1();
        let left = alpha - sigma * tables.alpha(t) / tables.sigma(t);
        *next += &((weight - left) * &mean(u));
        Ok(())
    }
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.method.tell(told)
    }
}

fn run(file: &Published, recorded: &Value) -> Ours {
    let settings = &recorded["settings"];
    let tables = Tables {
        alphas: numbers(&recorded["alphas"]),
        sigmas: numbers(&recorded["sigmas"]),
        lambdas: numbers(&recorded["lambdas"]),
    };
    let steps = tables.steps();
    let tables = Arc::new(tables);
    let path: SharedPath = tables.clone();
    let field = probability_flow(MixturePredictor::new(centred(), path));
    // The state that is solved for is seen from the mean.
    let initial = file.initial() * settings["max_sigma"].as_f64().unwrap();
    let times: Vec<f64> = (0..=steps).rev().map(|k| k as f64).collect();
    let noise = file.noise(&times);
    let problem = OdeProblem::new(field, initial, (times[0], 0.0));
    let method = method::parse::<Batch>(&solver(settings)).unwrap();
    let moves_mean = settings["solver_type"] == "ode" && settings["parameterization"] == "data";
    let method = AsPublished { method, tables, moves_mean };
    let solution = solve(&problem, &method, SolveOptions::times(times).noise(noise)).unwrap();
    assert!(solution.outcome.is_success(), "{settings}: {}", solution.outcome);
    assert_eq!(solution.statistics.nfe, method.info().evaluations(steps as u64));
    let end = &solution.u_last + &mean(&solution.u_last);
    Ours { states: vec![end], nfe: solution.statistics.nfe }
}

#[test]
fn published_runs() {
    let file = Published::read("score_sde/mr_sampler");
    assert_eq!(file.runs().len(), 96);
    file.tally(1e-10, |recorded| run(&file, recorded).compare(recorded));
}

/// The noise of states around the mean, as a network that knows nothing of it.
struct NoiseAroundMean(MixturePredictor);

impl Network<Batch> for NoiseAroundMean {
    fn forward(&self, out: &mut Batch, x: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        self.0.predict(Target::NOISE.into(), out, &(x - &mean(x)), t)
    }
}

/// A network of states around a mean solves the process that reverts to it, with any method.
#[test]
fn networks_are_shifted_to_their_mean() {
    let path = path("mean-reverting:rate=5,sigma=0.9");
    let exact = MixturePredictor::new(centred(), path.clone());
    let start = Batch::from_shape_fn((5, 2), |(i, j)| i as f64 - 2.0 + 0.3 * j as f64);
    let network = NoiseAroundMean(exact.clone());
    let shifted = Shifted::new(network, mean(&start), Prediction::Noise);
    let mut initial = start.clone();
    shifted.centre(&mut initial).unwrap();
    let end = |field: PathField<Batch>, solver: &str| {
        let problem = field.problem(initial.clone(), (1.0, 1e-3));
        let method = method::parse::<Batch>(solver).unwrap();
        solve(&problem, &method, SolveOptions::steps(20).seed(2)).unwrap().u_last
    };
    let predictor =
        Arc::new(NetworkPredictor::new(Arc::new(shifted), Prediction::Noise, path.clone()));
    for solver in
        ["heun", "dpm-solver++2m", "ancestral", "euler-maruyama", "sde-dpm-solver++1", "pc"]
    {
        let ours = end(PathField::new(predictor.clone(), 1.0.into()), solver);
        let whole = end(PathField::new(Arc::new(exact.clone()), 1.0.into()), solver);
        assert!(gap(&ours, &whole) < 1e-10, "{solver}: {:e}", gap(&ours, &whole));
    }
    // A mean of another shape.
    let wrong = Shifted::new(NoiseAroundMean(exact), Batch::zeros((5, 3)), Prediction::Noise);
    assert!(wrong.centre(&mut initial.clone()).is_err());
    assert!(wrong.forward(&mut initial.clone(), &initial, 0.5.into()).is_err());
}

/// Inversion by direct iteration, `x <- (1 - d / t) x + d / t x_0`, written out, is Euler on the
/// flow, DDIM, and the bridge's conditional without noise; with noise `epsilon` it is that of
/// the bridge with `s = epsilon`.
#[test]
fn inversion_by_direct_iteration_is_a_known_scheme() {
    let steps = 25;
    let times: Vec<f64> =
        (0..=steps).map(|k| 0.99 - 0.96 * f64::from(k) / f64::from(steps)).collect();
    let file = Published::read("score_sde/mr_sampler");
    let span = (times[0], times[times.len() - 1]);
    let end = |process: &str, solver: &str| {
        let path = path(process);
        let flow = probability_flow(MixturePredictor::new(mixture(), path));
        let problem = flow.problem(file.initial(), span);
        let method = method::parse::<Batch>(solver).unwrap();
        // The path has more draws than are used where there is no noise.
        let options = SolveOptions::times(times.clone()).seed(6);
        solve(&problem, &method, options).unwrap().u_last
    };
    let iterated = |process: &str, epsilon: f64| {
        let path = path(process);
        let predictor = MixturePredictor::new(mixture(), path);
        let mut noise = BrownianPath::new(6, 0, &file.initial(), times.clone());
        let mut x = file.initial();
        let (mut data, mut dw) = (x.clone(), x.clone());
        for ends in times.windows(2) {
            let (t, d) = (ends[0], ends[0] - ends[1]);
            predictor.predict(Target::DATA.into(), &mut data, &x, t.into()).unwrap();
            noise.increment(ends[0], ends[1], &mut dw).unwrap();
            // epsilon_t = epsilon / sqrt(t): noise (t - d) sqrt(epsilon_(t-d)^2 - epsilon_t^2) z.
            let level = |t: f64| epsilon * epsilon / t;
            let fresh = (t - d) * (level(t - d) - level(t)).max(0.0).sqrt();
            x = (1.0 - d / t) * &x + d / t * &data + fresh / d.sqrt() * &dw;
        }
        x
    };
    let plain = iterated("rectified-flow", 0.0);
    for (process, solver) in [
        ("rectified-flow", "euler"),
        ("rectified-flow", "ddim"),
        ("brownian-bridge:s=0", "ancestral"),
    ] {
        let gap = gap(&plain, &end(process, solver));
        println!("InDI and {solver} on {process}: {gap:.1e}");
        assert!(gap < 1e-12, "{solver} on {process}: {gap:e}");
    }
    let noisy = iterated("brownian-bridge:s=0.3", 0.3);
    let gap_with_noise = gap(&noisy, &end("brownian-bridge:s=0.3", "ancestral"));
    println!("InDI with noise and ancestral on the bridge: {gap_with_noise:.1e}");
    assert!(gap_with_noise < 1e-12, "{gap_with_noise:e}");
    assert!(gap(&noisy, &plain) > 0.1);
}
