mod curve;
mod figure;

use ndarray::{Array1, Array2};

use self::curve::ArcLengthCurve;
use super::{DataSet, SampleRng};
use crate::catalog::Entry;

/// A sitting cat: head, two pointed ears, body, paws and a curled tail.
///
/// The figure is one closed curve of 21 cubic Bezier arcs, moved and scaled so
/// that a point uniform in arc length has mean zero and common variance
/// `(var x + var y)/2 = 1`. A sample is such a point plus Gaussian jitter.
#[derive(Debug, Clone)]
pub struct Cat {
    curve: ArcLengthCurve,
    jitter: f64,
}

/// Isotropic Gaussians: weights `[k]`, means `[k, 2]`, standard deviations `[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// Weights, summing to one.
    pub weights: Array1<f64>,
    /// One mean per row.
    pub means: Array2<f64>,
    /// One standard deviation per component.
    pub stds: Array1<f64>,
}

impl Cat {
    pub(super) fn entry() -> Entry<Box<dyn DataSet>> {
        Entry::new("cat", "the outline of a sitting cat", |_| Ok(Box::new(Cat::default()) as _))
    }

    /// Standard deviation of the jitter of [`Cat::default`].
    pub const JITTER: f64 = 0.02;

    /// A cat whose line has Gaussian jitter of this standard deviation
    /// (its absolute value; one that is not finite counts as zero).
    pub fn with_jitter(jitter: f64) -> Self {
        let jitter = if jitter.is_finite() { jitter.abs() } else { 0.0 };
        Cat { curve: ArcLengthCurve::standardised(figure::START, figure::ARCS), jitter }
    }

    /// Length of the outline.
    pub fn length(&self) -> f64 {
        self.curve.length()
    }

    /// `n` points of the outline, equally far apart along it: shape `[n, 2]`.
    pub fn outline(&self, n: usize) -> Array2<f64> {
        let step = self.curve.length() / n as f64;
        let mut points = Array2::zeros((n, 2));
        for (index, mut row) in points.rows_mut().into_iter().enumerate() {
            let [x, y] = self.curve.at(index as f64 * step);
            row[0] = x;
            row[1] = y;
        }
        points
    }

    /// The data set as `components` isotropic Gaussians (1 to 64) along the
    /// outline, for exact scores.
    ///
    /// Each stands for an equal length of line and has its centroid and its
    /// mean variance per coordinate, jitter included, so that the mixture has
    /// exactly the mean and common variance of the cat it approximates.
    pub fn mixture(&self, components: usize) -> Mixture {
        const POINTS_PER_PIECE: usize = 64;
        let components = components.clamp(1, 64);
        let piece = self.curve.length() / components as f64;
        let mut means = Array2::zeros((components, 2));
        let mut stds = Array1::zeros(components);
        for component in 0..components {
            let points: Vec<[f64; 2]> = (0..POINTS_PER_PIECE)
                .map(|index| {
                    let within = (index as f64 + 0.5) / POINTS_PER_PIECE as f64;
                    self.curve.at((component as f64 + within) * piece)
                })
                .collect();
            let mean_of = |value: &dyn Fn(&[f64; 2]) -> f64| {
                points.iter().map(value).sum::<f64>() / points.len() as f64
            };
            let (x, y) = (mean_of(&|point| point[0]), mean_of(&|point| point[1]));
            let spread = mean_of(&|point| (point[0] - x).powi(2) + (point[1] - y).powi(2));
            means[[component, 0]] = x;
            means[[component, 1]] = y;
            stds[component] = (spread / 2.0 + self.jitter * self.jitter).sqrt();
        }
        let weights = Array1::from_elem(components, 1.0 / components as f64);
        Mixture { weights, means, stds }
    }
}

impl Default for Cat {
    fn default() -> Self {
        Cat::with_jitter(Cat::JITTER)
    }
}

impl DataSet for Cat {
    fn dimension(&self) -> usize {
        2
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        let [x, y] = self.curve.at(rng.uniform() * self.curve.length());
        point[0] = x + self.jitter * rng.normal();
        point[1] = y + self.jitter * rng.normal();
    }
}
