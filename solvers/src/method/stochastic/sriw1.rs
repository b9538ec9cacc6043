use super::sri::{Sri, SriScheme, SriTableau};

/// Coefficients of [`Sriw1`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Sriw1Tableau;

/// SRIW1: strong order 3/2 and weak order 2 for Ito equations with diagonal or
/// scalar noise; order 2 on ODEs (Roessler, *SIAM J. Numer. Anal.* 48, 2010, Table
/// 6.1). Two drift and four diffusion evaluations.
pub type Sriw1 = Sri<Sriw1Tableau>;

impl SriScheme for Sriw1Tableau {
    const TABLEAU: SriTableau = SriTableau {
        name: "sriw1",
        order: 2,
        weak_order: 2.0,
        a0: &[&[], &[3.0 / 4.0]],
        b0: &[&[], &[3.0 / 2.0]],
        // The published a1_43 multiplies the drift at v_3 = u, which is that at v_1.
        a1: &[&[], &[1.0 / 4.0], &[1.0], &[1.0 / 4.0]],
        b1: &[&[], &[1.0 / 2.0], &[-1.0, 0.0], &[-5.0, 3.0, 1.0 / 2.0]],
        c0: &[0.0, 3.0 / 4.0],
        c1: &[0.0, 1.0 / 4.0, 1.0, 1.0 / 4.0],
        alpha: &[1.0 / 3.0, 2.0 / 3.0],
        beta: [
            &[-1.0, 4.0 / 3.0, 2.0 / 3.0, 0.0],
            &[-1.0, 4.0 / 3.0, -1.0 / 3.0, 0.0],
            &[2.0, -4.0 / 3.0, -2.0 / 3.0, 0.0],
            &[-2.0, 5.0 / 3.0, -2.0 / 3.0, 1.0],
        ],
    };
}
