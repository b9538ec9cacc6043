use std::fmt;
use std::sync::Arc;

use driftfield_solvers::FieldError;

use crate::process::{GaussianPath, SharedPath, derivative};

/// What a network is given as its time, at time `t` of the path.
#[derive(Clone, Default)]
pub enum ModelTime {
    /// `t` itself: the network was trained on the path's own time.
    #[default]
    Path,
    /// The timestep `t N - 1` of a discrete-time model of `N` timesteps, whole on the timesteps
    /// and fractional between them (networks with sinusoidal features of the time take
    /// any). Only paths with [`timesteps`](GaussianPath::timesteps) have it.
    Timestep,
    /// The nearest whole timestep, for networks that look it up in a table. Between the
    /// timesteps the network then answers for a slightly different noise than the state
    /// has; the diffusers library does the same in its DPM-Solver and UniPC schedulers with Karras
    /// sigmas.
    NearestTimestep,
    /// Any function of `t`.
    Function(Arc<dyn Fn(f64) -> f64 + Send + Sync>),
}

impl ModelTime {
    /// A function of `t`: `|t| 1000.0 * t` for networks of flow matching in the diffusers
    /// library, say.
    pub fn function(time: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        ModelTime::Function(Arc::new(time))
    }

    /// The network's time at `t` of `path`.
    pub fn at(&self, path: &SharedPath, t: f64) -> Result<f64, FieldError> {
        match self {
            ModelTime::Path => Ok(t),
            ModelTime::Timestep => timestep(path, t),
            ModelTime::NearestTimestep => Ok(timestep(path, t)?.round_ties_even().max(0.0)),
            ModelTime::Function(function) => Ok(function(t)),
        }
    }
}

impl ModelTime {
    /// How fast the network's time goes at `t` of `path`.
    pub(super) fn rate(&self, path: &SharedPath, t: f64) -> Result<f64, FieldError> {
        match self {
            ModelTime::Path => Ok(1.0),
            ModelTime::Timestep => Ok(timesteps(path)?),
            ModelTime::NearestTimestep => Err(FieldError::Refused(
                "products in time of a network that is given whole timesteps".to_owned(),
            )),
            ModelTime::Function(function) => Ok(derivative(|t| function(t), path.domain(), t)),
        }
    }
}

/// `t N - 1`, whole where it is so but for rounding.
fn timestep(path: &SharedPath, t: f64) -> Result<f64, FieldError> {
    let count = timesteps(path)?;
    let exact = t * count - 1.0;
    let whole = exact.round();
    Ok(if (exact - whole).abs() <= 1e-14 * count { whole } else { exact })
}

fn timesteps(path: &SharedPath) -> Result<f64, FieldError> {
    let count = path.timesteps().ok_or_else(|| {
        FieldError::other(format!(
            "`{}` has no timesteps to give to a network; use a `ddpm` path, or a function of t",
            path.name()
        ))
    })?;
    Ok(count as f64)
}

impl fmt::Debug for ModelTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ModelTime::Path => "Path",
            ModelTime::Timestep => "Timestep",
            ModelTime::NearestTimestep => "NearestTimestep",
            ModelTime::Function(_) => "Function(..)",
        })
    }
}
