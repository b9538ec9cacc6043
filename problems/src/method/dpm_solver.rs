//! The DPM-Solver family by name and parameters.

use std::sync::Arc;

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{
    Multistep, Nodes, Singlestep, Start, ThirdOrder, Variant,
};
use driftfield_solvers::{FieldError, NonlinearPart, State};

use super::{ChosenMethod, IntendedGrid, PathMethod};
use crate::spacing::Spacing;
use crate::spec::{Spec, SpecError};

/// Which of the family a name means.
#[derive(Debug, Clone, Copy)]
struct Member {
    part: NonlinearPart,
    order: usize,
    multistep: bool,
}

fn member(name: &str) -> Option<Member> {
    let (part, rest) = match name.strip_prefix("dpm-solver")? {
        rest if rest.starts_with("++") => (NonlinearPart::Data, &rest[2..]),
        rest => (NonlinearPart::Noise, rest.strip_prefix('-')?),
    };
    let (order, multistep) = match rest {
        "1" => (1, false),
        "2s" => (2, false),
        "3s" => (3, false),
        "2m" => (2, true),
        "3m" => (3, true),
        _ => return None,
    };
    Some(Member { part, order, multistep })
}

impl Member {
    /// `lower_order_final` and `type` are known to the whole family, as in the published
    /// code, also where they change nothing.
    fn keys(self) -> &'static [&'static str] {
        match (self.multistep, self.order) {
            (false, 3) => &["type", "lower_order_final", "inner"],
            (false, _) => &["type", "lower_order_final"],
            (true, 3) => &["type", "lower_order_final", "few_steps", "last_order", "start", "form"],
            (true, _) => &["type", "lower_order_final", "few_steps", "last_order", "start"],
        }
    }
}

/// The method `spec` names, if it is one of the family.
pub(super) fn build<S: State>(
    spec: &Spec,
    grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let Some(member) = member(spec.name()) else { return Ok(None) };
    spec.only(member.keys())?;
    let variant = match spec.choice("type", &["dpmsolver", "taylor"], "dpmsolver")? {
        "taylor" => Variant::Taylor,
        _ => Variant::DpmSolver,
    };
    let lower_order_final = spec.boolean("lower_order_final", true)?;
    if !member.multistep {
        let inner = match spec.choice("inner", &["taylor", "dpmsolver"], "taylor")? {
            "dpmsolver" => Variant::DpmSolver,
            _ => Variant::Taylor,
        };
        return Ok(Some(singlestep(member, (variant, inner), grid)));
    }
    let start = match spec.choice("start", &["lower", "matching"], "lower")? {
        "matching" => Start::Matching,
        _ => Start::Lower,
    };
    let form = match spec.choice("form", &["corrected", "reference"], "corrected")? {
        "reference" => ThirdOrder::Reference,
        _ => ThirdOrder::Corrected,
    };
    let method = match member.order {
        2 => Multistep::second(member.part),
        _ => Multistep::third(member.part),
    };
    let method = method
        .variant(variant)
        .third_order(form)
        .start(start)
        .lower_order_final(lower_order_final)
        .few_steps(spec.integer("few_steps", 10)?)
        .last_order(last_order(spec)?);
    Ok(Some(ChosenMethod { method: BoxedMethod::new(method), orders: None }))
}

/// Order of the last step, where the last steps have lower orders.
pub(super) fn last_order(spec: &Spec) -> Result<usize, SpecError> {
    match spec.integer("last_order", 1)? {
        0 => Err(SpecError::value(spec.name(), "last_order", 0, "at least 1")),
        order => Ok(order),
    }
}

fn singlestep<S: State>(
    member: Member,
    (variant, inner): (Variant, Variant),
    grid: Option<&IntendedGrid>,
) -> ChosenMethod<S> {
    let method = match member.order {
        1 => Singlestep::first(member.part),
        2 => Singlestep::second(member.part),
        _ => Singlestep::third(member.part),
    };
    let mut method = method.variant(variant).inner_variant(inner);
    let mut orders = None;
    if let Some(grid) = grid {
        method = method.nodes(nodes(grid));
        if let Some(evaluations) = grid.evaluations {
            let list = Singlestep::order_list(member.order, evaluations);
            method = method.orders(list.clone());
            orders = Some(list);
        }
    }
    let method: PathMethod<S> = BoxedMethod::new(method);
    ChosenMethod { method, orders }
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
            times.map(|times| times[i]).map_err(|error| FieldError::Other(error.to_string()))
        })),
    }
}
