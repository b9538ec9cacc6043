//! The pair of Tsitouras as one would write it for one purpose: everything a local
//! variable, the newest stage added last so that a stage waits for one product and one
//! sum, no root of the norm, the first stage handed on. Same tableau, norm and
//! controller as ours; the first step is given, not sought.

use driftfield_solvers::method::runge_kutta::{
    ErrorWeights, ExplicitTableau, Tableau, Tsit5Tableau,
};

use super::contender::{Class, Contender, End};
use super::problems::{Dynamics, Problem};

const TABLEAU: Tableau = Tsit5Tableau::TABLEAU;

/// The first `N` entries of a row, as an array.
const fn entries<const N: usize>(row: &[f64]) -> [f64; N] {
    let mut entries = [0.0; N];
    let mut j = 0;
    while j < N {
        entries[j] = row[j];
        j += 1;
    }
    entries
}

const fn row<const N: usize>(i: usize) -> [f64; N] {
    entries(TABLEAU.a[i])
}

const ERROR: [f64; 7] = match TABLEAU.error {
    ErrorWeights::Single { weights, .. } => entries(weights),
    _ => panic!("the pair has one error estimate"),
};

#[inline(always)]
fn advanced<const N: usize, const K: usize>(
    u: &[f64; N],
    h: f64,
    a: [f64; K],
    k: [&[f64; N]; K],
) -> [f64; N] {
    std::array::from_fn(|i| {
        let mut sum = u[i];
        for (a, k) in a.iter().zip(k) {
            sum += (h * a) * k[i];
        }
        sum
    })
}

/// A step: the new state, the slope there, the error estimate.
#[inline(always)]
fn step<const N: usize, D: Dynamics>(
    dynamics: D,
    u: &[f64; N],
    k1: &[f64; N],
    h: f64,
) -> ([f64; N], [f64; N], [f64; N]) {
    let f = |u: [f64; N]| {
        let mut du = [0.0; N];
        dynamics.derivative(&mut du, &u);
        du
    };
    let k2 = f(advanced(u, h, const { row::<1>(1) }, [k1]));
    let k3 = f(advanced(u, h, const { row::<2>(2) }, [k1, &k2]));
    let k4 = f(advanced(u, h, const { row::<3>(3) }, [k1, &k2, &k3]));
    let k5 = f(advanced(u, h, const { row::<4>(4) }, [k1, &k2, &k3, &k4]));
    let k6 = f(advanced(u, h, const { row::<5>(5) }, [k1, &k2, &k3, &k4, &k5]));
    let next = advanced(u, h, const { row::<6>(6) }, [k1, &k2, &k3, &k4, &k5, &k6]);
    let k7 = f(next);
    let error = advanced(&[0.0; N], h, ERROR, [k1, &k2, &k3, &k4, &k5, &k6, &k7]);
    (next, k7, error)
}

/// Steps of equal length.
pub fn fixed<const N: usize, D: Dynamics>(
    dynamics: D,
    mut u: [f64; N],
    end: f64,
    steps: usize,
) -> [f64; N] {
    let h = end / steps as f64;
    let mut slope = [0.0; N];
    dynamics.derivative(&mut slope, &u);
    for _ in 0..steps {
        (u, slope, _) = step(dynamics, &u, &slope, h);
    }
    u
}

/// Steps that follow the error, and how many were attempted.
pub fn adaptive<const N: usize, D: Dynamics>(
    dynamics: D,
    mut u: [f64; N],
    end: f64,
    tolerance: f64,
) -> ([f64; N], u64) {
    let mut slope = [0.0; N];
    dynamics.derivative(&mut slope, &u);
    let (mut t, mut h, mut steps) = (0.0, 1e-2 * tolerance.powf(0.2), 0);
    let mut largest = 10.0;
    while t < end {
        let last = h >= end - t;
        let length = if last { end - t } else { h };
        let (next, new_slope, error) = step(dynamics, &u, &slope, length);
        let mut sum = 0.0;
        for i in 0..N {
            let ratio = error[i] / (tolerance + tolerance * u[i].abs().max(next[i].abs()));
            sum += ratio * ratio;
        }
        let square = sum * (1.0 / N as f64);
        let factor = 0.9 * square.powf(-0.1);
        steps += 1;
        if square <= 1.0 {
            (u, slope) = (next, new_slope);
            t = if last { end } else { t + length };
            h = length * factor.clamp(0.2, largest);
            largest = 10.0;
        } else {
            h = length * factor.clamp(0.2, 0.9);
            largest = 1.0;
        }
    }
    (u, steps)
}

pub fn contender<const N: usize, D: Dynamics>(problem: &Problem<[f64; N], D>) -> Contender<'_> {
    Contender::peer("tsit5 by hand", Class::Five, move |tolerance| {
        let (u, steps) = adaptive(problem.dynamics, problem.start, problem.end, tolerance);
        Some(End { u: u.to_vec(), steps })
    })
}
