use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Kutta's method of order 3: `u_next = u + h/6 (k_1 + 4 k_2 + k_3)` with nodes 0, 1/2, 1,
/// Simpson's rule on quadratures. Three evaluations per step, cubic Hermite continuation.
///
/// W. Kutta, "Beitrag zur näherungsweisen Integration totaler
/// Differentialgleichungen", *Zeitschrift für Mathematik und Physik* 46 (1901),
/// 435-453.
pub type Kutta3 = RungeKutta<Kutta3Tableau>;

/// The tableau of [`Kutta3`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Kutta3Tableau;

impl ExplicitTableau for Kutta3Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "kutta3",
        order: 3,
        a: &[&[], &[1.0 / 2.0], &[-1.0, 2.0]],
        b: &[1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0],
        c: &[0.0, 1.0 / 2.0, 1.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
