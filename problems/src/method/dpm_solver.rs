//! The DPM-Solver family by name and parameters.

use std::sync::Arc;

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{
    DpmSolverM, EmbeddedSinglestep, Nodes, Singlestep, Variant,
};
use driftfield_solvers::{FieldError, NonlinearPart, State};

use super::multistep::{MULTISTEP_KEYS, multistep, third_order};
use super::{ChosenMethod, IntendedGrid, PathMethod};
use crate::spacing::Spacing;
use crate::spec::{Spec, SpecError};

/// Which of the family a name means.
#[derive(Debug, Clone, Copy)]
struct Member {
    part: NonlinearPart,
    order: usize,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Singlestep,
    Multistep,
    Embedded,
}

fn member(name: &str) -> Option<Member> {
    let (part, rest) = match name.strip_prefix("dpm-solver")? {
        rest if rest.starts_with("++") => (NonlinearPart::Data, &rest[2..]),
        rest => (NonlinearPart::Noise, rest.strip_prefix('-')?),
    };
    let (order, form) = match rest {
        "1" => (1, Form::Singlestep),
        "2s" => (2, Form::Singlestep),
        "3s" => (3, Form::Singlestep),
        "2m" => (2, Form::Multistep),
        "3m" => (3, Form::Multistep),
        "12" => (2, Form::Embedded),
        "23" => (3, Form::Embedded),
        _ => return None,
    };
    Some(Member { part, order, form })
}

impl Member {
    /// `lower_order_final` and `type` are known to the whole family, as in the published
    /// code, also where they change nothing.
    fn keys(self) -> Vec<&'static str> {
        match (self.form, self.order) {
            (Form::Embedded, _) => vec!["type"],
            (Form::Singlestep, 3) => vec!["type", "lower_order_final", "inner"],
            (Form::Singlestep, _) => vec!["type", "lower_order_final"],
            (Form::Multistep, 3) => [&["type", "form"], MULTISTEP_KEYS].concat(),
            (Form::Multistep, _) => [&["type"], MULTISTEP_KEYS].concat(),
        }
    }
}

/// The method `spec` names, if it is one of the family.
pub(super) fn build<S: State>(
    spec: &Spec,
    grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let Some(member) = member(spec.name()) else { return Ok(None) };
    spec.only(&member.keys())?;
    let variant = match spec.choice("type", &["dpmsolver", "taylor"], "dpmsolver")? {
        "taylor" => Variant::Taylor,
        _ => Variant::DpmSolver,
    };
    match member.form {
        Form::Embedded => return Ok(Some(embedded(member, variant))),
        Form::Singlestep => {
            spec.boolean("lower_order_final", true)?;
            let inner = match spec.choice("inner", &["taylor", "dpmsolver"], "taylor")? {
                "dpmsolver" => Variant::DpmSolver,
                _ => Variant::Taylor,
            };
            return Ok(Some(singlestep(member, (variant, inner), grid)));
        }
        Form::Multistep => {}
    }
    let form = third_order(spec)?;
    let rule = match member.order {
        2 => DpmSolverM::second(member.part),
        _ => DpmSolverM::third(member.part),
    };
    let method = multistep(spec, rule.variant(variant).third_order(form))?;
    Ok(Some(ChosenMethod { method: BoxedMethod::new(method), orders: None }))
}

fn embedded<S: State>(member: Member, variant: Variant) -> ChosenMethod<S> {
    let method = match member.order {
        2 => EmbeddedSinglestep::second(member.part),
        _ => EmbeddedSinglestep::third(member.part),
    };
    ChosenMethod { method: BoxedMethod::new(method.variant(variant)), orders: None }
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
            times.map(|times| times[i]).map_err(|error| FieldError::other(error))
        })),
    }
}
