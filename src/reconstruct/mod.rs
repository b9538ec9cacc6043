//! Reconstruction: samples of what an image was, given a measurement of it and a model as prior.
//!
//! A generation whose predictor is conditioned on the measurement, or whose steps are corrected
//! by it; any solver on any process does either.

mod error;
#[cfg(feature = "plot")]
mod pictures;
pub mod technique;

pub use error::ReconstructError;
#[cfg(feature = "plot")]
pub use pictures::{measured_tile, reconstruction_grid, reconstruction_trajectory};
pub use technique::Technique;

use std::sync::Arc;

use driftfield_problems::inverse::Observation;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::Scalar;
use ndarray::ArrayD;

use crate::generate::{
    GenerateError, Generated, Initial, Model, Settings, Steered, attempt_steered, check_request,
    check_settings,
};
use technique::{Prior, TechniquePrecision};

/// What a reconstruction returned. However it ended: [`Generated::complete`] asks.
#[derive(Debug, Clone)]
pub struct Reconstructed<T> {
    /// The samples in the data's units, and how the solve went. Its evaluations and forward
    /// passes are those of the solver.
    pub generated: Generated<T>,
    /// Gradients of the predicted data, each of them a way back through the predictor.
    pub gradients: u64,
    /// Network forward passes, those of gradients beside the solver's steps included.
    pub network_forwards: u64,
    /// `|y - A x|^2 / m` of every sample, `m` the number of values measured.
    pub misfits: Vec<f64>,
}

impl<T> Reconstructed<T> {
    /// Mean of the misfits, to be held against the variance of the measurement's noise.
    pub fn mean_misfit(&self) -> f64 {
        self.misfits.iter().sum::<f64>() / self.misfits.len().max(1) as f64
    }
}

/// Samples what was measured in `observation`, which is in the data's units, from `initial`
/// noise, by `technique` and as `settings` say.
///
/// What the technique leaves out is the model's, such as the standard deviation of its data.
///
/// Where the process's own start carries no trace of the data (`alpha = 0`) and none is asked
/// for, the start is the nearest that does.
pub fn reconstruct<T: TechniquePrecision>(
    path: &SharedPath,
    model: &dyn Model,
    observation: &Observation,
    technique: &Technique,
    initial: Initial<T>,
    settings: &Settings,
) -> Result<Reconstructed<T>, ReconstructError> {
    let own = match model.units() {
        Some(units) => observation.clone().in_units(units)?,
        None => observation.clone(),
    };
    let settings = &with_informed_start(path, settings);
    check_request::<T>(model, &settings.condition, initial.lanes())?;
    let condition = settings.condition.of_lanes(settings.first_lane, initial.lanes());
    let prior = Prior { path, model, condition };
    let solve =
        Box::new(|steered: Steered<'_, T>| attempt_steered(model, initial, settings, steered));
    let (generated, costs) = technique.of::<T>().reconstruct(&prior, Arc::new(own), solve)?;
    let misfits = misfits(observation, &generated.samples);
    let network_forwards = generated.statistics.network_forwards + costs.network_forwards;
    Ok(Reconstructed { generated, gradients: costs.gradients, network_forwards, misfits })
}

/// Refuses settings that no model could make good.
pub fn check(path: &SharedPath, settings: &Settings) -> Result<(), GenerateError> {
    check_settings(path, &with_informed_start(path, settings), false)
}

/// A spacing with ends of its own keeps them.
fn with_informed_start(path: &SharedPath, settings: &Settings) -> Settings {
    let (start, _) = path.default_span();
    let spacing = settings.spacing.as_ref();
    let own = spacing.is_some_and(|spacing| !matches!(spacing.own_end(path), Ok(None)));
    let uninformed = path.alpha(start) == 0.0 && !own;
    let informed = uninformed.then(|| path.start_with_finite_log_snr());
    Settings { t_start: settings.t_start.or(informed), ..settings.clone() }
}

/// `|y - A x|^2 / m` of every lane.
fn misfits<T: Scalar>(observation: &Observation, samples: &ArrayD<T>) -> Vec<f64> {
    let misfit = |(lane, x): (usize, ndarray::ArrayViewD<'_, T>)| {
        let x: Vec<f64> = x.iter().map(|x| x.into_f64()).collect();
        let residual = observation.residual(lane, &x);
        residual.iter().map(|r| r * r).sum::<f64>() / residual.len() as f64
    };
    samples.outer_iter().enumerate().map(misfit).collect()
}
