//! The multistep SDE-DPM-Solvers by name and parameters.

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{
    DiffusionNoise, DpmSolverM, MultistepRule, SdeMultistep, Variant,
};
use driftfield_solvers::{NonlinearPart, State};

use super::ancestral_steps::{NOISE_KEYS, refused};
use super::multistep::{final_orders, last_order, third_order};
use super::{ChosenMethod, IntendedGrid};
use crate::spec::{Spec, SpecError};

/// The method `spec` names, if it is one of the family.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let (rule, keys) = match spec.name() {
        "sde-dpm-solver-1" => (DpmSolverM::first(NonlinearPart::Noise), &[][..]),
        "sde-dpm-solver-2m" => (DpmSolverM::second(NonlinearPart::Noise), TWO_VALUES),
        "sde-dpm-solver++1" => (DpmSolverM::first(NonlinearPart::Data), &[][..]),
        "sde-dpm-solver++2m" => (DpmSolverM::second(NonlinearPart::Data), TWO_VALUES),
        "sde-dpm-solver++3m" => (DpmSolverM::third(NonlinearPart::Data), THREE_VALUES),
        _ => return Ok(None),
    };
    spec.only(&[NOISE_KEYS, keys].concat())?;
    let variant = match spec.choice("type", &["midpoint", "heun"], "midpoint")? {
        "heun" => Variant::Taylor,
        _ => Variant::DpmSolver,
    };
    let form = third_order(spec)?;
    let final_orders = final_orders(spec, rule.final_orders())?;
    let (eta, factor) = (spec.number("eta", 1.0)?, spec.number("noise", 1.0)?);
    let noise = DiffusionNoise::new(eta).and_then(|noise| noise.factor(factor));
    let noise = noise.map_err(|error| refused(spec, error))?;
    let rule = rule.variant(variant).third_order(form);
    let method =
        SdeMultistep::new(rule, noise).final_orders(final_orders).last_order(last_order(spec)?);
    Ok(Some(ChosenMethod { method: BoxedMethod::new(method), orders: None }))
}

const TWO_VALUES: &[&str] = &["type", "lower_order_final", "few_steps", "last_order"];
const THREE_VALUES: &[&str] = &["type", "form", "lower_order_final", "few_steps", "last_order"];
