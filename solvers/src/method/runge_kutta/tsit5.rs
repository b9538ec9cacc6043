use super::{Continuous, ErrorWeights, ExplicitTableau, RungeKutta, Tableau, nested};

/// Tsitouras' pair 5(4): `u_next = u + h sum_i b_i k_i`. Propagates order 5,
/// estimates the error by an embedded solution of order 4. Seven stages, the last
/// being the first of the next step, hence six evaluations per step. Its own
/// continuation has order 4 (not 5, as some libraries say) and needs no further
/// evaluation.
///
/// Ch. Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first
/// column simplifying assumption", *Computers & Mathematics with Applications* 62
/// (2011), 770-775.
pub type Tsit5 = RungeKutta<Tsit5Tableau>;

/// The tableau of [`Tsit5`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Tsit5Tableau;

const B: [f64; 7] = [
    0.09646076681806523,
    1.0 / 100.0,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
    0.0,
];

// The coefficients of theta^4 of the published polynomials. These join smoothly
// at both ends of the step, so that the lower powers follow from `B`.
const D: [f64; 7] = [
    -1.0530884977290216,
    0.1017,
    2.490627285651253,
    -16.548102889244902,
    47.37952196281928,
    -34.87065786149661,
    2.5,
];

impl ExplicitTableau for Tsit5Tableau {
    const TABLEAU: Tableau = Tableau {
        name: "tsit5",
        order: 5,
        a: &[
            &[],
            &[161.0 / 1000.0],
            &[-0.008480655492356989, 0.335480655492357],
            &[2.8971530571054935, -6.359448489975075, 4.3622954328695815],
            &[5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
            &[
                5.86145544294642,
                -12.92096931784711,
                8.159367898576159,
                -0.071584973281401,
                -0.028269050394068383,
            ],
            B.split_at(6).0,
        ],
        b: &B,
        c: &[0.0, 161.0 / 1000.0, 327.0 / 1000.0, 9.0 / 10.0, 0.9800255409045097, 1.0, 1.0],
        error: ErrorWeights::Single {
            order: 4,
            weights: &[
                0.0017800110522257714,
                0.0008164344596567469,
                -0.007880878010261995,
                0.1447110071732629,
                -0.5823571654525552,
                0.45808210592918697,
                -1.0 / 66.0,
            ],
        },
        continuous: Continuous::Own {
            order: 4,
            extra: &[],
            weights: |theta, weights| nested::weights(theta, &B, 6, &[&D], weights),
        },
    };
}
