//! The course of an event function over a step.

use super::Crossing;
use crate::state::StateError;

/// The side of zero that an event function is on, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Below,
    /// At zero, and it does not matter from where: whichever way it leaves is no crossing.
    AtZero,
    Above,
}

impl Side {
    /// The side of a value; `None` for NaN.
    pub(crate) fn of(value: f64) -> Option<Side> {
        if value.is_nan() {
            return None;
        }
        Some(if value < 0.0 {
            Side::Below
        } else if value > 0.0 {
            Side::Above
        } else {
            Side::AtZero
        })
    }
}

/// Share of a step within which a zero is told from a touch: half of what the usual probes are
/// apart.
const FARTHEST: f64 = 0.05;

/// How a step is looked at, in shares `theta` of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Places strictly inside.
    pub(crate) probes: usize,
    /// Whether a crossing can be located inside, or only at the end of the step.
    pub(crate) inside: bool,
    /// How far beyond a zero one looks at first whether it is a touch.
    pub(crate) beyond: f64,
}

impl View {
    /// Of the step of length `h` to `t`. A look beyond a zero must move `t`, and the state well
    /// above rounding.
    pub(crate) fn new(probes: usize, inside: bool, t: f64, h: f64) -> Self {
        let probes = if inside { probes } else { 0 };
        View { probes, inside, beyond: (8.0 * f64::EPSILON * (t / h).abs()).max(1e-6) }
    }
}

/// What became of an event function in a step.
#[derive(Debug)]
pub(crate) struct Course {
    /// Where it crossed zero, in order.
    pub(crate) crossings: Vec<f64>,
    /// Where it was NaN; nothing is known of what comes after.
    pub(crate) nan: Option<f64>,
    /// The side at the end.
    pub(crate) side: Side,
}

/// What a value within a step says.
enum Seen {
    Nan,
    /// It has not left the side; a touch is one of these.
    Same {
        value: f64,
    },
    /// It has.
    Left {
        /// The side it is on now.
        side: Side,
        value: f64,
    },
}

/// A function that is on `side` where it is looked at next.
struct Watch<V> {
    value: V,
    beyond: f64,
}

impl<V: FnMut(f64) -> Result<f64, StateError>> Watch<V> {
    /// The side beyond `theta`, NaN telling as little as zero: as near as something is seen, as a
    /// state that touches moves less than its rounding at first.
    fn side_beyond(&mut self, theta: f64) -> Result<Side, StateError> {
        let mut distance = self.beyond;
        loop {
            let side = Side::of((self.value)(theta + distance)?).unwrap_or(Side::AtZero);
            if side != Side::AtZero || distance >= FARTHEST {
                return Ok(side);
            }
            distance = (100.0 * distance).min(FARTHEST);
        }
    }

    fn look(&mut self, theta: f64, from: Side) -> Result<Seen, StateError> {
        let value = (self.value)(theta)?;
        Ok(match Side::of(value) {
            None => Seen::Nan,
            Some(side) if side == from => Seen::Same { value },
            Some(Side::AtZero) => match self.side_beyond(theta)? {
                side if side == from => Seen::Same { value },
                side => Seen::Left { side, value },
            },
            Some(side) => Seen::Left { side, value },
        })
    }
}

/// Follows a function from `side` over a step; `value(theta)` is the function at a share of it,
/// a little more than 1 included.
pub(crate) fn follow(
    value: impl FnMut(f64) -> Result<f64, StateError>,
    crossing: Crossing,
    mut side: Side,
    view: View,
) -> Result<Course, StateError> {
    let mut watch = Watch { value, beyond: view.beyond };
    let mut crossings = Vec::new();
    let mut nan = None;
    if side == Side::AtZero {
        side = watch.side_beyond(0.0)?;
    }
    // The value at the start was the last step's to look at.
    let mut near = (0.0, f64::NAN);
    let parts = view.probes + 1;
    for part in 1..=parts {
        let far = if part == parts { 1.0 } else { part as f64 / parts as f64 };
        near = match (watch.look(far, side)?, side) {
            (Seen::Nan, _) => {
                nan = Some(far);
                break;
            }
            (Seen::Same { value }, _) => (far, value),
            (Seen::Left { side: now, value }, Side::AtZero) => {
                side = now;
                (far, value)
            }
            (Seen::Left { side: now, value }, _) => {
                let found = match view.inside {
                    true => first_point(&mut watch, side, near, (far, value))?,
                    false => Found::At(far),
                };
                match found {
                    Found::At(theta) if crossing.leaves(side) => crossings.push(theta),
                    Found::At(_) => {}
                    Found::Nan(theta) => {
                        nan = Some(theta);
                        break;
                    }
                }
                side = now;
                (far, value)
            }
        };
    }
    Ok(Course { crossings, nan, side })
}

enum Found {
    At(f64),
    Nan(f64),
}

/// Width of what is left of a step where its crossing lies.
const RESOLUTION: f64 = 4.0 * f64::EPSILON;

/// The first point in `(near, far]` that is not on `side`, by regula falsi (Illinois) and
/// bisection in turn wherever a guess does not halve what is left. An exact zero is a point like
/// others of the far side: an earlier one may lie before it.
fn first_point<V: FnMut(f64) -> Result<f64, StateError>>(
    watch: &mut Watch<V>,
    side: Side,
    (mut near, mut near_value): (f64, f64),
    (mut far, mut far_value): (f64, f64),
) -> Result<Found, StateError> {
    let mut bisect = false;
    let mut moved_far = None;
    while far - near > RESOLUTION {
        let width = far - near;
        let secant = far - far_value * width / (far_value - near_value);
        // No closer to an end than half of what is to be told apart, so that a guess next to the
        // crossing moves the other end there too.
        let guess = secant.clamp(near + 0.5 * RESOLUTION, far - 0.5 * RESOLUTION);
        let theta = if bisect || guess.is_nan() { near + 0.5 * width } else { guess };
        let (left, value) = match watch.look(theta, side)? {
            Seen::Nan => return Ok(Found::Nan(theta)),
            Seen::Left { value, .. } => (true, value),
            Seen::Same { value } => (false, value),
        };
        let weight = if moved_far == Some(left) { 0.5 } else { 1.0 };
        moved_far = Some(left);
        if left {
            (far, far_value) = (theta, value);
            near_value *= weight;
        } else {
            (near, near_value) = (theta, value);
            far_value *= weight;
        }
        bisect = !bisect && far - near > 0.5 * width;
    }
    Ok(Found::At(far))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(function: impl Fn(f64) -> f64, side: Side, probes: usize) -> Course {
        let view = View::new(probes, true, 1.0, 1.0);
        follow(|theta| Ok(function(theta)), Crossing::Any, side, view).unwrap()
    }

    #[test]
    fn finds_roots_of_functions_that_defeat_plain_regula_falsi() {
        for root in [0.1, 0.5, 0.9] {
            for sign in [1.0, -1.0] {
                let calls = std::cell::Cell::new(0);
                let function = |theta: f64| {
                    calls.set(calls.get() + 1);
                    sign * ((theta / root).powi(9) - 1.0)
                };
                let side = Side::of(-sign).unwrap();
                let found = course(function, side, 0).crossings;
                assert!((found[0] - root).abs() < 1e-14, "{found:?} for {root}");
                assert!(function(found[0]) * sign >= 0.0, "not on the far side");
                assert!(calls.get() < 50, "{} calls", calls.get());
            }
        }
    }

    #[test]
    fn the_first_point_of_a_plateau_is_the_crossing() {
        for edge in [0.123, 0.5, 0.875] {
            let clamped = |theta: f64| (edge - theta).max(0.0);
            let count = |theta: f64| if theta < edge { -1.0 } else { 0.0 };
            let dead_zone = |theta: f64| {
                if theta < edge {
                    -1.0
                } else if theta < edge + 0.05 {
                    0.0
                } else {
                    1.0
                }
            };
            let infinite = |theta: f64| if theta < edge { f64::NEG_INFINITY } else { 0.0 };
            let functions: [(&dyn Fn(f64) -> f64, Side); 4] = [
                (&clamped, Side::Above),
                (&count, Side::Below),
                (&dead_zone, Side::Below),
                (&infinite, Side::Below),
            ];
            for (function, side) in functions {
                for probes in [0, 3, 9] {
                    let found = course(function, side, probes).crossings;
                    assert_eq!(found.len(), 1, "{found:?}");
                    assert!((found[0] - edge).abs() < 1e-15, "{found:?} for {edge}");
                    assert!(function(found[0]) == 0.0 && function(found[0] - 1e-15) != 0.0);
                }
            }
        }
    }

    #[test]
    fn a_touch_is_no_crossing_wherever_it_falls() {
        for touch in [0.0, 0.1, 0.25, 0.5, 0.77, 1.0] {
            let square = |theta: f64| (theta - touch).powi(2);
            for (sign, side) in [(1.0, Side::Above), (-1.0, Side::Below)] {
                for probes in [0, 1, 3, 9] {
                    let course = course(|theta| sign * square(theta), side, probes);
                    assert!(course.crossings.is_empty() && course.side == side, "{touch}");
                }
            }
            // And none that hides the crossing behind it.
            let crossing = |theta: f64| square(theta) * (theta - 0.9);
            let found = course(crossing, Side::Below, 0).crossings;
            assert!(touch == 1.0 || (found[0] - 0.9).abs() < 1e-14, "{found:?} for {touch}");
        }
    }

    #[test]
    fn a_zero_at_an_end_belongs_to_one_step() {
        let falling = |theta: f64| 1.0 - theta;
        let first = course(falling, Side::Above, 9);
        assert_eq!(first.crossings.len(), 1);
        assert!((first.crossings[0] - 1.0).abs() < 1e-15);
        assert_eq!(first.side, Side::Below);
        // From a zero, whichever way it leaves; and again from what is known of it.
        for side in [Side::AtZero, first.side] {
            let next = course(|theta| -theta, side, 9);
            assert!(next.crossings.is_empty() && next.side == Side::Below);
        }
        let back = course(|theta| theta * (theta - 0.05), Side::AtZero, 0);
        assert!((back.crossings[0] - 0.05).abs() < 1e-15);
    }

    #[test]
    fn nan_ends_what_is_known() {
        let function = |theta: f64| if theta > 0.7 { f64::NAN } else { theta - 0.33 };
        let course = course(function, Side::Below, 9);
        assert!((course.crossings[0] - 0.33).abs() < 1e-15);
        assert_eq!(course.nan, Some(0.8));
    }
}
