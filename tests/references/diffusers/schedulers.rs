//! What each scheduler is here.

use std::sync::Arc;

use driftfield::generate::{Budget, Saved, Settings};
use driftfield::problems::method::Solver;
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::predictor::{ModelTime, NetworkPredictor, Prediction};
use driftfield_problems::process::{self, GaussianPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::NonlinearPart;
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Nodes, Singlestep, Variant};

use super::model::{ScaledModel, TimestepModel};
use super::request::{Library, Mapped, Origin, Request, method};
use super::run::Run;
use crate::common::mixture;
use crate::common::published::{one_draw_a_step, two_draws_a_step};

/// Classes of runs that no method here reproduces, and why, which unmatched.rs, pndm_start.rs and
/// third_order_sde.rs show. A run that neither matches nor is put
/// into one of them fails the test.
mod outside {
    pub const DDIM_LINSPACE: &str = "DDIMScheduler steps from timestep i to i - 1000 / N whatever \
        timestep comes next, so that with `linspace` the state is handed to the model as one of another time";
    pub const FIXED_LARGE: &str = "`fixed_large` adds noise of variance beta_t where the posterior \
        has less: the marginals are not those of the process, and ancestral steps here keep them";
    pub const PRK: &str = "PNDM's three Runge-Kutta steps have their nodes half way in the \
        timestep, those of `deis-rhork` are half way in rho; what follows them is `ipndm` (pndm_start.rs)";
    pub const SDE_THIRD_ORDER: &str = "the weight of the second derivative in `sde-dpmsolver++` of \
        order 3 has a wrong sign in it (third_order_sde.rs)";
}

impl Run<'_> {
    fn settings(&self, solver: String, steps: usize, spacing: Spacing) -> Settings {
        let mut settings = Settings::new(Solver::parse(&solver).unwrap(), Budget::Steps(steps));
        settings.spacing = Some(spacing);
        settings.saved = Saved::All;
        settings
    }

    /// A solver of the DPM-Solver kind: `n` steps to timestep 0, or one fewer and denoising.
    fn exponential(&self, solver: String) -> Mapped {
        let steps = self.n() - usize::from(self.to_zero());
        let settings = Settings {
            denoise_final: self.to_zero(),
            ..self.settings(solver, steps, self.spacing())
        };
        if !matches!(settings.spacing, Some(Spacing::Karras { .. } | Spacing::LogSnr)) {
            let request = Request::Generate {
                process: "ddpm",
                settings: Box::new(settings),
                from: Origin::Same,
            };
            return Mapped::new(request).states(0..=steps);
        }
        // Sigmas between timesteps: the model is handed the nearest timestep.
        let library = self.networked(settings, "ddpm", ModelTime::NearestTimestep);
        Mapped::new(Request::Library(Box::new(library))).states(0..=steps)
    }

    /// The same with a network that knows timesteps, on sigmas between them.
    fn networked(&self, settings: Settings, process: &str, time: ModelTime) -> Library {
        let path = process::parse(&format!("{process}:interpolation=log-sigma")).unwrap();
        let network = NetworkPredictor::new(TimestepModel::new(), Prediction::Noise, path.clone());
        let Budget::Steps(steps) = settings.budget else { panic!("a number of steps") };
        let spacing = settings.spacing.unwrap();
        let (start, end) = path.default_span();
        Library {
            times: spacing.times(&path, start, end, steps).unwrap(),
            predictor: Arc::new(network.model_time(time)),
            method: method(settings.solver.label(), &path),
            path,
            denoise: settings.denoise_final,
            noise: None,
            from: Origin::Same,
        }
    }
}

/// The request that a run stands for: one line per scheduler.
pub fn map(run: &Run<'_>) -> Mapped {
    match run.text("scheduler", "") {
        "DDIMScheduler" if run.setting("eta").is_null() => ddim(run),
        "DDIMScheduler" => {
            let solver = format!("ddim:eta={}", run.setting("eta"));
            recorded(run, "ddpm", &solver, "leading".parse().unwrap())
        }
        "DDPMScheduler" => ddpm(run),
        "DPMSolverMultistepScheduler" if run.text("algorithm_type", "").starts_with("sde") => {
            if run.order() == 3 {
                return Mapped::new(Request::Outside(outside::SDE_THIRD_ORDER));
            }
            recorded(run, "ddpm", &sde_multistep(run), run.spacing())
        }
        "DPMSolverMultistepScheduler" => run.exponential(multistep(run)),
        "DPMSolverSinglestepScheduler" => singlestep(run),
        "UniPCMultistepScheduler" => unipc(run),
        "EulerDiscreteScheduler" => euler(run, "ddim"),
        "HeunDiscreteScheduler" => in_sigma(run, "edm-heun").states(ends_of_pairs(run)),
        "FlowMatchEulerDiscreteScheduler" => flow_match(run, "euler"),
        "FlowMatchHeunDiscreteScheduler" => flow_match(run, "heun"),
        "DEISMultistepScheduler" => run.exponential(deis(run)),
        "EulerAncestralDiscreteScheduler" => {
            let process = "ddpm:interpolation=sigma";
            recorded(run, process, "euler-ancestral", sigma_spacing(run))
        }
        "LMSDiscreteScheduler" => in_sigma(run, "lms:order=4").states(0..=run.n()),
        "KDPM2DiscreteScheduler" => in_sigma(run, "dpm-2").states(ends_of_pairs(run)),
        "DPMSolverSDEScheduler" => dpm_solver_sde(run),
        "PNDMScheduler" => pndm(run),
        other => panic!("no such scheduler: {other}"),
    }
}

fn ddim(run: &Run<'_>) -> Mapped {
    let rule = run.text("timestep_spacing", "leading");
    if rule == "linspace" {
        return Mapped::new(Request::Outside(outside::DDIM_LINSPACE));
    }
    let steps = run.n() - 1;
    let mut settings = run.settings("ddim".to_owned(), steps, rule.parse().unwrap());
    settings.denoise_final = run.flag("set_alpha_to_one", true);
    // Otherwise the last step is from timestep 0 to itself.
    let idle_calls = u64::from(!settings.denoise_final);
    let request =
        Request::Generate { process: "ddpm", settings: Box::new(settings), from: Origin::Same };
    Mapped::new(request).states(0..=steps).idle_calls(idle_calls)
}

fn ddpm(run: &Run<'_>) -> Mapped {
    if run.text("variance_type", "fixed_small") == "fixed_large" {
        return Mapped::new(Request::Outside(outside::FIXED_LARGE));
    }
    recorded(run, "ddpm", "ancestral", "leading".parse().unwrap())
}

/// A stochastic method with the recorded noise, one draw a step, and denoising if the last step is
/// to sigma = 0.
fn recorded(run: &Run<'_>, process: &str, solver: &str, spacing: Spacing) -> Mapped {
    let steps = run.n() - usize::from(run.to_zero());
    let path = process::parse(process).unwrap();
    let times = spacing.own_times(&path, steps).unwrap().unwrap();
    let scaled = run.text("scheduler", "") == "EulerAncestralDiscreteScheduler";
    let library = Library {
        predictor: Arc::new(MixturePredictor::new(mixture(), path.clone())),
        method: method(solver, &path),
        noise: Some(one_draw_a_step(&times, run.normals())),
        path,
        times,
        denoise: run.to_zero(),
        from: if scaled { Origin::Scaled } else { Origin::Same },
    };
    Mapped::new(Request::Library(Box::new(library))).states(0..=steps)
}

/// Lower orders come last on fewer than 15 steps, the one to sigma = 0 being one of them.
fn multistep(run: &Run<'_>) -> String {
    let family = if run.text("algorithm_type", "") == "dpmsolver" { "-" } else { "++" };
    let kind = if run.text("solver_type", "midpoint") == "heun" { "taylor" } else { "dpmsolver" };
    let lower = run.flag("lower_order_final", true);
    let order = run.order();
    let mut solver = format!("dpm-solver{family}{order}");
    solver += if order > 1 { "m" } else { "" };
    solver += &format!(":type={kind},lower_order_final={lower}");
    if order > 1 {
        let (few, last) = if run.to_zero() { (14, 2) } else { (15, 1) };
        solver += &format!(",few_steps={few},last_order={last}");
    }
    solver + if order == 3 { ",form=reference" } else { "" }
}

/// Its polynomials in `ln rho`, integrated exactly, are those of DPM-Solver in the log-SNR,
/// `-ln rho`, with the whole second derivative.
fn deis(run: &Run<'_>) -> String {
    match run.order() {
        1 => "dpm-solver-1".to_owned(),
        order => format!("dpm-solver-{order}m:type=taylor,few_steps=15,last_order=1"),
    }
}

pub fn sde_multistep(run: &Run<'_>) -> String {
    let family = if run.text("algorithm_type", "") == "sde-dpmsolver" { "-" } else { "++" };
    let (kind, order) = (run.text("solver_type", "midpoint"), run.order());
    let (few, last) = if run.to_zero() { (14, 2) } else { (15, 1) };
    let form = if order == 3 { ",form=reference" } else { "" };
    match order {
        1 => format!("sde-dpm-solver{family}1"),
        _ => format!(
            "sde-dpm-solver{family}{order}m:type={kind},few_steps={few},last_order={last}{form}"
        ),
    }
}

fn unipc(run: &Run<'_>) -> Mapped {
    let solver = format!(
        "unipc-{}:variant={},prediction={},lower_order_final={},last_order={},uncorrected={}",
        run.order(),
        run.text("solver_type", "bh2"),
        if run.flag("predict_x0", true) { "data" } else { "noise" },
        run.flag("lower_order_final", true),
        if run.to_zero() { 2 } else { 1 },
        run.setting("disable_corrector").as_array().map_or(0, Vec::len),
    );
    // Recorded are the states before correction, ours are those after it.
    Mapped { states: None, ..run.exponential(solver) }
}

/// The order lists of the scheduler, the last step to sigma = 0 left to the denoising.
fn singlestep(run: &Run<'_>) -> Mapped {
    let (n, order) = (run.n(), run.order());
    let mut orders = vec![order; n / order];
    match (order, n % order) {
        (1, _) => {}
        (2, 0) => orders.splice(n / 2 - 1.., [1, 1]).for_each(drop),
        (_, 0) => orders.splice(n / 3 - 1.., [2, 1]).for_each(drop),
        (_, rest) => orders.push(rest),
    }
    if run.to_zero() {
        // Of a last step of order 2, its first evaluation makes one of order 1.
        let last = orders.pop().unwrap();
        orders.extend(std::iter::repeat_n(1, last - 1));
    }
    let part = match run.text("algorithm_type", "") {
        "dpmsolver" => NonlinearPart::Noise,
        _ => NonlinearPart::Data,
    };
    let path = process::parse("ddpm").unwrap();
    let evaluations = orders.iter().sum();
    let fine = run.spacing().own_times(&path, evaluations).unwrap().unwrap();
    let ends: Vec<usize> = std::iter::once(0)
        .chain(orders.iter().scan(0, |at, order| {
            *at += order;
            Some(*at)
        }))
        .collect();
    let times = ends.iter().map(|&at| fine[at]).collect();
    let nodes = Nodes::Rule(Arc::new(move |t, _, i, _| {
        Ok(fine[fine.iter().position(|&time| time == t).unwrap() + i])
    }));
    let method = match order {
        1 => Singlestep::first(part),
        2 => Singlestep::second(part),
        _ => Singlestep::third(part).inner_variant(Variant::DpmSolver),
    };
    let library = Library {
        predictor: Arc::new(MixturePredictor::new(mixture(), path.clone())),
        method: BoxedMethod::new(method.nodes(nodes).orders(orders)),
        path,
        times,
        denoise: run.to_zero(),
        noise: None,
        from: Origin::Same,
    };
    Mapped::new(Request::Library(Box::new(library))).states(ends)
}

/// Spacing of the schedulers that run in sigma and end at timestep 0, then at sigma = 0.
fn sigma_spacing(run: &Run<'_>) -> Spacing {
    match run.text("timestep_spacing", "linspace") {
        _ if run.flag("use_karras_sigmas", false) => Spacing::KARRAS,
        "linspace" => "linspace:round=false".parse().unwrap(),
        rule => rule.parse().unwrap(),
    }
}

/// A multistep or singlestep method in sigma, by its name on the variance-preserving path.
fn euler(run: &Run<'_>, solver: &str) -> Mapped {
    let steps = run.n() - 1;
    let mut settings = run.settings(solver.to_owned(), steps, sigma_spacing(run));
    settings.denoise_final = run.to_zero();
    // With `sigma_min` the last step is from timestep 0 to itself.
    let idle_calls = u64::from(!run.to_zero());
    let request = if run.flag("use_karras_sigmas", false) {
        let library = run.networked(settings, "ddpm", ModelTime::Timestep);
        Request::Library(Box::new(Library { from: Origin::Scaled, ..library }))
    } else {
        let process = "ddpm:interpolation=sigma";
        Request::Generate { process, settings: Box::new(settings), from: Origin::Scaled }
    };
    Mapped::new(request).states(0..=steps).idle_calls(idle_calls)
}

/// A method in sigma: on `edm`, whose time is sigma, down to 0.
fn in_sigma(run: &Run<'_>, solver: &str) -> Mapped {
    let mut times = sigmas(run);
    // The sigmas of Karras spacing are none of given timesteps.
    let grid = if run.flag("use_karras_sigmas", false) { Vec::new() } else { times.clone() };
    times.push(0.0);
    let path = process::parse("edm").unwrap();
    let network = NetworkPredictor::new(ScaledModel::new(grid), Prediction::Noise, path.clone());
    Mapped::new(Request::Library(Box::new(Library {
        predictor: Arc::new(network),
        method: method(solver, &path),
        path,
        times,
        denoise: false,
        noise: None,
        from: Origin::Scaled,
    })))
}

/// The sigmas of a scheduler that runs in them, without the one that is 0.
fn sigmas(run: &Run<'_>) -> Vec<f64> {
    let timesteps = process::parse("ddpm:interpolation=sigma").unwrap();
    let (start, end) = timesteps.default_span();
    let (spacing, steps) = (sigma_spacing(run), run.n() - 1);
    let times = match spacing.own_times(&timesteps, steps).unwrap() {
        Some(times) => times,
        None => spacing.times(&timesteps, start, end, steps).unwrap(),
    };
    times.iter().map(|&t| (-timesteps.log_snr(t)).exp()).collect()
}

/// Recorded states at the ends of steps of two calls, the last step making one.
fn ends_of_pairs(run: &Run<'_>) -> Vec<usize> {
    (0..run.n()).map(|i| 2 * i).chain([2 * run.n() - 1]).collect()
}

/// k-diffusion's `dpmpp_sde`.
fn dpm_solver_sde(run: &Run<'_>) -> Mapped {
    let Request::Library(mut library) = in_sigma(run, "sde-dpm-solver++2s").request else {
        panic!("a request to the library")
    };
    library.times.pop();
    library.denoise = true;
    library.noise = Some(two_draws_a_step(&library.path, &library.times, run.normals()));
    Mapped::new(Request::Library(library)).states((0..run.n()).map(|i| 2 * i))
}

fn pndm(run: &Run<'_>) -> Mapped {
    if !run.flag("skip_prk_steps", false) {
        return Mapped::new(Request::Outside(outside::PRK));
    }
    let path = process::parse("ddpm").unwrap();
    let spacing: Spacing = "leading".parse().unwrap();
    let mut times = spacing.own_times(&path, run.n() - 1).unwrap().unwrap();
    let to_data = run.flag("set_alpha_to_one", false);
    if to_data {
        times.push(0.0);
    }
    // The second call makes Heun's step of the first one's Euler step.
    let states: Vec<usize> = std::iter::once(0).chain(2..=times.len()).collect();
    let library = Library {
        predictor: Arc::new(MixturePredictor::new(mixture(), path.clone())),
        method: method("ipndm:start=heun", &path),
        path,
        times,
        denoise: false,
        noise: None,
        from: Origin::Same,
    };
    // Otherwise the last step is from timestep 0 to itself.
    let idle_calls = u64::from(!to_data);
    Mapped::new(Request::Library(Box::new(library))).states(states).idle_calls(idle_calls)
}

fn flow_match(run: &Run<'_>, solver: &str) -> Mapped {
    let spacing = match run.setting("shift").as_f64() {
        Some(shift) => Spacing::FlowShift { shift },
        None => Spacing::Uniform,
    };
    let steps = run.n() - 1;
    let sigmas = run.sigmas();
    let mut settings = run.settings(solver.to_owned(), steps, spacing);
    settings.denoise_final = true;
    settings.t_start = Some(sigmas[0]);
    settings.t_end = Some(sigmas[sigmas.len() - 2]);
    let stages = if solver == "heun" { 2 } else { 1 };
    let request = Request::Generate {
        process: "rectified-flow",
        settings: Box::new(settings),
        from: Origin::Same,
    };
    Mapped::new(request).states((0..=steps).map(|i| stages * i))
}
