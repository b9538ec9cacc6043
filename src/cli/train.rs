use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use driftfield_problems::atomic_file;
use driftfield_problems::data;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::train::{LossRow, Objective, TrainError, Trainer, TrainingConfig};
use indicatif::{ProgressBar, ProgressStyle};

use super::{CommandError, exit};
use crate::plot::{LossCurve, Plot};

/// Points drawn from a data set to train on.
const TRAINING_POINTS: usize = 100_000;

#[derive(Args)]
pub(super) struct TrainArguments {
    /// Process, such as `vp`, `rectified-flow`, `brownian-bridge`
    #[arg(long)]
    process: String,
    /// Data: `cat`, `moons`, `checkerboard`, `swiss-roll`, `eight-gaussians` or `FILE.npy`
    #[arg(long)]
    data: String,
    /// Where the weights go (`.safetensors`); loss curve and checkpoint beside it
    #[arg(long)]
    out: PathBuf,
    /// Training steps
    #[arg(long, default_value_t = 8000, allow_negative_numbers = true)]
    steps: usize,
    /// Seed of the weights, the batches and the data
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Go on from the checkpoint beside --out
    #[arg(long)]
    resume: bool,
}

/// What each process's network predicts: noise for diffusions, the data for the
/// bridge, the velocity for rectified flow.
fn objective(path: &SharedPath) -> Objective {
    match path.name() {
        "rectified-flow" => Objective::Velocity,
        "brownian-bridge" => Objective::Data,
        _ => Objective::Noise,
    }
}

pub(super) fn run(arguments: &TrainArguments) -> Result<ExitCode, CommandError> {
    let path = process::parse(&arguments.process)?;
    let data = data::by_name(&arguments.data)?.sample(TRAINING_POINTS, arguments.seed);
    let beside = |extension: &str| arguments.out.with_extension(extension);
    if arguments.out.extension().is_none_or(|extension| extension != "safetensors") {
        return Err(CommandError::usage(format!(
            "`{}` is no weights file; give a name that ends in .safetensors",
            arguments.out.display()
        )));
    }
    for file in [&arguments.out, &beside("loss.csv"), &beside("loss.png"), &beside("checkpoint")] {
        exit::check_writable(file)?;
    }
    let (t_max, t_min) = path.default_span();
    let config = TrainingConfig {
        steps: arguments.steps,
        seed: arguments.seed,
        t_min,
        t_max,
        ..TrainingConfig::new(path.spec(), arguments.data.clone(), data.ncols())
    };
    let mut trainer = Trainer::new(config, objective(&path), &path, &data)?
        .with_checkpoint(beside("checkpoint"), 500);
    if arguments.resume {
        trainer = trainer.resume()?;
    }
    let bar = progress_bar(arguments.steps, trainer.step());
    let result = trainer.run(|progress| {
        bar.set_position(progress.step as u64);
        bar.set_message(format!("loss {:.4}", progress.loss));
    });
    bar.finish_and_clear();
    let network = result.map_err(training_failed)?;
    network.save(&arguments.out).map_err(CommandError::failed)?;
    write_loss(trainer.history(), &beside("loss.csv"), &beside("loss.png"))?;
    trainer.remove_checkpoint().map_err(CommandError::failed)?;
    let last = trainer.history().last();
    exit::say(format!(
        "{}: {} on {}, {} steps, last loss {:.4}",
        arguments.out.display(),
        path.spec(),
        arguments.data,
        arguments.steps,
        last.map_or(f64::NAN, |row| row.loss)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// A process or data that cannot be trained on is the request's fault.
fn training_failed(error: TrainError) -> CommandError {
    match error {
        TrainError::Diverged { .. } | TrainError::Checkpoint(_) => CommandError::failed(error),
        other => other.into(),
    }
}

fn progress_bar(steps: usize, from: usize) -> ProgressBar {
    // indicatif draws to stderr, and only if that is a terminal.
    let bar = ProgressBar::new(steps as u64).with_position(from as u64);
    let style = ProgressStyle::with_template(
        "training {bar:40} {pos}/{len} {msg} [{elapsed_precise} < {eta_precise}]",
    );
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write_loss(history: &[LossRow], csv: &Path, png: &Path) -> Result<(), CommandError> {
    let mut text = String::from("step,loss,learning_rate\n");
    for row in history {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},{},{}", row.step, row.loss, row.learning_rate);
    }
    atomic_file::write(csv, text.as_bytes()).map_err(CommandError::failed)?;
    let steps = history.iter().map(|row| row.step as f64).collect();
    let losses = history.iter().map(|row| row.loss).collect();
    let mut curve = LossCurve::new("Training loss", steps, losses);
    curve.learning_rate = Some(history.iter().map(|row| row.learning_rate).collect());
    curve.render(png).map_err(CommandError::failed)?;
    Ok(())
}
