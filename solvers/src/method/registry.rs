//! All methods, for whoever chooses one at run time and for the tests that run
//! over every one of them. A new method is a file and a line here.

use super::runge_kutta::{
    Bs3, Dop853, Dopri5, Euler, Heun, Midpoint, Ralston, Rk4, Tsit5,
};
use super::{BoxedMethod, EulerMaruyama};
use crate::field::{StochasticField, VectorField};
use crate::state::State;

/// The explicit Runge-Kutta methods, by increasing order.
pub fn runge_kutta_methods<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: VectorField<S> + 'static,
{
    vec![
        BoxedMethod::new(Euler::new()),
        BoxedMethod::new(Midpoint::new()),
        BoxedMethod::new(Heun::new()),
        BoxedMethod::new(Ralston::new()),
        BoxedMethod::new(Bs3::new()),
        BoxedMethod::new(Rk4::new()),
        BoxedMethod::new(Dopri5::new()),
        BoxedMethod::new(Tsit5::new()),
        BoxedMethod::new(Dop853::new()),
    ]
}

/// The methods for stochastic differential equations.
pub fn stochastic_methods<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: StochasticField<S> + 'static,
{
    vec![BoxedMethod::new(EulerMaruyama)]
}
