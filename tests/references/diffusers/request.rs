//! Asking for a run here, and comparing what comes with what was recorded.

use std::sync::Arc;

use driftfield::generate::{Budget, Initial, MixtureModel, Settings, generate};
use driftfield_problems::flow::PathField;
use driftfield_problems::method::{IntendedGrid, PathMethod, parse_for};
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{OdeProblem, Save, SolveOptions, solve};
use ndarray::ArrayD;

use super::run::Run;
use super::schedulers::map;
use crate::common::mixture;
use crate::common::published::{Verdict, relative_gap, rows};

/// How a run is asked for here.
pub enum Request {
    /// Through the door users take.
    Generate { process: &'static str, settings: Box<Settings>, from: Origin },
    /// Through the library, where a network, recorded noise or orders of the caller's are needed.
    Library(Box<Library>),
    /// Not at all.
    Outside(&'static str),
}

/// A request to the library.
pub struct Library {
    pub path: SharedPath,
    pub predictor: Arc<dyn Predictor<ArrayD<f64>>>,
    pub method: PathMethod<ArrayD<f64>>,
    pub times: Vec<f64>,
    pub denoise: bool,
    pub noise: Option<RecordedPath<ArrayD<f64>>>,
    pub from: Origin,
}

/// Units of the recorded states.
#[derive(Clone, Copy, PartialEq)]
pub enum Origin {
    /// Those of the process.
    Same,
    /// `x / alpha`: those of a scheduler that runs in sigma.
    Scaled,
}

/// A request, which of the recorded states follow its steps, and calls of theirs that change
/// nothing.
pub struct Mapped {
    pub request: Request,
    /// Recorded states after each of our steps; `None` if only the last one can be compared.
    pub states: Option<Vec<usize>>,
    pub idle_calls: u64,
}

impl Mapped {
    pub fn new(request: Request) -> Self {
        Mapped { request, states: None, idle_calls: 0 }
    }

    pub fn states(mut self, states: impl IntoIterator<Item = usize>) -> Self {
        self.states = Some(states.into_iter().collect());
        self
    }

    pub fn idle_calls(mut self, calls: u64) -> Self {
        self.idle_calls = calls;
        self
    }
}

/// The method of that name.
pub fn method(name: &str, path: &SharedPath) -> PathMethod<ArrayD<f64>> {
    let spacing = Spacing::Uniform;
    let grid = IntendedGrid { path: path.clone(), spacing, evaluations: None };
    parse_for(name, &grid).unwrap().method
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
            let model = MixtureModel::new(mixture());
            let done = generate(&path, &model, initial, &settings).unwrap();
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
            let field = PathField::new(predictor.clone(), 0.0.into());
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
                predictor.predict(Target::DATA.into(), &mut last, &state, span.1.into()).unwrap();
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
pub fn compare(run: &Run<'_>) -> Verdict {
    let Mapped { request, states, idle_calls } = map(run);
    let ours = match ask(run, request) {
        Ok(ours) => ours,
        Err(reason) => return Verdict::LeftOut(reason),
    };
    let mut gap = relative_gap(&ours.last, &rows(&run.run["final"]));
    if let (Some(at), Some(recorded)) = (states, run.recorded()) {
        for (state, at) in ours.states.iter().zip(at) {
            gap = gap.max(relative_gap(state, &recorded[at]));
        }
    }
    let nfe_equal = ours.nfe + idle_calls == run.run["nfe"].as_u64().unwrap();
    Verdict::Compared { gap, nfe_equal }
}
