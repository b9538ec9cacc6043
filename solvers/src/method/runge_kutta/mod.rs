//! Explicit Runge-Kutta methods: one stepper over `const` tableaux.
//!
//! A new method is one file with a tableau and its references, and one line in
//! [`all_tableaux`], which puts it through [`order_conditions::check()`].

mod bs3;
mod dop853;
mod dopri5;
mod euler;
mod heun;
mod midpoint;
mod nested;
pub mod order_conditions;
mod ralston;
mod rk4;
mod stepper;
mod tableau;
mod tsit5;

pub use bs3::{Bs3, Bs3Tableau};
pub use dop853::{Dop853, Dop853Tableau};
pub use dopri5::{Dopri5, Dopri5Tableau};
pub use euler::{Euler, EulerTableau};
pub use heun::{Heun, HeunTableau};
pub use midpoint::{Midpoint, MidpointTableau};
pub use ralston::{Ralston, RalstonTableau};
pub use rk4::{Rk4, Rk4Tableau};
pub use stepper::RungeKutta;
pub use tableau::{Continuous, ErrorWeights, ExplicitTableau, ExtraStage, Tableau};
pub use tsit5::{Tsit5, Tsit5Tableau};

/// Every tableau of this crate, by order.
pub fn all_tableaux() -> Vec<Tableau> {
    vec![
        EulerTableau::TABLEAU,
        MidpointTableau::TABLEAU,
        HeunTableau::TABLEAU,
        RalstonTableau::TABLEAU,
        Bs3Tableau::TABLEAU,
        Rk4Tableau::TABLEAU,
        Dopri5Tableau::TABLEAU,
        Tsit5Tableau::TABLEAU,
        Dop853Tableau::TABLEAU,
    ]
}
