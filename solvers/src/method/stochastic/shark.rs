use super::sra::{AdditiveRungeKutta, AdditiveScheme, AdditiveTableau};

/// Coefficients of [`Shark`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SharkTableau;

/// ShARK, the shifted additive-noise Runge-Kutta method: strong order 3/2, weak
/// order 2, two drift evaluations, with smaller errors than SRA1 (Foster, dos Reis
/// & Strange, *SIAM J. Sci. Comput.* 46, 2024). Additive noise of any structure,
/// either sense.
pub type Shark = AdditiveRungeKutta<SharkTableau>;

impl AdditiveScheme for SharkTableau {
    const TABLEAU: AdditiveTableau = AdditiveTableau {
        name: "shark",
        order: 2,
        a: &[&[], &[5.0 / 6.0]],
        b: &[2.0 / 5.0, 3.0 / 5.0],
        c: &[0.0, 5.0 / 6.0],
        p: &[0.0, 5.0 / 6.0],
        q: &[1.0, 1.0],
        d: 0.0,
        error: &[-3.0 / 5.0, 3.0 / 5.0],
    };
}
