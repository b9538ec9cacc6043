use super::ControlError;

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

/// More grid points than any solve can use: 8 GiB of times.
const MAX_STEPS: f64 = 1e9;

impl Grid {
    /// The grid over `[t0, t1]`; its ends are `t0` and `t1` by assignment.
    pub fn times(&self, t0: f64, t1: f64) -> Result<Vec<f64>, ControlError> {
        match self {
            Grid::Steps(0) => Err(ControlError::NoSteps),
            Grid::Steps(n) if *n as f64 > MAX_STEPS => Err(ControlError::TooManySteps {
                dt: (t1 - t0).abs() / *n as f64,
                steps: *n as f64,
            }),
            Grid::Steps(n) => {
                let h = (t1 - t0) / *n as f64;
                Ok(equidistant(t0, h, *n, t1))
            }
            Grid::Dt(dt) => {
                if !(dt.is_finite() && *dt > 0.0) {
                    return Err(ControlError::StepLength(*dt));
                }
                // A span that is a multiple of dt up to rounding must not end
                // in a sliver of a step.
                let steps = ((t1 - t0).abs() / dt * (1.0 - 1e-12)).ceil().max(1.0);
                if steps > MAX_STEPS {
                    return Err(ControlError::TooManySteps { dt: *dt, steps });
                }
                Ok(equidistant(t0, dt.copysign(t1 - t0), steps as usize, t1))
            }
            Grid::Times(times) => {
                check_times(times, t0, t1)?;
                Ok(times.clone())
            }
        }
    }
}

fn equidistant(t0: f64, h: f64, steps: usize, t1: f64) -> Vec<f64> {
    let mut times: Vec<f64> = (0..=steps).map(|i| t0 + i as f64 * h).collect();
    times[steps] = t1;
    times
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
