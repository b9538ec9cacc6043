use driftfield_solvers::{Save, SolveOptions};

/// Which states of a solve are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Saved {
    /// The last one.
    #[default]
    Last,
    /// So many, from the first to the last and evenly among the steps between, if there are as
    /// many.
    Frames(usize),
    /// The initial one and those at these times, which lie within the span: between two steps by
    /// the method's continuous extension.
    At(Vec<f64>),
    /// The initial one and every accepted step.
    All,
}

impl Saved {
    /// Keeps what is asked for of a solve on the grid `times`, or of an adaptive one. The steps
    /// of the latter are not known beforehand and kept all until it is over.
    pub(super) fn on<'a, S>(
        &self,
        options: SolveOptions<'a, S>,
        times: Option<&[f64]>,
    ) -> SolveOptions<'a, S> {
        match (self, times) {
            (Saved::Last, _) => options,
            (Saved::Frames(count), Some(times)) => {
                let chosen: Vec<f64> =
                    evenly(times.len(), *count).into_iter().map(|index| times[index]).collect();
                options.save(Save::at(chosen))
            }
            (Saved::At(times), _) => options.save(Save::at(times.clone()).with_start()),
            (Saved::Frames(_), None) | (Saved::All, _) => options.save(Save::all()),
        }
    }

    /// What of the states at `times` is wanted.
    pub fn of<S: Clone>(&self, times: &[f64], states: &[S]) -> (Vec<f64>, Vec<S>) {
        let chosen = match self {
            Saved::Frames(count) => evenly(states.len(), *count),
            Saved::Last | Saved::At(_) | Saved::All => (0..states.len()).collect(),
        };
        chosen.into_iter().map(|index| (times[index], states[index].clone())).unzip()
    }

    /// States kept of a solve of so many steps, adaptive ones unknown.
    pub(super) fn states(&self, steps: Option<usize>) -> u64 {
        match (self, steps) {
            (Saved::At(times), _) => times.len() as u64 + 1,
            (Saved::Last, _) | (_, None) => 0,
            (Saved::Frames(count), Some(steps)) => (*count).min(steps + 1) as u64,
            (Saved::All, Some(steps)) => steps as u64 + 1,
        }
    }
}

/// `count` of the indices below `len`, the first and the last among them and the others evenly
/// between; all of them if there are no more.
fn evenly(len: usize, count: usize) -> Vec<usize> {
    if len <= count.max(2) {
        return (0..len).collect();
    }
    let count = count.max(2);
    (0..count).map(|index| (index * (len - 1) + (count - 1) / 2) / (count - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_from_the_first_to_the_last() {
        assert_eq!(evenly(5, 9), [0, 1, 2, 3, 4]);
        assert_eq!(evenly(11, 3), [0, 5, 10]);
        assert_eq!(evenly(51, 6), [0, 10, 20, 30, 40, 50]);
        assert_eq!(evenly(7, 0), [0, 6]);
        assert_eq!(evenly(0, 3), [0; 0]);
        let kept = Saved::Frames(3)
            .of(&(0..11).map(f64::from).collect::<Vec<_>>(), &(0..11).collect::<Vec<_>>());
        assert_eq!(kept, (vec![0.0, 5.0, 10.0], vec![0, 5, 10]));
    }
}
