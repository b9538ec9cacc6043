//! A training run of whichever architecture.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use driftfield_problems::process::GaussianPath;
use ndarray::Array2;

use super::{
    CheckpointError, HeldOut, LearningRateSchedule, LossRow, Objective, Progress, TimeSampling,
    TrainError, Trainer, TrainingConfig, ValidationRow,
};
use crate::Architecture;
use crate::weights::AnyNetwork;

/// What a run is asked for beside the network.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The process in words; stored only.
    pub process: String,
    /// The process.
    pub path: &'a dyn GaussianPath,
    /// What the network is to predict.
    pub objective: Objective,
    /// The times trained on, largest first; by default those of the reference settings.
    pub span: Option<(f64, f64)>,
    /// Optimiser steps; by default those of the reference settings.
    pub steps: Option<usize>,
    /// Rows per step; by default those of the reference settings, as all that follow.
    pub batch: Option<usize>,
    /// Peak learning rate.
    pub learning_rate: Option<f64>,
    /// How it falls.
    pub schedule: Option<LearningRateSchedule>,
    /// Largest decay of the average of the weights.
    pub ema_decay: Option<f64>,
    /// How times are drawn.
    pub times: Option<TimeSampling>,
    /// Seed of the initial weights and of all batches.
    pub seed: u64,
    /// The data's name; stored only.
    pub data: String,
    /// The data, a row per sample in its own units.
    pub values: &'a Array2<f64>,
    /// A label per row, if the network takes or predicts labels.
    pub labels: &'a [u32],
    /// Data that is not trained on.
    pub held_out: Option<HeldOut<'a>>,
    /// Where the checkpoint is, and the steps between two writes of it.
    pub checkpoint: Option<(PathBuf, usize)>,
    /// Where the state is kept from which a longer run goes on; see [`Trainer::with_branch`].
    pub branch: Option<PathBuf>,
    /// Whether to go on from the checkpoint.
    pub resume: bool,
    /// Ends the run once it is set.
    pub stop: Arc<AtomicBool>,
}

impl Request<'_> {
    /// The settings of the run for this network.
    pub(crate) fn config<A: Architecture>(&self, network: A) -> TrainingConfig<A> {
        let base = network.settings(self.process.clone(), self.data.clone(), self.objective);
        let (t_max, t_min) = self.span.unwrap_or((base.t_max, base.t_min));
        TrainingConfig {
            steps: self.steps.unwrap_or(base.steps),
            batch: self.batch.unwrap_or(base.batch),
            learning_rate: self.learning_rate.unwrap_or(base.learning_rate),
            schedule: self.schedule.unwrap_or(base.schedule),
            ema_decay: self.ema_decay.unwrap_or(base.ema_decay),
            times: self.times.unwrap_or(base.times),
            seed: self.seed,
            t_min,
            t_max,
            ..base
        }
    }
}

/// A [`Trainer`] of whichever architecture.
pub trait Run {
    /// Steps of the whole run.
    fn steps(&self) -> usize;

    /// Steps taken.
    fn step(&self) -> usize;

    /// The loss curve: one row per step taken.
    fn history(&self) -> &[LossRow];

    /// The losses on data not trained on.
    fn validation(&self) -> &[ValidationRow];

    /// Trains to the end; `progress` is called after every step.
    fn run(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<AnyNetwork, TrainError>;

    /// The bytes of the file of the averaged network.
    fn to_bytes(&self) -> Result<Vec<u8>, TrainError>;

    /// Deletes the checkpoint, if there is one.
    fn remove_checkpoint(&self) -> Result<(), TrainError>;
}

/// The run of a request.
pub(crate) fn start<'a, A: Architecture>(
    request: &Request<'a>,
    network: A,
) -> Result<Box<dyn Run + 'a>, TrainError> {
    let Request { path, objective, values, labels, .. } = *request;
    let mut trainer = Trainer::labelled(request.config(network), objective, path, values, labels)?;
    if let Some(held_out) = request.held_out {
        trainer = trainer.with_validation(held_out)?;
    }
    if let Some((file, every)) = &request.checkpoint {
        trainer = trainer.with_checkpoint(file, *every);
    }
    if let Some(file) = &request.branch {
        trainer = trainer.with_branch(file);
    }
    if request.resume {
        trainer = trainer.resume()?;
    }
    Ok(Box::new(trainer.stopped_by(request.stop.clone())))
}

impl<A: Architecture> Run for Trainer<'_, A> {
    fn steps(&self) -> usize {
        self.config().steps
    }

    fn step(&self) -> usize {
        Trainer::step(self)
    }

    fn history(&self) -> &[LossRow] {
        Trainer::history(self)
    }

    fn validation(&self) -> &[ValidationRow] {
        Trainer::validation(self)
    }

    fn run(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<AnyNetwork, TrainError> {
        Ok(Trainer::run(self, progress)?.into())
    }

    fn to_bytes(&self) -> Result<Vec<u8>, TrainError> {
        Ok(self.trained()?.to_bytes().map_err(CheckpointError::from)?)
    }

    fn remove_checkpoint(&self) -> Result<(), TrainError> {
        Trainer::remove_checkpoint(self)
    }
}
