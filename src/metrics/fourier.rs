//! Sums of a Gaussian kernel over all pairs, as a Fourier series.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::points::Points;

/// Cut-off of the kernel and of its spectrum, in standard deviations:
/// `exp(-CUT^2 / 2)` is below 2e-17.
const CUT: f64 = 8.8;
/// Products of a point's features that take as long as one pair of points.
const PRODUCTS_PER_PAIR: f64 = 12.0;
/// Most features of a point: what is kept takes 16 times as many numbers.
const MOST_FEATURES: f64 = 250_000.0;
/// Units of parallel work. Fixed: the order of summation, and so the last
/// bits, depend on it.
const PARTS: usize = 16;
/// Points whose features are written out at a time.
const RUN: usize = 256;

/// The kernel `exp(-|x-y|^2 / (2 h^2))` of points within a box as a product of
/// cosine series:
///
/// `exp(-s^2 / (2 h^2)) = sum_k w_k cos(2 pi k s / T)`, for `|s| <= L`,
/// `w_k = c_k sqrt(2 pi) h / T exp(-(2 pi k h / T)^2 / 2)`, `c_0 = 1`, else 2,
///
/// with the period `T = L + CUT h` and all frequencies up to `CUT / h`; by
/// Poisson's summation formula it is the kernel repeated at every period, so
/// that both errors are below 1e-16. As `cos(a - b) = cos a cos b + sin a sin b`,
/// a sum over all pairs is a weighted square of sums over the points.
pub(super) struct Fourier {
    axes: Vec<Series>,
}

/// The series along one axis.
struct Series {
    center: f64,
    /// `2 pi / T`.
    frequency: f64,
    /// Of each feature: 1, then the cosine and the sine of every frequency.
    weights: Vec<f64>,
}

/// Means over all pairs of points, those of a point with itself included.
pub(super) struct KernelMeans {
    /// Of pairs within `P`.
    pub within_p: f64,
    /// Of pairs within `Q`.
    pub within_q: f64,
    /// `within_p + within_q - 2 across`, a sum of squares.
    pub biased: f64,
}

impl Fourier {
    /// The series for these samples, if summing it is less work than going
    /// through all pairs: in few dimensions, and unless the samples are far
    /// wider than the kernel.
    pub fn if_faster(p: &Points, q: &Points, bandwidth: f64) -> Option<Self> {
        let (n, m) = (p.count() as f64, q.count() as f64);
        let features: f64 =
            extents(p, q).map(|extent| 2.0 * frequencies(extent, bandwidth) + 1.0).product();
        let pairs = n * m + 0.5 * n * n + 0.5 * m * m;
        let faster = features <= MOST_FEATURES && (n + m) * features < PRODUCTS_PER_PAIR * pairs;
        faster.then(|| Fourier::new(p, q, bandwidth))
    }

    fn new(p: &Points, q: &Points, bandwidth: f64) -> Self {
        Fourier { axes: extents(p, q).map(|extent| Series::new(extent, bandwidth)).collect() }
    }

    /// The means of the kernel.
    pub fn means(&self, p: &Points, q: &Points) -> KernelMeans {
        let (mean_p, mean_q) = (self.mean_features(p), self.mean_features(q));
        let first = &self.axes[0].weights;
        let mut rest = vec![1.0];
        for axis in &self.axes[1..] {
            rest = axis.weights.iter().flat_map(|w| rest.iter().map(move |r| w * r)).collect();
        }
        let mut means = KernelMeans { within_p: 0.0, within_q: 0.0, biased: 0.0 };
        for (row, weight) in first.iter().enumerate() {
            for (column, rest) in rest.iter().enumerate() {
                let (x, y) = (mean_p[[row, column]], mean_q[[row, column]]);
                let weight = weight * rest;
                means.within_p += weight * x * x;
                means.within_q += weight * y * y;
                means.biased += weight * (x - y) * (x - y);
            }
        }
        means
    }

    /// The mean over the points of the products of one feature along each
    /// axis: a row for those of the first axis, a column for those of the others.
    fn mean_features(&self, points: &Points) -> Array2<f64> {
        let rows = self.axes[0].weights.len();
        let columns = self.axes[1..].iter().map(|axis| axis.weights.len()).product();
        let count = points.count();
        let parts: Vec<Array2<f64>> = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let (begin, end) = (part * count / PARTS, (part + 1) * count / PARTS);
                let mut sums = Array2::zeros((rows, columns));
                for begin in (begin..end).step_by(RUN) {
                    let run = begin..(begin + RUN).min(end);
                    let first = self.axes[0].features(&points.coordinate(0)[run.clone()]);
                    let mut others = Array2::ones((1, run.len()));
                    for (axis, series) in self.axes.iter().enumerate().skip(1) {
                        let features = series.features(&points.coordinate(axis)[run.clone()]);
                        others = products(&features, &others);
                    }
                    general_mat_mul(1.0, &first, &others.t(), 1.0, &mut sums);
                }
                sums
            })
            .collect();
        let mut total = Array2::zeros((rows, columns));
        for part in &parts {
            total += part;
        }
        total / count as f64
    }
}

impl Series {
    fn new(extent: (f64, f64), bandwidth: f64) -> Self {
        let period = period(extent, bandwidth);
        let frequency = std::f64::consts::TAU / period;
        let height = std::f64::consts::TAU.sqrt() * bandwidth / period;
        let mut weights = vec![height];
        for k in 1..=frequencies(extent, bandwidth) as usize {
            let phase = k as f64 * frequency * bandwidth;
            let weight = 2.0 * height * (-0.5 * phase * phase).exp();
            weights.extend([weight, weight]);
        }
        Series { center: 0.5 * extent.0 + 0.5 * extent.1, frequency, weights }
    }

    /// A row per feature, a column per point. The powers of `e^(i theta)` by
    /// repeated multiplication, which vector instructions do for many points.
    fn features(&self, coordinates: &[f64]) -> Array2<f64> {
        let mut features = Array2::ones((self.weights.len(), coordinates.len()));
        let unit: Vec<(f64, f64)> =
            coordinates.iter().map(|x| ((x - self.center) * self.frequency).sin_cos()).collect();
        let (sines, cosines): (Vec<f64>, Vec<f64>) = unit.into_iter().unzip();
        let (mut cosine, mut sine) = (vec![1.0; sines.len()], vec![0.0; sines.len()]);
        let mut rows = features.axis_iter_mut(Axis(0)).skip(1);
        while let (Some(mut cosine_row), Some(mut sine_row)) = (rows.next(), rows.next()) {
            for (((c, s), c1), s1) in cosine.iter_mut().zip(&mut sine).zip(&cosines).zip(&sines) {
                (*c, *s) = (*c * c1 - *s * s1, *c * s1 + *s * c1);
            }
            copy(&mut cosine_row, &cosine);
            copy(&mut sine_row, &sine);
        }
        features
    }
}

fn copy(row: &mut ndarray::ArrayViewMut1<f64>, values: &[f64]) {
    row.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
}

/// Every row of one times every row of the other.
fn products(features: &Array2<f64>, others: &Array2<f64>) -> Array2<f64> {
    let mut result = Array2::zeros((features.nrows() * others.nrows(), features.ncols()));
    for (row, mut block) in
        features.rows().into_iter().zip(result.axis_chunks_iter_mut(Axis(0), others.nrows()))
    {
        block.assign(others);
        block *= &row;
    }
    result
}

/// Along each axis the smallest and the largest coordinate of both samples.
fn extents(p: &Points, q: &Points) -> impl Iterator<Item = (f64, f64)> {
    (0..p.dimension()).map(move |axis| {
        let all = p.coordinate(axis).iter().chain(q.coordinate(axis));
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
    })
}

fn period((low, high): (f64, f64), bandwidth: f64) -> f64 {
    (high - low) + CUT * bandwidth
}

fn frequencies(extent: (f64, f64), bandwidth: f64) -> f64 {
    (CUT / bandwidth * period(extent, bandwidth) / std::f64::consts::TAU).ceil()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::{Sample, points::Points};
    use super::Fourier;

    fn mean(p: &Array2<f64>, q: &Array2<f64>, bandwidth: f64) -> f64 {
        let kernel = |x, y| {
            let square: f64 = ndarray::Zip::from(x)
                .and(y)
                .fold(0.0, |sum, a: &f64, b: &f64| sum + (a - b) * (a - b));
            (-0.5 * square / bandwidth / bandwidth).exp()
        };
        let sum: f64 = p
            .rows()
            .into_iter()
            .map(|x| q.rows().into_iter().map(|y| kernel(x, y)).sum::<f64>())
            .sum();
        sum / (p.nrows() * q.nrows()) as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn means_are_those_over_all_pairs(
            n in 1usize..120, m in 1usize..120, d in 1usize..=3, seed: u64,
            coarse: bool, flat: bool, shift in -1e3f64..1e3, bandwidth in 0.3f64..30.0,
        ) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut sample = |count| Array2::from_shape_fn((count, d), |(_, axis)| {
                let x = rng.random::<f64>() * 4.0 - 2.0;
                // Points that coincide, points on a line.
                let x = if coarse { x.round() } else { x };
                shift + if flat && axis > 0 { 0.0 } else { x }
            });
            let (p, q) = (sample(n), sample(m));
            let points = |a: &Array2<f64>| Points::new(&a.view(), Sample::P).unwrap();
            let (points_p, points_q) = (points(&p), points(&q));
            let ours = Fourier::new(&points_p, &points_q, bandwidth).means(&points_p, &points_q);
            let (pp, qq, pq) = (mean(&p, &p, bandwidth), mean(&q, &q, bandwidth), mean(&p, &q, bandwidth));
            prop_assert!((ours.within_p - pp).abs() < 1e-13, "{} {pp}", ours.within_p);
            prop_assert!((ours.within_q - qq).abs() < 1e-13, "{} {qq}", ours.within_q);
            prop_assert!((ours.biased - (pp + qq - 2.0 * pq)).abs() < 1e-13);
        }
    }

    #[test]
    fn few_points_many_dimensions_and_outliers_are_left_to_the_pairs() {
        let points = |n, d, scale: f64| {
            let view = Array2::from_shape_fn((n, d), |(i, j)| scale * ((i * (j + 3)) as f64).sin());
            Points::new(&view.view(), Sample::P).unwrap()
        };
        let large = points(2000, 2, 2.0);
        assert!(Fourier::if_faster(&large, &large, 0.5).is_some());
        for (n, d, scale) in [(10, 2, 2.0), (2000, 5, 2.0), (2000, 2, 1e4), (2000, 2, 1e300)] {
            let other = points(n, d, scale);
            assert!(Fourier::if_faster(&other, &other, 0.5).is_none(), "{n} {d} {scale}");
        }
    }
}
