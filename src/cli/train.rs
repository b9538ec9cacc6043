use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use driftfield_networks::train::{
    LossRow, Objective, Request, Run, TrainError, ValidationRow, check_checkpoint,
};
use driftfield_networks::weights::AnyNetwork;
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
use super::{CommandError, exit, list};
use crate::plot::{LossCurve, Plot};

/// Points drawn from a data set to train on.
const TRAINING_POINTS: usize = 100_000;
/// Steps between two checkpoints, and between two validations.
const STEPS_TO_CHECKPOINT: usize = 500;
const VALIDATION: usize = 250;
/// Extensions of the files beside the weights.
const LOSS_TABLE: &str = "loss.csv";
const LOSS_PICTURE: &str = "loss.png";
const CHECKPOINT: &str = "checkpoint";

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

#[derive(Args)]
pub(super) struct TrainArguments {
    /// Process, such as `vp`, `rectified-flow`, `brownian-bridge`; none for a classifier
    #[arg(long, required_unless_present = "network")]
    process: Option<String>,
    #[arg(long, help = help_of_data())]
    data: String,
    /// Where the weights go (`.safetensors`), loss curve and checkpoint beside them; weights that
    /// are there already are kept until the new ones are complete
    #[arg(long)]
    out: PathBuf,
    #[arg(long, help = help_of_network())]
    network: Option<String>,
    /// What it predicts, by default `velocity` on rectified flow, `data` on the bridge, else `noise`
    #[arg(long, value_parser = ["noise", "velocity", "data"])]
    prediction: Option<String>,
    /// Training steps [default: mlp 8000, unet 12000, classifier 2500]
    #[arg(long, allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Seed of the weights, the batches and the data
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Go on from the checkpoint beside --out, which a run that was stopped leaves there; without
    /// this, a run is refused where there is one
    #[arg(long)]
    resume: bool,
}

/// What each process's network predicts unless told: noise for diffusions, the data for the
/// bridge, the velocity for rectified flow.
fn objective(path: &SharedPath, asked: Option<&str>) -> Objective {
    match (asked, path.name()) {
        (Some("velocity"), _) | (None, "rectified-flow") => Objective::Velocity,
        (Some("data"), _) | (None, "brownian-bridge") => Objective::Data,
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
        files.output("--out", &self.out);
        for extension in [LOSS_TABLE, LOSS_PICTURE, CHECKPOINT] {
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
        Ok(check_checkpoint(&self.beside(CHECKPOINT), self.resume)?)
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
    let empty = arguments.request(&task, &nothing, signals);
    let Some(directory) = directory else {
        // Of any number of components, before they are known.
        network.check(&spec, &empty, 1)?;
        let points = points(arguments)?;
        let run = network.start(&spec, &Request { values: &points, ..empty })?;
        train(arguments, run, &task)?;
        return Ok(ExitCode::SUCCESS);
    };
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
        held_out: Some((&test.pixels, &test.labels, VALIDATION)),
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
        let path = process::parse(process)?;
        let objective = objective(&path, self.prediction.as_deref());
        Ok(Task { process: path.spec(), span: Some(path.default_span()), path, objective })
    }

    fn labels(&self) -> Result<Task, CommandError> {
        if self.process.is_some() || self.prediction.is_some() {
            return Err(CommandError::usage(
                "a classifier knows no process and predicts the label; leave out --process and --prediction",
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
    ) -> Request<'a> {
        Request {
            process: task.process.clone(),
            path: &task.path,
            objective: task.objective,
            span: task.span,
            steps: self.steps,
            seed: self.seed,
            data: self.data.clone(),
            values,
            labels: &[],
            held_out: None,
            checkpoint: Some((self.beside(CHECKPOINT), STEPS_TO_CHECKPOINT)),
            resume: self.resume,
            stop: signals.listen(),
        }
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

fn train(
    arguments: &TrainArguments,
    mut run: Box<dyn Run + '_>,
    task: &Task,
) -> Result<AnyNetwork, CommandError> {
    let checkpoint = arguments.beside(CHECKPOINT);
    let steps = run.steps();
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
