use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau, nested};

/// The Dormand-Prince pair 5(4), RK5(4)7M: `u_next = u + h sum_i b_i k_i`.
/// Propagates order 5, estimates the error by an embedded solution of order 4.
/// Seven stages, the last being the first of the next step, hence six
/// evaluations per step. The continuation of order 4 needs no further evaluation.
///
/// - J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta
///   formulae", *Journal of Computational and Applied Mathematics* 6 (1980), 19-26.
/// - Continuation: E. Hairer, S. P. Nørsett and G. Wanner, *Solving Ordinary
///   Differential Equations I*, 2nd edition, Springer, 1993, II.6 (CONTD5 of the
///   code DOPRI5).
pub type Dopri5 = RungeKutta<Dopri5Tableau>;

/// The tableau of [`Dopri5`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Dopri5Tableau;

const B: [f64; 7] =
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0];

const D: [f64; 7] = [
    -12715105075.0 / 11282082432.0,
    0.0,
    87487479700.0 / 32700410799.0,
    -10690763975.0 / 1880347072.0,
    701980252875.0 / 199316789632.0,
    -1453857185.0 / 822651844.0,
    69997945.0 / 29380423.0,
];

impl ExplicitTableau for Dopri5Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "dopri5",
        order: 5,
        a: &[
            &[],
            &[1.0 / 5.0],
            &[3.0 / 40.0, 9.0 / 40.0],
            &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
            &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
            &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
            B.split_at(6).0,
        ],
        b: &B,
        c: &[0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0],
        error: ErrorWeights::Single {
            order: 4,
            weights: &[
                71.0 / 57600.0,
                0.0,
                -71.0 / 16695.0,
                71.0 / 1920.0,
                -17253.0 / 339200.0,
                22.0 / 525.0,
                -1.0 / 40.0,
            ],
        },
        continuous: Continuous::Own {
            order: 4,
            extra: &[],
            weights: |theta, weights| nested::weights(theta, &B, 6, &[&D], weights),
        },
    };
}
