//! Other people's networks: their architectures, filled with their weights.
//!
//! A [`TensorNetwork`] is a function of candle tensors. An architecture of [`MODULES`] is built
//! from the [`NamedTensors`](crate::tensors::NamedTensors) of a file of the original's; a test
//! holds each to outputs of the original's code. What shapes tell is inferred, the rest is a key
//! with the original's default, or is in the original's own JSON.
//!
//! ```no_run
//! use driftfield_networks::candle_core::{DType, Device, Tensor};
//! use driftfield_networks::modules::{self, Conditions};
//! use driftfield_networks::tensors::NamedTensors;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tensors = NamedTensors::read("model.msgpack")?;
//! let module = modules::recognise(&tensors).next().ok_or("none of the known architectures")?;
//! let config = module.configuration(&tensors, &"condunet2d:num_heads=2".parse()?)?;
//! let network = module.build(&tensors, &config, DType::F32, &Device::Cpu)?;
//! let x = Tensor::zeros((4, 1, 28, 28), DType::F32, &Device::Cpu)?;
//! let t = Tensor::new(&[0.5_f32], &Device::Cpu)?;
//! assert_eq!(network.forward(&x, &t, &Conditions::default())?.dims(), x.dims());
//! # Ok(())
//! # }
//! ```

mod checks;
mod condunet2d;
mod entry;
mod error;
mod layers;
mod network;
mod psdenoiser;
mod sizes;
mod taken;
#[cfg(test)]
mod testing;
mod time;
mod unet2d;
#[cfg(feature = "diffusers")]
mod unet2d_condition;

pub use condunet2d::{CondUNet2d, CondUNet2dConfig};
pub use entry::{MODULES, ModuleConfig, ModuleEntry, catalog, recognise};
pub use error::ModuleError;
pub use network::{Conditions, TensorNetwork};
pub use psdenoiser::{PsDenoiser, PsDenoiserConfig};
pub use unet2d::{UNet2d, UNet2dConfig};
#[cfg(feature = "diffusers")]
pub use unet2d_condition::{UNet2dCondition, UNet2dConditionConfig};
