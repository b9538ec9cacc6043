use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Ralston's method of order 3: `u_next = u + h/9 (2 k_1 + 3 k_2 + 4 k_3)` with nodes
/// 0, 1/2, 3/4, which minimise the bound on the local error among the three-stage methods of
/// order 3. Cubic Hermite continuation. [`Bs3`](super::Bs3) is its pair.
///
/// A. Ralston, "Runge-Kutta methods with minimum error bounds", *Mathematics of
/// Computation* 16 (1962), 431-437.
pub type Ralston3 = RungeKutta<Ralston3Tableau>;

/// The tableau of [`Ralston3`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Ralston3Tableau;

impl ExplicitTableau for Ralston3Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "ralston3",
        order: 3,
        a: &[&[], &[1.0 / 2.0], &[0.0, 3.0 / 4.0]],
        b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0],
        c: &[0.0, 1.0 / 2.0, 3.0 / 4.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
