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
#[derive(Debug, Clone)]
pub struct Run {
    /// The solver: ours by [`Solver::parse`], or one of your own.
    pub solver: Solver,
    /// What it may spend.
    pub budget: Budget,
}

impl Run {
    /// `solver` with so many steps.
    pub fn steps(solver: &Solver, steps: usize) -> Self {
        Run { solver: solver.clone(), budget: Budget::Steps(steps) }
    }

    /// `solver` with so many evaluations.
    pub fn evaluations(solver: &Solver, nfe: u64) -> Self {
        Run { solver: solver.clone(), budget: Budget::Evaluations(nfe) }
    }

    /// `solver` with adaptive steps of this absolute and relative tolerance.
    pub fn adaptive(solver: &Solver, tolerance: f64) -> Self {
        let budget = Budget::Adaptive { abstol: tolerance, reltol: tolerance, max_nfe: None };
        Run { solver: solver.clone(), budget }
    }

    /// Whether the solver draws noise.
    pub fn stochastic(&self) -> bool {
        self.solver.info().draws_noise
    }

    pub(super) fn settings(&self, seed: u64) -> Settings {
        Settings { seed, ..Settings::new(self.solver.clone(), self.budget) }
    }
}

/// Every solver with its defaults.
fn all() -> Vec<Solver> {
    catalog().defaults().collect()
}

/// The runs of each of these solvers, one for every budget of its ladder.
fn ladders<B: Copy>(
    ladders: &[(&str, &[B])],
    run: fn(&Solver, B) -> Run,
) -> Result<Vec<Run>, SpecError> {
    let mut runs = Vec::new();
    for &(solver, budgets) in ladders {
        let solver = Solver::parse(solver)?;
        runs.extend(budgets.iter().map(|&budget| run(&solver, budget)));
    }
    Ok(runs)
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
pub fn standard_runs(
    process: &str,
    effort: Effort,
    solvers: &[Solver],
) -> Result<Vec<Run>, SpecError> {
    if !solvers.is_empty() {
        return Ok(solvers.iter().flat_map(|solver| runs_of(solver, effort)).collect());
    }
    let mut runs = deterministic_runs(effort)?;
    if effort != Effort::Quick {
        runs.extend(stochastic_runs(process, effort)?);
    }
    Ok(runs)
}

fn deterministic_runs(effort: Effort) -> Result<Vec<Run>, SpecError> {
    let mut runs;
    match effort {
        Effort::Quick => {
            runs = ladders(QUICK, Run::steps)?;
            runs.extend(ladders(&[("tsit5", &[1e-3])], Run::adaptive)?);
        }
        Effort::Standard => {
            runs = ladders(STANDARD, Run::steps)?;
            runs.extend(ladders(STANDARD_ADAPTIVE, Run::adaptive)?);
        }
        Effort::Full => {
            runs = ladders(FULL, Run::steps)?;
            let (adaptive, fixed): (Vec<Solver>, Vec<Solver>) =
                all().into_iter().partition(|solver| solver.info().adaptive());
            let fixed = fixed.iter().filter(|solver| !solver.info().draws_noise);
            runs.extend(fixed.flat_map(few_evaluations));
            runs.extend(adaptive.iter().flat_map(adaptive_runs));
        }
    }
    Ok(runs)
}

/// One run for every tolerance of a solver that is adaptive.
fn adaptive_runs(solver: &Solver) -> impl Iterator<Item = Run> {
    tolerances(&solver.info()).iter().map(|&tolerance| Run::adaptive(solver, tolerance))
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
pub fn image_runs(effort: Effort, solvers: &[Solver]) -> Result<Vec<Run>, SpecError> {
    let solvers: Vec<Solver> = match (solvers, effort) {
        ([], Effort::Full) => all(),
        ([], _) => {
            IMAGE_SOLVERS.iter().map(|name| Solver::parse(name)).collect::<Result<_, _>>()?
        }
        (given, _) => given.to_vec(),
    };
    let ladder = if effort == Effort::Quick { &[10, 20][..] } else { IMAGE_EVALUATIONS };
    let of_solver = |solver: &Solver| -> Vec<Run> {
        let least = solver.info().evaluations(1);
        let affordable = ladder.iter().filter(|&&nfe| nfe >= least);
        affordable.map(|&nfe| Run::evaluations(solver, nfe)).collect()
    };
    Ok(solvers.iter().flat_map(of_solver).collect())
}

/// One run for every grid that few evaluations allow, except for those listed already.
fn few_evaluations(solver: &Solver) -> Vec<Run> {
    let info = solver.info();
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
    affordable.into_iter().map(|nfe| Run::evaluations(solver, nfe)).collect()
}

/// The reverse SDE of every process with one of its own, and the posterior
/// (on the bridge: its exact conditional); in full, every method that draws noise.
fn stochastic_runs(process: &str, effort: Effort) -> Result<Vec<Run>, SpecError> {
    const STEPS: &[usize] = &[50, 200, 500];
    match (process.split(':').next().unwrap_or(process), effort) {
        (_, Effort::Full) => {
            let drawing = all().into_iter().filter(|solver| solver.info().draws_noise);
            let ladder = |solver: Solver| {
                MANY_EVALUATIONS.iter().map(move |&nfe| Run::evaluations(&solver, nfe))
            };
            Ok(drawing.flat_map(ladder).collect())
        }
        ("rectified-flow", _) => Ok(Vec::new()),
        ("vp", _) => ladders(&[("euler-maruyama", STEPS)], Run::steps),
        _ => ladders(&[("euler-maruyama", STEPS), ("ancestral", STEPS)], Run::steps),
    }
}

fn runs_of(solver: &Solver, effort: Effort) -> Vec<Run> {
    let steps: &[usize] = match effort {
        Effort::Quick => &[10],
        Effort::Standard => &[5, 10, 20, 50],
        Effort::Full => &[5, 10, 20, 50, 100, 200],
    };
    let mut runs: Vec<Run> = steps.iter().map(|&steps| Run::steps(solver, steps)).collect();
    if effort != Effort::Quick && solver.info().adaptive() {
        runs.extend(adaptive_runs(solver));
    }
    runs
}
