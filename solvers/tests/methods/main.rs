//! Methods: coefficients, orders, laws and reference runs.

#[path = "../common/mod.rs"]
mod common;

mod adaptive_sde;
mod convergence;
mod corrected_state;
mod exponential;
mod exponential_formulas;
mod nfe;
mod sde_fields;
mod sde_laws;
mod sde_references;
mod sde_tableaux;
mod strong_order;
mod strong_order_mistakes;
mod tableaux;
mod weak_order;
