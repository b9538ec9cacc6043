//! Networks, images and metrics.

#[path = "../common/mod.rs"]
mod common;

mod candle_state;
mod discrete_network;
mod empirical_digits;
mod feature_distances;
mod foreign;
mod images;
mod metrics;
mod mnist;
