use crate::field::{Counted, FieldError};
use crate::semilinear::{Level, SemilinearField};

/// A time and the linear part there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knot {
    /// The time.
    pub t: f64,
    /// The linear part at it.
    pub level: Level,
}

impl Knot {
    /// The knot of `field` at `t`.
    pub fn at<S, F: SemilinearField<S>>(field: &Counted<&F>, t: f64) -> Result<Self, FieldError> {
        Ok(Knot { t, level: field.schedule().at(t)? })
    }

    /// The knot at an end of a step, of infinite clock where there is no noise or nothing else.
    pub(crate) fn at_end<S, F: SemilinearField<S>>(
        field: &Counted<&F>,
        t: f64,
    ) -> Result<Self, FieldError> {
        Ok(Knot { t, level: field.schedule().at_end(t)? })
    }

    /// The clock.
    pub fn log_snr(&self) -> f64 {
        self.level.log_snr
    }

    /// The knot of no time at all: what a place is filled with that holds nothing yet.
    pub(crate) const NONE: Knot =
        Knot { t: f64::NAN, level: Level { alpha: f64::NAN, sigma: f64::NAN, log_snr: f64::NAN } };
}
