//! Exact fields: with these, the error of a solver is measured with no model
//! error at all.

mod empirical;
mod empirical_pullback;
pub mod mixture;
mod pullback;
mod rows;

pub use empirical::{EmpiricalError, EmpiricalPredictor};
pub use mixture::{GaussianMixture, MixtureError, MixturePredictor};
