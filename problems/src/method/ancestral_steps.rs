//! Methods whose noise is an ancestral step's: DDIM and the samplers of k-diffusion.

use driftfield_solvers::State;
use driftfield_solvers::method::Method;
use driftfield_solvers::method::exponential::{AncestralNoise, NoiseSettingError};

use super::Recipe;
use crate::catalog::{Entry, Key, Parameters};
use crate::flow::PathField;
use crate::spec::SpecError;

/// What `make` makes of the noise, by default `noise`.
pub(super) fn ancestral<S: State, M>(
    summary: &'static str,
    noise: AncestralNoise,
    make: fn(AncestralNoise) -> M,
) -> Entry<Recipe<S>>
where
    M: Method<S, PathField<S>> + Clone + Send + Sync + 'static,
{
    let eta = if noise == AncestralNoise::NONE { 0.0 } else { 1.0 };
    Entry::new(make(noise).info().name, summary, move |parameters| {
        Ok(Recipe::new(make(noise_of(parameters)?)))
    })
    .keys([
        Key::number("eta", eta, "share of the posterior's noise; 0 is the probability flow")
            .within("a number from 0 to 1", |eta| (0.0..=1.0).contains(&eta)),
        noise_factor(),
    ])
}

/// The factor of what is drawn.
pub(super) fn noise_factor() -> Key {
    Key::number("noise", 1.0, "factor of what is drawn").not_negative()
}

fn noise_of(parameters: &Parameters<'_>) -> Result<AncestralNoise, SpecError> {
    let (eta, factor) = (parameters.number("eta")?, parameters.number("noise")?);
    let noise = AncestralNoise::new(eta).and_then(|noise| noise.factor(factor));
    noise.map_err(|error| refused(parameters, error))
}

/// The refusal of a setting as that of the parameter of the same name.
pub(super) fn refused(parameters: &Parameters<'_>, error: NoiseSettingError) -> SpecError {
    SpecError::number(parameters.name(), error.name, error.value, error.range)
}
