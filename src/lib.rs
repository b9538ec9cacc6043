//! driftfield: see the README.

pub mod cli;
pub mod generate;
pub mod metrics;
pub mod plot;
pub mod report;
pub mod study;

pub use driftfield_problems as problems;
pub use driftfield_solvers as solvers;
