//! The law of a Brownian path inside an interval, given its increment and its
//! space-time Levy area over it.

use super::piece::Piece;
use crate::state::{State, StateError};

/// Weights of one bisection of an interval of length `h = s + r` at `s`, after
/// Foster, Lyons & Oberhauser (*SIAM J. Numer. Anal.* 58, 2020) and Jelincic,
/// Foster & Kidger (*Single-seed generation of Brownian paths and integrals*,
/// 2024). With two standard normals `X`, `Y` and `D = sqrt(s^3 + r^3)`,
///
/// ```text
/// W_s = s/h W + 6 s r/h^2 H + p X       p = sqrt(s r) D / h^2
/// H_s = s^2/h^2 H - q(s, r) X + y(r) Y  q(s, r) = s^(5/2) r^(1/2) / (2 h D)
/// H_r = r^2/h^2 H - q(r, s) X - y(s) Y  y(r) = r^(3/2) s^(1/2) / (2 sqrt(3) D)
/// ```
///
/// and `W_r = W - W_s`, written without the subtraction.
struct Weights {
    w: f64,
    wh: f64,
    wx: f64,
    h: f64,
    hx: f64,
    hy: f64,
}

impl Weights {
    fn of(s: f64, r: f64) -> Self {
        let h = s + r;
        let d = (s * s * s + r * r * r).sqrt();
        Weights {
            w: s / h,
            wh: 6.0 * s * r / (h * h),
            wx: (s * r).sqrt() * d / (h * h),
            h: s * s / (h * h),
            hx: s * s * (s * r).sqrt() / (2.0 * h * d),
            hy: r * (s * r).sqrt() / (2.0 * 3.0_f64.sqrt() * d),
        }
    }
}

/// Splits `whole` after the length `s` into `left` and `right`, with the standard
/// normals `x` and `y`.
pub(super) fn split<S: State>(
    whole: &Piece<S>,
    s: f64,
    normals: (&[S], &[S]),
    left: &mut Piece<S>,
    right: &mut Piece<S>,
) -> Result<(), StateError> {
    let r = whole.length - s;
    let (of_left, of_right) = (Weights::of(s, r), Weights::of(r, s));
    for (k, (w, h)) in whole.w.iter().zip(&whole.h).enumerate() {
        let (x, y) = (&normals.0[k], &normals.1[k]);
        for (part, weights, sign) in [(&mut *left, &of_left, 1.0), (&mut *right, &of_right, -1.0)] {
            let terms = [(weights.w, w), (sign * weights.wh, h), (sign * weights.wx, x)];
            part.w[k].linear_combination(0.0, &terms)?;
            let terms = [(weights.h, h), (-weights.hx, x), (sign * weights.hy, y)];
            part.h[k].linear_combination(0.0, &terms)?;
        }
    }
    left.length = s;
    right.length = r;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn part(length: f64, w: f64, h: f64) -> Piece<f64> {
        Piece { length, w: vec![w], h: vec![h] }
    }

    /// The linear map from (W, H, X, Y) to (W_s, H_s, W_r, H_r), column by column.
    fn map(s: f64, r: f64) -> [[f64; 4]; 4] {
        let column = |w: f64, h: f64, x: f64, y: f64| {
            let (mut left, mut right) = (part(0.0, 0.0, 0.0), part(0.0, 0.0, 0.0));
            split(&part(s + r, w, h), s, (&[x], &[y]), &mut left, &mut right).unwrap();
            [left.w[0], left.h[0], right.w[0], right.h[0]]
        };
        [
            column(1.0, 0.0, 0.0, 0.0),
            column(0.0, 1.0, 0.0, 0.0),
            column(0.0, 0.0, 1.0, 0.0),
            column(0.0, 0.0, 0.0, 1.0),
        ]
    }

    #[test]
    fn halves_have_the_law_of_brownian_motion() {
        // Var W = h, Var H = h / 12, all independent: so must the parts be.
        for (s, r) in [(0.5, 0.5), (0.2, 1.1), (3.0, 0.01)] {
            let columns = map(s, r);
            let variances = [s + r, (s + r) / 12.0, 1.0, 1.0];
            let expected = [s, s / 12.0, r, r / 12.0];
            for (i, variance) in expected.into_iter().enumerate() {
                for j in 0..4 {
                    let product = |(v, column): (&f64, &[f64; 4])| v * column[i] * column[j];
                    let covariance: f64 = variances.iter().zip(&columns).map(product).sum();
                    let wanted = if i == j { variance } else { 0.0 };
                    assert!((covariance - wanted).abs() < 1e-14 * (s + r), "{i} {j} {covariance}");
                }
            }
        }
    }

    #[test]
    fn joining_undoes_splitting() {
        let whole = part(1.3, 0.7, -0.2);
        let (mut left, mut right) = (part(0.0, 0.0, 0.0), part(0.0, 0.0, 0.0));
        split(&whole, 0.4, (&[0.3], &[-1.1]), &mut left, &mut right).unwrap();
        let mut appended = left.clone();
        appended.append(&right).unwrap();
        let mut prepended = right.clone();
        prepended.prepend(&left).unwrap();
        for joined in [&appended, &prepended] {
            assert_relative_eq!(joined.w[0], 0.7, epsilon = 1e-15);
            assert_relative_eq!(joined.h[0], -0.2, epsilon = 1e-15);
        }
        let mut rest = whole.clone();
        rest.remove_start(&left).unwrap();
        assert_relative_eq!(rest.w[0], right.w[0], epsilon = 1e-14);
        assert_relative_eq!(rest.h[0], right.h[0], epsilon = 1e-14);
    }
}
