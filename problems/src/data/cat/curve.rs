/// A point of the plane.
pub(super) type Point = [f64; 2];

/// The two inner control points and the end of a cubic Bezier arc; it begins
/// where the one before it ends.
pub(super) type CubicArc = [Point; 3];

/// Chords per arc in the table of lengths: the interpolated position along the
/// line is then off by less than 1e-5 of its length.
const CHORDS: usize = 256;

/// A chain of cubic Bezier arcs as a function of arc length.
#[derive(Debug, Clone)]
pub(super) struct ArcLengthCurve {
    /// Four control points per arc.
    arcs: Vec<[Point; 4]>,
    /// Length of the line up to chord `k`; the last entry is the whole length.
    lengths: Vec<f64>,
}

impl ArcLengthCurve {
    /// The chain moved and scaled so that a point uniform in arc length has
    /// mean zero and mean variance per coordinate one.
    pub fn standardised(start: Point, chain: &[CubicArc]) -> Self {
        let mut begin = start;
        let arcs = chain
            .iter()
            .map(|&[first, second, end]| [std::mem::replace(&mut begin, end), first, second, end])
            .collect();
        let raw = ArcLengthCurve::new(arcs);
        let (mean, deviation) = raw.moments();
        let place = |point: Point| [0, 1].map(|axis| (point[axis] - mean[axis]) / deviation);
        ArcLengthCurve::new(raw.arcs.iter().map(|arc| arc.map(place)).collect())
    }

    fn new(arcs: Vec<[Point; 4]>) -> Self {
        let mut lengths = Vec::with_capacity(arcs.len() * CHORDS + 1);
        let mut total = 0.0;
        lengths.push(total);
        for arc in &arcs {
            let mut from = arc[0];
            for chord in 1..=CHORDS {
                let to = bezier(arc, chord as f64 / CHORDS as f64);
                total += (to[0] - from[0]).hypot(to[1] - from[1]);
                lengths.push(total);
                from = to;
            }
        }
        ArcLengthCurve { arcs, lengths }
    }

    /// The whole length.
    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// The point at this distance along the line; ends are held.
    pub fn at(&self, distance: f64) -> Point {
        let chords = self.arcs.len() * CHORDS;
        let chord = self.lengths.partition_point(|&length| length <= distance);
        let chord = chord.saturating_sub(1).min(chords - 1);
        let (from, to) = (self.lengths[chord], self.lengths[chord + 1]);
        let within =
            if to > from { ((distance - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        let parameter = ((chord % CHORDS) as f64 + within) / CHORDS as f64;
        bezier(&self.arcs[chord / CHORDS], parameter)
    }

    /// Mean, and root of the mean variance per coordinate, of a point uniform
    /// in arc length: midpoints of the chords weighted by their lengths.
    fn moments(&self) -> (Point, f64) {
        let pieces = || {
            self.lengths.windows(2).enumerate().map(|(chord, ends)| {
                let middle = ((chord % CHORDS) as f64 + 0.5) / CHORDS as f64;
                (ends[1] - ends[0], bezier(&self.arcs[chord / CHORDS], middle))
            })
        };
        let average = |value: &dyn Fn(Point) -> f64| {
            pieces().map(|(weight, point)| weight * value(point)).sum::<f64>() / self.length()
        };
        let mean = [average(&|point| point[0]), average(&|point| point[1])];
        let variance =
            average(&|point| (point[0] - mean[0]).powi(2) + (point[1] - mean[1]).powi(2)) / 2.0;
        (mean, variance.sqrt())
    }
}

/// `(1-t)^3 p0 + 3t(1-t)^2 p1 + 3t^2(1-t) p2 + t^3 p3`.
fn bezier(arc: &[Point; 4], t: f64) -> Point {
    let s = 1.0 - t;
    let weights = [s * s * s, 3.0 * t * s * s, 3.0 * t * t * s, t * t * t];
    [0, 1].map(|axis| weights.iter().zip(arc).map(|(weight, point)| weight * point[axis]).sum())
}
