//! driftfield: see the README.

pub mod metrics;
pub mod plot;
pub mod report;
