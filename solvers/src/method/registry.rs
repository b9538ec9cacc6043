//! All methods, for whoever chooses one at run time and for the tests that run
//! over every one of them.

use super::{BoxedMethod, EulerMaruyama};
use crate::field::StochasticField;
use crate::state::State;

pub use super::exponential::{exponential_methods, stochastic_exponential_methods};
pub use super::runge_kutta::runge_kutta_methods;

/// The methods for stochastic differential equations.
pub fn stochastic_methods<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: StochasticField<S> + 'static,
{
    vec![BoxedMethod::new(EulerMaruyama)]
}
