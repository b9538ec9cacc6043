//! driftfield: see the README.

mod atomic_file;
pub mod plot;
pub mod report;
