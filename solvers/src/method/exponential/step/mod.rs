//! What the steps of all exponential integrators are made of: the linear part at a time ([`Knot`])
//! and solved exactly over a step ([`Transition`], weights by [`phi()`]), the past values
//! ([`History`]), the weight of their highest difference ([`Variant`]), the states between the ends
//! ([`StepInterpolant`]), and the ends where the clock is infinite.

mod history;
mod knot;
mod phi;
mod step_interpolant;
mod to_data;
mod transition;
mod variant;

pub use history::History;
pub use knot::Knot;
pub use phi::phi;
pub(super) use step_interpolant::continuous_order;
pub use step_interpolant::{MadeStep, StepInterpolant};
pub(super) use to_data::{check_finite, check_transition, ends_in_data, step_to_data, undivided};
pub use transition::Transition;
pub use variant::Variant;
