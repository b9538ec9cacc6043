//! Initial value problems: what is solved, apart from how.

mod ode;
mod sde;

pub use ode::OdeProblem;
pub use sde::SdeProblem;

use crate::state::State;

/// A field, an initial state and a span of time. `t1 < t0` is ordinary: the
/// problem is then solved backwards.
pub trait Problem {
    /// The container that is evolved.
    type State: State;
    /// The right-hand side, in the form its methods ask for.
    type Field;
    /// The right-hand side.
    fn field(&self) -> &Self::Field;
    /// The state at `span().0`.
    fn initial(&self) -> &Self::State;
    /// Start and end of the integration.
    fn span(&self) -> (f64, f64);
}
