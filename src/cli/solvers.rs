use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
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
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "name",
        "kind",
        "order",
        "embedded",
        "strong",
        "weak",
        "NFE per step",
        "adaptive",
        "applies to",
    ]);
    for (info, stochastic) in infos() {
        let at_start = match info.evaluations_at_start {
            0 => String::new(),
            extra => format!(" (+{extra} once)"),
        };
        table.add_row([
            info.name.to_owned(),
            info.kind.name().to_owned(),
            info.order.to_string(),
            or_dash(info.embedded_order),
            or_dash(info.strong_order),
            or_dash(info.weak_order),
            format!("{}{at_start}", info.evaluations_per_step),
            if info.adaptive() { "yes" } else { "no" }.to_owned(),
            applies_to(&info, stochastic),
        ]);
    }
    say(table)?;
    Ok(ExitCode::SUCCESS)
}
