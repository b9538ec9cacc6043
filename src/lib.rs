//! driftfield: generation as the solving of ordinary and stochastic
//! differential equations.
//!
//! `process + predictor -> problem`, `problem + method + step control ->
//! solution`, `solutions -> study`. This crate is the front door:
//!
//! - [`prelude`]: what most programs use, in one line;
//! - [`solvers`]: problems, methods, step control, noise, solutions;
//! - [`problems`]: processes, predictors, exact fields, data sets;
//! - [`networks`]: neural fields, their training and their files;
//! - [`generate`]: a process, a model, a solver and a budget as one call;
//! - [`images`]: digits as pictures;
//! - [`reconstruct`]: samples of what an image was, given a measurement of it;
//! - [`metrics`]: distances between samples;
//! - [`study`]: solvers over budgets and seeds, as tables and pictures;
//! - [`plot`] and [`report`]: pictures and pages.
//!
//! The feature `plot` stands for the last two lines and for pictures of images, `cli` for the
//! program `driftfield`; both are on unless `default-features = false`.
//!
//! ```
//! use driftfield::prelude::*;
//!
//! let decay = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
//! let solution = solve(&decay, &Tsit5::new(), SolveOptions::adaptive(1e-9, 1e-9)).unwrap();
//! assert!((solution.u_last - (-1.0_f64).exp()).abs() < 1e-8);
//! assert!(solution.outcome.is_success());
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cli")]
pub mod cli;
pub mod generate;
pub mod images;
pub mod metrics;
#[cfg(feature = "plot")]
pub mod plot;
pub mod prelude;
pub mod reconstruct;
#[cfg(feature = "plot")]
pub mod report;
#[cfg(feature = "plot")]
pub mod study;

pub use driftfield_networks as networks;
pub use driftfield_problems as problems;
pub use driftfield_solvers as solvers;
/// The arrays in this library's API.
pub use ndarray;

/// The examples of the README, run as tests.
#[cfg(all(doctest, feature = "plot"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
