use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Heun's method of order 3: `u_next = u + h/4 (k_1 + 3 k_3)` with nodes 0, 1/3, 2/3. Three
/// evaluations per step, none of them at its end; cubic Hermite continuation.
///
/// K. Heun, "Neue Methoden zur approximativen Integration der
/// Differentialgleichungen einer unabhängigen Veränderlichen", *Zeitschrift für
/// Mathematik und Physik* 45 (1900), 23-38.
pub type Heun3 = RungeKutta<Heun3Tableau>;

/// The tableau of [`Heun3`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Heun3Tableau;

impl ExplicitTableau for Heun3Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "heun3",
        order: 3,
        a: &[&[], &[1.0 / 3.0], &[0.0, 2.0 / 3.0]],
        b: &[1.0 / 4.0, 0.0, 3.0 / 4.0],
        c: &[0.0, 1.0 / 3.0, 2.0 / 3.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
