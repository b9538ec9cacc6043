//! The multistep SDE-DPM-Solvers.

use driftfield_solvers::State;
use driftfield_solvers::method::Method;
use driftfield_solvers::method::exponential::{
    DiffusionNoise, DpmSolverM, MultistepRule, SdeMultistep, Variant,
};

use super::Recipe;
use super::ancestral_steps::{noise_factor, refused};
use super::dpm_solver::{form_key, third_order};
use super::multistep::{end_keys, final_orders, last_order};
use crate::catalog::{Entry, Key, Parameters};
use crate::flow::PathField;
use crate::spec::SpecError;

/// `rule` on the reverse diffusion, of which a single value leaves nothing else to be set.
pub(super) fn sde_dpm_solver<S: State>(
    summary: &'static str,
    rule: DpmSolverM,
) -> Entry<Recipe<S>> {
    let values = rule.values();
    let usual = SdeMultistep::new(rule.clone(), DiffusionNoise::FULL);
    let name = Method::<S, PathField<S>>::info(&usual).name;
    let end = end_keys(rule.final_orders());
    let entry = Entry::new(name, summary, move |parameters| {
        let method = SdeMultistep::new(shaped(rule.clone(), parameters)?, noise(parameters)?);
        if values == 1 {
            return Ok(Recipe::new(method));
        }
        let orders = final_orders(parameters, rule.final_orders())?;
        Ok(Recipe::new(method.final_orders(orders).last_order(last_order(parameters)?)))
    })
    .keys([
        Key::number("eta", 1.0, "square of the noise level of the reverse diffusion")
            .not_negative(),
        noise_factor(),
    ]);
    let kind = Key::choice("type", &["midpoint", "heun"], "how the highest difference is weighed");
    match values {
        1 => entry,
        2 => entry.keys([kind]).keys(end),
        _ => entry.keys([kind, form_key()]).keys(end),
    }
}

fn shaped(rule: DpmSolverM, parameters: &Parameters<'_>) -> Result<DpmSolverM, SpecError> {
    if rule.values() == 1 {
        return Ok(rule);
    }
    let variant = match parameters.word("type")? {
        "heun" => Variant::Taylor,
        _ => Variant::DpmSolver,
    };
    third_order(rule.variant(variant), parameters)
}

fn noise(parameters: &Parameters<'_>) -> Result<DiffusionNoise, SpecError> {
    let (eta, factor) = (parameters.number("eta")?, parameters.number("noise")?);
    let noise = DiffusionNoise::new(eta).and_then(|noise| noise.factor(factor));
    noise.map_err(|error| refused(parameters, error))
}
