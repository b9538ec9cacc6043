//! What the stochastic exponential integrators share: checked settings, the direction their
//! steps may take, and the draw.

use crate::field::FieldError;
use crate::method::exponential::step::Knot;
use crate::method::{StepError, Told};
use crate::noise::Noise;
use crate::number::Number;
use crate::state::{State, StateError};

/// A setting of a method's noise outside its range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{name} = {value} is refused; it must be {range}", value = Number(*value))]
pub struct NoiseSettingError {
    /// Which setting.
    pub name: &'static str,
    /// The value given.
    pub value: f64,
    /// What is accepted.
    pub range: &'static str,
}

/// `value`, if it is finite, not negative and at most `largest`.
pub(super) fn checked(
    name: &'static str,
    value: f64,
    largest: f64,
    range: &'static str,
) -> Result<f64, NoiseSettingError> {
    if value.is_finite() && value >= 0.0 && value <= largest {
        return Ok(value);
    }
    Err(NoiseSettingError { name, value, range })
}

/// Length of a step on the clock, refused where it leads away from the data: fresh noise
/// belongs to generation.
pub(super) fn length_towards_data(start: &Knot, end: &Knot) -> Result<f64, FieldError> {
    let h = end.log_snr() - start.log_snr();
    if h >= 0.0 {
        return Ok(h);
    }
    Err(FieldError::Domain {
        t: end.t,
        advice: format!(
            "a step that draws noise goes towards the data, and t = {} has more noise than t = {}; \
             encode with eta = 0",
            Number(end.t),
            Number(start.t)
        ),
    })
}

/// Room for the increment of a step.
#[derive(Debug)]
pub(crate) struct Increment<S>(Option<S>);

impl<S: State> Increment<S> {
    /// Room is made when something is drawn first.
    pub(crate) fn new() -> Self {
        Increment(None)
    }

    /// Takes note of lanes that moved: the room has another shape then.
    pub(crate) fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(&mut self.0)
    }

    /// `next <- next + std z`, `z` being the Brownian increment over `[t, t_next]` in units of
    /// its standard deviation; where `std` is 0 nothing is drawn.
    pub(crate) fn add_to(
        &mut self,
        next: &mut S,
        std: f64,
        noise: &mut dyn Noise<S>,
        (t, t_next): (f64, f64),
    ) -> Result<(), StepError> {
        if std == 0.0 {
            return Ok(());
        }
        let increment = self.0.get_or_insert_with(|| next.zeros_like());
        noise.increment(t, t_next, increment)?;
        // The increment has variance |t_next - t|.
        let scale = std / (t_next - t).abs().sqrt();
        next.linear_combination(1.0, &[(scale, increment)])?;
        Ok(())
    }
}
