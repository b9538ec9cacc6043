//! Training: a network from data, a process and an objective.
//!
//! ```
//! use driftfield_networks::train::{Objective, Trainer, TrainingConfig};
//! use driftfield_problems::process::RectifiedFlow;
//! use ndarray::array;
//!
//! let data = array![[1.0, 0.0], [-1.0, 0.5], [0.0, -0.5]];
//! let mut config = TrainingConfig::new("rectified-flow", "three points", 2);
//! config.steps = 20;
//! let mut trainer = Trainer::new(config, Objective::Velocity, &RectifiedFlow, &data).unwrap();
//! let trained = trainer.run(|progress| assert!(progress.loss.is_finite())).unwrap();
//! assert_eq!(trained.prediction, "velocity");
//! assert_eq!(trainer.history().len(), 20);
//! ```
//!
//! Batches are pure functions of (seed, step), and gradients are summed over
//! fixed chunks of rows in their order: the trained weights are bit-identical
//! for any number of threads, and whether or not the run was interrupted and
//! resumed from a checkpoint (for one build on one CPU type).

mod batch;
mod checkpoint;
mod config;
mod error;
mod gradient;
#[cfg(test)]
mod image_tests;
mod loss;
mod objective;
mod optimiser;
mod run;
mod trainer;
#[cfg(test)]
mod trainer_tests;

pub use config::{LearningRateSchedule, TimeSampling, TrainingConfig};
pub use error::{CheckpointError, TrainError};
pub use objective::Objective;
pub(crate) use run::start;
pub use run::{Request, Run};
pub use trainer::{HeldOut, LossRow, Progress, Trainer, ValidationRow, check_checkpoint};
