use super::{Measurement, MeasurementError, SharedMeasurement};
use crate::standardisation::Standardisation;

/// A measurement of data in its own units, as a process sees it that runs on the standardised
/// values `z = (x - mean) / std`: `A' z = A (std .* z)`, and what was measured is
/// `y' = y - A mean`. The noise stays in the units of the measurement, and so does the misfit
/// `y' - A' z = y - A x`.
#[derive(Debug, Clone)]
pub struct InUnits {
    measurement: SharedMeasurement,
    units: Standardisation,
    /// `A mean`.
    of_mean: Vec<f64>,
}

impl InUnits {
    /// `measurement` seen through `units`, which must be of its dimension.
    pub fn new(
        measurement: SharedMeasurement,
        units: Standardisation,
    ) -> Result<Self, MeasurementError> {
        units.validate(measurement.dimension())?;
        let mut of_mean = vec![0.0; measurement.measured()];
        measurement.apply(&mut of_mean, &units.mean);
        Ok(InUnits { measurement, units, of_mean })
    }

    /// `A mean`, to be taken from what was measured.
    pub fn of_mean(&self) -> &[f64] {
        &self.of_mean
    }

    /// The measurement in the data's units.
    pub fn measurement(&self) -> &SharedMeasurement {
        &self.measurement
    }
}

impl Measurement for InUnits {
    fn dimension(&self) -> usize {
        self.measurement.dimension()
    }
    fn measured(&self) -> usize {
        self.measurement.measured()
    }
    fn apply(&self, out: &mut [f64], x: &[f64]) {
        let scaled: Vec<f64> = x.iter().zip(&self.units.std).map(|(x, std)| x * std).collect();
        self.measurement.apply(out, &scaled);
    }
    fn adjoint(&self, out: &mut [f64], y: &[f64]) {
        self.measurement.adjoint(out, y);
        out.iter_mut().zip(&self.units.std).for_each(|(out, std)| *out *= std);
    }
    fn noise_std(&self) -> f64 {
        self.measurement.noise_std()
    }
    fn observed(&self) -> Option<Vec<usize>> {
        self.measurement.observed()
    }
}
