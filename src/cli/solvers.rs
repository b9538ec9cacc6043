use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use driftfield_problems::method::path_methods;
use driftfield_solvers::method::stochastic::{NoiseKind, Sense, StochasticInfo};
use driftfield_solvers::method::{Kind, Method, MethodInfo};
use ndarray::ArrayD;
use serde_json::{Value, json};

use super::CommandError;
use super::exit::say;

#[derive(Args)]
pub(super) struct SolversArguments {
    /// Print one JSON array and nothing else
    #[arg(long)]
    json: bool,
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

pub(super) fn run(arguments: &SolversArguments) -> Result<ExitCode, CommandError> {
    let methods = path_methods::<ArrayD<f64>>();
    let infos = || methods.iter().map(|method| (method.info(), method.stochastic()));
    if arguments.json {
        let described: Vec<Value> =
            infos().map(|(info, stochastic)| describe(&info, stochastic)).collect();
        say(serde_json::to_string_pretty(&described)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(tables(infos().collect()))?;
    Ok(ExitCode::SUCCESS)
}

/// Columns of a terminal, unless it is said to have fewer.
const WIDTH: usize = 80;

fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.map_or(WIDTH, |columns: usize| columns.clamp(40, WIDTH))
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

/// Words in lines of at most so many characters.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
