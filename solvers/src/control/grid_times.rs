use std::sync::Arc;

/// The times of a fixed grid, each made when it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum GridTimes {
    /// `t0 + i h`, the last one `t1`.
    Equidistant {
        /// The first time.
        t0: f64,
        /// The signed length of a step, the last of which may be shorter.
        h: f64,
        /// How many steps.
        steps: usize,
        /// The last time.
        t1: f64,
    },
    /// A list.
    Listed(Arc<[f64]>),
}

impl GridTimes {
    /// The grid of an empty span, without steps.
    pub(crate) fn point(t: f64) -> Self {
        GridTimes::Equidistant { t0: t, h: 0.0, steps: 0, t1: t }
    }

    /// The same with further times inside it, given in its direction.
    pub(crate) fn with(self, times: &[f64]) -> Self {
        if times.iter().all(|&t| self.position(0, t).is_some()) {
            return self;
        }
        let mut all: Vec<f64> =
            (0..=self.steps()).map(|i| self.at(i)).chain(times.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        if self.at(self.steps()) < self.at(0) {
            all.reverse();
        }
        all.dedup();
        GridTimes::Listed(all.into())
    }

    /// Number of steps; there is one time more.
    #[inline(always)]
    pub fn steps(&self) -> usize {
        match self {
            GridTimes::Equidistant { steps, .. } => *steps,
            GridTimes::Listed(times) => times.len().saturating_sub(1),
        }
    }

    /// The `i`-th time, `i` up to [`GridTimes::steps`].
    #[inline(always)]
    pub fn at(&self, i: usize) -> f64 {
        match self {
            GridTimes::Equidistant { steps, t1, .. } if i == *steps => *t1,
            GridTimes::Equidistant { t0, h, .. } => t0 + i as f64 * h,
            GridTimes::Listed(times) => times[i],
        }
    }

    /// The `i`-th time, if there is one.
    pub fn get(&self, i: usize) -> Option<f64> {
        match self {
            GridTimes::Equidistant { steps, .. } => (i <= *steps).then(|| self.at(i)),
            GridTimes::Listed(times) => times.get(i).copied(),
        }
    }

    /// The number of a time, `from` or later.
    pub(crate) fn position(&self, from: usize, t: f64) -> Option<usize> {
        match self {
            GridTimes::Equidistant { t0, h, steps, .. } => {
                // Off by rounding; saturates where it is nowhere near.
                let near = ((t - t0) / h).round() as usize;
                let candidates = near.saturating_sub(1)..=near.saturating_add(1).min(*steps);
                let mut candidates = candidates.chain([*steps]);
                candidates.find(|&i| i >= from && self.at(i) == t)
            }
            GridTimes::Listed(times) => {
                let found = times.get(from..)?.iter().position(|&time| time == t);
                found.map(|index| from + index)
            }
        }
    }

    /// The interval in which time goes on after `t`, from the first to the last.
    pub(crate) fn interval_of(&self, t: f64) -> usize {
        let forwards = self.at(self.steps()) > self.at(0);
        let passed = |time: f64| if forwards { time <= t } else { time >= t };
        let after = match self {
            GridTimes::Equidistant { t0, h, steps, .. } => {
                let near = ((t - t0) / h) as usize;
                let from = near.saturating_sub(1).min(*steps);
                (from..=near.saturating_add(2).min(*steps))
                    .find(|&i| !passed(self.at(i)))
                    .unwrap_or(*steps)
            }
            GridTimes::Listed(times) => times.partition_point(|&time| passed(time)),
        };
        after.saturating_sub(1)
    }
}

impl From<Vec<f64>> for GridTimes {
    fn from(times: Vec<f64>) -> Self {
        GridTimes::Listed(times.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_again_whether_listed_or_not() {
        for (t0, h, steps, t1) in [
            (0.0, 0.1, 10, 1.0),
            (1.0, -0.3, 4, 0.0),
            (-3.0, 1e-3, 7001, 4.0005),
            (0.0, 1.0, 1, 1.0),
        ] {
            let made = GridTimes::Equidistant { t0, h, steps, t1 };
            let listed = GridTimes::from((0..=steps).map(|i| made.at(i)).collect::<Vec<_>>());
            assert_eq!((made.steps(), made.at(steps)), (listed.steps(), t1));
            for i in 0..=steps {
                let t = made.at(i);
                assert_eq!(t.to_bits(), listed.at(i).to_bits());
                for from in [0, i / 2, i, i + 1] {
                    let found = made.position(from, t);
                    assert_eq!(found, listed.position(from, t));
                    assert_eq!(found, (from <= i).then_some(i));
                }
                if i == steps {
                    continue;
                }
                for t in [t, t + 0.3 * (made.at(i + 1) - t)] {
                    assert_eq!((made.interval_of(t), listed.interval_of(t)), (i, i));
                }
            }
            for nowhere in [t0 + 0.5 * h, t0 - h, t1 + h, f64::NAN, f64::INFINITY] {
                assert_eq!(made.position(0, nowhere), None);
                assert_eq!(listed.position(0, nowhere), None);
            }
        }
        assert_eq!(GridTimes::point(0.5).position(0, 0.5), Some(0));
    }
}
