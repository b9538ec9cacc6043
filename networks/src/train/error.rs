//! Why a training run stops.

use std::path::PathBuf;

use driftfield_problems::atomic_file::WriteError;
use driftfield_problems::memory::MemoryError;
use driftfield_problems::spec::SpecError;
use driftfield_problems::standardisation::StandardisationError;
use driftfield_solvers::number::Number;

use crate::weights::WeightsError;
use crate::{ConfigError, ParametersError};

/// Why a training run cannot start, go on or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The architecture is refused.
    #[error(transparent)]
    Architecture(#[from] ConfigError),
    /// What is to be trained cannot be read.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A setting is refused.
    #[error("training: `{field}` is {value}; give {expected}", value = Number(*value))]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What would be accepted.
        expected: &'static str,
    },
    /// The data cannot be trained on.
    #[error("training data: {0}")]
    Data(#[from] StandardisationError),
    /// The data's rows do not fit the architecture.
    #[error("the network takes rows of {expected} value(s), the data has rows of {found}")]
    Dimension {
        /// Components the network takes.
        expected: usize,
        /// Columns of the data.
        found: usize,
    },
    /// The network cannot be trained for this.
    #[error(
        "this network cannot be trained to predict {objective}; classifiers predict the label, all others the noise, the velocity or the data"
    )]
    Objective {
        /// What was to be predicted.
        objective: &'static str,
    },
    /// Not as many labels as the network needs.
    #[error("the network takes {expected} label(s) for this data, {found} were given")]
    Labels {
        /// Labels it takes.
        expected: usize,
        /// Labels given.
        found: usize,
    },
    /// A label the network does not know.
    #[error("a label of the data is {label}; the network knows 0 to {}", known.saturating_sub(1))]
    Label {
        /// The label.
        label: u32,
        /// Labels it knows.
        known: usize,
    },
    /// The process is not finite at a time to be trained on.
    #[error(
        "the process has no finite {quantity} at t = {t}; move `t_min` or `t_max` away from that end",
        t = Number(*t)
    )]
    Process {
        /// What is not finite.
        quantity: &'static str,
        /// Where.
        t: f64,
    },
    /// The loss or the gradient is no longer finite.
    #[error(
        "training diverged at step {step} (learning rate {learning_rate:e}): the loss is not finite; lower the learning rate"
    )]
    Diverged {
        /// The step whose loss it is.
        step: usize,
        /// The learning rate there.
        learning_rate: f64,
    },
    /// More than fits in memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The run was stopped from outside.
    #[error("training was stopped after {step} of {steps} step(s){}", kept(.checkpoint))]
    Stopped {
        /// Steps taken.
        step: usize,
        /// Steps of the whole run.
        steps: usize,
        /// The checkpoint that holds them.
        checkpoint: Option<PathBuf>,
    },
    /// The final weights do not make a network.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// A checkpoint cannot be written, read or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

fn kept(checkpoint: &Option<PathBuf>) -> String {
    checkpoint.as_ref().map_or(String::new(), |path| {
        format!(", which `{}` holds; go on from there with --resume", path.display())
    })
}

/// Why a checkpoint cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file is damaged or not a checkpoint.
    #[error("checkpoint: {0}; delete it to start again")]
    Damaged(#[source] WeightsError),
    /// The file could not be written; the last that was is whole.
    #[error("checkpoint: {0}; go on from the last checkpoint with --resume, if one was written")]
    Write(#[from] WriteError),
    /// The operating system refused to read the file, or to look for it.
    #[error("cannot read the checkpoint `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: std::io::Error,
    },
    /// A run that was to go on has nothing to go on from.
    #[error(
        "there is no checkpoint `{}` to go on from (a run that reached its end has none any more, and is extended by more --steps than it had); leave out --resume to train from the beginning",
        path.display()
    )]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// A run that was to begin would overwrite the checkpoint of another.
    #[error(
        "the checkpoint `{}` of an unfinished run is there; go on from it with --resume, or delete that file to start again",
        path.display()
    )]
    InTheWay {
        /// The file found.
        path: PathBuf,
    },
    /// The checkpoint belongs to another run.
    #[error(
        "the checkpoint was made with {what}; repeat that run's settings to resume, or delete the checkpoint to start again"
    )]
    OtherRun {
        /// What differs.
        what: String,
    },
}

/// A file that could not be written or read is not damaged.
impl From<WeightsError> for CheckpointError {
    fn from(error: WeightsError) -> Self {
        match error {
            WeightsError::Write(error) => CheckpointError::Write(error),
            WeightsError::Io { path, source } => CheckpointError::Read { path, source },
            damaged => CheckpointError::Damaged(damaged),
        }
    }
}
