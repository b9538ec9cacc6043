//! Methods that ask a field for more than a derivative, and the catalogue of all that run on the
//! fields of a Gaussian path.
//!
//! A method is one file and one entry of [`methods`], and one of your own a [`Solver`].

mod aliases;
mod ancestral;
mod ancestral_steps;
mod annealed_langevin;
mod catalog;
mod churned;
mod deis;
mod dpm_solver;
mod langevin;
mod langevin_steps;
mod multistep;
mod predictor_corrector;
mod recipe;
mod reverse_diffusion;
mod says_noise;
mod sde_dpm_solver;
mod solver;
mod step_to_data;
mod unipc;

pub use ancestral::{Ancestral, AncestralStepper};
pub use annealed_langevin::{AnnealedLangevin, AnnealedLangevinStepper};
pub use catalog::{catalog, methods, multistep_solver, parse, parse_for, path_methods};
pub use langevin_steps::LangevinRule;
pub use predictor_corrector::{
    NoPredictor, NoPredictorStepper, PredictorCorrector, PredictorCorrectorStepper,
};
pub use recipe::{ChosenMethod, IntendedGrid, PathMethod, Recipe};
pub use reverse_diffusion::{ReverseDiffusion, ReverseDiffusionStepper};
pub use solver::{MethodPrecision, Solver};
pub use step_to_data::{StepToData, StepToDataStepper};
