//! What states, times and labels must be.

use driftfield_solvers::FieldError;

use super::Plan;
use crate::pass::Times;

/// Refuses times for which the sinusoids mean nothing.
pub(crate) fn check_time(t: f64) -> Result<(), FieldError> {
    if t.is_finite() {
        return Ok(());
    }
    Err(FieldError::Domain { t, advice: "a network needs a finite time".into() })
}

/// Refuses states without rows or with rows of another length than `dimension`.
pub(crate) fn check_rows(rows: usize, values: usize, dimension: usize) -> Result<(), FieldError> {
    if rows > 0 && values == rows * dimension {
        return Ok(());
    }
    Err(FieldError::Shape {
        expected: format!("one or more rows of {dimension} value(s)"),
        found: format!("{rows} row(s) and {values} value(s) in all"),
    })
}

impl Plan {
    /// The rows of a state of `values` values, if it, its times and the labels fit.
    pub(super) fn check(&self, values: usize, times: Times<'_>) -> Result<usize, FieldError> {
        let rows = values / self.dimension();
        check_rows(rows, values, self.dimension())?;
        let given = match times {
            Times::One(t) => {
                check_time(t)?;
                1
            }
            Times::Each(times) => {
                times.iter().try_for_each(|&t| check_time(t))?;
                times.len()
            }
        };
        let labels = self.labels().len();
        let one_or_each = |count: usize| count == 1 || count == rows;
        let fits = matches!(times, Times::One(_)) || given == rows;
        if fits && (self.known_labels() == 0 || one_or_each(labels)) {
            return Ok(rows);
        }
        Err(FieldError::Shape {
            expected: format!("{rows} row(s), with one time and label or as many"),
            found: format!("{given} time(s) and {labels} label(s)"),
        })
    }

    /// Refuses room for results that is too much or too little.
    pub(super) fn check_outputs(&self, rows: usize, found: usize) -> Result<(), FieldError> {
        let expected = rows * self.outputs();
        if found == expected {
            return Ok(());
        }
        Err(FieldError::Shape {
            expected: format!("room for {expected} value(s) of {rows} row(s)"),
            found: format!("{found} value(s)"),
        })
    }
}
