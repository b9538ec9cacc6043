use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use driftfield_networks::train::{
    HeldOut, LearningRateSchedule, LossRow, Objective, Request, Run, TimeSampling, TrainError,
    ValidationRow, check_checkpoint,
};
use driftfield_networks::weights::{AnyNetwork, training_steps};
use driftfield_networks::{Architecture, ArchitectureEntry, MlpConfig, UNetConfig};
use driftfield_problems::atomic_file;
use driftfield_problems::data::{self, Mnist};
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::memory;
use driftfield_problems::process::{self, GaussianPath, RectifiedFlow, SharedPath};
use driftfield_problems::spec::Spec;
use driftfield_solvers::number::decimals;
use ndarray::Array2;

use super::files::Files;
use super::signals::Signals;
use super::training_progress::TrainingProgress;
use super::{CommandError, exit, list, names};
use crate::plot::{LossCurve, Plot};

/// Points drawn from a data set to train on.
const TRAINING_POINTS: usize = 100_000;
/// Points drawn to measure the loss on.
const HELD_OUT_POINTS: usize = 10_000;
/// Steps between two checkpoints, and between two validations.
const STEPS_TO_CHECKPOINT: usize = 500;
const VALIDATION: usize = 250;
/// Extensions of the files beside the weights.
const LOSS_TABLE: &str = "loss.csv";
const LOSS_PICTURE: &str = "loss.png";
const CHECKPOINT: &str = "checkpoint";
/// The state that a longer run would have had, too.
const BRANCH: &str = "branch";

fn help_of_data() -> String {
    format!("Data: {}", list::written(&data::catalog()))
}

fn help_of_network() -> String {
    let known = driftfield_networks::catalog();
    let known =
        known.entries().iter().map(|known| format!("{}, {}", known.name(), known.summary()));
    format!(
        "Network, its sizes as `mlp:width=256,layers=6` (`driftfield list networks`): {}. By default \
         `{}` for `mnist:DIR`, else `{}`",
        known.collect::<Vec<_>>().join("; "),
        UNetConfig::NAME,
        MlpConfig::NAME
    )
}

fn help_of_prediction() -> String {
    format!(
        "What it predicts, by default `velocity` on rectified flow, `data` on the bridge, else \
         `noise`: {}",
        list::names(&Objective::catalog())
    )
}

fn help_of_schedule() -> String {
    format!(
        "How the learning rate falls after its warm-up, by default `cosine` for mlp, else the \
         other: {}",
        list::names(&LearningRateSchedule::catalog())
    )
}

fn help_of_times() -> String {
    format!(
        "How the times of a step are drawn, by default `logit-normal` for velocities of images, \
         else `uniform`: {}",
        list::names(&TimeSampling::catalog())
    )
}

#[derive(Args)]
pub(super) struct TrainArguments {
    /// Process, such as `vp`, `rectified-flow`, `brownian-bridge`; none for a classifier
    #[arg(long, required_unless_present = "network")]
    process: Option<String>,
    #[arg(long, help = help_of_data())]
    data: String,
    /// Where the weights go (`.safetensors`), beside them the loss curve, the checkpoint and what a
    /// longer run goes on from (`.branch`); weights that are there already are kept until the new
    /// ones are complete
    #[arg(long)]
    out: PathBuf,
    #[arg(long, help = help_of_network())]
    network: Option<String>,
    #[arg(long, help = help_of_prediction())]
    prediction: Option<String>,
    /// Training steps, those before a --resume included [default: mlp 8000, unet 12000, classifier
    /// 2500]
    #[arg(long, allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Rows of a step [default: mlp 512, unet and classifier 64]
    #[arg(long, allow_negative_numbers = true)]
    batch: Option<usize>,
    /// Peak learning rate [default: 0.002]
    #[arg(long, allow_hyphen_values = true)]
    learning_rate: Option<f64>,
    #[arg(long, help = help_of_schedule())]
    schedule: Option<String>,
    /// Decay of the average of the weights that is the result [default: 0.999, classifier 0.99]
    #[arg(long, allow_hyphen_values = true)]
    ema: Option<f64>,
    #[arg(long, help = help_of_times())]
    time_sampling: Option<String>,
    /// Points that are not trained on, for the validation loss, as --data [default: other draws of
    /// --data; of FILE.npy none; of digits those under t10k-*]
    #[arg(long)]
    held_out: Option<String>,
    /// Seed of the weights, the batches and the data
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Go on from the checkpoint beside --out, which a run that was stopped leaves there; without
    /// this, a run is refused where there is one. Or extend a finished run to more --steps than it
    /// had, to the bits of one run of so many: from where its learning rate began to fall
    #[arg(long)]
    resume: bool,
}

/// What each process's network predicts unless told: noise for diffusions, the data for the
/// bridge, the velocity for rectified flow.
fn usual_objective(path: &SharedPath) -> Objective {
    match path.name() {
        "rectified-flow" => Objective::Velocity,
        "brownian-bridge" => Objective::Data,
        _ => Objective::Noise,
    }
}

impl TrainArguments {
    fn beside(&self, extension: &str) -> PathBuf {
        self.out.with_extension(extension)
    }

    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("--process", self.process.as_deref());
        files.inputs_in("--data", Some(&self.data));
        files.inputs_in("--held-out", self.held_out.as_deref());
        files.output("--out", &self.out);
        for extension in [LOSS_TABLE, LOSS_PICTURE, CHECKPOINT, BRANCH] {
            let option = format!("the .{extension} file beside --out");
            files.output(&option, &self.beside(extension));
        }
        files
    }

    /// Refuses what no data could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        if self.out.extension().is_none_or(|extension| extension != "safetensors") {
            return Err(CommandError::usage(format!(
                "`{}` is no weights file; give a name that ends in .safetensors",
                echo_path(&self.out)
            )));
        }
        self.files().check()?;
        if self.extends() {
            return Ok(());
        }
        Ok(check_checkpoint(&self.beside(CHECKPOINT), self.resume)?)
    }

    /// Whether a finished run is to go on to more steps than it had.
    fn extends(&self) -> bool {
        let had = || training_steps(&self.out).ok().flatten();
        let more = |asked: usize| had().is_some_and(|had| asked > had);
        self.resume
            && !self.beside(CHECKPOINT).exists()
            && self.beside(BRANCH).exists()
            && self.steps.is_some_and(more)
    }

    fn schedule(&self) -> Result<Option<LearningRateSchedule>, CommandError> {
        Ok(self.schedule.as_deref().map(str::parse).transpose()?)
    }

    fn times(&self) -> Result<Option<TimeSampling>, CommandError> {
        Ok(self.time_sampling.as_deref().map(str::parse).transpose()?)
    }
}

pub(super) fn run(arguments: &TrainArguments, signals: &Signals) -> Result<ExitCode, CommandError> {
    arguments.check_before_reading()?;
    let digits = arguments.data.strip_prefix("mnist:");
    let default = if digits.is_some() { UNetConfig::NAME } else { MlpConfig::NAME };
    let spec: Spec = arguments.network.as_deref().unwrap_or(default).parse()?;
    let network = ArchitectureEntry::named(spec.name())?;
    let directory = match digits {
        Some(directory) if network.images() => Some(Path::new(directory)),
        None if network.images() => {
            return Err(CommandError::usage(format!(
                "this network is trained on labelled digits, `{}` has none; give --data mnist:DIR",
                echo(&arguments.data)
            )));
        }
        _ => None,
    };
    let task = if network.classifies() { arguments.labels()? } else { arguments.generation()? };
    let nothing = Array2::zeros((0, 0));
    let empty = arguments.request(&task, &nothing, signals)?;
    let Some(directory) = directory else {
        // Of any number of components, before they are known.
        network.check(&spec, &empty, 1)?;
        let points = points(arguments)?;
        let other = held_out(arguments)?;
        let name = match &arguments.held_out {
            Some(name) => name.clone(),
            None => format!("other draws of {}", arguments.data),
        };
        let held_out = other.as_ref().map(|data| held_out_of(&name, data, &[]));
        let run = network.start(&spec, &Request { values: &points, held_out, ..empty })?;
        train(arguments, run, &task)?;
        return Ok(ExitCode::SUCCESS);
    };
    if arguments.held_out.is_some() {
        return Err(CommandError::usage(
            "images are validated on those under t10k-* of --data; leave out --held-out",
        ));
    }
    network.check(&spec, &empty, Mnist::SIDE * Mnist::SIDE)?;
    let digits = Mnist::read(directory)?;
    // So that the second half can be what samples are compared with.
    let half = network.classifies().then(|| digits.first_half());
    let (seen, test) = (half.as_ref().unwrap_or(&digits.train), &digits.test);
    let request = Request {
        // Where the digits are is no part of what they are.
        data: "mnist".to_owned(),
        values: &seen.pixels,
        labels: &seen.labels,
        held_out: Some(held_out_of("t10k-*", &test.pixels, &test.labels)),
        ..empty
    };
    let trained = train(arguments, network.start(&spec, &request)?, &task)?;
    if network.classifies() {
        let accuracy = trained.accuracy(&test.pixels, &test.labels);
        let accuracy = 100.0 * accuracy.map_err(CommandError::failed)?;
        exit::say(format!("{accuracy:.2} % of {} other digits are recognised", test.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a network is to learn of which process.
struct Task {
    process: String,
    path: SharedPath,
    span: Option<(f64, f64)>,
    objective: Objective,
}

impl TrainArguments {
    fn generation(&self) -> Result<Task, CommandError> {
        let Some(process) = &self.process else {
            return Err(CommandError::usage("give the --process that the network is to learn"));
        };
        let (mut process, mut prediction) = (process.clone(), self.prediction.clone());
        names::translate_process(&mut process);
        if let Some(prediction) = &mut prediction {
            names::translate(&Objective::catalog(), prediction);
        }
        let path = process::parse(&process)?;
        let asked = prediction.as_deref().map(str::parse).transpose()?;
        let objective = asked.unwrap_or_else(|| usual_objective(&path));
        Ok(Task { process: path.spec(), span: Some(path.default_span()), path, objective })
    }

    fn labels(&self) -> Result<Task, CommandError> {
        let timed = [&self.process, &self.prediction, &self.time_sampling];
        if timed.into_iter().any(Option::is_some) {
            return Err(CommandError::usage(
                "a classifier knows no process and no time and predicts the label; leave out --process, --prediction and --time-sampling",
            ));
        }
        let (process, path) = ("none".to_owned(), Arc::new(RectifiedFlow) as SharedPath);
        Ok(Task { process, path, span: None, objective: Objective::Label })
    }

    /// The request, but for what is in the data.
    fn request<'a>(
        &self,
        task: &'a Task,
        values: &'a Array2<f64>,
        signals: &Signals,
    ) -> Result<Request<'a>, CommandError> {
        Ok(Request {
            process: task.process.clone(),
            path: &task.path,
            objective: task.objective,
            span: task.span,
            steps: self.steps,
            batch: self.batch,
            learning_rate: self.learning_rate,
            schedule: self.schedule()?,
            ema_decay: self.ema,
            times: self.times()?,
            seed: self.seed,
            data: self.data.clone(),
            values,
            labels: &[],
            held_out: None,
            checkpoint: Some((self.beside(CHECKPOINT), STEPS_TO_CHECKPOINT)),
            branch: Some(self.beside(BRANCH)),
            resume: self.resume,
            stop: signals.listen(),
        })
    }
}

/// Points of a data set.
fn points(arguments: &TrainArguments) -> Result<Array2<f64>, CommandError> {
    let data = data::by_name(&arguments.data)?;
    // The points, and a standardised copy.
    let bytes = (TRAINING_POINTS * 2 * size_of::<f64>()) as u128 * data.dimension() as u128;
    memory::check("training points", TRAINING_POINTS as u64, bytes)?;
    Ok(data.sample(TRAINING_POINTS, arguments.seed))
}

/// Points that are not trained on: what was given, or other draws where there is no end of them.
fn held_out(arguments: &TrainArguments) -> Result<Option<Array2<f64>>, CommandError> {
    let drawn = |name: &str, first| -> Result<_, CommandError> {
        let data = data::by_name(name)?;
        Ok(Some(data.sample_from(first as u64, HELD_OUT_POINTS, arguments.seed)))
    };
    let given = &arguments.data;
    let rows =
        data::file_of(given).is_some_and(|(_, file)| file.to_ascii_lowercase().ends_with(".npy"));
    match &arguments.held_out {
        Some(other) => drawn(other, 0),
        None if rows => Ok(None),
        None => drawn(given, TRAINING_POINTS),
    }
}

fn held_out_of<'a>(name: &'a str, data: &'a Array2<f64>, labels: &'a [u32]) -> HeldOut<'a> {
    HeldOut { name, data, labels, every: VALIDATION }
}

fn train(
    arguments: &TrainArguments,
    mut run: Box<dyn Run + '_>,
    task: &Task,
) -> Result<AnyNetwork, CommandError> {
    let checkpoint = arguments.beside(CHECKPOINT);
    let steps = run.steps();
    if arguments.extends() {
        exit::warn(format_args!(
            "training: step {} of {steps}: a longer run differs from here on",
            run.step()
        ));
    }
    let mut shown = TrainingProgress::new(steps, run.step());
    let result = run.run(&mut |progress| shown.show(progress));
    shown.finish();
    let network = result.map_err(training_failed)?;
    let bytes = run.to_bytes().map_err(training_failed)?;
    let written = atomic_file::write(&arguments.out, &bytes).map_err(CommandError::failed);
    let written = written.and_then(|()| {
        let (csv, png) = (arguments.beside(LOSS_TABLE), arguments.beside(LOSS_PICTURE));
        write_loss(run.history(), run.validation(), &csv, &png)
    });
    written.map_err(|error| {
        let checkpoint = echo_path(&checkpoint);
        let advice = "once it can be written, end the run with --resume";
        CommandError::failed(format!("{error}; `{checkpoint}` holds all of the training, {advice}"))
    })?;
    run.remove_checkpoint().map_err(CommandError::failed)?;
    let last = run.history().last();
    let validation = run.validation().last();
    exit::say(format!(
        "{}: {} on {}, {steps} steps, last loss {}{}",
        echo_path(&arguments.out),
        task.process,
        echo(&arguments.data),
        decimals(last.map_or(f64::NAN, |row| row.loss), 4),
        validation
            .map_or(String::new(), |row| format!(", on other data {}", decimals(row.loss, 4))),
    ))?;
    Ok(network)
}

/// A process or data that cannot be trained on is the request's fault.
fn training_failed(error: TrainError) -> CommandError {
    match error {
        TrainError::Diverged { .. } | TrainError::Checkpoint(_) | TrainError::Stopped { .. } => {
            CommandError::failed(error)
        }
        other => other.into(),
    }
}

fn write_loss(
    history: &[LossRow],
    validation: &[ValidationRow],
    csv: &Path,
    png: &Path,
) -> Result<(), CommandError> {
    let mut text = String::from("step,loss,learning_rate");
    text.push_str(if validation.is_empty() { "\n" } else { ",validation_loss\n" });
    let mut other = validation.iter().peekable();
    for row in history {
        // Writing to a string cannot fail.
        let _ = write!(text, "{},{},{}", row.step, row.loss, row.learning_rate);
        if !validation.is_empty() {
            text.push(',');
        }
        // After as many steps as the row before it counts.
        if let Some(found) = other.next_if(|found| found.step == row.step + 1) {
            let _ = write!(text, "{}", found.loss);
        }
        text.push('\n');
    }
    atomic_file::write(csv, text.as_bytes()).map_err(CommandError::failed)?;
    let steps = history.iter().map(|row| row.step as f64).collect();
    let losses = history.iter().map(|row| row.loss).collect();
    let mut curve = LossCurve::new("Training loss", steps, losses);
    curve.learning_rate = Some(history.iter().map(|row| row.learning_rate).collect());
    curve.validation = validation.iter().map(|row| [row.step as f64, row.loss]).collect();
    curve.render(png).map_err(CommandError::failed)?;
    Ok(())
}
