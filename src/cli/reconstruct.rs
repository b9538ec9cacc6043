use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use driftfield_problems::inverse::{self, ImageShape, Observation};
use driftfield_problems::method::Solver;
use driftfield_problems::npy;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_problems::spec::{Spec, SpecError};
use serde_json::{Value, json};

use super::files::Files;
use super::foreign::ForeignArguments;
use super::guidance::GuidanceArguments;
use super::pictures::PictureArguments;
use super::sample::help_of_solver;
use super::sampling_progress::SamplingProgress;
use super::signals::Signals;
use super::{CommandError, exit, list, names};
use crate::generate::{
    Budget, GenerateError, Initial, Model, Saved, Settings, model, model::Field,
};
use crate::images::{self, FRAMES};
use crate::reconstruct::{
    self, ReconstructError, Reconstructed, Technique, reconstruct, reconstruction_grid,
    reconstruction_trajectory, technique,
};

/// The prior of digits, beside which a checkout has its weights.
const DEFAULT_FIELD: &str = "weights/mnist-rectified-flow.safetensors";
/// Steps unless told.
const STEPS: usize = 50;
/// How far a generated image leaves [0, 1] at most; bytes leave it by more.
const SLACK: f64 = 0.5;

fn help_of_measurement() -> String {
    format!(
        "What is measured of the image, as `square:size=8,center=14x14,std=0.1` (`driftfield list measurements`): {}",
        list::written(&inverse::catalog())
    )
}

fn help_of_technique() -> String {
    format!(
        "How the measurement is taken into account (`driftfield list techniques`): {}",
        list::written(&technique::catalog())
    )
}

#[derive(Args, Clone)]
pub(super) struct ReconstructArguments {
    #[arg(long, value_name = "M", help = help_of_measurement())]
    measurement: String,
    /// The image, `.npy` in the units of the data: pixels in [0, 1]; what a generated one has beyond
    /// is clipped
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    #[arg(long, default_value = "dps", help = help_of_technique())]
    method: String,
    /// Length of a correction of dps [default: 0.5]
    #[arg(long, allow_hyphen_values = true)]
    zeta: Option<f64>,
    /// The prior, a field as `sample` takes it
    /// [default: weights/mnist-rectified-flow.safetensors, beside a checkout]
    #[arg(long)]
    field: Option<String>,
    #[command(flatten)]
    foreign: ForeignArguments,
    /// Process; by default the network's own
    #[arg(long)]
    process: Option<String>,
    #[arg(long, default_value = "ddim", help = help_of_solver())]
    solver: String,
    /// Number of steps [default: 50, or those of a list of times]
    #[arg(long, conflicts_with_all = ["nfe", "abstol", "reltol"], allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Number of evaluations, never exceeded by the solver; those of dps come on top
    #[arg(long, conflicts_with_all = ["abstol", "reltol"], allow_negative_numbers = true)]
    nfe: Option<u64>,
    /// Absolute tolerance of adaptive steps
    #[arg(long, visible_alias = "atol", requires = "reltol", allow_hyphen_values = true)]
    abstol: Option<f64>,
    /// Relative tolerance of adaptive steps
    #[arg(long, visible_alias = "rtol", requires = "abstol", allow_hyphen_values = true)]
    reltol: Option<f64>,
    /// Spacing of the times, as `sample` takes it
    #[arg(long)]
    spacing: Option<String>,
    /// Start of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_start: Option<f64>,
    /// End of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_end: Option<f64>,
    /// Noise level of a stochastic solver
    #[arg(long, allow_hyphen_values = true)]
    noise_level: Option<f64>,
    #[command(flatten)]
    guidance: GuidanceArguments,
    /// Number of reconstructions
    #[arg(long, default_value_t = 8, allow_negative_numbers = true)]
    n: usize,
    /// Seed of the measurement's noise, of the draw and of the solver's noise
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Write the reconstructions, in the units of the data
    #[arg(long)]
    out: Option<PathBuf>,
    /// Draw image, measurement and reconstructions: FILE.png, .svg or .pdf
    #[arg(long)]
    grid: Option<PathBuf>,
    /// Draw the reconstructions on their way from noise: FILE.png, .svg or .pdf
    #[arg(long)]
    trajectory_grid: Option<PathBuf>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl ReconstructArguments {
    /// The same in names of ours, and what those of other libraries are, on stderr.
    fn in_our_names(&self) -> Self {
        let mut own = self.clone();
        if let Some(process) = &mut own.process {
            names::translate_process(process);
        }
        names::translate_solver(&mut own.solver, &mut own.spacing, own.abstol.is_none());
        own
    }

    fn model(&self) -> Result<Arc<dyn Model>, CommandError> {
        let Some(field) = &self.field else {
            return model::parse(DEFAULT_FIELD).map_err(|error| match error {
                GenerateError::NotCheckedOut { .. } => CommandError::usage(format!(
                    "no prior: {error}, run in a checkout of driftfield, or give --field FILE.safetensors"
                )),
                other => other.into(),
            });
        };
        // Of a field that needs it, it was checked that there is one.
        Ok(Field::parse(&self.foreign.field(field)?)?
            .model(self.process.as_deref().unwrap_or_default())?)
    }

    /// The technique, `--zeta` being another way to write `dps:zeta=..`.
    fn technique(&self) -> Result<Technique, CommandError> {
        let Some(zeta) = self.zeta else { return Ok(Technique::parse(&self.method)?) };
        let spec: Spec = self.method.parse()?;
        if spec.name() != "dps" {
            let expected = "left out: only dps takes one";
            return Err(SpecError::number(spec.name(), "zeta", zeta, expected).into());
        }
        let mark = if spec.parameters().is_empty() { ':' } else { ',' };
        Ok(Technique::parse(&format!("{spec}{mark}zeta={zeta}"))?)
    }

    fn settings(&self) -> Result<Settings, CommandError> {
        let spacing = self.spacing.as_deref().map(str::parse::<Spacing>).transpose()?;
        let listed = spacing.as_ref().and_then(Spacing::own_steps);
        let steps = self.steps.or(listed).unwrap_or(STEPS);
        let budget = match (self.nfe, self.abstol.zip(self.reltol)) {
            (Some(nfe), _) => Budget::Evaluations(nfe),
            (None, Some((abstol, reltol))) => Budget::Adaptive { abstol, reltol, max_nfe: None },
            (None, None) => Budget::Steps(steps),
        };
        let saved = match self.trajectory_grid {
            Some(_) => Saved::Frames(FRAMES),
            None => Saved::Last,
        };
        Ok(Settings {
            spacing,
            t_start: self.t_start,
            t_end: self.t_end,
            noise_level: self.noise_level,
            seed: self.seed,
            saved,
            condition: self.guidance.condition(),
            ..Settings::new(Solver::parse(&self.solver)?, budget)
        })
    }

    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("--measurement", Some(&self.measurement));
        files.inputs_in("--field", Some(self.field.as_deref().unwrap_or(DEFAULT_FIELD)));
        files.inputs_in("--process", self.process.as_deref());
        files.inputs_in("--spacing", self.spacing.as_deref());
        files.input("--image", &self.image);
        files.output("--out", &self.out);
        files.picture("--grid", &self.grid);
        files.picture("--trajectory-grid", &self.trajectory_grid);
        files
    }

    /// Refuses what no model and no image could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        self.files().check()?;
        self.pictures.check([&self.grid, &self.trajectory_grid])?;
        inverse::catalog().build(&self.measurement)?;
        let field = self.field.as_deref().unwrap_or(DEFAULT_FIELD);
        self.guidance.check(&self.foreign.field(field)?)?;
        let exact = ["exact:", "empirical:"].iter().any(|form| field.starts_with(form));
        if (exact || Field::is_standard(field)) && self.process.is_none() {
            return Err(no_process());
        }
        match self.n {
            0 => Err(GenerateError::NoLanes.into()),
            _ => Ok(()),
        }
    }
}

/// The process a network was trained on.
fn own_process(model: &dyn Model) -> Result<SharedPath, CommandError> {
    Ok(process::parse(model.process().ok_or_else(no_process)?)?)
}

fn no_process() -> CommandError {
    CommandError::usage(
        "an exact field runs on any process; give --process, such as rectified-flow",
    )
}

/// One image of as many values as a lane of the model.
fn read_image(file: &Path, model: &dyn Model) -> Result<Vec<f64>, CommandError> {
    let image = npy::read::<f64>(file)?;
    let (expected, found, shape) = (model.dimension(), image.len(), image.shape().to_vec());
    if expected != found {
        return Err(ReconstructError::Size { expected, found, shape }.into());
    }
    let pixels: Vec<f64> = image.into_iter().collect();
    if model.row_shape().len() < 2 {
        return Ok(pixels);
    }
    match pixels.iter().position(|value| !(-SLACK..=1.0 + SLACK).contains(value)) {
        Some(index) => Err(ReconstructError::Pixel { index, value: pixels[index] }.into()),
        None => Ok(pixels.into_iter().map(|pixel| pixel.clamp(0.0, 1.0)).collect()),
    }
}

pub(super) fn run(
    arguments: &ReconstructArguments,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    let arguments = &arguments.in_our_names();
    arguments.check_before_reading()?;
    let (technique, settings) = (arguments.technique()?, arguments.settings()?);
    let checked = |path: SharedPath| reconstruct::check(&path, &settings).map(|()| path);
    // Before the model is read, where the process is known without it.
    let named = arguments.process.as_deref().map(process::parse).transpose()?;
    let named = named.map(checked).transpose()?;
    let model = arguments.model()?;
    let path = match named {
        Some(path) => path,
        None => checked(own_process(&*model)?)?,
    };
    model.check_condition(&settings.condition)?;
    images::check_drawable([&arguments.grid, &arguments.trajectory_grid], &model.row_shape())?;
    let image = read_image(&arguments.image, &*model)?;
    let shape = ImageShape::from_axes(&model.row_shape())?;
    let measurement = inverse::parse(&arguments.measurement, &shape)?;
    let observation = Observation::of_image(measurement, &image, arguments.seed)?;
    let progress = SamplingProgress::new();
    let settings = Settings { stop: signals.listen(), watch: progress.watch(), ..settings };
    let initial = Initial::Noise { lanes: arguments.n };
    let done = reconstruct(&path, &*model, &observation, &technique, initial, &settings)?;
    drop(progress);
    arguments.write(&done, &image, &observation)?;
    exit::note(&done.generated.notes);
    let summary = arguments.summary(&path, &technique, &observation, &image, &done);
    if arguments.json {
        exit::say(serde_json::to_string_pretty(&summary)?)?;
    } else {
        exit::say(text(&summary))?;
    }
    Ok(exit::status(&done.generated.outcome))
}

impl ReconstructArguments {
    fn title(&self) -> String {
        format!("{}, {}, {}", self.measurement, self.method, self.solver)
    }

    fn write(
        &self,
        done: &Reconstructed<f32>,
        image: &[f64],
        observation: &Observation,
    ) -> Result<(), CommandError> {
        let generated = &done.generated;
        if let Some(file) = &self.out {
            npy::write(file, &generated.samples).map_err(CommandError::failed)?;
        }
        if let Some(file) = &self.grid {
            let rows = [(self.solver.clone(), generated.samples.clone())];
            let grid = reconstruction_grid(self.title(), image, observation, &rows)?;
            self.pictures.render(&grid, file)?;
        }
        if let Some(file) = &self.trajectory_grid {
            let (times, states) = (&generated.times, &generated.trajectory);
            let grid = reconstruction_trajectory(self.title(), times, states, observation)?;
            self.pictures.render(&grid, file)?;
        }
        Ok(())
    }

    fn summary(
        &self,
        path: &SharedPath,
        technique: &Technique,
        observation: &Observation,
        image: &[f64],
        done: &Reconstructed<f32>,
    ) -> Value {
        let generated = &done.generated;
        let squares = generated.samples.iter().zip(image.iter().cycle());
        let squares = squares.map(|(x, image)| (f64::from(*x) - image).powi(2));
        let mse = squares.sum::<f64>() / generated.samples.len().max(1) as f64;
        json!({
            "solver": self.solver,
            "process": path.spec(),
            "method": technique.label(),
            "measurement": self.measurement,
            "steps": generated.steps,
            "nfe": generated.statistics.nfe,
            "network_forwards": done.network_forwards,
            "gradients": done.gradients,
            "accepted": generated.statistics.accepted,
            "rejected": generated.statistics.rejected,
            "outcome": generated.outcome.name(),
            "message": generated.outcome.to_string(),
            "seconds": generated.seconds,
            "t_start": generated.span.start,
            "t_end": generated.span.end,
            "measured": observation.measurement().measured(),
            "noise_variance": observation.measurement().noise_std().powi(2),
            "misfit": done.mean_misfit(),
            "misfits": done.misfits,
            "mean_squared_error": mse,
            "notes": exit::texts(&generated.notes),
        })
    }
}

/// The same for reading.
fn text(summary: &Value) -> String {
    let number = |key: &str| summary[key].as_f64().map_or("-".to_owned(), |x| format!("{x:.3e}"));
    let word = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
    [
        format!("{}, {}, {}, {}", word("process"), word("measurement"), word("method"), word("solver")),
        format!(
            "{} evaluations, {} gradients, {} network forwards, {:.3} s",
            summary["nfe"],
            summary["gradients"],
            summary["network_forwards"],
            summary["seconds"].as_f64().unwrap_or(0.0)
        ),
        word("message"),
        format!(
            "mean squared misfit of the {} measured values: {} (noise variance {}); of all pixels to the image: {}",
            summary["measured"],
            number("misfit"),
            number("noise_variance"),
            number("mean_squared_error")
        ),
    ]
    .join("\n")
}
