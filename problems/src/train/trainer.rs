//! The training loop.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::batch::Batch;
use super::checkpoint::{Identity, State};
use super::gradient::Gradient;
use super::optimiser::{Moments, Update, adamw, norm};
use super::{CheckpointError, Objective, TrainError, TrainingConfig};
use crate::network::Parameters;
use crate::process::GaussianPath;
use crate::weights::{Standardisation, TrainedNetwork, WeightsError};

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
}

/// A training run: `Trainer::new(config, objective, path, data)?.run(|progress| ...)?`.
///
/// With [`Trainer::with_checkpoint`] and [`Trainer::resume`] it may be killed at
/// any moment and started again, and ends in the same weights to the bit.
#[derive(Debug)]
pub struct Trainer<'a> {
    config: TrainingConfig,
    objective: Objective,
    path: &'a dyn GaussianPath,
    /// Standardised.
    data: Array2<f64>,
    standardisation: Standardisation,
    identity: Identity,
    state: State,
    batch: Batch,
    gradient: Gradient,
    checkpoint: Option<(PathBuf, usize)>,
}

impl<'a> Trainer<'a> {
    /// A run at its beginning, on `data` `[n, d]` in its own units: it is
    /// standardised here, and the result holds the standardisation.
    ///
    /// [`Objective::Data`] sets `config.network.residual`.
    pub fn new(
        mut config: TrainingConfig,
        objective: Objective,
        path: &'a dyn GaussianPath,
        data: &Array2<f64>,
    ) -> Result<Self, TrainError> {
        config.network.residual |= objective.residual();
        config.validate()?;
        let standardisation = Standardisation::fit(data)?;
        if data.ncols() != config.network.dimension {
            let (expected, found) = (config.network.dimension, data.ncols());
            return Err(TrainError::Dimension { expected, found });
        }
        let identity = Identity::new(&config, objective, path, data);
        let mut data = data.as_standard_layout().to_owned();
        standardisation.apply(&mut data)?;
        let values = Parameters::initialise(&config.network, config.seed)?.values().to_vec();
        let state = State {
            average: values.clone(),
            first: vec![0.0; values.len()],
            second: vec![0.0; values.len()],
            values,
            history: Vec::new(),
        };
        let gradient = Gradient::new(&config.network, config.batch);
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
        })
    }

    /// Writes a checkpoint to `path` every `every` steps (at least 1) and at the
    /// end. It is replaced atomically.
    pub fn with_checkpoint(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.checkpoint = Some((path.into(), every.max(1)));
        self
    }

    /// Goes on from the checkpoint of [`Trainer::with_checkpoint`] if there is
    /// one; a checkpoint of another run (other settings, data, process or
    /// objective) is refused.
    pub fn resume(mut self) -> Result<Self, TrainError> {
        if let Some((path, _)) = &self.checkpoint
            && exists(path)?
        {
            self.state = State::load(path, &self.identity, self.state.values.len())?;
        }
        Ok(self)
    }

    /// The settings, with what the objective has set.
    pub fn config(&self) -> &TrainingConfig {
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

    /// Trains to the end and returns the averaged network.
    ///
    /// `progress` is called after every step.
    pub fn run(&mut self, progress: impl FnMut(&Progress)) -> Result<TrainedNetwork, TrainError> {
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
        while self.state.step() < last {
            let row = self.advance()?;
            let taken = self.state.step();
            progress(&Progress {
                step: taken,
                steps: self.config.steps,
                loss: row.loss,
                learning_rate: row.learning_rate,
            });
            if let Some((path, every)) = &self.checkpoint
                && (taken.is_multiple_of(*every) || taken == last)
            {
                self.save_checkpoint(path)?;
            }
        }
        Ok(())
    }

    /// The network with the averaged weights of the steps taken so far.
    pub fn trained(&self) -> Result<TrainedNetwork, TrainError> {
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
            std::fs::remove_file(path).map_err(|source| at(path, source))?;
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
        let length = norm(&self.gradient.total);
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
        let State { values, average, first, second, history } = &mut self.state;
        adamw(Moments { values, first, second, average }, &self.gradient.total, update);
        let row = LossRow { step, loss, learning_rate };
        history.push(row);
        Ok(row)
    }
}

fn at(path: &Path, source: std::io::Error) -> CheckpointError {
    WeightsError::Io { path: path.to_path_buf(), source }.into()
}

/// Whether there is a file; unlike `Path::exists`, says so when it cannot know.
fn exists(path: &Path) -> Result<bool, TrainError> {
    Ok(path.try_exists().map_err(|source| at(path, source))?)
}
