//! Square grey images: samples and trajectories as pictures.

mod error;
mod grid;

pub use error::ImageError;
pub(crate) use grid::check_drawable;
pub use grid::{FRAMES, MOST_DRAWN, PER_ROW, side_of, tiles, trajectory_grid};
