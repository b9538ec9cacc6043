//! Differential-equation problems, methods, step control, noise and solutions.
//!
//! `problem + method + step control -> solution`. This crate knows nothing of
//! networks, processes or data: a problem's right-hand side is any
//! [`VectorField`], its state any [`State`].

pub mod control;
pub mod field;
pub mod method;
pub mod noise;
pub mod observer;
pub mod problem;
pub mod semilinear;
pub mod solution;
pub mod solve;
pub mod state;

pub use control::{Adaptive, ErrorNorm, Grid, PidController, StepControl};
pub use field::{Counted, FieldError, Ito, StochasticField, VectorField};
pub use observer::Save;
pub use problem::{OdeProblem, Problem, SdeProblem};
pub use semilinear::{Decay, NonlinearPart, Schedule, SemilinearField};
pub use solution::{Outcome, Solution, Statistics};
pub use solve::{Integrator, SolveError, SolveOptions, Status, init, solve};
pub use state::{HostState, Scalar, State, StateError, Tolerance};
