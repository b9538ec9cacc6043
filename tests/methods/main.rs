//! What every method holds to on every process, with an exact field: orders, laws, bits, lanes.

#[path = "../common/mod.rs"]
mod common;

mod chunks;
mod dense_output;
mod every_solver_on_every_process;
mod exponential_identities;
mod exponential_orders;
mod exponential_requests;
mod fixed_grids;
mod gross_errors;
mod lanes;
mod marginals;
mod moved_lanes;
mod multistep_orders;
mod own_rules;
mod predictor_corrector;
mod recorded_noise;
mod reproducibility;
mod reverse_sde_laws;
mod stochastic_exponential;
