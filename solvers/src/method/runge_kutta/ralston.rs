use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Ralston's method of order 2: `u_next = u + h/4 (k_1 + 3 k_2)` with
/// `k_2 = f(u + 2h/3 k_1, t + 2h/3)`, the node that minimises the bound on the
/// local error among the two-stage methods of order 2. Cubic Hermite
/// continuation.
///
/// A. Ralston, "Runge-Kutta methods with minimum error bounds", *Mathematics of
/// Computation* 16 (1962), 431-437.
pub type Ralston = RungeKutta<RalstonTableau>;

/// The tableau of [`Ralston`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RalstonTableau;

impl ExplicitTableau for RalstonTableau {
    const TABLEAU: Tableau = Tableau {
        name: "ralston",
        order: 2,
        a: &[&[], &[2.0 / 3.0]],
        b: &[1.0 / 4.0, 3.0 / 4.0],
        c: &[0.0, 2.0 / 3.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
