//! driftfield: see the README.

pub mod metrics;
