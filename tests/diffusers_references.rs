//! The schedulers of the diffusers library, run by run: a discrete-time model of 1,000 linear
//! betas, or the rectified flow.
//!
//! `cargo test --release --test diffusers_references -- --nocapture` prints how many runs of each
//! file match, and for every other run why it does not apply.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::mixture;
use driftfield::generate::{Budget, Field, Initial, Settings, generate};
use driftfield_problems::field::MixturePredictor;
use driftfield_problems::flow::PathField;
use driftfield_problems::method::{Ancestral, IntendedGrid, PathMethod, parse_for};
use driftfield_problems::predictor::{
    ModelTime, Network, NetworkPredictor, Prediction, Predictor, Target,
};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Nodes, Singlestep, Variant};
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{FieldError, NonlinearPart, OdeProblem, Save, SolveOptions, solve};
use ndarray::{Array2, ArrayD};
use serde_json::Value;

/// Relative to the largest value of a state above 1 (states in the units of sigma start near
/// 157).
const TOLERANCE: f64 = 1e-10;

/// Classes of runs that no method here reproduces, and why. A test run that neither matches nor is
/// put into one of them is a failure.
mod outside {
    pub const DDIM_LINSPACE: &str = "DDIMScheduler steps from timestep i to i - 1000 / N whatever \
        timestep comes next, so that with `linspace` the state is handed to the model as one of another time";
    pub const FIXED_LARGE: &str = "`fixed_large` adds noise of variance beta_t where the posterior \
        has less: the marginals are not those of the process, and ancestral steps here keep them";
    pub const PENDING: &str = "no such method on this branch";
}

/// How a run is asked for here.
enum Request {
    /// Through the door users take.
    Generate { process: &'static str, settings: Settings, from: Origin },
    /// Through the library, where a network, recorded noise or orders of the caller's are needed.
    Library(Box<Library>),
    /// Not at all.
    Outside(&'static str),
}

/// A request to the library.
struct Library {
    path: SharedPath,
    predictor: Arc<dyn Predictor<ArrayD<f64>>>,
    method: PathMethod<ArrayD<f64>>,
    times: Vec<f64>,
    denoise: bool,
    noise: Option<RecordedPath<ArrayD<f64>>>,
    from: Origin,
}

/// Units of the recorded states.
#[derive(Clone, Copy, PartialEq)]
enum Origin {
    /// Those of the process.
    Same,
    /// `x / alpha`: those of a scheduler that runs in sigma.
    Scaled,
}

/// A request, which of the recorded states follow its steps, and calls of theirs that change
/// nothing.
struct Mapped {
    request: Request,
    /// Recorded states after each of our steps; `None` if only the last one can be compared.
    states: Option<Vec<usize>>,
    idle_calls: u64,
}

impl Mapped {
    fn new(request: Request) -> Self {
        Mapped { request, states: None, idle_calls: 0 }
    }

    fn states(mut self, states: impl IntoIterator<Item = usize>) -> Self {
        self.states = Some(states.into_iter().collect());
        self
    }

    fn idle_calls(mut self, calls: u64) -> Self {
        self.idle_calls = calls;
        self
    }
}

/// A run of a file.
struct Run<'a> {
    file: &'a Value,
    run: &'a Value,
}

fn rows(value: &Value) -> ArrayD<f64> {
    let rows = value.as_array().unwrap();
    let columns = rows[0].as_array().unwrap().len();
    Array2::from_shape_fn((rows.len(), columns), |(i, j)| rows[i][j].as_f64().unwrap()).into_dyn()
}

fn gap(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let size = b.iter().fold(1.0f64, |size, value| size.max(value.abs()));
    // NaN is the worst gap of all.
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs() / size)
        .fold(0.0, |worst, gap| if gap <= worst { worst } else { gap })
}

impl Run<'_> {
    fn setting(&self, key: &str) -> &Value {
        &self.run["settings"][key]
    }
    fn text<'b>(&'b self, key: &str, default: &'b str) -> &'b str {
        self.setting(key).as_str().unwrap_or(default)
    }
    fn flag(&self, key: &str, default: bool) -> bool {
        self.setting(key).as_bool().unwrap_or(default)
    }
    /// Inference steps.
    fn n(&self) -> usize {
        self.setting("num_inference_steps").as_u64().unwrap() as usize
    }
    fn order(&self) -> usize {
        self.setting("solver_order").as_u64().unwrap() as usize
    }
    /// Whether the last step is one to sigma = 0.
    fn to_zero(&self) -> bool {
        self.text("final_sigmas_type", "zero") == "zero"
    }
    fn sigmas(&self) -> Vec<f64> {
        self.run["sigmas"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }
    /// The recorded states, which only the shorter runs have.
    fn recorded(&self) -> Option<Vec<ArrayD<f64>>> {
        self.run["states"].as_array().map(|states| states.iter().map(rows).collect())
    }
    fn initial(&self) -> ArrayD<f64> {
        rows(&self.file["initial"])
    }

    /// The spacing of schedulers that leave out the last timestep for sigma = 0, or end there.
    fn spacing(&self) -> Spacing {
        if self.flag("use_karras_sigmas", false) {
            return Spacing::KARRAS;
        }
        if self.flag("use_lu_lambdas", false) {
            return Spacing::LogSnr;
        }
        let rule = self.text("timestep_spacing", "linspace");
        let drop = usize::from(self.to_zero() && rule != "trailing");
        format!("{rule}:drop={drop}").parse().unwrap()
    }

    fn settings(&self, solver: String, steps: usize, spacing: Spacing) -> Settings {
        let mut settings = Settings::new(solver, Budget::Steps(steps));
        settings.spacing = Some(spacing);
        settings.save_steps = true;
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
            let request = Request::Generate { process: "ddpm", settings, from: Origin::Same };
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
            method: method(&settings.solver, &path),
            path,
            denoise: settings.denoise_final,
            noise: None,
            from: Origin::Same,
        }
    }
}

fn method(name: &str, path: &SharedPath) -> PathMethod<ArrayD<f64>> {
    let spacing = Spacing::Uniform;
    let grid = IntendedGrid { path: path.clone(), spacing, evaluations: None };
    parse_for(name, &grid).unwrap().method
}

/// The model of the reference files as a network: the exact noise at a timestep, between
/// timesteps with sigma interpolated.
struct TimestepModel(MixturePredictor);

impl TimestepModel {
    fn new() -> Self {
        let path = process::parse("ddpm:interpolation=sigma").unwrap();
        TimestepModel(MixturePredictor::new(mixture(), path))
    }
}

impl Network<ArrayD<f64>> for TimestepModel {
    fn forward(
        &self,
        out: &mut ArrayD<f64>,
        x: &ArrayD<f64>,
        timestep: f64,
    ) -> Result<(), FieldError> {
        self.0.predict(Target::NOISE, out, x, (timestep + 1.0) / 1000.0)
    }
}

/// The same behind the input scaling of schedulers that run in sigma, which is their time.
struct ScaledModel {
    model: TimestepModel,
    /// What interpolates the timestep of a sigma.
    timesteps: SharedPath,
}

impl Network<ArrayD<f64>> for ScaledModel {
    fn forward(
        &self,
        out: &mut ArrayD<f64>,
        x: &ArrayD<f64>,
        sigma: f64,
    ) -> Result<(), FieldError> {
        let t = self.timesteps.time_at_log_snr(-sigma.ln());
        let scaled = x / sigma.hypot(1.0);
        self.model.forward(out, &scaled, 1000.0 * t - 1.0)
    }
}

/// The request that a run stands for: one line per scheduler.
fn map(run: &Run<'_>) -> Mapped {
    match run.text("scheduler", "") {
        "DDIMScheduler" if run.setting("eta").is_null() => ddim(run),
        "DDIMScheduler" => Mapped::new(Request::Outside(outside::PENDING)),
        "DDPMScheduler" => ddpm(run),
        "DPMSolverMultistepScheduler" if run.text("algorithm_type", "").starts_with("sde") => {
            Mapped::new(Request::Outside(outside::PENDING))
        }
        "DPMSolverMultistepScheduler" => run.exponential(multistep(run)),
        "DPMSolverSinglestepScheduler" => singlestep(run),
        "UniPCMultistepScheduler" => unipc(run),
        "EulerDiscreteScheduler" => euler(run, "ddim"),
        "HeunDiscreteScheduler" => heun(run),
        "FlowMatchEulerDiscreteScheduler" => flow_match(run, "euler"),
        "FlowMatchHeunDiscreteScheduler" => flow_match(run, "heun"),
        "DEISMultistepScheduler"
        | "DPMSolverSDEScheduler"
        | "EulerAncestralDiscreteScheduler"
        | "KDPM2DiscreteScheduler"
        | "LMSDiscreteScheduler"
        | "PNDMScheduler" => Mapped::new(Request::Outside(outside::PENDING)),
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
    let request = Request::Generate { process: "ddpm", settings, from: Origin::Same };
    Mapped::new(request).states(0..=steps).idle_calls(idle_calls)
}

fn ddpm(run: &Run<'_>) -> Mapped {
    if run.text("variance_type", "fixed_small") == "fixed_large" {
        return Mapped::new(Request::Outside(outside::FIXED_LARGE));
    }
    let steps = run.n() - 1;
    let path = process::parse("ddpm").unwrap();
    let times = "leading".parse::<Spacing>().unwrap().own_times(&path, steps).unwrap().unwrap();
    let normals = run.file["noise"].as_array().unwrap()[..steps].iter().map(rows).collect();
    let library = Library {
        predictor: Arc::new(MixturePredictor::new(mixture(), path.clone())),
        method: BoxedMethod::new(Ancestral::new()),
        noise: Some(RecordedPath::from_normals(times.clone(), normals).unwrap()),
        path,
        times,
        denoise: true,
        from: Origin::Same,
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
        Request::Generate { process, settings, from: Origin::Scaled }
    };
    Mapped::new(request).states(0..=steps).idle_calls(idle_calls)
}

/// Heun's method in sigma: the probability flow of `edm`, whose time is sigma.
fn heun(run: &Run<'_>) -> Mapped {
    let steps = run.n() - 1;
    let timesteps = process::parse("ddpm:interpolation=sigma").unwrap();
    let (start, end) = timesteps.default_span();
    let spacing = sigma_spacing(run);
    let times = match spacing.own_times(&timesteps, steps).unwrap() {
        Some(times) => times,
        None => spacing.times(&timesteps, start, end, steps).unwrap(),
    };
    let sigmas: Vec<f64> = times.iter().map(|&t| (-timesteps.log_snr(t)).exp()).collect();
    let request = if run.flag("use_karras_sigmas", false) {
        let path = process::parse("edm").unwrap();
        let timesteps = process::parse("ddpm:interpolation=log-sigma").unwrap();
        let network = ScaledModel { model: TimestepModel::new(), timesteps };
        Request::Library(Box::new(Library {
            predictor: Arc::new(NetworkPredictor::new(network, Prediction::Noise, path.clone())),
            method: method("heun", &path),
            path,
            times: sigmas,
            denoise: true,
            noise: None,
            from: Origin::Scaled,
        }))
    } else {
        let spacing = Spacing::explicit(sigmas).unwrap();
        let mut settings = run.settings("heun".to_owned(), steps, spacing);
        settings.denoise_final = true;
        Request::Generate { process: "edm", settings, from: Origin::Scaled }
    };
    Mapped::new(request).states((0..=steps).map(|i| 2 * i))
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
    let request = Request::Generate { process: "rectified-flow", settings, from: Origin::Same };
    Mapped::new(request).states((0..=steps).map(|i| stages * i))
}

/// What a request gave: states at the ends of steps, the last state, evaluations.
struct Ours {
    states: Vec<ArrayD<f64>>,
    last: ArrayD<f64>,
    nfe: u64,
}

/// The start in the units of the process, and alpha there.
fn start(run: &Run<'_>, path: &SharedPath, from: Origin, t: f64) -> ArrayD<f64> {
    match (from, run.recorded()) {
        (Origin::Same, _) => run.initial(),
        (Origin::Scaled, Some(states)) => &states[0] * path.alpha(t),
        // The library scales unit noise by the largest sigma, or by hypot(sigma, 1) where the
        // spacing leaves out the last timestep.
        (Origin::Scaled, None) => {
            run.initial() * run.run["init_noise_sigma"].as_f64().unwrap() * path.alpha(t)
        }
    }
}

fn ask(run: &Run<'_>, request: Request) -> Result<Ours, &'static str> {
    let (path, from, mut ours, times) = match request {
        Request::Outside(reason) => return Err(reason),
        Request::Generate { process, settings, from } => {
            let path = process::parse(process).unwrap();
            let Some(spacing) = &settings.spacing else { panic!("a spacing") };
            let Budget::Steps(steps) = settings.budget else { panic!("a number of steps") };
            let times = spacing.own_times(&path, steps).unwrap().unwrap_or_else(|| {
                let ends = (settings.t_start.unwrap(), settings.t_end.unwrap());
                spacing.times(&path, ends.0, ends.1, steps).unwrap()
            });
            let initial = Initial::State(start(run, &path, from, times[0]));
            let field = Field::Mixture(mixture().into());
            let done = generate(&path, &field, initial, &settings).unwrap();
            assert!(done.outcome.is_success(), "{}", done.outcome);
            let mut states = done.trajectory;
            if settings.denoise_final {
                states.pop();
            }
            let nfe = done.statistics.nfe;
            (path, from, Ours { states, last: done.samples, nfe }, times)
        }
        Request::Library(library) => {
            let Library { path, predictor, method, times, denoise, noise, from } = *library;
            let initial = start(run, &path, from, times[0]);
            let field = PathField::new(path.clone(), predictor.clone(), 0.0.into());
            let span = (times[0], times[times.len() - 1]);
            let mut options = SolveOptions::times(times.clone()).save(Save::all());
            if let Some(noise) = noise {
                options = options.noise(noise);
            }
            let solution = solve(&OdeProblem::new(field, initial, span), &method, options).unwrap();
            assert!(solution.outcome.is_success(), "{}", solution.outcome);
            let (mut states, mut last) = (solution.u, solution.u_last);
            if denoise {
                let state = last.clone();
                predictor.predict(Target::DATA, &mut last, &state, span.1).unwrap();
                states.pop();
            }
            let nfe = solution.statistics.nfe + u64::from(denoise);
            (path, from, Ours { states, last, nfe }, times)
        }
    };
    if from == Origin::Scaled {
        let denoised = ours.states.len() < times.len();
        for (state, t) in ours.states.iter_mut().zip(&times) {
            *state /= path.alpha(*t);
        }
        if !denoised {
            ours.last /= path.alpha(times[times.len() - 1]);
        }
    }
    Ok(ours)
}

/// The largest gap over all states, and whether the evaluations are as many.
fn compare(run: &Run<'_>) -> Result<(f64, bool), &'static str> {
    let Mapped { request, states, idle_calls } = map(run);
    let ours = ask(run, request)?;
    let mut worst = gap(&ours.last, &rows(&run.run["final"]));
    if let (Some(at), Some(recorded)) = (states, run.recorded()) {
        for (state, at) in ours.states.iter().zip(at) {
            worst = worst.max(gap(state, &recorded[at]));
        }
    }
    Ok((worst, ours.nfe + idle_calls == run.run["nfe"].as_u64().unwrap()))
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("data/diffusers/", $name, ".json")))),*]
    };
}

#[test]
fn every_run_of_the_schedulers() {
    let mut failures = Vec::new();
    for (name, text) in files![
        "ddim",
        "ddim_eta_given_noise",
        "ddpm_given_noise",
        "deis_multistep",
        "dpmsolver_multistep",
        "dpmsolver_sde_given_noise",
        "dpmsolver_singlestep",
        "euler_ancestral_given_noise",
        "euler_discrete",
        "flow_match_euler",
        "flow_match_heun",
        "heun_discrete",
        "kdpm2_discrete",
        "lms_discrete",
        "pndm",
        "sde_dpmsolver_multistep_given_noise",
        "unipc_multistep",
    ] {
        let file: Value = serde_json::from_str(text).unwrap();
        let runs = file["runs"].as_array().unwrap();
        let (mut matching, mut largest) = (0, 0.0f64);
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        for run in runs {
            match compare(&Run { file: &file, run }) {
                Err(reason) => *others.entry(reason).or_default() += 1,
                Ok((gap, nfe_matches)) => {
                    if gap <= TOLERANCE && nfe_matches {
                        matching += 1;
                        largest = largest.max(gap);
                    } else {
                        let what = format!("gap {gap:e}, NFE equal: {nfe_matches}");
                        failures.push(format!("{name}: {}: {what}", run["settings"]));
                    }
                }
            }
        }
        println!("{name:<36} {matching}/{} runs, largest gap {largest:.1e}", runs.len());
        for (reason, count) in others {
            println!("    {count} run(s): {reason}");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_table_is_theirs() {
    let text = include_str!("data/diffusers/alphas_cumprod.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let table = file["runs"][0]["alphas_cumprod"].as_array().unwrap();
    for interpolation in ["spline", "log-alpha", "sigma", "log-sigma"] {
        let path = process::parse(&format!("ddpm:interpolation={interpolation}")).unwrap();
        for (timestep, value) in table.iter().enumerate() {
            let expected = value.as_f64().unwrap();
            let found = path.alpha((timestep + 1) as f64 / 1000.0).powi(2);
            assert!((found / expected - 1.0).abs() < 1e-13, "{interpolation} {timestep}: {found}");
        }
    }
}
