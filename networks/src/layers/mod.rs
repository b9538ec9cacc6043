//! The layers of networks on the CPU: forward, back, and along a direction.
//!
//! Images are rows of pixels with their channels side by side, and a point is an image of one
//! pixel. Every operation works on a few images at a time and treats each by itself: a network's
//! result for an image has the same bits alone and among others.

mod attention;
mod entries;
mod map;
mod norm;
mod pixels;
mod residual;
#[cfg(test)]
mod tests;
mod time_features;
mod units;
mod weights;
mod windows;

pub(crate) use attention::{Attention, AttentionTape};
pub use entries::Entries;
pub(crate) use entries::{check_divisor, check_levels, check_size};
pub(crate) use map::Map;
pub(crate) use norm::{Norm, NormTape, silu_backward, silu_forward};
pub(crate) use pixels::{BLOCK_PIXELS, Grid, join, split};
pub(crate) use residual::{BlockScratch, Residual, ResidualTape};
pub(crate) use time_features::TimeFeatures;
pub(crate) use units::units_of_pixels;
pub(crate) use weights::Weights;
