//! The runs of other libraries, repeated on the field and the noise they had.

#[path = "../common/mod.rs"]
mod common;

mod adaptive;
mod deis;
mod diffuse;
mod diffusers;
mod dpm_solver;
mod dpm_solver_adaptive;
mod edm;
mod kdiffusion;
mod mean_reverting;
mod score_sde;
mod truth;
mod unipc_vary_coeff;
