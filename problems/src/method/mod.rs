//! Methods that ask a field for more than a derivative, and the registry of all
//! that run on the fields of a Gaussian path.

mod ancestral;
mod ancestral_steps;
mod churned;
mod deis;
mod dpm_solver;
mod multistep;
mod registry;
mod sde_dpm_solver;
mod unipc;

pub use ancestral::{Ancestral, AncestralMemory};
pub use registry::{ChosenMethod, IntendedGrid, PathMethod, parse, parse_for, path_methods};
