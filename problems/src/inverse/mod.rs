//! Inverse problems: what the data was, given a noisy linear measurement `y = A x_0 + e`,
//! `e ~ N(0, sigma_y^2 I)`, and a generative process as prior.
//!
//! A [`Measurement`] is the operator with its noise; an [`Observation`] is a measurement and what
//! it gave. Three ways lead from there to samples of the posterior, for any process and any
//! method:
//!
//! - [`Conditioned`], a predictor around a predictor, whose predicted data is moved towards what
//!   was measured: by the derivative of the prediction ([`PseudoInverse`], PiGDM) or without one
//!   ([`Replacement`]);
//! - [`Dps`], an observer that corrects the state after every step of an unconditional solve.
//!
//! ```
//! use std::sync::Arc;
//! use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
//! use driftfield_problems::flow::probability_flow;
//! use driftfield_problems::inverse::{self, Conditioned, ImageShape, Observation};
//! use driftfield_problems::process::{self, GaussianPath};
//! use driftfield_solvers::{SolveOptions, method::Heun, solve};
//!
//! // Of an image of 2 x 2 pixels the one in the corner is seen.
//! let shape = ImageShape::grey(2, 2);
//! let corner = inverse::parse("square:size=1,center=0x0,std=0.01", &shape).unwrap();
//! let observation = Arc::new(Observation::new(corner, vec![0.8]).unwrap());
//!
//! let path = process::parse("vp").unwrap();
//! let prior = GaussianMixture::isotropic(vec![1.0], vec![vec![0.0; 4]], vec![1.0]).unwrap();
//! let prior = MixturePredictor::new(prior, path.clone());
//! let posterior = Conditioned::pseudo_inverse(prior, observation).unwrap();
//! let problem = probability_flow(posterior)
//!     .problem([1.0_f64, -1.0, 0.5, 0.0], path.default_span());
//! let sample = solve(&problem, &Heun::new(), SolveOptions::steps(50)).unwrap().complete().unwrap();
//! assert!((sample[0] - 0.8).abs() < 0.1);
//! ```

mod blur;
mod catalog;
mod conditioned;
mod dps;
mod error;
mod gram;
mod image;
mod kalman;
mod mask;
mod matrix;
mod measurement;
mod observation;
mod pool;
mod pseudo_inverse;
mod recipe;
mod replacement;
mod units;

pub use blur::Blur;
pub use catalog::{catalog, parse};
pub use conditioned::{Conditioned, Conditioning};
pub use dps::Dps;
pub use error::MeasurementError;
pub use gram::Gram;
pub use image::ImageShape;
pub use kalman::KalmanGain;
pub use mask::Mask;
pub use matrix::Matrix;
pub use measurement::{Measurement, SharedMeasurement};
pub use observation::Observation;
pub use pool::Pool;
pub use pseudo_inverse::PseudoInverse;
pub use recipe::MeasurementRecipe;
pub use replacement::Replacement;
pub use units::InUnits;
