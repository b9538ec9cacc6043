//! Networks: the residual MLP as candle tensors, and the same numbers computed
//! faster by a fused plan on the CPU.
//!
//! [`Parameters`] is the network: a configuration and one flat buffer of
//! weights. [`Mlp`] evaluates it with candle on any device, [`MlpPlan`] on host
//! states (`[f32; 2]`, `Array2<f64>`, ...) with fused, tiled, vectorised
//! kernels; the two agree to about 1e-6.
//!
//! ```
//! use driftfield_networks::{MlpConfig, MlpPlan, Parameters};
//! use driftfield_problems::predictor::Network;
//! use ndarray::Array2;
//!
//! let parameters = Parameters::initialise(&MlpConfig::new(2), 0).unwrap();
//! let plan = MlpPlan::new(&parameters);
//! let x = Array2::<f32>::ones((5, 2));
//! let mut out = Array2::<f32>::zeros((5, 2));
//! plan.forward(&mut out, &x, 0.5).unwrap();
//! assert_eq!(out[[0, 0]], 0.0); // the output layer starts at zero
//! ```

mod aligned;
mod architecture;
mod classifier;
mod config;
mod differentiable_mlp;
mod elementwise;
mod image;
mod kernel;
mod layers;
mod mlp;
mod panels;
mod parameters;
mod plan;
#[cfg(test)]
mod plan_tests;
mod seeded;
mod time_features;
pub mod train;
mod unet;
mod vector;
pub mod weights;

use aligned::AlignedBuffer;
pub use architecture::Architecture;
pub use classifier::{Classified, Classifier, ClassifierConfig, ClassifierError};
use classifier::{ClassifierTape, ClassifierWeights};
pub use config::{ConfigError, MlpConfig};
pub use differentiable_mlp::DifferentiableMlp;
use elementwise::{add_scaled, sum_rows};
use kernel::{BLOCK, Epilogue, Rows, multiply, multiply_transposed, stride};
use layers::Plain;
pub use mlp::Mlp;
use panels::{Panels, lanes};
use parameters::Layout;
#[cfg(test)]
use parameters::tests::random_parameters;
pub use parameters::{ParameterEntry, Parameters, ParametersError};
pub use plan::MlpPlan;
use seeded::{Purpose, SeededRng};
use time_features::TimeFeatures;
pub use unet::{UNet, UNetConfig, UNetOnTensors, UNetPlan};
use unet::{Weights, with_tape};
use vector::silu_with_derivative;
