//! Brownian paths: increments that depend on (seed, lane, base grid, t) alone.

mod brownian;
mod lane_rng;
mod recorded;

pub use brownian::{BrownianPath, NoNoise};
pub use lane_rng::{LaneRng, Stream, fill_initial_normals};
pub use recorded::RecordedPath;

use crate::state::StateError;

/// Why an increment could not be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// The interval does not start or end on the base grid.
    #[error(
        "the interval [{a}, {b}] does not start and end on the path's base grid; take the step times from the base grid"
    )]
    OffGrid {
        /// Start.
        a: f64,
        /// End.
        b: f64,
    },
    /// A recorded or drawn path is shaped unlike the state.
    #[error(transparent)]
    State(#[from] StateError),
    /// Recorded increments that do not fill the grid they are given for.
    #[error(
        "a grid of {times} time(s) has one increment per interval, and {increments} were given"
    )]
    RecordLength {
        /// Times of the grid.
        times: usize,
        /// Increments given.
        increments: usize,
    },
    /// A path was needed and none was given.
    #[error("the method draws noise, and the solve was given no Brownian path")]
    Absent,
}

/// A Brownian path. The public quantity is the increment over an interval,
/// never a difference of two path values.
///
/// Methods ask for the increments of their steps in order and once, each whole or in
/// consecutive parts.
pub trait Noise<S> {
    /// Writes `W(b) - W(a)` for every component into `dw`: variance `|b - a|`,
    /// in either time direction.
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError>;
}
