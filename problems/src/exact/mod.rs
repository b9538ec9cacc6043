//! Exact fields: with these, the error of a solver is measured with no model
//! error at all.

mod each_time;
mod empirical;
mod jacobian;
mod level;
pub mod mixture;
mod rows;

pub use empirical::{EmpiricalError, EmpiricalPredictor};
pub use mixture::{GaussianMixture, MixtureError, MixturePredictor};
