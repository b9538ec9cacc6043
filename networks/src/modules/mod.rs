//! Other people's networks: their architectures, filled with their weights.
//!
//! A [`TensorNetwork`] is a function of candle tensors. The architectures of [`MODULES`] are built
//! from tensors under the names of the original's files, in torch's layout; each is held to
//! outputs of the original's code by a test. What the shapes of tensors tell is inferred, the rest
//! is a key with the original's default or is in the original's own JSON.
//!
//! ```
//! use driftfield_networks::modules::{self, ModuleEntry, Shapes};
//!
//! let names = modules::catalog();
//! assert!(names.names().all(|name| ModuleEntry::named(name).is_ok()));
//! assert!(modules::recognise(&Shapes::default()).next().is_none());
//! ```

mod entry;
mod error;
mod network;
mod shapes;
mod taken;

pub use entry::{KernelLayout, MODULES, ModuleConfig, ModuleEntry, catalog, recognise};
pub use error::ModuleError;
pub use network::{Conditions, TensorNetwork};
pub use shapes::Shapes;
