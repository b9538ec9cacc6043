//! Generative processes, predictors, vector fields, data sets and training.
//!
//! `process + predictor -> problem`: a process says how data becomes noise, a
//! predictor what is known of the data given a noisy state; together they make
//! ordinary [`driftfield_solvers`] problems.

pub mod field;
pub mod flow;
pub mod method;
pub mod network;
pub mod predictor;
pub mod process;
pub mod spacing;
pub mod spec;
pub mod train;
pub mod weights;
