use driftfield_problems::method::{Solver, catalog};
use driftfield_problems::spec::SpecError;
use driftfield_solvers::method::{Kind, MethodInfo};

use crate::generate::{Budget, Settings};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A taste.
    Quick,
    /// The main job.
    Standard,
    /// Every method over a ladder of budgets.
    Full,
}

/// One solver with one budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The solver, as on the command line.
    pub solver: String,
    /// What it may spend.
    pub budget: Budget,
}

impl Run {
    fn steps(solver: &str, steps: usize) -> Self {
        Run { solver: solver.to_owned(), budget: Budget::Steps(steps) }
    }

    fn evaluations(solver: &str, nfe: u64) -> Self {
        Run { solver: solver.to_owned(), budget: Budget::Evaluations(nfe) }
    }

    fn adaptive(solver: &str, tolerance: f64) -> Self {
        let budget = Budget::Adaptive { abstol: tolerance, reltol: tolerance, max_nfe: None };
        Run { solver: solver.to_owned(), budget }
    }

    /// Whether the solver draws noise; an unknown one does not run at all.
    pub fn stochastic(&self) -> bool {
        Solver::parse(&self.solver).is_ok_and(|solver| solver.info().draws_noise)
    }

    pub(super) fn settings(&self, seed: u64) -> Result<Settings, SpecError> {
        Ok(Settings { seed, ..Settings::new(Solver::parse(&self.solver)?, self.budget) })
    }
}

/// What every solver says of itself.
fn infos() -> Vec<MethodInfo> {
    catalog().defaults().map(|solver| solver.info()).collect()
}

fn fixed(ladder: &[(&str, &[usize])]) -> Vec<Run> {
    let runs = |&(solver, steps): &(&str, &[usize])| -> Vec<Run> {
        steps.iter().map(|&steps| Run::steps(solver, steps)).collect()
    };
    ladder.iter().flat_map(runs).collect()
}

fn adaptive(ladder: &[(&str, &[f64])]) -> Vec<Run> {
    let runs = |&(solver, tolerances): &(&str, &[f64])| -> Vec<Run> {
        tolerances.iter().map(|&tolerance| Run::adaptive(solver, tolerance)).collect()
    };
    ladder.iter().flat_map(runs).collect()
}

const QUICK: &[(&str, &[usize])] = &[("euler", &[10, 20]), ("heun", &[5, 10]), ("rk4", &[5])];
const STANDARD: &[(&str, &[usize])] = &[
    ("euler", &[10, 20, 100]),
    ("midpoint", &[10]),
    ("heun", &[10, 20, 50]),
    ("rk4", &[5, 10, 25]),
    ("tsit5", &[10, 20]),
    ("ddim", &[10, 20]),
    ("dpm-solver++2m", &[5, 10, 20]),
    ("unipc-2", &[5, 10, 20]),
];
const STANDARD_ADAPTIVE: &[(&str, &[f64])] = &[("tsit5", &[5e-2, 1e-2, 1e-3, 1e-5])];
const FULL: &[(&str, &[usize])] = &[
    ("euler", &[5, 10, 20, 50, 100, 200]),
    ("midpoint", &[5, 10, 25, 50, 100]),
    ("heun", &[5, 10, 20, 50, 100]),
    ("ralston", &[5, 10, 25, 50, 100]),
    ("bs3", &[3, 6, 12, 25, 50]),
    ("rk4", &[2, 5, 10, 25, 50]),
    ("dopri5", &[2, 5, 10, 20, 40]),
    ("tsit5", &[2, 5, 10, 20, 40]),
    ("dop853", &[1, 2, 5, 10, 20]),
];
/// Evaluations of the deterministic methods that are compared at few of them.
const FEW_EVALUATIONS: &[u64] = &[5, 6, 8, 10, 15, 20, 50];
/// Evaluations of the methods that draw noise.
const MANY_EVALUATIONS: &[u64] = &[20, 50, 100, 200, 500];
const FULL_TOLERANCES: &[f64] = &[5e-2, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
/// On one path an error falls with the power 3/2 of the step at best: a tenth of the tolerance
/// takes five times the steps, and from 1e-4 on a row would take minutes.
const STOCHASTIC_TOLERANCES: &[f64] = &[5e-2, 1e-2];

/// The runs of a study of `process`; with `solvers`, those solvers over a
/// ladder of budgets.
pub fn standard_runs(process: &str, effort: Effort, solvers: &[String]) -> Vec<Run> {
    let mut runs = if solvers.is_empty() { all_runs(effort) } else { runs_of(solvers, effort) };
    if solvers.is_empty() && effort != Effort::Quick {
        runs.extend(stochastic_runs(process, effort));
    }
    runs
}

fn all_runs(effort: Effort) -> Vec<Run> {
    match effort {
        Effort::Quick => {
            let mut runs = fixed(QUICK);
            runs.push(Run::adaptive("tsit5", 1e-3));
            runs
        }
        Effort::Standard => {
            let mut runs = fixed(STANDARD);
            runs.extend(adaptive(STANDARD_ADAPTIVE));
            runs
        }
        Effort::Full => {
            let mut runs = fixed(FULL);
            for info in infos().iter().filter(|info| !info.draws_noise && !info.adaptive()) {
                runs.extend(few_evaluations(info));
            }
            for info in infos().iter().filter(|info| info.adaptive()) {
                runs.extend(adaptive(&[(info.name, tolerances(info))]));
            }
            runs
        }
    }
}

fn tolerances(info: &MethodInfo) -> &'static [f64] {
    if info.draws_noise { STOCHASTIC_TOLERANCES } else { FULL_TOLERANCES }
}

/// Evaluations at which solvers are compared on images.
const IMAGE_EVALUATIONS: &[u64] = &[5, 8, 10, 15, 20, 50, 100];
/// Solvers of a study of images: those of the tutorials first.
const IMAGE_SOLVERS: &[&str] = &[
    "euler-maruyama",
    "ddim",
    "heun",
    "dpm-solver++2s",
    "euler",
    "midpoint",
    "rk4",
    "dpm-solver++2m",
    "dpm-solver++3m",
    "unipc-2",
    "deis-tab3",
    "ancestral",
];

/// The runs of a study of images: these solvers, or the usual ones, or in full every one, at
/// each of a ladder of evaluations that pays for a step.
pub fn image_runs(effort: Effort, solvers: &[String]) -> Vec<Run> {
    let names: Vec<String> = match (solvers, effort) {
        ([], Effort::Full) => infos().iter().map(|info| info.name.to_owned()).collect(),
        ([], _) => IMAGE_SOLVERS.iter().map(|&name| name.to_owned()).collect(),
        (given, _) => given.to_vec(),
    };
    let ladder = if effort == Effort::Quick { &[10, 20][..] } else { IMAGE_EVALUATIONS };
    let of_solver = |name: String| {
        let least = Solver::parse(&name).map_or(0, |solver| solver.info().evaluations(1));
        let affordable = ladder.iter().filter(move |&&nfe| nfe >= least);
        affordable.map(move |&nfe| Run::evaluations(&name, nfe)).collect::<Vec<_>>()
    };
    names.into_iter().flat_map(of_solver).collect()
}

/// One run for every grid that few evaluations allow, except for those listed already.
fn few_evaluations(info: &MethodInfo) -> Vec<Run> {
    let mut affordable: Vec<u64> =
        FEW_EVALUATIONS.iter().copied().filter(|&nfe| nfe >= info.evaluations(1)).collect();
    // Singlestep exponential methods make another grid of every number of evaluations.
    if info.kind == Kind::RungeKutta {
        affordable.dedup_by_key(|nfe| info.steps_within(*nfe));
    }
    let listed = |nfe: u64| {
        let steps = info.steps_within(nfe) as usize;
        FULL.iter().any(|(name, ladder)| *name == info.name && ladder.contains(&steps))
    };
    affordable.retain(|&nfe| !listed(nfe));
    affordable.into_iter().map(|nfe| Run::evaluations(info.name, nfe)).collect()
}

/// The reverse SDE of every process with one of its own, and the posterior
/// (on the bridge: its exact conditional); in full, every method that draws noise.
fn stochastic_runs(process: &str, effort: Effort) -> Vec<Run> {
    const STEPS: &[usize] = &[50, 200, 500];
    match (process.split(':').next().unwrap_or(process), effort) {
        (_, Effort::Full) => {
            let drawing = infos().into_iter().filter(|info| info.draws_noise);
            let ladder = |info: MethodInfo| {
                MANY_EVALUATIONS.iter().map(move |&nfe| Run::evaluations(info.name, nfe))
            };
            drawing.flat_map(ladder).collect()
        }
        ("rectified-flow", _) => Vec::new(),
        ("vp", _) => fixed(&[("euler-maruyama", STEPS)]),
        _ => fixed(&[("euler-maruyama", STEPS), ("ancestral", STEPS)]),
    }
}

fn runs_of(solvers: &[String], effort: Effort) -> Vec<Run> {
    let steps: &[usize] = match effort {
        Effort::Quick => &[10],
        Effort::Standard => &[5, 10, 20, 50],
        Effort::Full => &[5, 10, 20, 50, 100, 200],
    };
    let of_solver = |solver: &String| -> Vec<Run> {
        let info = Solver::parse(solver).map(|solver| solver.info());
        let mut runs: Vec<Run> = steps.iter().map(|&n| Run::steps(solver, n)).collect();
        if let Ok(info) = info
            && effort != Effort::Quick
            && info.adaptive()
        {
            runs.extend(
                tolerances(&info).iter().map(|&tolerance| Run::adaptive(solver, tolerance)),
            );
        }
        runs
    };
    solvers.iter().flat_map(of_solver).collect()
}
