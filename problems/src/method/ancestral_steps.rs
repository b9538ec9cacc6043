//! DDIM and the ancestral samplers of k-diffusion by name and parameters.

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{
    Ancestral2S, AncestralNoise, Ddim, NoiseSettingError, Sde2S,
};
use driftfield_solvers::{NonlinearPart, State};

use super::{ChosenMethod, IntendedGrid, PathMethod};
use crate::spec::{Spec, SpecError};

/// The method `spec` names, if its noise is an ancestral step's.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let default = match spec.name() {
        "ddim" => AncestralNoise::NONE,
        "euler-ancestral"
        | "dpm-2-ancestral"
        | "dpm-solver++2s-ancestral"
        | "sde-dpm-solver++2s" => AncestralNoise::FULL,
        _ => return Ok(None),
    };
    spec.only(NOISE_KEYS)?;
    let noise = noise(spec, default)?;
    let method: PathMethod<S> = match spec.name() {
        "ddim" => BoxedMethod::new(Ddim::new(noise)),
        "euler-ancestral" => BoxedMethod::new(Ddim::euler_ancestral(noise)),
        "dpm-2-ancestral" => BoxedMethod::new(Ancestral2S::new(NonlinearPart::Noise, noise)),
        "sde-dpm-solver++2s" => BoxedMethod::new(Sde2S::new(noise)),
        _ => BoxedMethod::new(Ancestral2S::new(NonlinearPart::Data, noise)),
    };
    Ok(Some(ChosenMethod { method, orders: None }))
}

/// `eta`, and `noise`, the factor of what is drawn.
pub(super) const NOISE_KEYS: &[&str] = &["eta", "noise"];

fn noise(spec: &Spec, default: AncestralNoise) -> Result<AncestralNoise, SpecError> {
    let noise = match spec.text("eta") {
        None => default,
        Some(_) => {
            let eta = spec.number("eta", 0.0)?;
            AncestralNoise::new(eta).map_err(|error| refused(spec, error))?
        }
    };
    noise.factor(spec.number("noise", 1.0)?).map_err(|error| refused(spec, error))
}

/// The refusal of a setting as that of the parameter of the same name.
pub(super) fn refused(spec: &Spec, error: NoiseSettingError) -> SpecError {
    SpecError::number(spec.name(), error.name, error.value, error.range)
}
