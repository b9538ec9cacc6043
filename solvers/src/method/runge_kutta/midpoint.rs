use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// The explicit midpoint method:
/// `u_next = u + h f(u + h/2 f(u, t), t + h/2)`. Order 2, two evaluations per
/// step, cubic Hermite continuation.
///
/// C. Runge, "Ueber die numerische Auflösung von Differentialgleichungen",
/// *Mathematische Annalen* 46 (1895), 167-178.
pub type Midpoint = RungeKutta<MidpointTableau>;

/// The tableau of [`Midpoint`].
#[derive(Debug, Clone, Copy, Default)]
pub struct MidpointTableau;

impl ExplicitTableau for MidpointTableau {
    const TABLEAU: Tableau = Tableau {
        name: "midpoint",
        order: 2,
        a: &[&[], &[1.0 / 2.0]],
        b: &[0.0, 1.0],
        c: &[0.0, 1.0 / 2.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
