//! Brownian paths: increments that depend on (seed, lane, base grid, t) alone.
//!
//! | path | known | draws |
//! |---|---|---|
//! | [`BrownianPath`] | on its grid | as the solve goes; keeps nothing |
//! | [`BrownianTree`] | at any time | the base grid in advance, bridges on demand |
//! | [`RecordedPath`] | on its grid | nothing: the increments are given |
//! | [`Retraced`] | as the path it wraps | the same path run backwards |
//!
//! Beside the increment `W` over an interval of length `h`, a path has the
//! space-time Levy area `H = 1/h int (W_s - s/h W) ds`, `W_s` counted from the
//! start of the interval: normal, independent of `W`, of variance `h / 12`. It is
//! what methods of strong order 3/2 need to know more:
//! `int W_s ds = h (W / 2 + H)`.

mod base;
mod bridge;
mod brownian;
mod channels;
mod descent;
mod group;
#[cfg(target_arch = "x86_64")]
mod group_avx2;
mod landing;
mod lane_rng;
mod lane_rngs;
mod piece;
mod recorded;
mod renumbered;
mod retraced;
mod tree;
mod xoshiro;
mod ziggurat;

pub use brownian::{BrownianPath, NoNoise};
pub use channels::{Channels, NoiseRequest};
pub(crate) use landing::Landing;
pub use lane_rng::{LaneRng, Stream, fill_initial_normals};
pub use recorded::RecordedPath;
pub(crate) use renumbered::Renumbered;
pub use retraced::Retraced;
pub use tree::BrownianTree;
pub use xoshiro::Xoshiro;

use crate::number::Number;
use crate::state::StateError;

/// Why an increment could not be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// The interval does not start or end on the base grid.
    #[error(
        "the interval [{a}, {b}] does not start and end on the path's base grid; take the step times from the base grid, or refine the path with `BrownianTree`",
        a = Number(*a), b = Number(*b)
    )]
    OffGrid {
        /// Start.
        a: f64,
        /// End.
        b: f64,
    },
    /// The interval leaves the path, or runs against its direction.
    #[error(
        "the path does not run from {a} to {b}; give it a base grid that spans the solve, in its direction",
        a = Number(*a), b = Number(*b)
    )]
    OutsidePath {
        /// Start.
        a: f64,
        /// End.
        b: f64,
    },
    /// Steps that adapt ask for times that a path on a grid does not know.
    #[error(
        "adaptive steps need increments between any two times, and this path is known on its grid only; refine it with `BrownianTree`"
    )]
    GridOnly,
    /// A base grid that does not run strictly in one direction, or has no interval.
    #[error("a base grid needs two times or more that run strictly in one direction")]
    Grid,
    /// A method of strong order 3/2 on a path whose areas are not known.
    #[error(
        "the method needs space-time Levy areas, and this path has none; record them (`with_areas`), draw them (`BrownianTree::through`), or take the path as linear between its times (`piecewise_linear`)"
    )]
    NoAreas,
    /// The path has another number of Brownian motions than the problem.
    #[error("the path has {available} channel(s) and the problem asks for {asked}")]
    Channels {
        /// Of the path.
        available: usize,
        /// Of the problem.
        asked: usize,
    },
    /// One Brownian motion per component where shared ones are needed, or the
    /// other way round.
    #[error("the path is laid out as {available:?} and the problem asks for {asked:?}")]
    Layout {
        /// Of the path.
        available: Channels,
        /// Of the problem.
        asked: Channels,
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
    /// Writes `W(b) - W(a)` into `dw`, one state per channel: variance `|b - a|`,
    /// in either time direction.
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError>;

    /// The increment where one state holds it.
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        self.increments(a, b, std::slice::from_mut(dw))
    }

    /// Increments and space-time Levy areas (see the [module](self)) over `[a, b]`.
    fn increments_and_areas(
        &mut self,
        _a: f64,
        _b: f64,
        _dw: &mut [S],
        _areas: &mut [S],
    ) -> Result<(), NoiseError> {
        Err(NoiseError::NoAreas)
    }

    /// Gives lane `i` from now on what was lane `from[i]`'s; `false` if the path cannot, and is
    /// then asked for all its lanes.
    fn renumber(&mut self, _from: &[usize]) -> bool {
        false
    }

    /// Whether the path has what a method is going to ask for. Paths that do not
    /// say have one Brownian motion per component, at any time, and no areas.
    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        if request.areas {
            return Err(NoiseError::NoAreas);
        }
        Channels::PerComponent.matches(request)
    }
}

fn provides_on_grid(channels: Channels, request: &NoiseRequest) -> Result<(), NoiseError> {
    if request.any_time {
        return Err(NoiseError::GridOnly);
    }
    channels.matches(request)
}
