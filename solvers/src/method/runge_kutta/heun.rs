use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Heun's method of order 2, the explicit trapezoidal rule:
/// `u_next = u + h/2 (k_1 + k_2)` with `k_2 = f(u + h k_1, t + h)`. Two
/// evaluations per step, cubic Hermite continuation.
///
/// K. Heun, "Neue Methoden zur approximativen Integration der
/// Differentialgleichungen einer unabhängigen Veränderlichen", *Zeitschrift für
/// Mathematik und Physik* 45 (1900), 23-38.
pub type Heun = RungeKutta<HeunTableau>;

/// The tableau of [`Heun`].
#[derive(Debug, Clone, Copy, Default)]
pub struct HeunTableau;

impl ExplicitTableau for HeunTableau {
    const TABLEAU: Tableau = Tableau {
        name: "heun",
        order: 2,
        a: &[&[], &[1.0]],
        b: &[1.0 / 2.0, 1.0 / 2.0],
        c: &[0.0, 1.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
