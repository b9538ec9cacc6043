//! Networks: layers, architectures, training, and weights in files.
//!
//! [`Parameters`] is a network: an [`Architecture`] (the residual MLP of [`MlpConfig`], the U-Net
//! of [`UNetConfig`], the classifier of [`ClassifierConfig`]) and one flat buffer of weights. A
//! [`Plan`] evaluates any of them on host states (`[f32; 2]`, `Array2<f64>`, ...) with fused, tiled,
//! vectorised kernels, and gives the products of its Jacobian: back into states, times and
//! weights, and along a direction. [`Mlp`] and [`UNet`] are their readable definitions as candle
//! tensors, on any device; the two agree to rounding.
//!
//! ```
//! use driftfield_networks::{MlpConfig, Parameters, Plan};
//! use driftfield_problems::predictor::Network;
//! use ndarray::Array2;
//!
//! let plan = Plan::new(&Parameters::initialise(&MlpConfig::new(2), 0).unwrap());
//! let x = Array2::<f32>::ones((5, 2));
//! let mut out = Array2::<f32>::zeros((5, 2));
//! plan.forward(&mut out, &x, 0.5.into()).unwrap();
//! assert_eq!(out[[0, 0]], 0.0); // the output layer starts at zero
//! ```
//!
//! Where to look:
//!
//! - [`train`]: a network from data, a process and an objective; [`weights`]: its file, and one for
//!   PyTorch;
//! - [`tensors`]: other people's files (safetensors, PyTorch, flax, numpy) as tensors by name;
//! - [`modules`]: other people's architectures, filled with their weights; [`Conditioned`]: a network
//!   of tensors, anyone's, with what it is told;
//! - [`imported`]: anyone's network from its file, with what has to be known of it;
//! - [`Layers`]: what the layers of a network do with a few rows, which is all that a new
//!   architecture has to say beside its sizes.

mod architecture;
mod classifier;
mod conditioned;
#[cfg(feature = "hub")]
pub mod hub;
pub mod imported;
mod kernel;
mod layers;
mod mlp;
pub mod modules;
#[cfg(feature = "onnx")]
pub mod onnx;
mod parameters;
mod pass;
mod plan;
mod registry;
mod seeded;
mod tensor_layers;
pub mod tensors;
pub mod train;
mod unet;
pub mod weights;

pub use architecture::{Architecture, ConfigError};
pub use classifier::{Classified, Classifier, ClassifierConfig, ClassifierError, ClassifierLayers};
pub use conditioned::{Conditioned, Guidance, GuidanceError, OneThread, TensorFn, timeless};
pub use layers::Entries;
pub use mlp::{Mlp, MlpConfig, MlpLayers};
pub use parameters::{ParameterEntry, Parameters, ParametersError};
pub use pass::{Direction, Gradients, Layers, PassInputs, Times};
pub use plan::{OnTensors, Plan, Pulled, Pushed, RowCotangent};
pub use registry::{ARCHITECTURES, ArchitectureEntry, catalog, configuration};
pub use unet::{UNet, UNetConfig, UNetLayers};

/// Tensors, in the API of networks as definitions.
pub use candle_core;
/// Variables and layers of tensors, in the same.
pub use candle_nn;
/// The arrays of data and weights.
pub use ndarray;
