//! The DPM-Solver family: singlestep, multistep, and embedded for adaptive steps.
//!
//! `lower_order_final` and `type` are known to the whole family, as in the published code, also
//! where they change nothing.

use std::sync::Arc;

use driftfield_solvers::method::exponential::{
    DpmSolverM, EmbeddedSinglestep, MultistepRule, Nodes, Singlestep, ThirdOrder, Variant,
};
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::{FieldError, State};

use super::multistep::multistep_of;
use super::{ChosenMethod, IntendedGrid, Recipe};
use crate::catalog::{Entry, Key, Parameters};
use crate::flow::PathField;
use crate::spacing::Spacing;
use crate::spec::SpecError;

const VARIANTS: [&str; 2] = ["dpmsolver", "taylor"];

fn type_key() -> Key {
    Key::choice("type", &VARIANTS, "how the highest difference is weighed")
}

fn variant(parameters: &Parameters<'_>, key: &str) -> Result<Variant, SpecError> {
    Ok(if parameters.word(key)? == VARIANTS[1] { Variant::Taylor } else { Variant::DpmSolver })
}

/// `form=corrected|reference`, of rules of order 3.
pub(super) fn form_key() -> Key {
    Key::choice(
        "form",
        &["corrected", "reference"],
        "second derivative: the parabola's, or the published code's, which is half of it",
    )
}

/// `rule` in the form that is asked for, if it is one of those that have two.
pub(super) fn third_order(
    rule: DpmSolverM,
    parameters: &Parameters<'_>,
) -> Result<DpmSolverM, SpecError> {
    if rule.values() < 3 {
        return Ok(rule);
    }
    Ok(rule.third_order(match parameters.word("form")? {
        "reference" => ThirdOrder::Reference,
        _ => ThirdOrder::Corrected,
    }))
}

/// A multistep DPM-Solver.
pub(super) fn multistep_dpm_solver<S: State>(
    summary: &'static str,
    rule: DpmSolverM,
) -> Entry<Recipe<S>> {
    let form = (rule.values() == 3).then(form_key);
    multistep_of(summary, rule, |rule, parameters| {
        third_order(rule.variant(variant(parameters, "type")?), parameters)
    })
    .keys([type_key()])
    .keys(form)
}

/// A singlestep DPM-Solver with an estimate of its error.
pub(super) fn embedded<S: State>(
    summary: &'static str,
    method: EmbeddedSinglestep,
) -> Entry<Recipe<S>> {
    let name = Method::<S, PathField<S>>::info(&method).name;
    Entry::new(name, summary, move |parameters| {
        Ok(Recipe::new(method.clone().variant(variant(parameters, "type")?)))
    })
    .keys([type_key()])
}

/// A singlestep DPM-Solver, whose inner nodes follow the grid, and whose orders a number of
/// evaluations.
pub(super) fn singlestep<S: State>(summary: &'static str, method: Singlestep) -> Entry<Recipe<S>> {
    let info = Method::<S, PathField<S>>::info(&method);
    let order = info.order as usize;
    let inner = Key::choice("inner", &["taylor", "dpmsolver"], "`type` of the second inner node");
    let entry = Entry::new(info.name, summary, move |parameters| {
        let mut method = method.clone().variant(variant(parameters, "type")?);
        if order == 3 {
            method = method.inner_variant(variant(parameters, "inner")?);
        }
        Ok(Recipe::following(move |grid| on_grid(method.clone(), order, grid)))
    })
    .keys([
        type_key(),
        Key::flag("lower_order_final", true, "as in the published code; changes nothing here"),
    ]);
    entry.keys((order == 3).then_some(inner))
}

fn on_grid<S: State>(
    mut method: Singlestep,
    order: usize,
    grid: Option<&IntendedGrid>,
) -> ChosenMethod<S> {
    let mut orders = None;
    if let Some(grid) = grid {
        method = method.nodes(nodes(grid));
        if let Some(evaluations) = grid.evaluations {
            let list = Singlestep::order_list(order, evaluations);
            method = method.orders(list.clone());
            orders = Some(list);
        }
    }
    ChosenMethod { method: BoxedMethod::new(method), orders }
}

/// Inner nodes that divide a step as the spacing divides the whole span. Of a list, they are
/// the times that the steps of an order list leave out.
fn nodes(grid: &IntendedGrid) -> Nodes {
    let (path, spacing) = (grid.path.clone(), grid.spacing.clone());
    match (&spacing, grid.evaluations) {
        (Spacing::LogSnr | Spacing::Exponential, _) => Nodes::LogSnr,
        (Spacing::Timesteps(_) | Spacing::Times(_), Some(evaluations)) => {
            // A list that does not fit is refused when the grid is laid.
            let list = spacing.own_times(&path, evaluations).ok().flatten().unwrap_or_default();
            Nodes::Rule(Arc::new(move |t, _, i, _| {
                let at = list.iter().position(|&time| time == t);
                at.and_then(|at| list.get(at + i).copied()).ok_or_else(|| FieldError::Domain {
                    t,
                    advice: "no time of the list begins a step here".to_owned(),
                })
            }))
        }
        (Spacing::Timesteps(_) | Spacing::Times(_), None) => Nodes::LogSnr,
        _ => Nodes::Rule(Arc::new(move |t, t_next, i, n| {
            let times = spacing.times(&path, t, t_next, n);
            times.map(|times| times[i]).map_err(FieldError::other)
        })),
    }
}
