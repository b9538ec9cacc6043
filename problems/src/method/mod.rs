//! Methods that ask a field for more than a derivative, and the registry of all
//! that run on the fields of a Gaussian path.

mod ancestral;
mod ancestral_steps;
mod annealed_langevin;
mod churned;
mod deis;
mod dpm_solver;
mod langevin;
mod langevin_steps;
mod multistep;
mod predictor_corrector;
mod registry;
mod reverse_diffusion;
mod sde_dpm_solver;
mod step_to_data;
mod unipc;

pub use ancestral::{Ancestral, AncestralMemory};
pub use annealed_langevin::{AnnealedLangevin, AnnealedLangevinMemory};
pub use langevin_steps::LangevinRule;
pub use predictor_corrector::{NoPredictor, PredictorCorrector, PredictorCorrectorMemory};
pub use registry::{ChosenMethod, IntendedGrid, PathMethod, parse, parse_for, path_methods};
pub use reverse_diffusion::{ReverseDiffusion, ReverseDiffusionMemory};
pub use step_to_data::StepToData;
