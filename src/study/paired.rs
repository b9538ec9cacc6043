//! Differences between rows, paired by seed where both have it.

use std::f64::consts::FRAC_2_PI;

use super::rows::{Floor, Measured, Summary};
use super::{CaseResult, Row};

/// The number of each seed, and which seed it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seeded<'a> {
    seeds: &'a [u64],
    numbers: &'a [Option<f64>],
}

impl<'a> Seeded<'a> {
    fn known(self) -> impl Iterator<Item = (u64, f64)> + 'a {
        let known = |(&seed, &number): (&u64, &Option<f64>)| Some((seed, number?));
        self.seeds.iter().zip(self.numbers).filter_map(known)
    }

    /// `self - other` for every seed that both have.
    fn differences(self, other: Seeded<'_>) -> Vec<f64> {
        let other: Vec<(u64, f64)> = other.known().collect();
        let of = |seed: u64| other.iter().find(|(own, _)| *own == seed);
        self.known().filter_map(|(seed, number)| Some(number - of(seed)?.1)).collect()
    }
}

/// The name of the distance to the true solution among the numbers of a row.
pub(super) const SOLVER_ERROR: &str = "solver_error";
/// The name of the wall time of a solve.
pub(super) const SECONDS: &str = "seconds";

impl Row {
    /// Mean and spread of a number by name: [`SOLVER_ERROR`], [`SECONDS`] or a metric.
    pub(super) fn number(&self, name: &str) -> Option<Summary> {
        match name {
            SOLVER_ERROR => self.solver_error,
            SECONDS => Some(self.seconds),
            metric => self.metric(metric)?.value,
        }
    }

    pub(super) fn seeded(&self, name: &str) -> Seeded<'_> {
        let numbers = match name {
            SOLVER_ERROR => self.solver_error_seeds.as_slice(),
            SECONDS => &self.seconds_seeds,
            metric => self.metric(metric).map_or(&[][..], |measured| &measured.seeds),
        };
        Seeded { seeds: &self.seed_list, numbers }
    }
}

impl CaseResult {
    /// What no solver is to blame for, if it was measured.
    pub(super) fn model_floor(&self, metric: &str) -> Option<(Summary, Seeded<'_>)> {
        let measured = self.floors.iter().find(|floor| floor.is_model())?.metric(metric)?;
        Some((measured.value?, self.floor_seeded(Some(measured))))
    }

    /// What a metric said of a floor, seed by seed.
    pub(super) fn floor_seeded<'a>(&'a self, measured: Option<&'a Measured>) -> Seeded<'a> {
        let numbers = measured.map_or(&[][..], |measured| &measured.seeds);
        Seeded { seeds: &self.seed_list, numbers }
    }

    /// A floor by name.
    pub(super) fn floor(&self, name: &str) -> Option<&Floor> {
        self.floors.iter().find(|floor| floor.name == name)
    }
}

/// A difference of two means, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The difference.
    pub mean: f64,
    /// Its 95 % interval (Student's t).
    pub interval: [f64; 2],
    /// Seeds that it is over: those that both have if it is paired, otherwise the fewer of both.
    pub seeds: usize,
    /// Whether each seed's number was taken from the same seed's. Otherwise the interval is Welch's,
    /// with its degrees of freedom rounded down.
    pub paired: bool,
}

impl Difference {
    /// `a - b`, seed by seed; none with fewer than two seeds that both have.
    pub(super) fn paired(a: Seeded<'_>, b: Seeded<'_>) -> Option<Difference> {
        let differences = a.differences(b);
        let seeds = differences.len();
        let Summary { mean, std: Some(std) } = Summary::of(differences) else { return None };
        let half = t_quantile(seeds - 1) * std / (seeds as f64).sqrt();
        Some(Difference { mean, interval: [mean - half, mean + half], seeds, paired: true })
    }

    /// `a - b` of seeds that have nothing in common; none with fewer than two on a side.
    pub(super) fn unpaired(a: Seeded<'_>, b: Seeded<'_>) -> Option<Difference> {
        let side = |side: Seeded<'_>| {
            let numbers: Vec<f64> = side.known().map(|(_, number)| number).collect();
            let n = numbers.len();
            let Summary { mean, std } = Summary::of(numbers);
            Some((n, mean, std?.powi(2) / n as f64))
        };
        let ((n, a, a_squared), (m, b, b_squared)) = (side(a)?, side(b)?);
        let squared = a_squared + b_squared;
        let parts = a_squared.powi(2) / (n - 1) as f64 + b_squared.powi(2) / (m - 1) as f64;
        // Without any spread there is nothing to weigh.
        let freedom = if parts > 0.0 { (squared.powi(2) / parts) as usize } else { n + m - 2 };
        let (mean, half) = (a - b, t_quantile(freedom.max(1)) * squared.sqrt());
        let interval = [mean - half, mean + half];
        Some(Difference { mean, interval, seeds: n.min(m), paired: false })
    }

    /// Whether the interval has no zero in it.
    pub fn is_certain(&self) -> bool {
        self.interval[0] > 0.0 || self.interval[1] < 0.0
    }
}

/// The probability that |T| is below `t`, for T of Student's law with so many degrees of freedom:
/// the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn t_within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = freedom % 2;
    let mut term = if odd == 1 { cosine } else { 1.0 };
    let mut sum = if freedom > 1 { term } else { 0.0 };
    for k in (2 + odd..freedom).step_by(2) {
        term *= cosine.powi(2) * (k - 1) as f64 / k as f64;
        sum += term;
    }
    if odd == 1 { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

/// The 97.5 % quantile of Student's t.
fn t_quantile(freedom: usize) -> f64 {
    // Beyond, the sum is long and the quantile that of the normal law to four digits.
    let freedom = freedom.min(10_000);
    let (mut low, mut high) = (1.9, 13.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if t_within(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let known = [
            (1, 12.7062),
            (2, 4.30265),
            (3, 3.18245),
            (4, 2.77645),
            (5, 2.57058),
            (9, 2.26216),
            (19, 2.09302),
            (30, 2.04227),
            (100, 1.98397),
        ];
        for (freedom, quantile) in known {
            let found = t_quantile(freedom);
            assert!((found - quantile).abs() < 1e-4, "{freedom}: {found}");
        }
    }

    #[test]
    fn what_seeds_have_in_common_does_not_blur_a_difference() {
        let numbers = |shift: f64| [1.0, 2.0, 4.0].map(|x| Some(x + shift));
        let seeds = [4, 5, 6];
        let (a, b) = ([Some(1.1), None, Some(4.1), Some(2.2)], numbers(0.0));
        let a = Seeded { seeds: &[4, 9, 6, 5], numbers: &a };
        let b = Seeded { seeds: &seeds, numbers: &b };
        let paired = Difference::paired(a, b).unwrap();
        assert!((paired.mean - 0.4 / 3.0).abs() < 1e-12 && paired.seeds == 3);
        // The differences are 0.1, 0.2 and 0.1.
        let half = 4.30265 * (1.0_f64 / 3.0).sqrt() * 0.1 / 3.0_f64.sqrt();
        assert!((paired.interval[0] - (paired.mean - half)).abs() < 1e-6);
        let unpaired = Difference::unpaired(a, b).unwrap();
        assert!(!unpaired.is_certain() && !unpaired.paired);
        let alike = Difference::paired(b, b).unwrap();
        assert_eq!((alike.mean, alike.interval, alike.is_certain()), (0.0, [0.0; 2], false));
        let shifted = numbers(0.5);
        let shifted = Seeded { seeds: &seeds, numbers: &shifted };
        assert!(Difference::paired(shifted, b).unwrap().is_certain());
        let one = Seeded { seeds: &seeds[..1], numbers: b.numbers };
        assert_eq!(Difference::paired(one, b), None);
        assert_eq!(Difference::unpaired(one, b), None);
    }
}
