use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// The classical Runge-Kutta method:
/// `u_next = u + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4)` with nodes 0, 1/2, 1/2, 1.
/// Order 4, four evaluations per step, cubic Hermite continuation (order 3).
///
/// W. Kutta, "Beitrag zur näherungsweisen Integration totaler
/// Differentialgleichungen", *Zeitschrift für Mathematik und Physik* 46 (1901),
/// 435-453.
pub type Rk4 = RungeKutta<Rk4Tableau>;

/// The tableau of [`Rk4`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Rk4Tableau;

impl ExplicitTableau for Rk4Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "rk4",
        order: 4,
        a: &[&[], &[1.0 / 2.0], &[0.0, 1.0 / 2.0], &[0.0, 0.0, 1.0]],
        b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
        c: &[0.0, 1.0 / 2.0, 1.0 / 2.0, 1.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
