use crate::state::StateError;

/// Which zero crossings of an event function count, read in the direction of
/// integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Crossing {
    /// Every sign change.
    #[default]
    Any,
    /// From negative to positive.
    Rising,
    /// From positive to negative.
    Falling,
}

type EventFunction<'a, S> = Box<dyn Fn(&S, f64) -> f64 + 'a>;

/// A scalar function of the state whose zero crossings are located on the
/// method's continuous extension; methods without one report the end of the
/// step in which the sign changed.
pub struct Event<'a, S> {
    pub(crate) function: EventFunction<'a, S>,
    pub(crate) crossing: Crossing,
    pub(crate) terminate: bool,
}

impl<'a, S> Event<'a, S> {
    /// Records every zero crossing of `function(u, t)`.
    pub fn new(function: impl Fn(&S, f64) -> f64 + 'a) -> Self {
        Event { function: Box::new(function), crossing: Crossing::Any, terminate: false }
    }

    /// Only crossings of this kind.
    #[must_use]
    pub fn crossing(mut self, crossing: Crossing) -> Self {
        self.crossing = crossing;
        self
    }

    /// Ends the solve at the first crossing.
    #[must_use]
    pub fn terminating(mut self) -> Self {
        self.terminate = true;
        self
    }

    /// Whether the values at the ends of a step are a crossing. A zero at the
    /// start belongs to the step before.
    pub(crate) fn crosses(&self, before: f64, after: f64) -> bool {
        let rising = before < 0.0 && after >= 0.0;
        let falling = before > 0.0 && after <= 0.0;
        match self.crossing {
            Crossing::Any => rising || falling,
            Crossing::Rising => rising,
            Crossing::Falling => falling,
        }
    }
}

/// The `theta` in `(0, 1]` where `value(theta)` crosses zero, by the Illinois
/// variant of regula falsi; on the far side of the crossing, so that a solve
/// continued from there does not meet it again.
pub(crate) fn crossing_in_step(
    before: f64,
    after: f64,
    mut value: impl FnMut(f64) -> Result<f64, StateError>,
) -> Result<f64, StateError> {
    let (mut near, mut near_value) = (0.0, before);
    let (mut far, mut far_value) = (1.0, after);
    let mut moved_far = None;
    for _ in 0..100 {
        if far_value == 0.0 || far - near <= 4.0 * f64::EPSILON {
            break;
        }
        let secant = far - far_value * (far - near) / (far_value - near_value);
        let theta = if secant > near && secant < far { secant } else { 0.5 * (near + far) };
        let middle = value(theta)?;
        let on_far_side = middle == 0.0 || (middle > 0.0) == (after > 0.0);
        let repeated = moved_far == Some(on_far_side);
        moved_far = Some(on_far_side);
        if on_far_side {
            (far, far_value) = (theta, middle);
            near_value *= if repeated { 0.5 } else { 1.0 };
        } else {
            (near, near_value) = (theta, middle);
            far_value *= if repeated { 0.5 } else { 1.0 };
        }
    }
    Ok(far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots_of_functions_that_defeat_plain_regula_falsi() {
        for root in [0.1, 0.5, 0.9] {
            let function = |theta: f64| (theta / root).powi(9) - 1.0;
            let found =
                crossing_in_step(function(0.0), function(1.0), |x| Ok(function(x))).unwrap();
            assert!((found - root).abs() < 1e-14, "{found} for {root}");
            let flipped = crossing_in_step(1.0, -function(1.0), |x| Ok(-function(x))).unwrap();
            assert!((flipped - root).abs() < 1e-14);
        }
    }
}
