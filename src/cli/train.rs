use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use driftfield_networks::train::{
    LossRow, Objective, TrainError, Trainer, TrainingConfig, ValidationRow, check_checkpoint,
};
use driftfield_networks::weights::TrainedNetwork;
use driftfield_networks::{Architecture, ClassifierConfig, UNetConfig};
use driftfield_problems::atomic_file;
use driftfield_problems::data::{self, Mnist};
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::memory;
use driftfield_problems::process::{self, GaussianPath, RectifiedFlow, SharedPath};
use driftfield_solvers::number::decimals;

use super::files::Files;
use super::signals::Signals;
use super::training_progress::TrainingProgress;
use super::{CommandError, exit};
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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Network {
    /// A residual MLP, for points
    Mlp,
    /// A U-Net conditioned on labels, for digits
    Unet,
    /// A classifier of digits, which knows no process
    Classifier,
}

#[derive(Args)]
pub(super) struct TrainArguments {
    /// Process, such as `vp`, `rectified-flow`, `brownian-bridge`; none for a classifier
    #[arg(long, required_unless_present = "network")]
    process: Option<String>,
    /// Data: `cat`, `moons`, `checkerboard`, `swiss-roll`, `eight-gaussians`, `FILE.npy`, a mixture `FILE.json`, or digits `mnist:DIR`
    #[arg(long)]
    data: String,
    /// Where the weights go (`.safetensors`), loss curve and checkpoint beside them; weights that
    /// are there already are kept until the new ones are complete
    #[arg(long)]
    out: PathBuf,
    /// Network; by default `unet` for `mnist:DIR`, else `mlp`
    #[arg(long, value_enum)]
    network: Option<Network>,
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
    let default = if digits.is_some() { Network::Unet } else { Network::Mlp };
    let network = arguments.network.unwrap_or(default);
    let directory = || match digits {
        Some(directory) => Ok(Path::new(directory)),
        None => Err(CommandError::usage(format!(
            "this network is trained on labelled digits, `{}` has none; give --data mnist:DIR",
            echo(&arguments.data)
        ))),
    };
    if network == Network::Classifier {
        return train_classifier(arguments, directory()?, signals);
    }
    let Some(process) = &arguments.process else {
        return Err(CommandError::usage("give the --process that the network is to learn"));
    };
    let path = process::parse(process)?;
    let objective = objective(&path, arguments.prediction.as_deref());
    match network {
        Network::Unet => train_unet(arguments, &path, objective, directory()?, signals),
        _ => train_mlp(arguments, &path, objective, signals),
    }
}

fn train_mlp(
    arguments: &TrainArguments,
    path: &SharedPath,
    objective: Objective,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    let config = |dimension| {
        let base = TrainingConfig::new(path.spec(), arguments.data.clone(), dimension);
        configure(base, arguments, path)
    };
    // Of any number of components, before they are known.
    config(1).validate()?;
    let data = data::by_name(&arguments.data)?;
    // The points, and a standardised copy.
    let bytes = (TRAINING_POINTS * 2 * size_of::<f64>()) as u128 * data.dimension() as u128;
    memory::check("training points", TRAINING_POINTS as u64, bytes)?;
    let data = data.sample(TRAINING_POINTS, arguments.seed);
    let config = config(data.ncols());
    train(arguments, Trainer::new(config, objective, path, &data)?, signals)?;
    Ok(ExitCode::SUCCESS)
}

fn train_unet(
    arguments: &TrainArguments,
    path: &SharedPath,
    objective: Objective,
    directory: &Path,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    // Where the digits are is no part of what they are.
    let base = TrainingConfig::images(path.spec(), "mnist", UNetConfig::default(), objective);
    let config = configure(base, arguments, path);
    config.validate()?;
    let Mnist { train: digits, test } = Mnist::read(directory)?;
    let trainer = Trainer::labelled(config, objective, path, &digits.pixels, &digits.labels)?;
    let trainer = trainer.with_validation(&test.pixels, &test.labels, VALIDATION)?;
    train(arguments, trainer, signals)?;
    Ok(ExitCode::SUCCESS)
}

/// On the first half of the digits, so that the second can be what samples are compared with.
fn train_classifier(
    arguments: &TrainArguments,
    directory: &Path,
    signals: &Signals,
) -> Result<ExitCode, CommandError> {
    if arguments.process.is_some() || arguments.prediction.is_some() {
        return Err(CommandError::usage(
            "a classifier knows no process and predicts the label; leave out --process and --prediction",
        ));
    }
    let base = TrainingConfig::classifier("mnist", ClassifierConfig::default());
    let steps = arguments.steps.unwrap_or(base.steps);
    let config = TrainingConfig { steps, seed: arguments.seed, ..base };
    config.validate()?;
    let digits = Mnist::read(directory)?;
    let (seen, test) = (digits.first_half(), &digits.test);
    let (objective, path) = (Objective::Label, &RectifiedFlow);
    let trainer = Trainer::labelled(config, objective, path, &seen.pixels, &seen.labels)?;
    let trainer = trainer.with_validation(&test.pixels, &test.labels, VALIDATION)?;
    let network = train(arguments, trainer, signals)?;
    let pixels = test.pixels.mapv(|pixel| pixel as f32);
    let accuracy = network.classifier().accuracy(pixels.view(), &test.labels)?;
    exit::say(format!("{:.2} % of {} other digits are recognised", 100.0 * accuracy, test.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// The settings with what was asked for.
fn configure<A>(
    base: TrainingConfig<A>,
    arguments: &TrainArguments,
    path: &SharedPath,
) -> TrainingConfig<A> {
    let (t_max, t_min) = path.default_span();
    let steps = arguments.steps.unwrap_or(base.steps);
    TrainingConfig { steps, seed: arguments.seed, t_min, t_max, ..base }
}

fn train<A: Architecture>(
    arguments: &TrainArguments,
    trainer: Trainer<'_, A>,
    signals: &Signals,
) -> Result<TrainedNetwork<A>, CommandError> {
    let checkpoint = arguments.beside(CHECKPOINT);
    let mut trainer = trainer.with_checkpoint(&checkpoint, STEPS_TO_CHECKPOINT);
    if arguments.resume {
        trainer = trainer.resume()?;
    }
    let mut trainer = trainer.stopped_by(signals.listen());
    let steps = trainer.config().steps;
    let mut shown = TrainingProgress::new(steps, trainer.step());
    let result = trainer.run(|progress| shown.show(progress));
    shown.finish();
    let network = result.map_err(training_failed)?;
    let written = network.save(&arguments.out).map_err(CommandError::failed).and_then(|()| {
        let (csv, png) = (arguments.beside(LOSS_TABLE), arguments.beside(LOSS_PICTURE));
        write_loss(trainer.history(), trainer.validation(), &csv, &png)
    });
    written.map_err(|error| {
        let checkpoint = echo_path(&checkpoint);
        let advice = "once it can be written, end the run with --resume";
        CommandError::failed(format!("{error}; `{checkpoint}` holds all of the training, {advice}"))
    })?;
    trainer.remove_checkpoint().map_err(CommandError::failed)?;
    let last = trainer.history().last();
    let validation = trainer.validation().last();
    exit::say(format!(
        "{}: {} on {}, {steps} steps, last loss {}{}",
        echo_path(&arguments.out),
        network.process,
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
