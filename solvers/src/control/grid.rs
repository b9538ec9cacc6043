use super::{ControlError, GridTimes};

/// A fixed grid of step times.
#[derive(Debug, Clone, PartialEq)]
pub enum Grid {
    /// `n` equal steps: `t_i = t0 + i h`.
    Steps(usize),
    /// Steps of length `|dt|`, the last one shortened to land on the end.
    Dt(f64),
    /// Explicit times, start and end included (a spacing, for instance).
    Times(Vec<f64>),
}

/// Most times that are laid out as a list: 8 GiB.
const MOST_LISTED: usize = 1 << 30;

/// Steps up to here are counted without rounding.
const MOST_STEPS: f64 = (1u64 << 53) as f64;

impl Grid {
    /// The grid over `[t0, t1]`, laid out whole; its ends are `t0` and `t1` by assignment. A
    /// solve makes its times one by one instead.
    pub fn times(&self, t0: f64, t1: f64) -> Result<Vec<f64>, ControlError> {
        let times = self.over(t0, t1)?;
        let steps = times.steps();
        let mut list = Vec::new();
        if steps >= MOST_LISTED || list.try_reserve_exact(steps + 1).is_err() {
            return Err(too_many(t0, t1, steps as f64));
        }
        list.extend((0..=steps).map(|i| times.at(i)));
        Ok(list)
    }

    /// The times of the grid over `[t0, t1]`; without steps if that is empty.
    pub(crate) fn over(&self, t0: f64, t1: f64) -> Result<GridTimes, ControlError> {
        match self {
            Grid::Steps(0) => Err(ControlError::NoSteps),
            Grid::Dt(dt) if !(dt.is_finite() && *dt > 0.0) => Err(ControlError::StepLength(*dt)),
            Grid::Times(times) if t0 == t1 => match times.iter().position(|&t| t != t0) {
                None if times.is_empty() => Err(ControlError::NoSteps),
                None => Ok(GridTimes::point(t0)),
                Some(index) => Err(ControlError::Times { index, value: times[index], t0, t1 }),
            },
            Grid::Steps(_) | Grid::Dt(_) if t0 == t1 => Ok(GridTimes::point(t0)),
            Grid::Steps(n) => equidistant(t0, (t1 - t0) / *n as f64, *n as f64, t1),
            Grid::Dt(dt) => {
                // A span that is a multiple of dt up to rounding must not end
                // in a sliver of a step.
                let whole = (t1 - t0).abs() / dt;
                let steps = (whole - (1e-12 * whole).min(1e-3)).ceil().max(1.0);
                equidistant(t0, dt.copysign(t1 - t0), steps, t1)
            }
            Grid::Times(times) => {
                check_times(times, t0, t1)?;
                Ok(times.clone().into())
            }
        }
    }
}

/// Steps of length `h`, unless there are more than can be counted or rounding makes neighbouring
/// times the same.
fn equidistant(t0: f64, h: f64, steps: f64, t1: f64) -> Result<GridTimes, ControlError> {
    let apart = h.abs() >= 2.0 * f64::EPSILON * t0.abs().max(t1.abs());
    if steps > 1.0 && !(steps < MOST_STEPS && apart) {
        return Err(too_many(t0, t1, steps));
    }
    Ok(GridTimes::Equidistant { t0, h, steps: steps as usize, t1 })
}

fn too_many(t0: f64, t1: f64, steps: f64) -> ControlError {
    ControlError::TooManySteps { dt: (t1 - t0).abs() / steps, steps }
}

fn check_times(times: &[f64], t0: f64, t1: f64) -> Result<(), ControlError> {
    let refuse = |index: usize| {
        let value = times.get(index).copied().unwrap_or(f64::NAN);
        Err(ControlError::Times { index, value, t0, t1 })
    };
    if times.len() < 2 {
        return Err(ControlError::NoSteps);
    }
    if times[0] != t0 {
        return refuse(0);
    }
    let forwards = t1 > t0;
    for (i, ends) in times.windows(2).enumerate() {
        let ordered = if forwards { ends[1] > ends[0] } else { ends[1] < ends[0] };
        if !ordered {
            return refuse(i + 1);
        }
    }
    if times[times.len() - 1] != t1 {
        return refuse(times.len() - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_products_not_sums_and_end_exactly() {
        let times = Grid::Steps(10).times(0.0, 1.0).unwrap();
        let summed = (0..3).fold(0.0, |t, _| t + 0.1);
        assert_eq!(times[3], 3.0 * 0.1);
        assert_eq!(times[3], summed, "0.1 + 0.1 + 0.1 rounds to the product here");
        assert_eq!(times[7], 0.0 + 7.0 * 0.1);
        assert_ne!(times[8], (0..8).fold(0.0, |t, _| t + 0.1));
        assert_eq!(times[10], 1.0);
        assert_eq!(Grid::Steps(3).times(1.0, 1e-3).unwrap()[3], 1e-3);
    }

    #[test]
    fn dt_lands_on_the_end_without_a_sliver() {
        assert_eq!(Grid::Dt(0.1).times(0.0, 1.0).unwrap().len(), 11);
        let times = Grid::Dt(0.3).times(1.0, 0.0).unwrap();
        assert_eq!(times.len(), 5);
        assert_eq!((times[1], times[4]), (0.7, 0.0));
        assert!(matches!(Grid::Dt(-0.1).times(0.0, 1.0), Err(ControlError::StepLength(_))));
        assert!(matches!(Grid::Dt(f64::NAN).times(0.0, 1.0), Err(ControlError::StepLength(_))));
        assert!(matches!(Grid::Dt(1e-300).times(0.0, 1.0), Err(ControlError::TooManySteps { .. })));
    }

    #[test]
    fn no_grid_is_laid_out_that_need_not_be() {
        let times = Grid::Dt(1e-12).over(0.0, 1.0).unwrap();
        assert_eq!(
            (times.steps(), times.at(3), times.at(times.steps())),
            (1_000_000_000_000, 3e-12, 1.0)
        );
    }

    #[test]
    fn steps_that_do_not_move_time_are_refused() {
        let refused = |grid: Grid, t0: f64, t1: f64| {
            let error = grid.over(t0, t1).unwrap_err();
            assert!(matches!(error, ControlError::TooManySteps { .. }), "{error}");
            assert!(error.to_string().contains("tell apart"), "{error}");
        };
        refused(Grid::Dt(1e-17), 0.0, 1.0);
        refused(Grid::Dt(1e-9), 1e8, 1e8 + 1.0);
        refused(Grid::Steps(usize::MAX), 0.0, 1.0);
        refused(Grid::Steps(1000), 1.0, 1.0 + 1e-14);
        refused(Grid::Dt(1e-300), 0.0, 1.0);
        // One step is from one end to the other, whatever its length.
        assert_eq!(Grid::Steps(1).times(1.0, 1.0 + f64::EPSILON).unwrap().len(), 2);
    }

    #[test]
    fn an_empty_span_has_no_steps() {
        for grid in
            [Grid::Steps(3), Grid::Dt(0.1), Grid::Times(vec![0.5]), Grid::Times(vec![0.5; 2])]
        {
            assert_eq!(grid.times(0.5, 0.5).unwrap(), [0.5]);
        }
        for grid in
            [Grid::Steps(0), Grid::Dt(0.0), Grid::Times(vec![]), Grid::Times(vec![0.5, 1.0])]
        {
            assert!(grid.times(0.5, 0.5).is_err(), "{grid:?}");
        }
    }

    #[test]
    fn explicit_times_must_run_from_start_to_end() {
        let run = |times: &[f64]| Grid::Times(times.to_vec()).times(1.0, 0.0);
        assert!(run(&[1.0, 0.4, 0.0]).is_ok());
        for (bad, at) in [
            (&[0.9, 0.4, 0.0][..], 0),
            (&[1.0, 0.4, 0.4, 0.0], 2),
            (&[1.0, f64::NAN, 0.0], 1),
            (&[1.0, 0.4, 0.1], 2),
            (&[1.0, 0.4, -0.1], 2),
        ] {
            assert!(matches!(run(bad), Err(ControlError::Times { index, .. }) if index == at));
        }
        assert_eq!(run(&[1.0]), Err(ControlError::NoSteps));
    }
}
