//! Generative processes, predictors, vector fields and data sets.
//!
//! `process + predictor -> problem`: a process says how data becomes noise, a
//! predictor what is known of the data given a noisy state; together they make
//! ordinary [`driftfield_solvers`] problems.
//!
//! ```
//! use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
//! use driftfield_problems::flow::{probability_flow, reverse_sde};
//! use driftfield_problems::process::{self, GaussianPath};
//! use driftfield_solvers::method::{EulerMaruyama, Heun};
//! use driftfield_solvers::noise::fill_initial_normals;
//! use driftfield_solvers::{SolveOptions, solve};
//! use ndarray::Array2;
//!
//! let path = process::parse("vp").unwrap();
//! let data: GaussianMixture =
//!     r#"{"weights": [0.5, 0.5], "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.3]}"#.parse().unwrap();
//! let predictor = MixturePredictor::new(data, path.clone());
//!
//! let span = path.default_span();
//! let mut noise = Array2::<f64>::zeros((50, 2));
//! fill_initial_normals(&mut noise, path.sigma(span.0), 0, 0).unwrap();
//!
//! let ode = probability_flow(predictor.clone()).problem(noise.clone(), span);
//! let ode = solve(&ode, &Heun::new(), SolveOptions::steps(20)).unwrap();
//! let sde = reverse_sde(predictor, 1.0).sde_problem(noise, span);
//! let sde = solve(&sde, &EulerMaruyama::new(), SolveOptions::steps(40).seed(1)).unwrap();
//! assert_eq!((ode.statistics.nfe, sde.statistics.nfe), (40, 40));
//! ```
//!
//! Where to look:
//!
//! - [`process`]: Gaussian paths by type or by name, two-sided interpolants;
//! - [`predictor`]: noise, data, velocity, v and score, and conversions;
//! - [`exact`]: exact predictors of Gaussian mixtures and of data sets;
//! - [`standardisation`]: from the data's units to those of a network and back;
//! - [`flow`]: from process and predictor to problems; [`method`]: ancestral sampling,
//!   predictor-corrector sampling; [`langevin`]: dynamics of a given score; [`spacing`]: where the times of a fixed grid lie;
//! - [`inverse`]: measurements, and samples of the data given what was measured;
//! - [`data`], [`npy`]: seeded data sets, arrays from and to NumPy;
//! - [`catalog`]: things by name, with their parameters; [`spec`]: the `name:key=value` form in which
//!   they are written; [`echo`]: the user's words in messages;
//!   [`memory`]: how much of it can be had; [`host`], [`user_file`], [`atomic_file`]: values of host
//!   states, and files read and written whole; [`checksum`]: whether they are still the same.

pub mod atomic_file;
pub mod catalog;
pub mod checksum;
pub mod data;
pub mod disk;
pub mod echo;
pub mod exact;
pub mod exponential;
pub mod flow;
pub mod host;
pub mod inverse;
pub mod langevin;
pub mod memory;
pub mod method;
pub mod npy;
pub mod predictor;
pub mod process;
pub mod spacing;
pub mod spec;
pub mod standardisation;
pub mod user_file;

/// The vectors and matrices of mixtures.
pub use nalgebra;
/// The arrays of samples and data.
pub use ndarray;
