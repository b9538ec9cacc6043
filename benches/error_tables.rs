//! Error against evaluations of every deterministic method under every spacing:
//! `cargo bench --bench error_tables`, a few minutes; markdown on stdout, as in
//! docs/solvers.md.
//!
//! VP with the exact model of the mixture of the reference files, 16,384 starts, f64. Two
//! errors per cell: the root of the mean squared distance to the true solution from the
//! same start, and its median. Then the orders that the published defaults leave of every
//! multistep method.
//!
//! `cargo bench --bench error_tables -- SOLVER...` prints the rows of these solvers alone, with
//! whatever parameters.

use std::collections::BTreeMap;

use driftfield::generate::{
    Budget, GenerateError, Initial, MixtureModel, Model, Settings, generate,
};
use driftfield::problems::exact::GaussianMixture;
use driftfield::problems::method::Solver;
use driftfield::problems::method::{parse, path_methods};
use driftfield::problems::process::{self, GaussianPath, SharedPath};
use driftfield::problems::spacing::Spacing;
use driftfield::solvers::method::Method;
use ndarray::ArrayD;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many that no single lane decides a rank: with 2,048 one may carry most of the square error.
const LANES: usize = 16_384;
const EVALUATIONS: [u64; 7] = [5, 6, 8, 10, 15, 20, 50];
/// `exponential` places the times of `logsnr`, but singlestep methods divide it by evaluations.
const SPACINGS: [&str; 8] = [
    "uniform",
    "quadratic",
    "logsnr",
    "exponential",
    "karras",
    "polyexponential:rho=1.5",
    "cosine",
    "flow-shift:shift=0.3",
];

/// RMS and median over lanes.
#[derive(Debug, Clone, Copy)]
struct Errors {
    rms: f64,
    median: f64,
}

impl Errors {
    fn between(samples: &ArrayD<f64>, truth: &ArrayD<f64>) -> Errors {
        let gap = samples - truth;
        let mut squares: Vec<f64> =
            gap.outer_iter().map(|lane| lane.iter().map(|x| x * x).sum()).collect();
        let rms = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        squares.sort_by(f64::total_cmp);
        Errors { rms, median: squares[squares.len() / 2].sqrt() }
    }
}

struct Problem {
    path: SharedPath,
    model: MixtureModel,
    truth: ArrayD<f64>,
    span: Option<(f64, f64)>,
}

impl Problem {
    fn over(span: Option<(f64, f64)>) -> Result<Self, GenerateError> {
        let mixture = GaussianMixture::isotropic(
            vec![0.5, 0.3, 0.2],
            vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]],
            vec![0.3, 0.2, 0.4],
        );
        let model = MixtureModel::new(mixture.map_err(mixture_error)?);
        let path = process::parse("vp")?;
        let budget = Budget::Adaptive { abstol: 1e-12, reltol: 1e-12, max_nfe: None };
        let settings = Settings::new(Solver::parse("dop853")?, budget);
        let truth = run(&path, &model, &spanning(&settings, span))?;
        Ok(Problem { path, model, truth, span })
    }

    /// `None` where the evaluations do not pay for a step, or the solve did not end well.
    fn errors(&self, settings: &Settings) -> Result<Option<Errors>, GenerateError> {
        match run(&self.path, &self.model, &spanning(settings, self.span)) {
            Ok(samples) => {
                let errors = Errors::between(&samples, &self.truth);
                Ok(Some(errors).filter(|errors| errors.rms.is_finite()))
            }
            Err(GenerateError::BudgetTooSmall { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn spanning(settings: &Settings, span: Option<(f64, f64)>) -> Settings {
    let (t_start, t_end) = span.unzip();
    Settings { t_start, t_end, ..settings.clone() }
}

fn mixture_error(source: driftfield::problems::exact::MixtureError) -> GenerateError {
    GenerateError::Mixture { file: "the reference mixture".into(), source }
}

fn run(
    path: &SharedPath,
    model: &dyn Model,
    settings: &Settings,
) -> Result<ArrayD<f64>, GenerateError> {
    let initial = Initial::Noise { lanes: LANES, seed: 0 };
    Ok(generate(path, model, initial, settings)?.samples)
}

/// Every deterministic method that a fixed grid leaves different from all others.
fn solvers() -> Vec<&'static str> {
    let infos = path_methods::<ArrayD<f64>>().into_iter().map(|method| method.info());
    let fixed = |name: &str| !name.ends_with("12") && !name.ends_with("23");
    infos.filter(|info| !info.draws_noise && fixed(info.name)).map(|info| info.name).collect()
}

fn cell(errors: Option<Errors>) -> String {
    errors.map_or("-".into(), |e| format!("{:.1e} / {:.1e}", e.rms, e.median))
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn header(first: &str, columns: &[String]) -> String {
    let titles = row(std::iter::once(first.to_owned()).chain(columns.iter().cloned()));
    format!("{titles}\n|{}", "---|".repeat(columns.len() + 1))
}

type Cells<'a> = BTreeMap<u64, Vec<(f64, f64, &'a str, &'static str)>>;

fn errors_by_spacing<'a>(
    problem: &Problem,
    solvers: &[&'a str],
) -> Result<Cells<'a>, GenerateError> {
    let columns: Vec<String> = EVALUATIONS.iter().map(|nfe| format!("{nfe} NFE")).collect();
    let mut all = Cells::new();
    for spacing in SPACINGS {
        println!("\n### {spacing}\n\n{}", header("solver", &columns));
        for &solver in solvers {
            let mut cells = vec![solver.to_owned()];
            for nfe in EVALUATIONS {
                let mut settings = Settings::new(Solver::parse(solver)?, Budget::Evaluations(nfe));
                settings.spacing = Some(spacing.parse::<Spacing>()?);
                let errors = problem.errors(&settings)?;
                if let Some(errors) = errors {
                    all.entry(nfe).or_default().push((errors.rms, errors.median, solver, spacing));
                }
                cells.push(cell(errors));
            }
            println!("{}", row(cells));
        }
    }
    Ok(all)
}

fn winners(all: &Cells<'_>) {
    println!("\n### The best at each number of evaluations\n");
    let columns = ["by RMS", "by median"].map(str::to_owned);
    println!("{}", header("NFE", &columns));
    for (nfe, cells) in all {
        let best = |error: fn(&(f64, f64, &str, &str)) -> f64| {
            let mut cells = cells.clone();
            cells.sort_by(|a, b| error(a).total_cmp(&error(b)));
            let named = cells.iter().take(5);
            let named: Vec<String> =
                named.map(|cell| format!("{} ({}) {:.1e}", cell.2, cell.3, error(cell))).collect();
            named.join(", ")
        };
        println!("{}", row([nfe.to_string(), best(|cell| cell.0), best(|cell| cell.1)]));
    }
}

/// Slopes of the median error between 80 and 320 steps, log-SNR spacing (a few lanes near the border
/// between two components are not yet where the order shows, and rule the RMS), over the whole span and over one whose
/// start is not yet noise alone.
fn orders(whole: &Problem, inner: &Problem) -> Result<(), GenerateError> {
    println!("\n### Orders under the published defaults\n");
    let columns = ["1 to 1e-3, as published", "1 to 1e-3, full at the end"].into_iter().chain([
        "0.5 to 0.05, as published",
        "full at the end",
        "start=matching as well",
    ]);
    println!("{}", header("solver", &columns.map(str::to_owned).collect::<Vec<_>>()));
    for solver in solvers() {
        let known = |text: &str| parse::<ArrayD<f64>>(&format!("{solver}{text}")).is_ok();
        if !known(":start=matching") {
            continue;
        }
        let full = ":lower_order_final=false";
        let matching = ":start=matching,lower_order_final=false";
        let mut cells = vec![solver.to_owned()];
        for (problem, settings) in
            [(whole, ""), (whole, full), (inner, ""), (inner, full), (inner, matching)]
        {
            let error = |steps| -> Result<f64, GenerateError> {
                let solver = format!("{solver}{settings}");
                let mut settings = Settings::new(Solver::parse(&solver)?, Budget::Steps(steps));
                settings.spacing = Some(Spacing::LogSnr);
                Ok(problem.errors(&settings)?.map_or(f64::NAN, |errors| errors.median))
            };
            let slope = (error(80)? / error(320)?).log2() / 2.0;
            cells.push(format!("{slope:.2}"));
        }
        println!("{}", row(cells));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = Problem::over(None)?;
    // cargo adds `--bench`.
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if !asked.is_empty() {
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        errors_by_spacing(&problem, &asked)?;
        return Ok(());
    }
    println!("{} starts, {}, exact model.", LANES, problem.path.spec());
    let all = errors_by_spacing(&problem, &solvers())?;
    winners(&all);
    orders(&problem, &Problem::over(Some((0.5, 0.05)))?)?;
    Ok(())
}
