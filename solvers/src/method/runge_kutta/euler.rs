use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// Euler's method: `u_next = u + h f(u, t)`. Order 1, one evaluation per step,
/// cubic Hermite continuation.
///
/// L. Euler, *Institutionum calculi integralis*, vol. I, Petropoli, 1768, § 650.
pub type Euler = RungeKutta<EulerTableau>;

/// The tableau of [`Euler`].
#[derive(Debug, Clone, Copy, Default)]
pub struct EulerTableau;

impl ExplicitTableau for EulerTableau {
    const TABLEAU: Tableau = Tableau {
        name: "euler",
        order: 1,
        a: &[&[]],
        b: &[1.0],
        c: &[0.0],
        error: ErrorWeights::None,
        continuous: Continuous::Hermite,
    };
}
