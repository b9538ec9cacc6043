//! Explicit Runge-Kutta methods: one stepper over `const` tableaux.

mod tableau;

pub use tableau::{Continuous, ErrorWeights, ExplicitTableau, ExtraStage, Tableau};
