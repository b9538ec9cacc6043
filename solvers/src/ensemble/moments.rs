use super::Statistic;

/// Number of lanes, mean and covariance, without keeping the lanes.
///
/// One lane at a time by Welford's recursion (*Technometrics* 4, 1962),
///
/// ```text
/// d = x - m_(n-1),  m_n = m_(n-1) + d / n,  C_n = C_(n-1) + (n-1)/n d d^T,
/// ```
///
/// parts merged by Chan, Golub & LeVeque (*COMPSTAT* 1982):
/// `C = C_a + C_b + n_a n_b / n (m_b - m_a)(m_b - m_a)^T`. No sum of squares is
/// formed, from which a large mean would cancel the variance. A number that is
/// infinite in one lane has an infinite or undefined mean.
///
/// ```
/// use driftfield_solvers::ensemble::{Moments, Statistic};
/// let mut moments = Moments::new(1);
/// for x in [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0] {
///     moments.push(&[x]);
/// }
/// assert_eq!((moments.mean()[0], moments.variance(0)), (1e9 + 10.0, 30.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    count: u64,
    mean: Vec<f64>,
    /// Sums of products of deviations, the upper triangle row by row.
    products: Vec<f64>,
}

impl Moments {
    /// Of `width` numbers per lane.
    pub fn new(width: usize) -> Self {
        Moments { count: 0, mean: vec![0.0; width], products: vec![0.0; width * (width + 1) / 2] }
    }

    /// Lanes seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; 0 if no lane was seen.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The unbiased covariance of numbers `i` and `j`, its divisor one less than
    /// the count; NaN for fewer than two lanes, or numbers that there are not.
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let (row, column) = (i.min(j), i.max(j));
        let width = self.mean.len();
        if column >= width || self.count < 2 {
            return f64::NAN;
        }
        // Row `r` of the triangle has `width - r` entries.
        let start = row * (2 * width + 1 - row) / 2;
        self.products[start + column - row] / (self.count - 1) as f64
    }

    /// The unbiased variance of number `i`, as [`Moments::covariance`].
    pub fn variance(&self, i: usize) -> f64 {
        self.covariance(i, i)
    }

    /// The estimated standard error of the mean of number `i`.
    pub fn standard_error(&self, i: usize) -> f64 {
        (self.variance(i) / self.count as f64).sqrt()
    }

    /// With `d = other - mean`: `products += weight d d^T`, `mean += share d`.
    fn move_towards(&mut self, other: &[f64], share: f64, weight: f64) {
        let mut products = self.products.iter_mut();
        for (i, (x, mean)) in other.iter().zip(&self.mean).enumerate() {
            let weighted = weight * (x - mean);
            let rest = other[i..].iter().zip(&self.mean[i..]);
            for ((x, mean), product) in rest.zip(&mut products) {
                *product += weighted * (x - mean);
            }
        }
        for (mean, x) in self.mean.iter_mut().zip(other) {
            *mean += share * (x - *mean);
        }
    }
}

impl Statistic for Moments {
    fn width(&self) -> usize {
        self.mean.len()
    }

    fn empty(&self) -> Self {
        Moments::new(self.width())
    }

    fn push(&mut self, values: &[f64]) {
        self.count += 1;
        let count = self.count as f64;
        self.move_towards(values, 1.0 / count, (count - 1.0) / count);
    }

    fn merge(&mut self, later: Self) {
        if self.count == 0 {
            *self = later;
            return;
        }
        if later.count == 0 {
            return;
        }
        let share = later.count as f64 / (self.count + later.count) as f64;
        self.move_towards(&later.mean, share, self.count as f64 * share);
        for (product, other) in self.products.iter_mut().zip(&later.products) {
            *product += other;
        }
        self.count += later.count;
    }
}
