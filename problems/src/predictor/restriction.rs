use driftfield_solvers::Scalar;

use super::Threshold;

/// What a [`Threshold`] makes of one lane, `factor clamp(x_i, -bound, bound)`, to be
/// differentiated.
pub(super) struct Restriction {
    /// In the data's units.
    data: Vec<f64>,
    bound: f64,
    factor: f64,
    /// What a bound that moves with the data is made of: components, and what the bound grows by
    /// if they do.
    sources: Option<[(usize, f64); 2]>,
}

impl Threshold {
    /// Bound and factor of a lane.
    pub(super) fn of_lane<T: Scalar>(self, lane: &[T], sizes: &mut Vec<f64>) -> (f64, f64) {
        match self {
            Threshold::Static { max } => (max, 1.0),
            Threshold::Dynamic { quantile, max } => {
                sizes.clear();
                sizes.extend(lane.iter().map(|value| value.into_f64().abs()));
                sizes.sort_unstable_by(f64::total_cmp);
                let bound = linear_quantile(sizes, quantile).max(max);
                (bound, max / bound)
            }
        }
    }

    /// The restriction of a lane.
    pub(super) fn at(self, data: Vec<f64>) -> Restriction {
        let (bound, factor) = self.of_lane(&data, &mut Vec::new());
        let sources = match self {
            Threshold::Dynamic { quantile, max } if bound > max => Some(sources(&data, quantile)),
            _ => None,
        };
        Restriction { data, bound, factor, sources }
    }
}

impl Restriction {
    /// `v <- J v`, in units of which the data's are `scales` times as large.
    pub fn times(&self, v: &mut [f64], scales: Option<&[f64]>) {
        let scale = |i: usize| scales.map_or(1.0, |scales| scales[i]);
        let moved = |(i, share): (usize, f64)| share * scale(i) * v[i];
        let grown: f64 = self.sources.into_iter().flatten().map(moved).sum();
        for (i, (v, x)) in v.iter_mut().zip(&self.data).enumerate() {
            *v = match x.abs() <= self.bound {
                true => self.factor * (*v - x / self.bound * grown / scale(i)),
                false => 0.0,
            };
        }
    }

    /// `c <- J^T c`, in the same units.
    pub fn transposed(&self, c: &mut [f64], scales: Option<&[f64]>) {
        let scale = |i: usize| scales.map_or(1.0, |scales| scales[i]);
        let mut of_bound = 0.0;
        for (i, (c, x)) in c.iter_mut().zip(&self.data).enumerate() {
            if x.abs() <= self.bound {
                *c *= self.factor;
                of_bound -= *c * x / self.bound / scale(i);
            } else {
                *c = 0.0;
            }
        }
        for (i, share) in self.sources.into_iter().flatten() {
            c[i] += share * scale(i) * of_bound;
        }
    }
}

/// The two components between whose sizes the quantile lies, and their shares in it, with their
/// signs.
fn sources(data: &[f64], quantile: f64) -> [(usize, f64); 2] {
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.sort_by(|&a, &b| data[a].abs().total_cmp(&data[b].abs()));
    let (below, above, share) = place(data.len(), quantile);
    let (below, above) = (order[below], order[above]);
    [(below, (1.0 - share) * data[below].signum()), (above, share * data[above].signum())]
}

/// Where a quantile of `len > 0` values in order lies: between which two, and how far from the
/// first.
fn place(len: usize, quantile: f64) -> (usize, usize, f64) {
    let last = len - 1;
    let position = quantile * last as f64;
    let below = (position.floor() as usize).min(last);
    (below, (below + 1).min(last), position - below as f64)
}

/// The quantile by linear interpolation between order statistics (type 7 of Hyndman & Fan
/// 1996, the default of numpy and torch) of values in order.
fn linear_quantile(values: &[f64], quantile: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (below, above, share) = place(values.len(), quantile);
    values[below] + share * (values[above] - values[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([3, 1, 2, 10], q).
        for (q, expected) in [(1.0, 10.0), (0.5, 2.5), (0.9, 7.9), (0.25, 1.75), (1e-9, 1.0)] {
            let found = linear_quantile(&[1.0, 2.0, 3.0, 10.0], q);
            assert!((found - expected).abs() < 1e-8, "{q}: {found}");
        }
        assert_eq!(linear_quantile(&[], 0.5), 0.0);
    }
}
