//! Square grey images: samples and trajectories as pictures.

mod error;
mod grid;

pub use error::ImageError;
pub use grid::{MOST_DRAWN, side_of, tiles, trajectory_grid};
