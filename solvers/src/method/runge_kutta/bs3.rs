use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau};

/// The Bogacki-Shampine pair 3(2):
/// `u_next = u + h (2/9 k_1 + 1/3 k_2 + 4/9 k_3)`. Propagates order 3, estimates
/// the error by an embedded solution of order 2. Four stages, the last being the
/// first of the next step, hence three evaluations per step. Its continuation is
/// the cubic Hermite polynomial, which keeps order 3 and costs nothing.
///
/// P. Bogacki and L. F. Shampine, "A 3(2) pair of Runge-Kutta formulas",
/// *Applied Mathematics Letters* 2 (1989), 321-325.
pub type Bs3 = RungeKutta<Bs3Tableau>;

/// The tableau of [`Bs3`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Bs3Tableau;

impl ExplicitTableau for Bs3Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "bs3",
        order: 3,
        a: &[&[], &[1.0 / 2.0], &[0.0, 3.0 / 4.0], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]],
        b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0],
        c: &[0.0, 1.0 / 2.0, 3.0 / 4.0, 1.0],
        error: ErrorWeights::Single {
            order: 2,
            weights: &[-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0],
        },
        continuous: Continuous::Hermite,
    };
}
