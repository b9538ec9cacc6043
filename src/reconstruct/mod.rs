//! Reconstruction: samples of what an image was, given a measurement of it and a field as prior.
//!
//! A generation whose predictor is conditioned on the measurement, or whose steps are corrected
//! by it; any solver on any process does either.

mod error;
#[cfg(feature = "plot")]
mod pictures;

pub use error::ReconstructError;
#[cfg(feature = "plot")]
pub use pictures::{measured_tile, reconstruction_grid, reconstruction_trajectory};

use std::sync::Arc;
use std::sync::atomic::Ordering;

use driftfield_problems::inverse::{
    Conditioned, Dps, Observation, PseudoInverse, Replacement, Technique,
};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::Scalar;
use ndarray::ArrayD;

use crate::generate::{
    Field, GenerateError, Generated, Initial, Settings, Steered, check_request, check_settings,
    generate_steered,
};

/// Where pseudo-inverse guidance of a network begins unless told: earlier it is too stiff for the
/// usual numbers of steps on the VP network of digits, later a digit has settled before the
/// measurement is heard, and the misfit grows (docs/images.md).
const LEAST_SIGNAL: f64 = 0.05;

/// What a reconstruction returned.
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
/// What the technique leaves out is the field's: the standard deviation of its data, and for
/// pseudo-inverse guidance of a network a signal of 0.05 at which it begins.
///
/// Where the process's own start carries no trace of the data (`alpha = 0`) and none is asked
/// for, the start is the nearest that does.
pub fn reconstruct<T: Scalar>(
    path: &SharedPath,
    field: &Field,
    observation: &Observation,
    technique: Technique,
    initial: Initial<T>,
    settings: &Settings,
) -> Result<Reconstructed<T>, ReconstructError> {
    let own = match field.units() {
        Some(units) => observation.clone().in_units(units)?,
        None => observation.clone(),
    };
    let own = Arc::new(own);
    let settings = &with_informed_start(path, settings);
    check_request::<T>(field, &settings.condition, initial.lanes())?;
    let condition = settings.condition.of_lanes(0, initial.lanes());
    let std_of = |given: Option<f64>| given.map_or_else(|| field.data_std(), Ok);
    let run = |steered: Steered<'_, T>| generate_steered(field, initial, settings, 0, steered);
    let (generated, gradients, beside) = match technique {
        Technique::Dps { zeta, forgets_history } => {
            let predictor = field.differentiable::<ArrayD<T>>(path, &condition)?;
            let dps = Dps::new(predictor.clone(), own, zeta)?;
            let mut dps = if forgets_history { dps.forgetting_history() } else { dps };
            let observer = Some(Box::new(&mut dps) as Box<_>);
            let generated = run(Steered { predictor, observer })?;
            (generated, dps.gradients(), dps.network_forwards())
        }
        Technique::PseudoInverse { data_std, least_signal } => {
            let predictor = field.differentiable::<ArrayD<T>>(path, &condition)?;
            let at_once = if field.is_exact() { 0.0 } else { LEAST_SIGNAL };
            let guidance = PseudoInverse::new().beginning_at(least_signal.unwrap_or(at_once));
            let gradients = guidance.gradients();
            let conditioned = Conditioned::new(predictor, own, guidance)?;
            let predictor = Arc::new(conditioned.data_std(std_of(data_std)?)?);
            let generated = run(Steered { predictor, observer: None })?;
            (generated, gradients.load(Ordering::Relaxed), 0)
        }
        Technique::Replacement { data_std } => {
            let predictor = field.predictor::<ArrayD<T>>(path, &condition)?;
            let conditioned = Conditioned::new(predictor, own, Replacement)?;
            let predictor = Arc::new(conditioned.data_std(std_of(data_std)?)?);
            (run(Steered { predictor, observer: None })?, 0, 0)
        }
        _ => return Err(ReconstructError::Technique(technique.name())),
    };
    let misfits = misfits(observation, &generated.samples);
    let network_forwards = generated.statistics.network_forwards + beside;
    Ok(Reconstructed { generated, gradients, network_forwards, misfits })
}

/// Refuses settings that no field could make good.
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
