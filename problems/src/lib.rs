//! Generative processes, predictors, vector fields, data sets and training.
//!
//! `process + predictor -> problem`: a process says how data becomes noise, a
//! predictor what is known of the data given a noisy state; together they make
//! ordinary [`driftfield_solvers`] problems.

pub mod network;
pub mod predictor;
pub mod process;
pub mod train;
pub mod weights;
