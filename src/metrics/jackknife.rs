use driftfield_problems::data::SampleRng;

use super::MetricError;

/// Groups of rows, one of which is left out at a time.
pub const JACKKNIFE_GROUPS: usize = 20;

/// The 97.5 % quantile of Student's t with 19 degrees of freedom, one fewer than groups.
const T_QUANTILE: f64 = 2.093_024_054_408_263;

/// Seed of the fixed assignment of rows to groups.
const SEED: u64 = 0;

/// A statistic of a sample with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jackknife {
    /// The statistic of all rows.
    pub estimate: f64,
    /// Its standard error over samples of that many rows.
    pub standard_error: f64,
}

impl Jackknife {
    /// The 95 % confidence interval, lower end first: `estimate -+ 2.093 standard_error`.
    ///
    /// For the mean of the statistic *at this number of rows*: what bias it has remains.
    pub fn interval(&self) -> [f64; 2] {
        let reach = T_QUANTILE * self.standard_error;
        [self.estimate - reach, self.estimate + reach]
    }
}

/// The delete-a-group jackknife over `rows` rows in 20 groups: with `theta_g` the statistic
/// without group `g` and `G` groups, the variance is
/// `(G - 1) / G sum_g (theta_g - mean theta)^2`.
///
/// P. S. Kott, "The delete-a-group jackknife", *J. Official Statistics* 17 (2001). `statistic`
/// is given the numbers of the rows to leave out, in ascending order; none for the estimate.
///
/// A row's group depends on `rows` and its number alone, through a fixed shuffle: neighbours, or
/// every twentieth row, may well have one label, and groups of one label would make the error
/// too large.
pub fn jackknife<E: From<MetricError>>(
    rows: usize,
    mut statistic: impl FnMut(&[usize]) -> Result<f64, E>,
) -> Result<Jackknife, E> {
    if rows < JACKKNIFE_GROUPS {
        return Err(MetricError::TooFewForGroups { rows, groups: JACKKNIFE_GROUPS }.into());
    }
    let estimate = statistic(&[])?;
    let without =
        groups(rows).iter().map(|group| statistic(group)).collect::<Result<Vec<_>, E>>()?;
    let count = JACKKNIFE_GROUPS as f64;
    let mean = without.iter().sum::<f64>() / count;
    let squares: f64 = without.iter().map(|value| (value - mean) * (value - mean)).sum();
    Ok(Jackknife { estimate, standard_error: ((count - 1.0) / count * squares).sqrt() })
}

/// All rows, each in one of groups whose sizes differ by one at most.
fn groups(rows: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows).collect();
    let mut rng = SampleRng::new(SEED, rows as u64);
    for last in (1..rows).rev() {
        order.swap(last, rng.below(last + 1));
    }
    let mut groups = vec![Vec::new(); JACKKNIFE_GROUPS];
    for (place, row) in order.into_iter().enumerate() {
        groups[place % JACKKNIFE_GROUPS].push(row);
    }
    for group in &mut groups {
        group.sort_unstable();
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_without(values: &[f64], left_out: &[usize]) -> Result<f64, MetricError> {
        let kept = (0..values.len()).filter(|row| !left_out.contains(row));
        let kept: Vec<f64> = kept.map(|row| values[row]).collect();
        Ok(kept.iter().sum::<f64>() / kept.len() as f64)
    }

    fn of_mean(rows: usize, draw: u64) -> Jackknife {
        let mut rng = SampleRng::new(17, draw);
        let values: Vec<f64> = (0..rows).map(|_| 3.0 + 2.0 * rng.normal()).collect();
        jackknife(rows, |left_out| mean_without(&values, left_out)).unwrap()
    }

    #[test]
    fn every_row_is_in_one_group_and_sizes_are_even() {
        for rows in [20, 21, 999, 1000] {
            let groups = groups(rows);
            let mut all = groups.concat();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
        // Not one label in a group where labels take turns.
        assert!(groups(1000).iter().all(|group| group.iter().any(|row| row % 10 != group[0] % 10)));
    }

    /// Of normal rows in equal groups, `19 SE^2 / (sigma^2 / n)` is chi-squared with 19
    /// degrees of freedom, a sum of 50 with 950: outside the bounds with probability 2e-7.
    #[test]
    fn the_error_of_a_mean_is_the_known_one() {
        let square = |draw: u64| 19.0 * of_mean(200, draw).standard_error.powi(2) / (4.0 / 200.0);
        let sum: f64 = (0..50).map(square).sum();
        assert!((740.0..1194.0).contains(&sum), "{sum}");
    }

    /// The interval is then exact: the misses of 1,000 are binomial with p = 0.05, outside the
    /// bounds with probability 5e-7.
    #[test]
    fn nineteen_of_twenty_intervals_hold_the_mean() {
        let missed = |draw: u64| {
            let [low, high] = of_mean(60, 1000 + draw).interval();
            !(low..=high).contains(&3.0)
        };
        let misses = (0..1000).filter(|&draw| missed(draw)).count();
        assert!((20..=88).contains(&misses), "{misses}");
    }

    #[test]
    fn the_same_rows_give_the_same_bits_and_few_rows_an_error() {
        assert_eq!(of_mean(123, 5), of_mean(123, 5));
        let refused = jackknife(19, |_| Ok::<f64, MetricError>(0.0));
        assert_eq!(refused, Err(MetricError::TooFewForGroups { rows: 19, groups: 20 }));
    }
}
