//! Processes, data, predictors, flows and inverse problems.

#[path = "../common/mod.rs"]
mod common;

mod data;
mod dps;
mod flow;
mod inverse;
mod langevin;
mod measurements;
mod mixture;
mod noising;
mod npy;
mod own_path;
mod paths;
mod predictor;
mod products;
