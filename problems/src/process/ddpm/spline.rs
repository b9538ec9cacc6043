//! Monotone cubic splines on a uniform grid.

/// The cubic spline through falling values at 0, 1, 2, ...: two continuous derivatives wherever
/// that keeps it falling. The slopes at the ends are those of the cubics through the last
/// four values.
///
/// Where a slope would let the spline rise, it is limited to three times the smaller of the
/// neighbouring differences (Fritsch & Carlson, *SIAM J. Numer. Anal.* 17, 1980), and the second
/// derivative jumps there.
#[derive(Debug, Clone)]
pub(super) struct FallingSpline {
    values: Vec<f64>,
    slopes: Vec<f64>,
}

/// `rise(u) = u (b + u (c + u d))` over one piece, `u` in `[0, 1]`.
struct Piece {
    b: f64,
    c: f64,
    d: f64,
}

impl FallingSpline {
    /// Through at least three values, strictly falling.
    pub fn new(values: Vec<f64>) -> Self {
        let differences: Vec<f64> = values.windows(2).map(|ends| ends[1] - ends[0]).collect();
        let mut slopes = twice_differentiable(&values, &differences);
        let last = slopes.len() - 1;
        for (k, slope) in slopes.iter_mut().enumerate() {
            let smaller = differences[k.saturating_sub(1)].max(differences[k.min(last - 1)]);
            *slope = slope.clamp(3.0 * smaller, 0.1 * smaller);
        }
        FallingSpline { values, slopes }
    }

    fn piece(&self, k: usize) -> Piece {
        let rise = self.values[k + 1] - self.values[k];
        let (s0, s1) = (self.slopes[k], self.slopes[k + 1]);
        Piece { b: s0, c: 3.0 * rise - 2.0 * s0 - s1, d: s0 + s1 - 2.0 * rise }
    }

    /// Value and slope at `k + share`.
    pub fn at(&self, k: usize, share: f64) -> (f64, f64) {
        let piece = self.piece(k);
        (self.values[k] + piece.rise(share), piece.slope(share))
    }

    /// The share of piece `k` at which the spline takes `value`, one between its ends.
    pub fn share(&self, k: usize, value: f64) -> f64 {
        let piece = self.piece(k);
        let wanted = value - self.values[k];
        let (mut low, mut high) = (0.0, 1.0);
        let mut share = wanted / (self.values[k + 1] - self.values[k]);
        // Newton's method, kept between the ends; far fewer than these iterations are made.
        for _ in 0..100 {
            let gap = piece.rise(share) - wanted;
            if gap > 0.0 {
                low = share;
            } else {
                high = share;
            }
            let newton = share - gap / piece.slope(share);
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            if next == share || gap == 0.0 || high - low <= f64::EPSILON * high {
                return share;
            }
            if (next - share).abs() <= f64::EPSILON * share {
                return next;
            }
            share = next;
        }
        share
    }
}

impl Piece {
    fn rise(&self, u: f64) -> f64 {
        u * (self.b + u * (self.c + u * self.d))
    }

    fn slope(&self, u: f64) -> f64 {
        self.b + u * (2.0 * self.c + u * 3.0 * self.d)
    }
}

/// Slopes with which the second derivative is continuous:
/// `s_(k-1) + 4 s_k + s_(k+1) = 3 (y_(k+1) - y_(k-1))`, a diagonally dominant system.
fn twice_differentiable(values: &[f64], differences: &[f64]) -> Vec<f64> {
    let last = values.len() - 1;
    // In differences: nothing cancels beyond what the values have lost.
    let end = |d: [f64; 3]| (11.0 * d[0] - 7.0 * d[1] + 2.0 * d[2]) / 6.0;
    let three = |i: [usize; 3]| i.map(|i| differences[i]);
    let mut slopes = vec![0.0; values.len()];
    if last < 3 {
        let (first, second) = (differences[0], differences[last - 1]);
        slopes[0] = 1.5 * first - 0.5 * second;
        slopes[last] = 1.5 * second - 0.5 * first;
    } else {
        slopes[0] = end(three([0, 1, 2]));
        slopes[last] = end(three([last - 1, last - 2, last - 3]));
    }
    // Elimination downwards, substitution upwards.
    let mut upper = vec![0.0; values.len()];
    for k in 1..last {
        let pivot = 4.0 - upper[k - 1];
        upper[k] = 1.0 / pivot;
        slopes[k] = (3.0 * (differences[k - 1] + differences[k]) - slopes[k - 1]) / pivot;
    }
    for k in (1..last).rev() {
        slopes[k] -= upper[k] * slopes[k + 1];
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_are_reproduced_with_their_slopes() {
        let cubic = |x: f64| -x - 0.3 * x * x - 0.01 * x * x * x;
        let spline = FallingSpline::new((0..8).map(|k| cubic(f64::from(k))).collect());
        for k in 0..7 {
            for share in [0.0, 0.3, 1.0] {
                let x = k as f64 + share;
                let (value, slope) = spline.at(k, share);
                assert!((value - cubic(x)).abs() < 1e-13, "{x}: {value}");
                assert!((slope - (-1.0 - 0.6 * x - 0.03 * x * x)).abs() < 1e-13, "{x}: {slope}");
            }
        }
    }

    #[test]
    fn the_inverse_inverts() {
        let spline = FallingSpline::new((0..6).map(|k| -(0.1 * f64::from(k)).exp()).collect());
        for k in 0..5 {
            for share in [1e-9, 0.1, 0.5, 0.999, 1.0] {
                let found = spline.share(k, spline.at(k, share).0);
                assert!((found - share).abs() < 1e-13, "{k} {share} {found}");
            }
        }
    }

    #[test]
    fn it_falls_whatever_the_values() {
        let tables = [
            vec![0.0, -1.0, -1.001, -1.002, -9.0, -9.1],
            vec![0.0, -1e-9, -5.0],
            vec![0.0, -5.0, -5.1],
        ];
        for values in tables {
            let spline = FallingSpline::new(values.clone());
            for k in 0..values.len() - 1 {
                let points: Vec<f64> =
                    (0..=50).map(|i| spline.at(k, f64::from(i) / 50.0).0).collect();
                assert!(points.windows(2).all(|pair| pair[1] < pair[0]), "{values:?} {k}");
                assert_eq!(points[0], values[k]);
            }
        }
    }
}
