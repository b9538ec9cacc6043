//! Tensors by name, from other people's files.
//!
//! [`NamedTensors`] is what every file of weights becomes, whatever wrote it: a sorted map from
//! dotted names (`layers.0.weight`) to tensors on the CPU. A [`Renaming`] gives them the names and
//! the layouts of the network that they are to fill, and a candle module takes them by
//! [`NamedTensors::var_builder`], one of our own architectures by
//! [`Parameters::from_tensors`](crate::Parameters::from_tensors).
//!
//! | file | written by | names |
//! |---|---|---|
//! | `.safetensors` | anything | as they are |
//! | `.pt`, `.pth`, `.ckpt`, `.bin` | `torch.save` | the keys of the state dict |
//! | `.msgpack` | `flax.serialization` | the keys of the nested maps, joined by dots |
//! | `.npz` | `numpy.savez` | `/` becomes a dot |
//!
//! Nothing of a file is ever executed: a pickle is read by a machine that knows tensors,
//! dictionaries and plain values, and refuses what asks for anything else. What a file claims is
//! held against its length and against memory before room is made for it.

mod archive;
mod element;
mod error;
mod flax;
mod format;
mod layout;
mod map;
mod msgpack;
mod npz;
mod pattern;
mod pickle;
mod renaming;
mod safetensors_file;
#[cfg(test)]
mod tests;
mod torch;

pub use error::TensorsError;
pub use format::Format;
pub use layout::Layout;
pub use map::NamedTensors;
pub use renaming::{Renaming, Rule};
