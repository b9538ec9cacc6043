use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use driftfield_problems::method::path_methods;
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

fn applies_to(info: &MethodInfo) -> &'static str {
    match info.kind {
        Kind::RungeKutta => "any ODE; the probability flow of every process",
        Kind::Stochastic => "any Ito SDE with diagonal noise; the reverse SDE of every process",
        Kind::Ancestral => "any process with an exact posterior",
        Kind::Exponential if info.draws_noise => {
            "the reverse diffusion of every process, where its log-SNR is finite"
        }
        Kind::Exponential => {
            "the probability flow of every process, where its log-SNR is finite; any semilinear ODE"
        }
        Kind::Langevin => "the score of every process, towards the data",
        _ => "see its documentation",
    }
}

fn describe(info: &MethodInfo) -> Value {
    json!({
        "name": info.name,
        "kind": info.kind.name(),
        "order": info.order,
        "embedded_order": info.embedded_order,
        "interpolant_order": info.interpolant_order,
        "strong_order": info.strong_order,
        "weak_order": info.weak_order,
        "evaluations_per_step": info.evaluations_per_step,
        "evaluations_at_start": info.evaluations_at_start,
        "adaptive": info.adaptive(),
        "applies_to": applies_to(info),
    })
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

pub(super) fn run(arguments: &SolversArguments) -> Result<ExitCode, CommandError> {
    let infos: Vec<MethodInfo> =
        path_methods::<ArrayD<f64>>().iter().map(|method| method.info()).collect();
    if arguments.json {
        let described: Vec<Value> = infos.iter().map(describe).collect();
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
    for info in &infos {
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
            applies_to(info).to_owned(),
        ]);
    }
    say(table)?;
    Ok(ExitCode::SUCCESS)
}
