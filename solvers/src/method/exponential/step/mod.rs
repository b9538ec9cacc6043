//! What the steps of all exponential integrators are made of: the linear part at a time ([`Knot`])
//! and solved exactly over a step ([`Transition`], weights by [`phi()`]), the past values
//! ([`History`]), the weight of their highest difference ([`Variant`]), the states between the ends
//! ([`Continuous`]), and the ends where the clock is infinite.

mod continuous;
mod history;
mod knot;
mod phi;
mod to_data;
mod transition;
mod variant;

pub(super) use continuous::continuous_order;
pub use continuous::{Continuous, MadeStep};
pub use history::History;
pub use knot::Knot;
pub use phi::phi;
pub(super) use to_data::{check_finite, check_transition, ends_in_data, step_to_data, undivided};
pub use transition::Transition;
pub use variant::Variant;
