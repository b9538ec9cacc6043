//! Differential-equation problems, methods, step control, noise and solutions.
//!
//! `problem + method + step control -> solution`. This crate knows nothing of
//! networks, processes or data: a problem's right-hand side is any
//! [`VectorField`], its state any [`State`].
//!
//! ```
//! use driftfield_solvers::method::{EulerMaruyama, Tsit5};
//! use driftfield_solvers::{OdeProblem, Save, SdeProblem, SolveOptions, solve};
//!
//! // A pendulum with friction: adaptive steps, any time in between.
//! let pendulum = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| {
//!     *du = [u[1], -u[0].sin() - 0.1 * u[1]];
//! };
//! let problem = OdeProblem::new(pendulum, [1.0, 0.0], (0.0, 20.0));
//! let options = SolveOptions::adaptive(1e-8, 1e-8).save(Save::dense());
//! let solution = solve(&problem, &Tsit5::new(), options).unwrap();
//! assert!(solution.outcome.is_success());
//! assert!(solution.interpolate(12.5).unwrap()[0].abs() < 1.0);
//!
//! // The same friction with noise: 100 steps of Euler-Maruyama, seed 1.
//! let friction = |du: &mut f64, u: &f64, _t: f64| *du = -0.1 * u;
//! let noise = |g: &mut f64, _u: &f64, _t: f64| *g = 0.3;
//! let problem = SdeProblem::new(friction, noise, 1.0, (0.0, 20.0));
//! let solution = solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(100).seed(1)).unwrap();
//! assert_eq!(solution.statistics.nfe, 100);
//! ```
//!
//! Where to look:
//!
//! - [`problem`]: a field, an initial state and a span, which may run backwards;
//! - [`field`]: right-hand sides, and the wrapper that counts their evaluations;
//! - [`state`]: what can be evolved, and how to make a container of your own one;
//! - [`method`]: schemes, all of them in [`method::registry`];
//! - [`control`]: fixed grids and adaptive steps;
//! - [`mod@solve`]: the one loop, its options, and the same loop stepped by hand;
//! - [`observer`]: saving, events, streams, progress, callbacks;
//! - [`noise`]: Brownian paths as functions of (seed, lane, base grid, t);
//! - [`solution`]: states, exact counts, and how a solve ended;
//! - [`number`]: numbers in messages;
//! - [`ensemble`]: many lanes over threads, and statistics without keeping them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod cause;
pub mod control;
pub mod ensemble;
pub mod field;
pub mod method;
pub mod noise;
pub mod number;
pub mod observer;
pub mod problem;
pub mod semilinear;
pub mod solution;
pub mod solve;
pub mod state;

pub use cause::Cause;
pub use control::{Adaptive, ErrorNorm, Grid, PidController, StepControl};
pub use ensemble::Ensemble;
pub use field::{
    Additive, ByLane, Counted, FieldError, Ito, Pullback, Pushforward, StochasticField,
    Stratonovich, Times, VectorField,
};
pub use observer::Save;
pub use problem::{OdeProblem, Problem, SdeProblem};
pub use semilinear::{Decay, Level, NonlinearPart, Schedule, SemilinearField, Target};
pub use solution::{InterpolationError, LaneReport, Outcome, Solution, Statistics};
pub use solve::{Integrator, SolveError, SolveOptions, Status, init, solve};
#[cfg(feature = "candle")]
pub use state::TrackedTensor;
pub use state::{Element, HostState, Scalar, State, StateError, Tolerance, WithNumbers};

/// Tensors as states.
#[cfg(feature = "candle")]
pub use candle_core;
/// Half precision in states.
pub use half;
/// Vectors as states.
pub use nalgebra;
/// Arrays as states.
pub use ndarray;
/// Complex numbers in states.
pub use num_complex;
