//! Square grey images: samples and trajectories as pictures.

mod error;
#[cfg(feature = "plot")]
mod grid;

pub use error::ImageError;
#[cfg(feature = "cli")]
pub(crate) use grid::check_drawable;
#[cfg(feature = "plot")]
pub use grid::{FRAMES, MOST_DRAWN, PER_ROW, side_of, tiles, trajectory_grid};
