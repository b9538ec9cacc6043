use std::sync::Arc;

use driftfield_solvers::FieldError;

use super::error::check_numbers;
use super::{InUnits, MeasurementError, SharedMeasurement};
use crate::data::SampleRng;
use crate::standardisation::Standardisation;

/// A measurement and what it gave: one `y` that all lanes are to explain, or one for each lane.
#[derive(Debug, Clone)]
pub struct Observation {
    measurement: SharedMeasurement,
    /// One `y` after the other.
    values: Vec<f64>,
}

impl Observation {
    /// `values` as given by `measurement`, one `y` after the other.
    pub fn new(measurement: SharedMeasurement, values: Vec<f64>) -> Result<Self, MeasurementError> {
        let measured = measurement.measured();
        if values.is_empty() || measured == 0 || !values.len().is_multiple_of(measured) {
            return Err(MeasurementError::Length {
                what: "the observation",
                expected: format!("the measurement gives {measured} for each lane"),
                found: values.len(),
            });
        }
        check_numbers("the observation", &values)?;
        Ok(Observation { measurement, values })
    }

    /// Measures `image`, in the data's units: `y = A x + sigma_y eps`, the noise being a function
    /// of the seed.
    pub fn of_image(
        measurement: SharedMeasurement,
        image: &[f64],
        seed: u64,
    ) -> Result<Self, MeasurementError> {
        let dimension = measurement.dimension();
        if image.len() != dimension {
            return Err(MeasurementError::Length {
                what: "the image",
                expected: format!("the measurement is of images of {dimension}"),
                found: image.len(),
            });
        }
        check_numbers("the image", image)?;
        let mut values = vec![0.0; measurement.measured()];
        measurement.apply(&mut values, image);
        let (mut rng, std) = (SampleRng::new(seed, 0), measurement.noise_std());
        values.iter_mut().for_each(|value| *value += std * rng.normal());
        Observation::new(measurement, values)
    }

    /// The same as seen by a process that runs on the standardised values: [`InUnits`].
    pub fn in_units(self, units: &Standardisation) -> Result<Self, MeasurementError> {
        let measurement = InUnits::new(self.measurement, units.clone())?;
        let mut values = self.values;
        for values in values.chunks_exact_mut(measurement.of_mean().len()) {
            values.iter_mut().zip(measurement.of_mean()).for_each(|(y, mean)| *y -= mean);
        }
        Observation::new(Arc::new(measurement), values)
    }

    /// The measurement.
    pub fn measurement(&self) -> &SharedMeasurement {
        &self.measurement
    }

    /// What was measured, one `y` after the other.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of `y`s.
    pub fn count(&self) -> usize {
        self.values.len() / self.measurement.measured()
    }

    /// Refuses a state with another number of lanes than there are `y`s, unless all lanes share
    /// one, and lanes of another dimension.
    pub fn check_lanes(&self, lanes: usize, lane_len: usize) -> Result<(), FieldError> {
        let (count, dimension) = (self.count(), self.measurement.dimension());
        if (count == 1 || count == lanes) && lane_len == dimension {
            return Ok(());
        }
        let lanes_wanted = if count == 1 { "lanes".to_owned() } else { format!("{count} lanes") };
        Err(FieldError::Shape {
            expected: format!("{lanes_wanted} of {dimension} component(s), as were measured"),
            found: format!("{lanes} lane(s) of {lane_len}"),
        })
    }

    /// The misfit `y - A x` of a lane of [checked](Observation::check_lanes) number.
    pub fn residual(&self, lane: usize, x: &[f64]) -> Vec<f64> {
        let measured = self.measurement.measured();
        let start = if self.count() == 1 { 0 } else { lane * measured };
        let mut residual = vec![0.0; measured];
        self.measurement.apply(&mut residual, x);
        for (residual, y) in residual.iter_mut().zip(&self.values[start..start + measured]) {
            *residual = y - *residual;
        }
        residual
    }
}
