//! driftfield: see the README.
