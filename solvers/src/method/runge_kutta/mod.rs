//! Explicit Runge-Kutta methods: one stepper over `const` tableaux.
//!
//! A new method is one file with a tableau and its references (and its `mod`
//! line), and one line in the registry below, which exports it, boxes it for
//! choice at run time, and puts it through [`order_conditions::check()`] and every
//! generic test.

mod bs3;
mod dop853;
mod dopri5;
mod euler;
mod heun;
mod heun3;
mod kutta3;
mod midpoint;
mod nested;
pub mod order_conditions;
mod pace;
mod ralston;
mod ralston3;
mod rk4;
mod stepper;
mod tableau;
mod tsit5;

use super::BoxedMethod;
use crate::field::VectorField;
use crate::state::State;

pub use stepper::{RungeKutta, RungeKuttaStepper};
pub use tableau::{Continuous, ErrorWeights, ExplicitTableau, ExtraStage, Tableau};

macro_rules! registry {
    ($($file:ident: $method:ident, $tableau:ident;)*) => {
        $(pub use $file::{$method, $tableau};)*

        /// Every tableau of this crate, by order.
        pub fn all_tableaux() -> Vec<Tableau> {
            vec![$($tableau::TABLEAU),*]
        }

        /// Every explicit Runge-Kutta method, by order.
        pub fn runge_kutta_methods<S: State, F: VectorField<S> + 'static>() -> Vec<BoxedMethod<S, F>> {
            vec![$(BoxedMethod::new($method::new())),*]
        }
    };
}

registry! {
    euler: Euler, EulerTableau;
    midpoint: Midpoint, MidpointTableau;
    heun: Heun, HeunTableau;
    ralston: Ralston, RalstonTableau;
    kutta3: Kutta3, Kutta3Tableau;
    heun3: Heun3, Heun3Tableau;
    ralston3: Ralston3, Ralston3Tableau;
    bs3: Bs3, Bs3Tableau;
    rk4: Rk4, Rk4Tableau;
    dopri5: Dopri5, Dopri5Tableau;
    tsit5: Tsit5, Tsit5Tableau;
    dop853: Dop853, Dop853Tableau;
}
