//! Networks of other people's files, with what has to be known of them.
//!
//! [`Imported::read`] takes a file of weights (PyTorch, flax, safetensors, NumPy), a graph in ONNX or
//! a folder of diffusers. What such a file does not say, a [`Description`] does: which architecture,
//! which process, what is predicted, in which units.

mod description;
mod diffusers;
mod error;
mod read;
#[cfg(test)]
mod tests;
mod units;

pub use description::{Description, Input, keys};
pub use error::ImportError;
pub use read::Imported;
pub use units::Units;
