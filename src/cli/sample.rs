use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use driftfield_problems::npy::{self, NpyElement};
use driftfield_problems::process;
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::Scalar;
use ndarray::{ArrayD, Axis};
use serde_json::json;

use super::{UserError, exit};
use crate::generate::{Budget, Field, Generated, Initial, Settings, generate};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dtype {
    F32,
    F64,
}

#[derive(Args)]
pub(super) struct SampleArguments {
    /// Process, such as `vp:beta_min=0.1,beta_max=20`, `rectified-flow`, `brownian-bridge:s=0.5`
    #[arg(long)]
    process: String,
    /// Field: `exact:FILE.json`, `empirical:FILE.npy[:smoothing]` or `FILE.safetensors`
    #[arg(long)]
    field: String,
    /// Solver, as listed by `driftfield solvers`
    #[arg(long)]
    solver: String,
    /// Number of steps, whatever each costs
    #[arg(long, conflicts_with_all = ["nfe", "abstol", "reltol"])]
    steps: Option<usize>,
    /// Number of evaluations, never exceeded
    #[arg(long, conflicts_with_all = ["abstol", "reltol"])]
    nfe: Option<u64>,
    /// Absolute tolerance of adaptive steps
    #[arg(long, requires = "reltol", allow_negative_numbers = true)]
    abstol: Option<f64>,
    /// Relative tolerance of adaptive steps
    #[arg(long, requires = "abstol", allow_negative_numbers = true)]
    reltol: Option<f64>,
    /// Most evaluations of an adaptive solve
    #[arg(long, requires = "abstol")]
    max_nfe: Option<u64>,
    /// uniform, quadratic, logsnr, karras[:rho=7] or exponential
    #[arg(long)]
    spacing: Option<String>,
    /// Start of the integration
    #[arg(long, allow_negative_numbers = true)]
    t_start: Option<f64>,
    /// End of the integration; above the start: encoding
    #[arg(long, allow_negative_numbers = true)]
    t_end: Option<f64>,
    /// Initial state, used as it is
    #[arg(long, conflicts_with = "n")]
    init: Option<PathBuf>,
    /// Number of samples drawn as sigma(t_start) N(0, I)
    #[arg(long)]
    n: Option<usize>,
    /// Seed of the draw and of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Precision of the states
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    /// Noise level of a stochastic solver
    #[arg(long, allow_negative_numbers = true)]
    noise_level: Option<f64>,
    /// Replace the last state by the predicted data (one more evaluation)
    #[arg(long)]
    denoise_final: bool,
    /// Write every state, [steps + 1, n, d]
    #[arg(long)]
    trajectory: Option<PathBuf>,
    /// Write the samples
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl SampleArguments {
    fn budget(&self) -> Result<Budget, UserError> {
        match (self.steps, self.nfe, self.abstol, self.reltol) {
            (Some(steps), ..) => Ok(Budget::Steps(steps)),
            (_, Some(nfe), ..) => Ok(Budget::Evaluations(nfe)),
            (_, _, Some(abstol), Some(reltol)) => {
                Ok(Budget::Adaptive { abstol, reltol, max_nfe: self.max_nfe })
            }
            _ => {
                Err(UserError::new("give one of --steps N, --nfe N, or --abstol A with --reltol R"))
            }
        }
    }

    fn settings(&self) -> Result<Settings, UserError> {
        Ok(Settings {
            solver: self.solver.clone(),
            budget: self.budget()?,
            spacing: self.spacing.as_deref().map(str::parse::<Spacing>).transpose()?,
            t_start: self.t_start,
            t_end: self.t_end,
            noise_level: self.noise_level,
            denoise_final: self.denoise_final,
            seed: self.seed,
            save_steps: self.trajectory.is_some(),
        })
    }

    fn initial<T: NpyElement>(&self) -> Result<Initial<T>, UserError> {
        match (&self.init, self.n) {
            (Some(file), _) => Ok(Initial::State(npy::read(file)?)),
            (None, Some(lanes)) => Ok(Initial::Noise { lanes, seed: self.seed }),
            (None, None) => {
                Err(UserError::new("give the initial state: --init FILE.npy, or --n N (--seed K)"))
            }
        }
    }
}

pub(super) fn run(arguments: &SampleArguments) -> Result<ExitCode, UserError> {
    match arguments.dtype {
        Dtype::F32 => run_as::<f32>(arguments),
        Dtype::F64 => run_as::<f64>(arguments),
    }
}

fn run_as<T: Scalar + NpyElement>(arguments: &SampleArguments) -> Result<ExitCode, UserError> {
    let path = process::parse(&arguments.process)?;
    let settings = arguments.settings()?;
    let field = Field::parse(&arguments.field)?;
    let initial = arguments.initial::<T>()?;
    for file in [&arguments.out, &arguments.trajectory].into_iter().flatten() {
        exit::check_writable(file)?;
    }
    let generated = generate(&path, &field, initial, &settings)?;
    if let Some(file) = &arguments.out {
        npy::write(file, &generated.samples)?;
    }
    if let Some(file) = &arguments.trajectory {
        write_trajectory(file, &generated.trajectory)?;
    }
    print(arguments, &path.spec(), &generated)?;
    Ok(exit::status(&generated.outcome))
}

fn write_trajectory<T: Scalar + NpyElement>(
    file: &Path,
    states: &[ArrayD<T>],
) -> Result<(), UserError> {
    let views: Vec<_> = states.iter().map(|state| state.view()).collect();
    Ok(npy::write(file, &ndarray::stack(Axis(0), &views)?)?)
}

fn print<T: Scalar>(
    arguments: &SampleArguments,
    process: &str,
    generated: &Generated<T>,
) -> Result<(), UserError> {
    let Generated { statistics, outcome, seconds, span, steps, .. } = generated;
    if arguments.json {
        let summary = json!({
            "solver": arguments.solver,
            "process": process,
            "steps": steps,
            "nfe": statistics.nfe,
            "network_forwards": statistics.network_forwards,
            "accepted": statistics.accepted,
            "rejected": statistics.rejected,
            "outcome": outcome.name(),
            "message": outcome.to_string(),
            "seconds": seconds,
            "t_start": span.start,
            "t_end": span.end,
            "shape": generated.samples.shape(),
        });
        println!("{}", serde_json::to_string_pretty(&summary)?);
        return Ok(());
    }
    println!("{process}, {} from t = {} to {}", arguments.solver, span.start, span.end);
    println!("{statistics}, {} network forwards, {seconds:.3} s", statistics.network_forwards);
    println!("{outcome}");
    let shape = generated.samples.shape();
    match &arguments.out {
        Some(file) => println!("samples of shape {shape:?} written to {}", file.display()),
        None => {
            println!("samples of shape {shape:?} not written; give --out FILE.npy to keep them")
        }
    }
    Ok(())
}
