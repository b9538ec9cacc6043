//! Generative processes, predictors, vector fields, data sets and training.
//!
//! `process + predictor -> problem`: a process says how data becomes noise, a
//! predictor what is known of the data given a noisy state; together they make
//! ordinary [`driftfield_solvers`] problems.

pub mod atomic_file;
pub mod data;
pub mod field;
pub mod flow;
pub mod method;
pub mod network;
pub mod npy;
pub mod predictor;
pub mod process;
pub mod spacing;
pub mod spec;
pub mod train;
pub mod weights;
