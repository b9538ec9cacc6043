//! One solve and many: states, lanes, noise, observers, failures, ensembles.

#[path = "../common/mod.rs"]
mod common;

mod ensemble_statistics;
mod ensembles;
mod failures;
mod lane_streams;
mod lanes;
mod noise;
mod observers;
mod one_loop;
mod states;
