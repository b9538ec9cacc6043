//! How wide a generated law is: the bias of every method that draws noise, with its interval,
//! at 20 to 500 evaluations on every process: `cargo bench --bench sde_bias`, some minutes; markdown on
//! stdout, as in docs/sde.md.
//!
//! Exact model of the mixture of the reference files, 40,000 lanes in f64, from exact draws
//! of the marginal at the start, over the process's own span and spacing. A cell is the mean over lanes
//! of `|x - a m_k|^2 / (d v_k)` (`k` the most responsible component of the marginal at the
//! end) over its mean on exact draws, less 1, in percent, with the half-width of its
//! 99 % interval: +4 % is what noise 2 % too large would make.
//!
//! `cargo bench --bench sde_bias -- PROCESS...` prints the tables of these processes alone.

use driftfield::generate::{
    Budget, GenerateError, Generated, Initial, MixtureModel, Settings, generate,
};
use driftfield::problems::exact::{GaussianMixture, MixtureError, MixturePredictor};
use driftfield::problems::method::Solver;
use driftfield::problems::method::path_methods;
use driftfield::problems::process::{self, GaussianPath, SharedPath};
use driftfield::solvers::FieldError;
use driftfield::solvers::method::Method;
use ndarray::{Array2, ArrayD, Axis, Ix2};
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LANES: usize = 40_000;
/// Lanes that fit in a core's cache together.
const CHUNK: usize = 1_000;
const EXACT_DRAWS: usize = 1_000_000;
const EVALUATIONS: [u64; 5] = [20, 50, 100, 200, 500];
/// 99 % of a normal distribution.
const QUANTILE: f64 = 2.576;

fn reference_mixture() -> Result<GaussianMixture, MixtureError> {
    GaussianMixture::isotropic(
        vec![0.5, 0.3, 0.2],
        vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]],
        vec![0.3, 0.2, 0.4],
    )
}

/// Mean and variance of the mean.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    mean: f64,
    variance: f64,
}

impl Estimate {
    fn of(points: &Array2<f64>, law: &GaussianMixture) -> Result<Self, FieldError> {
        let rows = points.rows().into_iter();
        let squares = rows
            .map(|row| law.standardised_square(&row.to_vec()))
            .collect::<Result<Vec<f64>, _>>()?;
        let n = squares.len() as f64;
        let mean = squares.iter().sum::<f64>() / n;
        let deviations: f64 = squares.iter().map(|square| (square - mean).powi(2)).sum();
        Ok(Estimate { mean, variance: deviations / (n * (n - 1.0)) })
    }

    /// The bias relative to `exact`, in percent, and its interval.
    fn cell(self, exact: Estimate) -> String {
        let bias = self.mean / exact.mean - 1.0;
        let relative = |e: Estimate| e.variance / (e.mean * e.mean);
        let half_width = QUANTILE * (1.0 + bias).abs() * (relative(self) + relative(exact)).sqrt();
        if bias.is_finite() && bias < 10.0 {
            format!("{:+.1} ± {:.1}", 100.0 * bias, 100.0 * half_width)
        } else {
            format!("{bias:+.0e} times")
        }
    }
}

struct Law {
    path: SharedPath,
    model: MixtureModel,
    start: ArrayD<f64>,
    t_start: f64,
    end: GaussianMixture,
    exact: Estimate,
}

impl Law {
    fn of(path: SharedPath) -> Result<Self, Box<dyn std::error::Error>> {
        let mixture = reference_mixture()?;
        let predictor = MixturePredictor::new(mixture.clone(), path.clone());
        let t_start = path.start_with_finite_log_snr();
        let start = predictor.marginal(t_start)?.draw(LANES, 31).into_dyn();
        let end = predictor.marginal(path.default_span().1)?;
        let exact = Estimate::of(&end.draw(EXACT_DRAWS, 5), &end)?;
        Ok(Law { path, model: MixtureModel::new(mixture), start, t_start, end, exact })
    }

    fn cell(&self, solver: &str, nfe: u64) -> Result<String, Box<dyn std::error::Error>> {
        let chunks = (0..LANES).into_par_iter().step_by(CHUNK);
        let chunks: Vec<Result<Generated<f64>, GenerateError>> =
            chunks.map(|first| self.generated(solver, nfe, first)).collect();
        let mut samples = Array2::zeros((0, 2));
        for chunk in chunks {
            let generated = match chunk {
                Ok(generated) => generated,
                Err(GenerateError::BudgetTooSmall { .. }) => return Ok("-".into()),
                Err(other) => return Err(other.into()),
            };
            if !generated.outcome.is_success() {
                return Ok(generated.outcome.to_string());
            }
            samples.append(Axis(0), generated.samples.into_dimensionality::<Ix2>()?.view())?;
        }
        Ok(Estimate::of(&samples, &self.end)?.cell(self.exact))
    }

    /// A chunk of lanes, with a seed of its own.
    fn generated(
        &self,
        solver: &str,
        nfe: u64,
        first: usize,
    ) -> Result<Generated<f64>, GenerateError> {
        let settings = Settings {
            t_start: Some(self.t_start),
            seed: first as u64,
            ..Settings::new(Solver::parse(solver)?, Budget::Evaluations(nfe))
        };
        let start = self.start.slice_axis(Axis(0), (first..first + CHUNK).into()).to_owned();
        generate(&self.path, &self.model, Initial::State(start), &settings)
    }
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn table(law: &Law) -> Result<(), Box<dyn std::error::Error>> {
    let infos = path_methods::<ArrayD<f64>>().into_iter().map(|method| method.info());
    let columns = EVALUATIONS.iter().map(|nfe| format!("{nfe} NFE"));
    println!("\n### {}\n", law.path.spec());
    println!("{}", row(std::iter::once("solver".to_owned()).chain(columns)));
    println!("|{}", "---|".repeat(EVALUATIONS.len() + 1));
    for info in infos.filter(|info| info.draws_noise) {
        let mut cells = vec![info.name.to_owned()];
        for nfe in EVALUATIONS {
            cells.push(law.cell(info.name, nfe)?);
        }
        println!("{}", row(cells));
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // cargo adds `--bench`.
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all = || process::catalog().names().map(str::to_owned).collect();
    let processes: Vec<String> = if asked.is_empty() { all() } else { asked };
    println!("{LANES} lanes; bias of the spread in percent, 99 % interval");
    for process in processes {
        table(&Law::of(process::parse(&process)?)?)?;
    }
    Ok(())
}
