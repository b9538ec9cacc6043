use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::method::{self, Solver};
use driftfield_solvers::method::stochastic::{NoiseKind, Sense, StochasticInfo};
use driftfield_solvers::method::{Kind, MethodInfo};
use serde_json::{Value, json};

use super::CommandError;
use super::exit::say;
use super::list::{described, parameters, width, wrapped};

#[derive(Args)]
pub(super) struct SolversArguments {
    /// Print one JSON array and nothing else
    #[arg(long)]
    json: bool,
}

/// `list solvers` under a name of its own.
pub(super) fn run(arguments: &SolversArguments) -> Result<ExitCode, CommandError> {
    list(&method::catalog(), arguments.json)
}

/// Every solver: in JSON what [`described`] says and more; in text a table of each kind, and the
/// parameters.
pub(super) fn list(catalog: &Catalog<Solver>, json: bool) -> Result<ExitCode, CommandError> {
    if json {
        let solver = |(entry, solver): (&Entry<Solver>, Solver)| {
            let mut all = describe(&solver.info(), solver.stochastic());
            let entry = described(catalog, entry);
            for key in ["summary", "parameters", "aliases"] {
                all[key] = entry[key].clone();
            }
            all
        };
        let solvers: Vec<Value> =
            catalog.entries().iter().zip(catalog.defaults()).map(solver).collect();
        say(serde_json::to_string_pretty(&solvers)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let infos = catalog.defaults().map(|solver| (solver.info(), solver.stochastic())).collect();
    say(format_args!("{}\n\n{}", tables(infos), all_parameters(catalog).trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

/// The parameters of all solvers, those that have the same together.
fn all_parameters(catalog: &Catalog<Solver>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in catalog.entries() {
        let parameters = parameters(entry.parameters());
        match groups.iter_mut().find(|(known, _)| *known == parameters) {
            _ if parameters.is_empty() => {}
            Some((_, names)) => names.push(entry.name()),
            None => groups.push((parameters, vec![entry.name()])),
        }
    }
    let group = |(parameters, names): (String, Vec<&str>)| {
        format!("{}:\n{parameters}\n", wrapped(&names.join(", "), width() - 1))
    };
    groups.into_iter().map(group).collect()
}

fn applies_to(info: &MethodInfo, stochastic: Option<StochasticInfo>) -> String {
    let text = match (info.kind, stochastic) {
        (Kind::RungeKutta, _) => "any ODE; the probability flow of every process",
        (Kind::Stochastic, Some(stochastic)) => {
            return format!(
                "any {} SDE with {} noise; the reverse SDE of every process",
                names(stochastic.senses.iter().map(|&sense| sense_name(sense))),
                names(stochastic.orders.iter().map(|orders| noise_name(orders.noise))),
            );
        }
        (Kind::Stochastic, None) => "the reverse SDE of every process",
        (Kind::Ancestral, _) => "any process with an exact posterior",
        (Kind::Exponential, _) if info.draws_noise => {
            "the reverse diffusion of every process, where its log-SNR is finite"
        }
        (Kind::Exponential, _) => {
            "the probability flow of every process, where its log-SNR is finite; any semilinear ODE"
        }
        (Kind::Langevin, _) => "the score of every process, towards the data",
        _ => "see its documentation",
    };
    text.to_owned()
}

fn sense_name(sense: Sense) -> &'static str {
    match sense {
        Sense::Ito => "Ito",
        Sense::Stratonovich => "Stratonovich",
    }
}

fn noise_name(noise: NoiseKind) -> &'static str {
    match noise {
        NoiseKind::Additive => "additive",
        NoiseKind::Scalar => "scalar",
        NoiseKind::Diagonal => "diagonal",
        NoiseKind::General => "general",
    }
}

/// `a`, `a or b`, `a, b or c`.
fn names(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn describe(info: &MethodInfo, stochastic: Option<StochasticInfo>) -> Value {
    let orders = stochastic.iter().flat_map(|stochastic| stochastic.orders);
    let orders: Vec<Value> = orders
        .map(|orders| {
            json!({
                "noise": noise_name(orders.noise),
                "strong_order": orders.strong,
                "weak_order": orders.weak,
            })
        })
        .collect();
    json!({
        "name": info.name,
        "kind": info.kind.name(),
        "order": info.order,
        "embedded_order": info.embedded_order,
        "interpolant_order": info.interpolant_order,
        "strong_order": info.strong_order,
        "weak_order": info.weak_order,
        "orders_by_noise": orders,
        "evaluations_per_step": info.evaluations_per_step,
        "evaluations_at_start": info.evaluations_at_start,
        "adaptive": info.adaptive(),
        "applies_to": applies_to(info, stochastic),
    })
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// One table for each kind of solver and what it applies to, no wider than a terminal.
fn tables(mut infos: Vec<(MethodInfo, Option<StochasticInfo>)>) -> String {
    let mut text = String::new();
    while let Some((first, stochastic)) = infos.first() {
        let (kind, applies) = (first.kind, applies_to(first, *stochastic));
        let alike = |(info, stochastic): &(MethodInfo, Option<StochasticInfo>)| {
            info.kind == kind && applies_to(info, *stochastic) == applies
        };
        let (group, rest): (Vec<_>, Vec<_>) = infos.iter().copied().partition(alike);
        text += &wrapped(&format!("{}, for {applies}", kind.name()), width());
        text += &format!("\n{}\n\n", table(&group));
        infos = rest;
    }
    text + &wrapped(LEGEND, width())
}

/// What the columns mean.
const LEGEND: &str = "order: of the method, in brackets of its error estimate; strong, weak: of \
                      paths of an SDE and of their law; NFE/step: evaluations, in brackets once at \
                      the start";

fn table(group: &[(MethodInfo, Option<StochasticInfo>)]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width() as u16)
        .set_header(["name", "order", "strong", "weak", "NFE/step", "adaptive"]);
    let bracketed = |number: Option<usize>| number.map_or(String::new(), |n| format!(" ({n})"));
    for (info, _) in group {
        let at_start = Some(info.evaluations_at_start as usize).filter(|&extra| extra > 0);
        let embedded = info.embedded_order.map(|order| order as usize);
        table.add_row([
            info.name.to_owned(),
            format!("{}{}", info.order, bracketed(embedded)),
            or_dash(info.strong_order),
            or_dash(info.weak_order),
            format!("{}{}", info.evaluations_per_step, bracketed(at_start)),
            if info.adaptive() { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table
}
