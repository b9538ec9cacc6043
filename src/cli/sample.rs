use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use driftfield_problems::echo::echo_path;
use driftfield_problems::method::{self, Solver};
use driftfield_problems::npy::{NpyElement, NpyError, RowWriter};
use driftfield_problems::predictor::Threshold;
use driftfield_problems::process::{self, GaussianPath};
use driftfield_problems::spacing::{self, Spacing};
use driftfield_solvers::Scalar;
use driftfield_solvers::number::Number;
use ndarray::ArrayD;
use serde_json::{Value, json};

use super::files::Files;
use super::foreign::ForeignArguments;
use super::guidance::GuidanceArguments;
use super::pictures::PictureArguments;
use super::plot::PlanePicture;
use super::sampling_progress::SamplingProgress;
use super::signals::Signals;
use super::start::StartArguments;
use super::{CommandError, exit, list, names};
use crate::generate::{
    Budget, Generated, LaneEvaluations, Precision, Saved, Settings, Streamed, check_settings,
    generate_in_chunks, model::Field,
};
use crate::images::{self, FRAMES, MOST_DRAWN, PER_ROW};
use crate::plot::{ImageGrid, ImageRow, ImageTile};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dtype {
    F32,
    F64,
}

pub(super) fn help_of_process() -> String {
    format!(
        "Process, with parameters as `vp:beta_max=10` (`driftfield list processes`): {}",
        list::written(&process::catalog())
    )
}

/// The names are too many for a help text.
pub(super) fn help_of_solver() -> String {
    format!(
        "Solver, one of the {} of `driftfield list solvers`, with parameters as `ddim:eta=0.5`, or \
         another library's name for one (`driftfield list aliases`)",
        method::catalog().entries().len()
    )
}

fn help_of_spacing() -> String {
    format!(
        "{}. A list of times needs no --steps. The timesteps of N inference steps in diffusers are \
         --nfe N --denoise-final: trailing ends far above the data (--steps 1: at t = 0.5), and the \
         last evaluation is what takes the noise away",
        list::written(&spacing::catalog())
    )
}

fn help_of_field() -> String {
    format!("Field (`driftfield list fields`): {}", list::written(&Field::forms()))
}

fn help_of_threshold() -> String {
    format!("Keep the predicted data within its range: {}", list::written(&Threshold::catalog()))
}

// clap's `allow_negative_numbers` knows no `-1e-3`, hence `allow_hyphen_values`.
#[derive(Args, Clone)]
pub(super) struct SampleArguments {
    #[arg(long, value_name = "P", help = help_of_process())]
    process: String,
    #[arg(long, value_name = "F", help = help_of_field())]
    field: String,
    #[command(flatten)]
    foreign: ForeignArguments,
    #[arg(long, value_name = "S", help = help_of_solver())]
    solver: String,
    /// Number of steps, whatever each costs
    #[arg(long, conflicts_with_all = ["nfe", "abstol", "reltol"], allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Number of evaluations, never exceeded, everything counted; with --denoise-final the denoising
    /// is one of them, and 1 is the denoising alone
    #[arg(long, conflicts_with_all = ["abstol", "reltol"], allow_negative_numbers = true)]
    nfe: Option<u64>,
    /// Absolute tolerance of adaptive steps
    #[arg(long, visible_alias = "atol", requires = "reltol", allow_hyphen_values = true)]
    abstol: Option<f64>,
    /// Relative tolerance of adaptive steps
    #[arg(long, visible_alias = "rtol", requires = "abstol", allow_hyphen_values = true)]
    reltol: Option<f64>,
    /// Most evaluations of an adaptive solve
    #[arg(long, requires = "abstol", conflicts_with_all = ["steps", "nfe"], allow_negative_numbers = true)]
    max_nfe: Option<u64>,
    /// Adaptive Runge-Kutta steps of every lane's own, one network call for all lanes on their
    /// way; --max-nfe then bounds every lane
    #[arg(long, requires = "abstol", conflicts_with = "trajectory")]
    per_lane: bool,
    #[arg(long, help = help_of_spacing())]
    spacing: Option<String>,
    /// Start of the integration; from 0, clean data, for solvers that are finite there (ddim, lms)
    #[arg(long, allow_hyphen_values = true)]
    t_start: Option<f64>,
    /// End of the integration; above the start: encoding; equal to it: the initial state as it is.
    /// For edm, 0 is steps to 0.002, where the spacing has no place at 0 as the default, and a last
    /// one, of one evaluation, to the data
    #[arg(long, allow_hyphen_values = true)]
    t_end: Option<f64>,
    #[command(flatten)]
    start: StartArguments,
    /// Precision of the states
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    /// Noise level of a stochastic solver
    #[arg(long, allow_hyphen_values = true)]
    noise_level: Option<f64>,
    #[command(flatten)]
    guidance: GuidanceArguments,
    #[arg(long, help = help_of_threshold())]
    threshold: Option<String>,
    /// Replace the last state by the predicted data: one more evaluation after --steps, the last one
    /// of --nfe
    #[arg(long)]
    denoise_final: bool,
    /// Write every state, [steps + 1, n, d], the initial one first, in the units of the data
    #[arg(long)]
    trajectory: Option<PathBuf>,
    /// Draw samples of the plane over the data, or, with --trajectory, how the first came there:
    /// FILE.png, .svg or .pdf
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Draw the first images of the samples: FILE.png, .svg or .pdf
    #[arg(long)]
    grid: Option<PathBuf>,
    /// Draw the first images on their way from noise to data: FILE.png, .svg or .pdf
    #[arg(long)]
    trajectory_grid: Option<PathBuf>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Write the samples, in the units of the data
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl SampleArguments {
    /// An explicit list of times says how many steps it makes.
    fn budget(&self, spacing: Option<&Spacing>) -> Result<Budget, CommandError> {
        let listed = || {
            spacing
                .and_then(Spacing::own_steps)
                .filter(|_| self.nfe.is_none() && self.abstol.is_none())
        };
        match (self.steps.or_else(listed), self.nfe, self.abstol, self.reltol) {
            (Some(steps), ..) => Ok(Budget::Steps(steps)),
            (_, Some(nfe), ..) => Ok(Budget::Evaluations(nfe)),
            (_, _, Some(abstol), Some(reltol)) => {
                Ok(Budget::Adaptive { abstol, reltol, max_nfe: self.max_nfe })
            }
            _ => Err(CommandError::usage(
                "give one of --steps N, --nfe N, or --abstol A with --reltol R",
            )),
        }
    }

    fn settings(&self) -> Result<Settings, CommandError> {
        let spacing = self.spacing.as_deref().map(str::parse::<Spacing>).transpose()?;
        Ok(Settings {
            solver: Solver::parse(&self.solver)?,
            budget: self.budget(spacing.as_ref())?,
            spacing,
            t_start: self.t_start,
            t_end: self.t_end,
            strength: self.start.strength,
            noise_level: self.noise_level,
            threshold: self.threshold.as_deref().map(str::parse::<Threshold>).transpose()?,
            denoise_final: self.denoise_final,
            seed: self.start.seed,
            first_lane: self.start.first_lane,
            saved: self.saved(),
            per_lane: self.per_lane,
            condition: self.guidance.condition(),
            stop: Arc::default(),
            watch: None,
        })
    }

    fn saved(&self) -> Saved {
        match (&self.trajectory, &self.trajectory_grid) {
            (Some(_), _) => Saved::All,
            (None, Some(_)) => Saved::Frames(FRAMES),
            (None, None) => Saved::Last,
        }
    }

    /// The same in names of ours, and what those of other libraries are, on stderr.
    fn in_our_names(&self) -> Self {
        let mut own = self.clone();
        names::translate_process(&mut own.process);
        let grid = own.abstol.is_none();
        names::translate_solver(&mut own.solver, &mut own.spacing, grid);
        own
    }

    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("--process", Some(&self.process));
        files.inputs_in("--field", Some(&self.field));
        files.inputs_in("--spacing", self.spacing.as_deref());
        self.start.add_to(&mut files);
        files.output("--out", &self.out);
        files.output("--trajectory", &self.trajectory);
        files.picture("--plot", &self.plot);
        files.picture("--grid", &self.grid);
        files.picture("--trajectory-grid", &self.trajectory_grid);
        files
    }

    /// Refuses what no model and no initial state could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        self.files().check()?;
        self.guidance.check(&self.foreign.field(&self.field)?)?;
        self.pictures.check([&self.plot, &self.grid, &self.trajectory_grid])?;
        self.start.check()
    }

    /// What is drawn of a chunk of lanes.
    fn draw<T: Scalar>(
        &self,
        chunk: &Generated<T>,
        drawn: &mut Vec<ImageTile>,
    ) -> Result<(), CommandError> {
        if self.grid.is_some() {
            drawn.extend(images::tiles(&chunk.samples, MOST_DRAWN - drawn.len()));
        }
        if let Some(file) = &self.trajectory_grid {
            let (times, states) = Saved::Frames(FRAMES).of(&chunk.times, &chunk.trajectory);
            let grid = images::trajectory_grid(self.title(), &times, &states)?;
            self.pictures.render(&grid, file)?;
        }
        Ok(())
    }

    fn draw_grid(&self, drawn: Vec<ImageTile>, shape: &[usize]) -> Result<(), CommandError> {
        let Some(file) = &self.grid else { return Ok(()) };
        // Labels that take turns each have a column of their own.
        let columns = match self.guidance.labels().len() {
            several @ 2..=16 => several,
            _ => PER_ROW,
        };
        let grid = ImageGrid::new(self.title(), images::side_of(shape)?);
        let rows = drawn.chunks(columns).map(|tiles| ImageRow::new("", tiles.to_vec()));
        self.pictures.render(&rows.fold(grid, ImageGrid::row), file)
    }

    fn title(&self) -> String {
        format!("{}, {}", self.process, self.solver)
    }

    /// What `--json` prints. Process and solver are echoed as they were asked
    /// for, in names of ours; `process_spec` has the process with all its parameters.
    fn summary(&self, process_spec: &str, streamed: &Streamed) -> Value {
        let Streamed { statistics, outcome, seconds, span, steps, .. } = streamed;
        let mut summary = json!({
            "solver": self.solver,
            "process": self.process,
            "process_spec": process_spec,
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
            "shape": shape(streamed),
            "notes": exit::texts(&streamed.notes),
        });
        if let Some(strength) = self.start.strength {
            summary["strength"] = json!(strength);
        }
        if let Some(evaluations) = streamed.lane_evaluations {
            summary["lane_nfe"] = json!({
                "least": evaluations.least,
                "mean": evaluations.total as f64 / streamed.lanes as f64,
                "most": evaluations.most,
            });
            summary["unfinished_lanes"] = json!(evaluations.unfinished);
        }
        summary
    }

    /// The same for reading.
    fn text(&self, process_spec: &str, streamed: &Streamed) -> String {
        let Streamed { statistics, outcome, seconds, span, .. } = streamed;
        let shape = shape(streamed);
        let written = match &self.out {
            Some(file) => format!("samples of shape {shape:?} written to {}", echo_path(file)),
            None => {
                format!("samples of shape {shape:?} not written; give --out FILE.npy to keep them")
            }
        };
        let evaluations = streamed.lane_evaluations.map(|all| {
            let mean = all.total as f64 / streamed.lanes as f64;
            let LaneEvaluations { least, most, unfinished, .. } = all;
            format!(
                "evaluations per lane: {least} to {most}, {mean:.1} on average; \
                 {unfinished} lane(s) did not arrive"
            )
        });
        let lines = [
            format!(
                "{process_spec}, {} from t = {} to {}",
                self.solver,
                Number(span.start),
                Number(span.end)
            ),
            format!(
                "{statistics}, {} network forwards, {seconds:.3} s",
                statistics.network_forwards
            ),
            outcome.to_string(),
            written,
        ];
        lines.into_iter().chain(evaluations).collect::<Vec<_>>().join("\n")
    }
}

pub(super) fn run(
    arguments: &SampleArguments,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    let arguments = arguments.in_our_names();
    match arguments.dtype {
        Dtype::F32 => run_as::<f32>(&arguments, signals),
        Dtype::F64 => run_as::<f64>(&arguments, signals),
    }
}

fn run_as<T: Precision + NpyElement>(
    arguments: &SampleArguments,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    arguments.check_before_reading()?;
    let path = process::parse(&arguments.process)?;
    let settings = arguments.settings()?;
    check_settings(&path, &settings, arguments.start.has_state())?;
    let model =
        Field::parse(&arguments.foreign.field(&arguments.field)?)?.model(&arguments.process)?;
    model.check_condition(&settings.condition)?;
    images::check_drawable([&arguments.grid, &arguments.trajectory_grid], &model.row_shape())?;
    let mut plane = PlanePicture::of(
        arguments.plot.as_ref(),
        arguments.trajectory.is_some(),
        &model.row_shape(),
    )?;
    let initial = arguments.start.initial::<T>(&*model, &settings.condition)?;
    let progress = SamplingProgress::new();
    let settings = Settings { stop: signals.listen(), watch: progress.watch(), ..settings };
    let (mut samples, mut drawn) = (None, Vec::new());
    let streamed = generate_in_chunks(&path, &*model, initial, &settings, |chunk| {
        if let Some(file) = &arguments.out {
            append(&mut samples, file, &chunk.samples).map_err(CommandError::failed)?;
        }
        if let Some(file) = &arguments.trajectory {
            write_trajectory(file, &chunk.trajectory).map_err(CommandError::failed)?;
        }
        if let Some(plane) = &mut plane {
            plane.take(&chunk);
        }
        arguments.draw(&chunk, &mut drawn)?;
        Ok::<(), CommandError>(())
    })?;
    if let Some(writer) = samples {
        writer.finish().map_err(CommandError::failed)?;
    }
    drop(progress);
    if let Some(plane) = plane {
        plane.draw(&arguments.title(), &*model, &arguments.pictures)?;
    }
    arguments.draw_grid(drawn, &streamed.lane_shape)?;
    exit::note(&streamed.notes);
    if arguments.json {
        let summary = arguments.summary(&path.spec(), &streamed);
        exit::say(serde_json::to_string_pretty(&summary)?)?;
    } else {
        exit::say(arguments.text(&path.spec(), &streamed))?;
    }
    Ok(exit::status(&streamed.outcome))
}

/// Shape of all samples.
fn shape(streamed: &Streamed) -> Vec<usize> {
    [&[streamed.lanes], streamed.lane_shape.as_slice()].concat()
}

/// Appends a chunk of samples to the file, begun with the first.
fn append<T: Scalar + NpyElement>(
    writer: &mut Option<RowWriter<T>>,
    file: &Path,
    samples: &ArrayD<T>,
) -> Result<(), NpyError> {
    let writer = match writer {
        Some(writer) => writer,
        None => writer.insert(RowWriter::create(file, &samples.shape()[1..])?),
    };
    samples.outer_iter().try_for_each(|sample| writer.push(&sample))
}

fn write_trajectory<T: Scalar + NpyElement>(
    file: &Path,
    states: &[ArrayD<T>],
) -> Result<(), NpyError> {
    let shape = states.first().map_or(&[][..], |state| state.shape());
    let mut writer = RowWriter::create(file, shape)?;
    for state in states {
        writer.push(state)?;
    }
    writer.finish()
}
