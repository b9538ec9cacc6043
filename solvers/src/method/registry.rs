//! All methods, for whoever chooses one at run time and for the tests that run
//! over every one of them.

pub use super::exponential::{exponential_methods, stochastic_exponential_methods};
pub use super::runge_kutta::runge_kutta_methods;
pub use super::stochastic::{additive_methods, stochastic_methods, stratonovich_methods};
