use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use driftfield_solvers::FieldError;

use crate::catalog::{Catalog, Entry, Key};
use crate::process::{GaussianPath, SharedPath, derivative};
use crate::spec::SpecError;

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
    /// `t` times a number, as networks have it that are given 0 to 1000 for 0 to 1.
    Times(f64),
    /// The size of the noise, `sigma`: networks of variance-exploding processes.
    Sigma,
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
            ModelTime::Times(factor) => Ok(factor * t),
            ModelTime::Sigma => Ok(path.sigma(t)),
            ModelTime::Function(function) => Ok(function(t)),
        }
    }

    /// What a network may be given as its time, by name.
    pub fn catalog() -> Catalog<ModelTime> {
        let entry = |name: &'static str, summary, time: ModelTime| {
            Entry::new(name, summary, move |_| Ok(time.clone()))
        };
        let times = |t: &crate::catalog::Parameters<'_>| Ok(ModelTime::Times(t.number("times")?));
        let nearest = "the nearest whole timestep of a discrete-time model";
        Catalog::new(
            "model time",
            [
                Entry::new("t", "the process's own time, or so many times it", times)
                    .keys([Key::number("times", 1.0, "what it is multiplied with")]),
                entry("sigma", "the size of the noise", ModelTime::Sigma),
                entry("timestep", "the timestep of a discrete-time model", ModelTime::Timestep),
                entry("nearest-timestep", nearest, ModelTime::NearestTimestep),
            ],
        )
    }

    /// How fast the network's time goes at `t` of `path`.
    pub(super) fn rate(&self, path: &SharedPath, t: f64) -> Result<f64, FieldError> {
        match self {
            ModelTime::Path => Ok(1.0),
            ModelTime::Timestep => Ok(timesteps(path)?),
            ModelTime::NearestTimestep => Err(FieldError::Refused(
                "products in time of a network that is given whole timesteps".to_owned(),
            )),
            ModelTime::Times(factor) => Ok(*factor),
            ModelTime::Sigma => Ok(path.sigma_derivative(t)),
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
            ModelTime::Times(factor) => return f.debug_tuple("Times").field(factor).finish(),
            ModelTime::Sigma => "Sigma",
            ModelTime::Function(_) => "Function(..)",
        })
    }
}

impl FromStr for ModelTime {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        ModelTime::catalog().build(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[test]
    fn a_network_is_given_the_time_that_is_named_and_its_rate_is_the_derivative() {
        let vp = process::parse("vp").unwrap();
        let at = |text: &str, t: f64| text.parse::<ModelTime>().unwrap().at(&vp, t).unwrap();
        assert_eq!((at("t", 0.3), at("t:times=999", 0.5)), (0.3, 499.5));
        assert_eq!(at("sigma", 0.4), vp.sigma(0.4));
        for text in ["t", "t:times=999", "sigma"] {
            let time: ModelTime = text.parse().unwrap();
            let slope = (at(text, 0.4 + 1e-5) - at(text, 0.4 - 1e-5)) / 2e-5;
            let rate = time.rate(&vp, 0.4).unwrap();
            assert!((rate - slope).abs() < 1e-6 * rate.abs(), "{text}: {rate} {slope}");
        }
        let ddpm = process::parse("ddpm").unwrap();
        let timestep: ModelTime = "timestep".parse().unwrap();
        assert_eq!(timestep.at(&ddpm, 0.5).unwrap(), 499.0);
        assert!(timestep.at(&vp, 0.5).is_err());
        assert!("timesteps".parse::<ModelTime>().unwrap_err().to_string().contains("`timestep`"));
    }
}
