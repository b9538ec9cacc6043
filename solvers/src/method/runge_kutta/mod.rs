//! Explicit Runge-Kutta methods: one stepper over `const` tableaux.

mod stepper;
mod tableau;

pub(crate) use stepper::advance;
pub use stepper::{RungeKutta, RungeKuttaMemory};
pub use tableau::{Continuous, ErrorWeights, ExplicitTableau, ExtraStage, Tableau};
