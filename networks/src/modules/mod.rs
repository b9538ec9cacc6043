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

mod checks;
mod condunet2d;
mod entry;
mod error;
mod layers;
mod network;
mod psdenoiser;
mod shapes;
mod taken;
#[cfg(test)]
mod testing;
mod time;
mod unet2d;
#[cfg(feature = "diffusers")]
mod unet2d_condition;

pub use condunet2d::{CondUNet2d, CondUNet2dConfig};
pub use entry::{KernelLayout, MODULES, ModuleConfig, ModuleEntry, catalog, recognise};
pub use error::ModuleError;
pub use network::{Conditions, TensorNetwork};
pub use psdenoiser::{PsDenoiser, PsDenoiserConfig};
pub use shapes::Shapes;
pub use unet2d::{UNet2d, UNet2dConfig};
#[cfg(feature = "diffusers")]
pub use unet2d_condition::{UNet2dCondition, UNet2dConditionConfig};
