//! The model of the files as networks.

use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::predictor::{Network, Predictor, Target, Times};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::FieldError;
use ndarray::ArrayD;

use crate::common::mixture;

/// The model of the reference files as a network: the exact noise at a timestep, between
/// timesteps with sigma interpolated.
pub struct TimestepModel(MixturePredictor);

impl TimestepModel {
    pub fn new() -> Self {
        let path = process::parse("ddpm:interpolation=sigma").unwrap();
        TimestepModel(MixturePredictor::new(mixture(), path))
    }
}

impl Network<ArrayD<f64>> for TimestepModel {
    fn forward(
        &self,
        out: &mut ArrayD<f64>,
        x: &ArrayD<f64>,
        timestep: Times<'_>,
    ) -> Result<(), FieldError> {
        let t = (timestep.one()? + 1.0) / 1000.0;
        self.0.predict(Target::NOISE.into(), out, x, t.into())
    }
}

/// The same behind the input scaling of schedulers that run in sigma, which is their time.
pub struct ScaledModel {
    model: TimestepModel,
    /// Sigmas that the scheduler took from timesteps, whole or not, and so between two timesteps
    /// by interpolating sigma.
    grid: Vec<f64>,
    of_grid: SharedPath,
    /// What interpolates the timestep of every other sigma.
    of_others: SharedPath,
}

impl ScaledModel {
    pub fn new(grid: Vec<f64>) -> Self {
        ScaledModel {
            model: TimestepModel::new(),
            grid,
            of_grid: process::parse("ddpm:interpolation=sigma").unwrap(),
            of_others: process::parse("ddpm:interpolation=log-sigma").unwrap(),
        }
    }
}

impl Network<ArrayD<f64>> for ScaledModel {
    fn forward(
        &self,
        out: &mut ArrayD<f64>,
        x: &ArrayD<f64>,
        sigma: Times<'_>,
    ) -> Result<(), FieldError> {
        let sigma = sigma.one()?;
        let path = if self.grid.contains(&sigma) { &self.of_grid } else { &self.of_others };
        let scaled = x / sigma.hypot(1.0);
        let timestep = 1000.0 * path.time_at_log_snr(-sigma.ln()) - 1.0;
        self.model.forward(out, &scaled, timestep.into())
    }
}
