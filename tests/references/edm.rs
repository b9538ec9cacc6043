//! The samplers of Karras et al. against their published code: EDM Heun with and without churn,
//! and the ablation's Euler, Heun and midpoint rules in the time of three schedules.
//!
//! `cargo test --release --test references edm -- --nocapture` prints how many runs of each
//! file match.

use std::sync::Arc;

use crate::common::published::{
    Ours, Published, numbers, relative_gap, rows, run, run_method, spec,
};
use crate::common::{Batch, exact_flow, mixture, path};
use driftfield::generate::{Budget, Initial, MixtureModel, Settings, generate};
use driftfield::problems::method::Solver;
use driftfield_problems::flow::PathField;
use driftfield_problems::method;
use driftfield_problems::process::{DomainEnd, GaussianPath, SharedPath, TimeDomain};
use driftfield_problems::spacing::Spacing;
use serde_json::{Value, json};

/// What docs/references.md asks for where states start near 100.
const TOLERANCE: f64 = 1e-9;

/// The published grid: Karras spacing from 80 to 0.002, then 0.
fn times(settings: &Value) -> Vec<f64> {
    let number = |key: &str| settings[key].as_f64().unwrap();
    let steps = number("num_steps") as usize - 1;
    let spacing = Spacing::Karras { rho: number("rho") };
    let noisy = spacing.times(&path("edm"), number("sigma_max"), number("sigma_min"), steps);
    noisy.unwrap().into_iter().chain([0.0]).collect()
}

/// The published levels are those of Karras spacing here.
#[test]
fn levels_of_the_grid() {
    let file = Published::read("edm/edm_heun");
    let mut largest = 0.0f64;
    for recorded in file.runs() {
        let (ours, theirs) = (times(&recorded["settings"]), numbers(&recorded["times"]));
        assert_eq!(ours.len(), theirs.len());
        let gaps =
            ours.iter().zip(&theirs).map(|(a, b)| if a == b { 0.0 } else { (a / b - 1.0).abs() });
        largest = gaps.fold(largest, f64::max);
    }
    println!("levels of the EDM grid: largest relative gap {largest:.1e}");
    assert!(largest < 1e-12);
}

#[test]
fn heun() {
    let file = Published::read("edm/edm_heun");
    let flow = exact_flow(mixture(), &path("edm"));
    file.tally(TOLERANCE, |recorded| {
        let times = times(&recorded["settings"]);
        run(&flow, &(file.initial() * times[0]), &times, "edm-heun").compare(recorded)
    });
}

/// `--t-end 0` is the published sampler: its grid, and the Heun steps and the last step of Euler
/// that `heun` makes too, time being sigma.
#[test]
fn the_grid_to_the_data_is_the_published_one() {
    let file = Published::read("edm/edm_heun");
    let edm = path("edm");
    let model = MixtureModel::new(mixture());
    for recorded in file.runs() {
        let steps = recorded["settings"]["num_steps"].as_u64().unwrap() as usize;
        for solver in ["edm-heun", "heun"] {
            let mut asked = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(steps));
            asked.t_end = Some(0.0);
            let initial = Initial::State((file.initial() * 80.0).into_dyn());
            let done = generate(&edm, &model, initial, &asked).unwrap();
            assert_eq!(done.statistics.nfe, 2 * steps as u64 - 1, "{solver}");
            let gap = relative_gap(&done.samples, &rows(&recorded["final"]));
            assert!(gap < TOLERANCE, "{solver}, {steps} steps: {gap:e}");
        }
    }
}

#[test]
fn heun_with_churn() {
    let file = Published::read("edm/edm_heun_churn_given_noise");
    let flow = exact_flow(mixture(), &path("edm"));
    file.tally(TOLERANCE, |recorded| {
        let settings = &recorded["settings"];
        let times = times(settings);
        let keys = [("churn", "S_churn"), ("tmin", "S_min"), ("noise", "S_noise")];
        let mut keys: Vec<_> = keys.iter().map(|&(key, theirs)| (key, &settings[theirs])).collect();
        // No bound is the default.
        if settings["S_max"] != json!("inf") {
            keys.push(("tmax", &settings["S_max"]));
        }
        let method = method::parse::<Batch>(&spec("edm-heun", &keys)).unwrap();
        let noise = Some(file.noise(&times));
        run_method(&flow, &(file.initial() * times[0]), &times, &method, noise).compare(recorded)
    });
}

/// The paths of the ablation, `x = s(t) (x_0 + sigma(t) eps)`. Those of this crate among them are
/// taken from it; this one also has the VP rates below 0 that a small `sigma_max` asks for.
#[derive(Debug)]
enum Schedule {
    /// `sigma^2 = e^(rate t^2 / 2 + first t) - 1`, `s = 1 / sqrt(1 + sigma^2)`.
    Vp { rate: f64, first: f64 },
    /// `sigma^2 = t`, `s = 1`.
    Ve,
}

impl Schedule {
    /// The VP schedule whose sigma is `sigma_min` at 1e-3 and `sigma_max` at 1.
    fn vp(sigma_min: f64, sigma_max: f64) -> Self {
        let [low, high] = [sigma_min, sigma_max].map(|sigma| (sigma * sigma).ln_1p());
        let rate = 2.0 * (low / 1e-3 - high) / (1e-3 - 1.0);
        Schedule::Vp { rate, first: high - 0.5 * rate }
    }

    /// `ln(1 + sigma^2)` of VP and its derivative.
    fn growth(rate: f64, first: f64, t: f64) -> (f64, f64) {
        (0.5 * rate * t * t + first * t, rate * t + first)
    }
}

impl GaussianPath for Schedule {
    fn name(&self) -> &'static str {
        "ablation"
    }
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
    fn domain(&self) -> TimeDomain {
        let end = |t: f64, finite| DomainEnd { t, finite_log_snr: finite, finite_diffusion: true };
        TimeDomain { data: end(0.0, false), noise: end(1e5, true) }
    }
    fn default_span(&self) -> (f64, f64) {
        (1.0, 1e-3)
    }
    fn alpha(&self, t: f64) -> f64 {
        match *self {
            Schedule::Vp { rate, first } => (-0.5 * Schedule::growth(rate, first, t).0).exp(),
            Schedule::Ve => 1.0,
        }
    }
    fn sigma(&self, t: f64) -> f64 {
        match *self {
            Schedule::Vp { rate, first } => {
                (-(-Schedule::growth(rate, first, t).0).exp_m1()).sqrt()
            }
            Schedule::Ve => t.sqrt(),
        }
    }
    fn alpha_derivative(&self, t: f64) -> f64 {
        self.alpha(t) * self.drift_rate(t)
    }
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        match *self {
            Schedule::Vp { rate, first } => {
                let (growth, slope) = Schedule::growth(rate, first, t);
                slope * (-growth).exp()
            }
            Schedule::Ve => 1.0,
        }
    }
    fn log_snr(&self, t: f64) -> f64 {
        (self.alpha(t) / self.sigma(t)).ln()
    }
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        let variance = (-2.0 * lambda).exp();
        match *self {
            Schedule::Vp { rate, first } => {
                ((first * first + 2.0 * rate * variance.ln_1p()).sqrt() - first) / rate
            }
            Schedule::Ve => variance,
        }
    }
    fn drift_rate(&self, t: f64) -> f64 {
        match *self {
            Schedule::Vp { rate, first } => -0.5 * Schedule::growth(rate, first, t).1,
            Schedule::Ve => 0.0,
        }
    }
    fn diffusion_squared(&self, t: f64) -> f64 {
        match *self {
            Schedule::Vp { rate, first } => Schedule::growth(rate, first, t).1,
            Schedule::Ve => 1.0,
        }
    }
}

/// The path of a run. `linear` is this crate's `edm`.
fn ablation_path(settings: &Value) -> SharedPath {
    // Least and greatest sigma by default; that of VP from the rates 0.1 to 20.
    let (sigma_min, sigma_max) = match settings["discretization"].as_str().unwrap() {
        "vp" => {
            let vp = path("vp");
            let sigma = |t: f64| (-vp.log_snr(t)).exp();
            (sigma(1e-3), sigma(1.0))
        }
        "ve" => (0.02, 100.0),
        "iddpm" => (0.002, 81.0),
        _ => (0.002, 80.0),
    };
    match (settings["schedule"].as_str().unwrap(), settings["discretization"].as_str().unwrap()) {
        ("linear", _) => path("edm"),
        ("vp", "vp") => path("vp"),
        ("vp", _) => Arc::new(Schedule::vp(sigma_min, sigma_max)),
        _ => Arc::new(Schedule::Ve),
    }
}

/// The levels that were evaluated, without those of the second stages.
fn levels(recorded: &Value) -> Vec<f64> {
    let evaluated = numbers(&recorded["model_sigmas"]);
    match recorded["settings"]["solver"].as_str().unwrap() {
        "euler" => evaluated,
        // A first stage, the second, .. and the last step without one.
        _ => evaluated.into_iter().step_by(2).collect(),
    }
}

/// Steps between the levels, then Euler's to `t = 0`, whatever the method.
fn ablation(file: &Published, recorded: &Value) -> Ours {
    let settings = &recorded["settings"];
    let path = ablation_path(settings);
    let flow: PathField<Batch> = exact_flow(mixture(), &path);
    let times: Vec<f64> =
        levels(recorded).iter().map(|sigma| path.time_at_log_snr(-sigma.ln())).collect();
    let solver = match (settings["solver"].as_str().unwrap(), settings["alpha"].as_f64()) {
        ("euler", _) => "euler",
        // The second stage at `alpha` of the step, weighted by `1 / (2 alpha)`.
        (_, Some(0.5)) => "midpoint",
        _ => "heun",
    };
    let last = times[times.len() - 1];
    let mut noisy = run(&flow, &(file.initial() * path.sigma(times[0])), &times, solver);
    let before = noisy.states.pop().unwrap();
    let end = run(&flow, &before, &[last, 0.0], "euler");
    noisy.states.extend(end.states);
    noisy.nfe += end.nfe;
    noisy
}

#[test]
fn ablations() {
    let file = Published::read("edm/ablation");
    file.tally(TOLERANCE, |recorded| ablation(&file, recorded).compare(recorded));
}
