//! driftfield: generation as the solving of ordinary and stochastic
//! differential equations.
//!
//! `process + predictor -> problem`, `problem + method + step control ->
//! solution`, `solutions -> study`. Coming from another library: `docs/coming-from.md`.
//!
//! # Sample
//!
//! ```
//! use driftfield::generate::{Budget, Initial, MixtureModel, Settings, generate};
//! use driftfield::prelude::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = process::parse("vp")?;
//! let data = r#"{"weights": [1], "means": [[2, 0]], "stds": [0.5]}"#;
//! let settings = Settings::new(Solver::parse("dpm-solver++2m")?, Budget::Steps(20));
//! let noise = Initial::Noise { lanes: 100 };
//! let model = MixtureModel::new(data.parse::<GaussianMixture>()?);
//! let generated = generate::<f64>(&path, &model, noise, &settings)?;
//! assert_eq!(generated.statistics.nfe, 20);
//! assert_eq!(generated.complete()?.shape(), [100, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! Weights are a model too: [`generate::TrainedModel`]; how one is trained: [`networks::train`].
//!
//! # A field of one's own
//!
//! Any equation is a problem, and a predictor on a path is one whose linear part is known:
//!
//! ```
//! use driftfield::prelude::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let decay = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
//! let end = solve(&decay, &Tsit5::new(), SolveOptions::adaptive(1e-9, 1e-9))?.complete()?;
//! assert!((end - (-1.0_f64).exp()).abs() < 1e-8);
//!
//! // The data's mean is 2 whatever is seen of it.
//! let network = |out: &mut [f64; 1], _x: &[f64; 1], _t: f64| *out = [2.0];
//! let path = process::parse("vp")?;
//! let flow = probability_flow(NetworkPredictor::new(network, Prediction::Data, path.clone()));
//! let method = Multistep::new(DpmSolverM::second(NonlinearPart::Data));
//! let span = span_for(&path, &Solver::new("mine", method.clone()).info());
//! let end = solve(&flow.problem([0.3], span), &method, steps(&path, span, 10)?)?.complete()?;
//! assert!((end[0] - 2.0).abs() < 0.1);
//! # Ok(())
//! # }
//! ```
//!
//! # A method of one's own
//!
//! An exponential multistep method is the weights of its last values; history, start and counts are
//! the driver's. This is ETD2 (Cox & Matthews, *J. Comput. Phys.* 176, 2002), which runs wherever
//! those of the catalogue do:
//!
//! ```
//! use driftfield::prelude::*;
//! use driftfield::solvers::method::exponential::{MultistepRule, MultistepStep};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #[derive(Clone)]
//! struct Etd2;
//! impl MultistepRule for Etd2 {
//!     fn name(&self) -> &'static str { "etd2" }
//!     fn part(&self) -> NonlinearPart { NonlinearPart::Data }
//!     fn values(&self) -> usize { 2 }
//!     fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
//!         weights[0] = step.whole.weight(1);
//!         if let [newest, before] = weights {
//!             *before = step.whole.weight(2) / step.distance(1);
//!             *newest -= *before;
//!         }
//!         Ok(())
//!     }
//! }
//! let solver = Solver::new("etd2", Multistep::new(Etd2).start(Start::Matching));
//! assert_eq!(solver.info().order, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # A network of one's own
//!
//! A closure over a batch `[n, ..]` is one; what it predicts is said beside it:
//!
//! ```
//! use driftfield::generate::{Budget, Initial, NetworkModel, Settings, generate};
//! use driftfield::ndarray::{ArrayD, Axis};
//! use driftfield::prelude::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Of standard normal data, whose mean given a state is known.
//! let network = |out: &mut ArrayD<f64>, x: &ArrayD<f64>, t: f64| {
//!     out.assign(&(x * ((1.0 - t) / ((1.0 - t).powi(2) + t.powi(2)))));
//! };
//! let model = NetworkModel::new("normal", [2], Prediction::Data, network);
//! let settings = Settings::new(Solver::parse("heun")?, Budget::Steps(20));
//! let path = process::parse("rectified-flow")?;
//! let noise = Initial::Noise { lanes: 1000 };
//! let samples = generate::<f64>(&path, &model, noise, &settings)?.complete()?;
//! assert!(samples.var_axis(Axis(0), 0.0).iter().all(|variance| (variance - 1.0).abs() < 0.2));
//! # Ok(())
//! # }
//! ```
//!
//! # Compare solvers
//!
//! A [`study::Study`] is models on paths, runs of solvers, lanes and seeds; it gives tables, curves
//! and a report. `examples/own_study.rs` has a method, a path, a predictor, a network and a metric
//! of one's own in one table beside those of this library; CONTRIBUTING has a recipe for each.
//!
//! ```
//! # #[cfg(feature = "plot")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use driftfield::generate::MixtureModel;
//! use driftfield::prelude::*;
//! use driftfield::study::{Case, Run, Study};
//! let data = r#"{"weights": [1], "means": [[2, 0]], "stds": [0.5]}"#;
//! let case = Case::on("vp", process::parse("vp")?, Arc::new(MixtureModel::new(data.parse::<GaussianMixture>()?)))?;
//! let solvers = [Solver::parse("ddim")?, Solver::parse("unipc-2")?];
//! let runs: Vec<Run> = solvers.iter().map(|solver| Run::steps(solver, 8)).collect();
//! let study = Study { cases: vec![case], runs: vec![runs], lanes: 64, seeds: vec![0, 1], ..Study::default() };
//! let result = study.run(|_| ())?;
//! # let _ = result;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "plot"))]
//! # fn main() {}
//! ```
//!
//! # Where things are
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

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "plot")]
mod distinct;
pub mod generate;
pub mod images;
pub mod metrics;
#[cfg(feature = "plot")]
mod plane;
#[cfg(feature = "plot")]
pub mod plot;
pub mod prelude;
pub mod reconstruct;
#[cfg(feature = "plot")]
pub mod report;
#[cfg(feature = "plot")]
pub mod study;
#[cfg(feature = "plot")]
pub mod view;

pub use driftfield_networks as networks;
pub use driftfield_problems as problems;
pub use driftfield_solvers as solvers;
/// The arrays in this library's API.
pub use ndarray;

/// The examples of the README, run as tests.
#[cfg(all(doctest, feature = "plot"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The answers of docs/howto.md, compiled and run as tests.
#[cfg(all(doctest, feature = "plot"))]
#[doc = include_str!("../docs/howto.md")]
pub struct HowTo;

/// The recipes of CONTRIBUTING, compiled and run as tests.
#[cfg(all(doctest, feature = "plot"))]
#[doc = include_str!("../CONTRIBUTING.md")]
pub struct Contributing;

/// The examples for those who come from another library, run as tests.
#[cfg(all(doctest, feature = "plot"))]
#[doc = include_str!("../docs/coming-from.md")]
pub struct ComingFrom;
