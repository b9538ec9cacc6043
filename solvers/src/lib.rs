//! Differential-equation problems, methods, step control, noise and solutions.
//!
//! `problem + method + step control -> solution`. This crate knows nothing of
//! networks, processes or data: a problem's right-hand side is any
//! [`VectorField`], its state any [`State`].

pub mod field;
pub mod method;
pub mod noise;
pub mod problem;
pub mod state;

pub use field::{Counted, FieldError, Ito, StochasticField, VectorField};
pub use problem::{OdeProblem, Problem, SdeProblem};
pub use state::{HostState, Scalar, State, StateError, Tolerance};
