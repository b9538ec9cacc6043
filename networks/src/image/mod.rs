//! The operations of networks on images, forward and backward, on the CPU.
//!
//! Images are rows of pixels with their channels side by side. Every operation works on a
//! few images at a time and treats each by itself: a network's result for an image has the
//! same bits alone and among others.

mod attention;
mod entries;
mod map;
mod norm;
mod pixels;
mod residual;
#[cfg(test)]
mod tests;
mod windows;

pub(crate) use attention::{Attention, AttentionTape};
pub(crate) use entries::{Entries, check_divisor, check_levels, check_size};
pub(crate) use map::{Map, Operands};
pub(crate) use norm::{Norm, NormTape, silu_backward, silu_forward};
pub(crate) use pixels::{Grid, join, split};
pub(crate) use residual::{BlockScratch, Residual, ResidualTape};
