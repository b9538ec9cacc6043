//! The training loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driftfield_problems::atomic_file::{WriteError, behind_links};
use driftfield_problems::memory;
use driftfield_problems::process::GaussianPath;
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;

use super::batch::{Batch, Rows};
use super::checkpoint::{Identity, State};
use super::gradient::Gradient;
use super::loss::Loss;
use super::optimiser::{Moments, Update, adamw, norm};
use super::{CheckpointError, Objective, TrainError, TrainingConfig};
use crate::weights::{TrainedNetwork, WeightsError};
use crate::{Architecture, MlpConfig, Parameters};

/// One point of the loss curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossRow {
    /// Step, counted from 0.
    pub step: usize,
    /// Loss of its batch, before its update.
    pub loss: f64,
    /// Learning rate of its update.
    pub learning_rate: f64,
}

/// One point of the curve of the loss on data not trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValidationRow {
    /// Steps taken before.
    pub step: usize,
    /// Loss of the averaged weights.
    pub loss: f64,
}

/// What a run tells its caller after every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Steps of the whole run.
    pub steps: usize,
    /// Loss of the last step's batch.
    pub loss: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Last loss on data not trained on.
    pub validation: Option<f64>,
}

/// A training run: `Trainer::new(config, objective, path, data)?.run(|progress| ...)?`.
///
/// With [`Trainer::with_checkpoint`] it may be killed at any moment, or [stopped](Trainer::stopped_by),
/// goes on with [`Trainer::resume`], and ends in the same weights to the bit.
#[derive(Debug)]
pub struct Trainer<'a, A: Architecture = MlpConfig> {
    config: TrainingConfig<A>,
    objective: Objective,
    path: &'a dyn GaussianPath,
    data: Rows,
    standardisation: Standardisation,
    identity: Identity,
    state: State,
    batch: Batch,
    gradient: Gradient,
    checkpoint: Option<(PathBuf, usize)>,
    branch: Option<PathBuf>,
    /// Whether the checkpoint is this run's own.
    resumed: bool,
    stop: Arc<AtomicBool>,
    validation: Option<Validation>,
}

/// Data that is not trained on.
#[derive(Debug, Clone, Copy)]
pub struct HeldOut<'a> {
    /// What it is called, for messages.
    pub name: &'a str,
    /// A row per sample in its own units.
    pub data: &'a Array2<f64>,
    /// A label per row, if the network takes or predicts labels.
    pub labels: &'a [u32],
    /// Steps between two evaluations on it, at least 1.
    pub every: usize,
}

/// Batches that are not trained on.
#[derive(Debug)]
struct Validation {
    batches: Vec<Batch>,
    /// Steps between two evaluations.
    every: usize,
}

/// Batches of a validation; their numbers are those of no step.
const VALIDATION_BATCHES: usize = 8;
const FIRST_VALIDATION_BATCH: usize = 1 << 40;

impl<'a, A: Architecture> Trainer<'a, A> {
    /// A run at its beginning, on `data` `[n, d]` in its own units: it is
    /// standardised here, and the result holds the standardisation.
    ///
    /// [`Objective::Data`] makes an MLP residual. Networks with labels are trained by
    /// [`Trainer::labelled`].
    pub fn new(
        config: TrainingConfig<A>,
        objective: Objective,
        path: &'a dyn GaussianPath,
        data: &Array2<f64>,
    ) -> Result<Self, TrainError> {
        Self::labelled(config, objective, path, data, &[])
    }

    /// A run on data with a label per row, for a network that takes labels.
    pub fn labelled(
        mut config: TrainingConfig<A>,
        objective: Objective,
        path: &'a dyn GaussianPath,
        data: &Array2<f64>,
        labels: &[u32],
    ) -> Result<Self, TrainError> {
        config.network.prepare(objective)?;
        config.validate()?;
        let standardisation = config.network.units(data)?;
        check_memory(&config)?;
        let identity = Identity::new(&config, objective, path, data, labels)?;
        let data = rows(&config, &standardisation, data, labels)?;
        let values = config.network.initial_values(config.seed);
        let state = State {
            average: values.clone(),
            first: vec![0.0; values.len()],
            second: vec![0.0; values.len()],
            values,
            history: Vec::new(),
            validation: Vec::new(),
        };
        let loss = match objective {
            Objective::Label => Loss::CrossEntropy,
            _ => Loss::Squares,
        };
        let gradient = Gradient::new(&config.network, config.batch, loss);
        Ok(Trainer {
            config,
            objective,
            path,
            data,
            standardisation,
            identity,
            state,
            batch: Batch::default(),
            gradient,
            checkpoint: None,
            branch: None,
            resumed: false,
            stop: Arc::default(),
            validation: None,
        })
    }

    /// Evaluates the averaged weights every so many steps, on the same few batches of the data each
    /// time, with all its labels. A run that goes on from a checkpoint has the same data.
    pub fn with_validation(mut self, held_out: HeldOut<'_>) -> Result<Self, TrainError> {
        let HeldOut { name, data, labels, every } = held_out;
        self.identity.hold_out(name, data, labels);
        let data = rows(&self.config, &self.standardisation, data, labels)?;
        let config = TrainingConfig { label_dropout: 0.0, ..self.config.clone() };
        let mut batches = vec![Batch::default(); VALIDATION_BATCHES];
        for (index, batch) in batches.iter_mut().enumerate() {
            let number = FIRST_VALIDATION_BATCH + index;
            batch.draw(&config, self.objective, self.path, &data, number)?;
        }
        self.validation = Some(Validation { batches, every: every.max(1) });
        Ok(self)
    }

    /// Writes a checkpoint to `path` every `every` steps (at least 1) and at the
    /// end. It is replaced atomically. That of another run is refused by [`Trainer::run`]: a run
    /// goes on from it by [`Trainer::resume`], or starts again when it has been deleted.
    pub fn with_checkpoint(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoint = Some((path.into(), every.max(1)));
        self
    }

    /// Keeps in `path` the state after the [steps that longer runs
    /// share](TrainingConfig::shared_steps), from which [`Trainer::resume`] extends a finished run.
    pub fn with_branch(mut self, path: impl Into<PathBuf>) -> Self {
        self.branch = Some(path.into());
        self
    }

    /// Goes on from the checkpoint of [`Trainer::with_checkpoint`], or where there is none from the
    /// state of [`Trainer::with_branch`], which may be that of a shorter run; one of them must be
    /// there. That of another run (other settings, data, process or objective) is refused.
    pub fn resume(mut self) -> Result<Self, TrainError> {
        let Some((path, _)) = &self.checkpoint else { return Ok(self) };
        let weights = self.state.values.len();
        match &self.branch {
            Some(branch) if !exists(path)? && exists(branch)? => {
                self.state = State::load(branch, &self.identity.of_any_length(), weights)?;
                let (taken, shared) = (self.state.step(), self.config.shared_steps());
                if taken > shared {
                    let what =
                        format!("{taken} steps that longer runs share, this run has {shared}");
                    return Err(CheckpointError::OtherRun { what }.into());
                }
                // The run may have ended here, with a validation that a longer one has not.
                let every = self.validation.as_ref().map_or(1, |validation| validation.every);
                self.state.validation.retain(|row| row.step.is_multiple_of(every));
            }
            _ => {
                check_checkpoint(path, true)?;
                self.state = State::load(path, &self.identity, weights)?;
            }
        }
        self.resumed = true;
        Ok(self)
    }

    /// Ends the run with [`TrainError::Stopped`] before the next step once `stop` is set, the
    /// steps taken kept in the checkpoint.
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// The settings, with what the objective has set.
    pub fn config(&self) -> &TrainingConfig<A> {
        &self.config
    }

    /// Steps taken.
    pub fn step(&self) -> usize {
        self.state.step()
    }

    /// The loss curve: one row per step taken, those before a resume included.
    pub fn history(&self) -> &[LossRow] {
        &self.state.history
    }

    /// The losses on data not trained on, those before a resume included.
    pub fn validation(&self) -> &[ValidationRow] {
        &self.state.validation
    }

    /// Trains to the end and returns the averaged network.
    ///
    /// `progress` is called after every step.
    pub fn run(
        &mut self,
        progress: impl FnMut(&Progress),
    ) -> Result<TrainedNetwork<A>, TrainError> {
        self.run_until(self.config.steps, progress)?;
        self.trained()
    }

    /// Trains until `step` steps are taken (at most all of the run's), writing
    /// the checkpoints that fall due and one at the end.
    pub fn run_until(
        &mut self,
        step: usize,
        mut progress: impl FnMut(&Progress),
    ) -> Result<(), TrainError> {
        let last = step.min(self.config.steps);
        if let Some((path, _)) = &self.checkpoint
            && self.state.step() == 0
            && !self.resumed
        {
            check_checkpoint(path, false)?;
        }
        while self.state.step() < last {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.stopped());
            }
            let row = self.advance()?;
            let taken = self.state.step();
            self.validate(taken);
            progress(&Progress {
                step: taken,
                steps: self.config.steps,
                loss: row.loss,
                learning_rate: row.learning_rate,
                validation: self.state.validation.last().map(|row| row.loss),
            });
            if let Some((path, every)) = &self.checkpoint
                && (taken.is_multiple_of(*every) || taken == last)
            {
                self.save_checkpoint(path)?;
            }
            if let Some(path) = &self.branch
                && taken == self.config.shared_steps()
            {
                self.state.save(path, &self.identity.of_any_length())?;
            }
        }
        Ok(())
    }

    /// Keeps the steps taken, and says that there will be no more.
    fn stopped(&self) -> TrainError {
        let checkpoint = self.checkpoint.as_ref().map(|(path, _)| path);
        if let Some(path) = checkpoint
            && let Err(error) = self.save_checkpoint(path)
        {
            return error;
        }
        let (step, steps) = (self.step(), self.config.steps);
        TrainError::Stopped { step, steps, checkpoint: checkpoint.cloned() }
    }

    fn validate(&mut self, taken: usize) {
        let Some(Validation { batches, every }) = &self.validation else { return };
        if taken.is_multiple_of(*every) || taken == self.config.steps {
            let losses = batches.iter().map(|b| self.gradient.loss(&self.state.average, b));
            let loss = losses.sum::<f64>() / batches.len() as f64;
            self.state.validation.push(ValidationRow { step: taken, loss });
        }
    }

    /// The network with the averaged weights of the steps taken so far.
    pub fn trained(&self) -> Result<TrainedNetwork<A>, TrainError> {
        let parameters = Parameters::from_values(&self.config.network, self.state.average.clone())?;
        Ok(TrainedNetwork {
            parameters,
            process: self.config.process.clone(),
            prediction: self.objective.prediction().into(),
            standardisation: self.standardisation.clone(),
            training: serde_json::to_value(&self.config).map_err(|error| {
                CheckpointError::from(WeightsError::Metadata(error.to_string()))
            })?,
            data: self.config.data.clone(),
            data_std: Some(Standardisation::spread(&self.data.values)),
        })
    }

    /// Writes a checkpoint now, whole or not at all.
    pub fn save_checkpoint(&self, path: &Path) -> Result<(), TrainError> {
        Ok(self.state.save(path, &self.identity)?)
    }

    /// Deletes the checkpoint, if there is one: for the caller to do once the
    /// trained network is saved.
    pub fn remove_checkpoint(&self) -> Result<(), TrainError> {
        if let Some((path, _)) = &self.checkpoint
            && exists(path)?
        {
            std::fs::remove_file(behind_links(path))
                .map_err(WriteError::at(path))
                .map_err(CheckpointError::from)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn state_values(&self) -> &[f32] {
        &self.state.values
    }

    /// One step: batch, gradient, clipping, update, average.
    fn advance(&mut self) -> Result<LossRow, TrainError> {
        let step = self.state.step();
        let learning_rate = self.config.learning_rate_at(step);
        self.batch.draw(&self.config, self.objective, self.path, &self.data, step)?;
        let loss = self.gradient.evaluate(&self.state.values, &self.batch);
        let length = norm(self.gradient.total());
        if !(loss.is_finite() && length.is_finite()) {
            return Err(TrainError::Diverged { step, learning_rate });
        }
        let update = Update {
            step,
            learning_rate,
            beta1: self.config.beta1,
            beta2: self.config.beta2,
            weight_decay: self.config.weight_decay,
            gradient_scale: (self.config.gradient_clip / length).min(1.0),
            ema_decay: self.config.ema_decay_at(step),
        };
        let State { values, average, first, second, history, .. } = &mut self.state;
        adamw(Moments { values, first, second, average }, self.gradient.total(), update);
        let row = LossRow { step, loss, learning_rate };
        history.push(row);
        Ok(row)
    }
}

/// Refuses weights and batches that do not fit.
fn check_memory<A: Architecture>(config: &TrainingConfig<A>) -> Result<(), TrainError> {
    let weights = config.network.parameters().len();
    // Weights, average, two moments, gradient, and copies in the making; of a batch the state, the
    // target and what the first and last layers make of them.
    let (copies, rows) = (8 * weights as u128, config.batch as u128);
    let bytes = (copies + 6 * rows * config.network.dimension() as u128) * size_of::<f32>() as u128;
    Ok(memory::check("weights", weights as u64, bytes)?)
}

/// Standardised data that fits the network.
fn rows<A: Architecture>(
    config: &TrainingConfig<A>,
    standardisation: &Standardisation,
    data: &Array2<f64>,
    labels: &[u32],
) -> Result<Rows, TrainError> {
    let (expected, found) = (config.network.dimension(), data.ncols());
    if found != expected {
        return Err(TrainError::Dimension { expected, found });
    }
    let known = config.network.labels() + config.network.classes();
    let expected = if known == 0 { 0 } else { data.nrows() };
    if labels.len() != expected {
        return Err(TrainError::Labels { expected, found: labels.len() });
    }
    if let Some(&label) = labels.iter().find(|&&label| label as usize >= known) {
        return Err(TrainError::Label { label, known });
    }
    let mut values = data.as_standard_layout().to_owned();
    standardisation.apply(&mut values)?;
    Ok(Rows { values, labels: labels.to_vec() })
}

/// Refuses a run that is to go on from a checkpoint where there is none, and one that is to begin
/// where there is one: either way hours of training could be lost.
pub fn check_checkpoint(path: &Path, resume: bool) -> Result<(), CheckpointError> {
    match (exists(path)?, resume) {
        (true, false) => Err(CheckpointError::InTheWay { path: path.to_path_buf() }),
        (false, true) => Err(CheckpointError::Missing { path: path.to_path_buf() }),
        _ => Ok(()),
    }
}

/// Whether there is a file; unlike `Path::exists`, says so when it cannot know.
fn exists(path: &Path) -> Result<bool, CheckpointError> {
    let read = |source| CheckpointError::Read { path: path.to_path_buf(), source };
    path.try_exists().map_err(read)
}
