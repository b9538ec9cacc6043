use super::sri::{Sri, SriScheme, SriTableau};

/// Coefficients of [`Srid2`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Srid2Tableau;

/// SRID2: strong order 3/2 for Ito equations with diagonal or scalar noise, and
/// order 3 on ODEs; weak order 3/2, 2 for additive noise (Roessler, *SIAM J. Numer. Anal.* 48, 2010, Table 6.2). Three
/// drift and four diffusion evaluations. It is torchsde's `srk` for diagonal noise.
pub type Srid2 = Sri<Srid2Tableau>;

impl SriScheme for Srid2Tableau {
    const TABLEAU: SriTableau = SriTableau {
        name: "srid2",
        order: 3,
        weak_order: 1.5,
        a0: &[&[], &[1.0], &[1.0 / 4.0, 1.0 / 4.0]],
        b0: &[&[], &[0.0], &[1.0, 1.0 / 2.0]],
        a1: &[&[], &[1.0 / 4.0], &[1.0], &[0.0, 0.0, 1.0 / 4.0]],
        b1: &[&[], &[-1.0 / 2.0], &[1.0, 0.0], &[2.0, -1.0, 1.0 / 2.0]],
        c0: &[0.0, 1.0, 1.0 / 2.0],
        c1: &[0.0, 1.0 / 4.0, 1.0, 1.0 / 4.0],
        alpha: &[1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0],
        beta: [
            &[-1.0, 4.0 / 3.0, 2.0 / 3.0, 0.0],
            &[1.0, -4.0 / 3.0, 1.0 / 3.0, 0.0],
            &[2.0, -4.0 / 3.0, -2.0 / 3.0, 0.0],
            &[-2.0, 5.0 / 3.0, -2.0 / 3.0, 1.0],
        ],
    };
}
