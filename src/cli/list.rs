//! What there is of a kind: the entries of its catalogue, with their parameters.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use driftfield_networks::train::{LearningRateSchedule, Objective, TimeSampling};
use driftfield_problems::catalog::{Alias, Catalog, Entry, Key};
use driftfield_problems::predictor::{ModelTime, Prediction, Threshold};
use driftfield_problems::{data, inverse, method, process, spacing};
use serde_json::{Value, json};

use super::exit::say;
use super::{CommandError, solvers};
use crate::generate::model::Field;
use crate::generate::shipped_catalog;
use crate::metrics;
use crate::plot::Titles;
use crate::reconstruct::technique;
use crate::study::{Drawing, StudyFile, TableFormat, TableOptions};

/// Everything that is chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Methods: --solver
    Solvers,
    /// --process
    Processes,
    /// --spacing
    Spacings,
    /// Data sets: data NAME, train --data
    Data,
    /// reconstruct --measurement
    Measurements,
    /// reconstruct --method
    Techniques,
    /// sample --threshold
    Thresholds,
    /// Architectures: train --network
    Networks,
    /// Architectures of other people's networks: --architecture
    Architectures,
    /// What a network is given as its time: import --model-time
    ModelTimes,
    /// What is said of a file of someone else's network: --field FILE:KEY=VALUE
    FieldKeys,
    /// Networks that come with the program: --field
    Weights,
    /// train --prediction
    Predictions,
    /// train --time-sampling
    TimeSamplings,
    /// train --schedule
    Schedules,
    /// What `metrics` prints
    Metrics,
    /// Forms of a field: --field
    Fields,
    /// Studies that come with the program: study NAME
    Studies,
    /// Kinds of pictures: study --draw
    Drawings,
    /// Titles of pictures: --titles
    Titles,
    /// Columns of a study's table: --columns, --sort, --group-by
    Columns,
    /// Forms of a table: table --format
    Formats,
    /// Names of other libraries, and what is the same here
    Aliases,
}

#[derive(Args)]
pub(super) struct ListArguments {
    /// What is listed
    kind: Kind,
    /// Print one JSON array and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ListArguments) -> Result<ExitCode, CommandError> {
    let json = arguments.json;
    match arguments.kind {
        Kind::Solvers => solvers::list(&method::catalog(), json),
        Kind::Processes => list(&process::catalog(), json),
        Kind::Spacings => list(&spacing::catalog(), json),
        Kind::Data => list(&data::catalog(), json),
        Kind::Measurements => list(&inverse::catalog(), json),
        Kind::Techniques => list(&technique::catalog(), json),
        Kind::Thresholds => list(&Threshold::catalog(), json),
        Kind::Networks => list(&driftfield_networks::catalog(), json),
        Kind::Architectures => list(&driftfield_networks::modules::catalog(), json),
        Kind::ModelTimes => list(&ModelTime::catalog(), json),
        Kind::FieldKeys => list(&Field::keys(), json),
        Kind::Weights => list(&shipped_catalog(), json),
        Kind::Predictions => list(&Objective::catalog(), json),
        Kind::TimeSamplings => list(&TimeSampling::catalog(), json),
        Kind::Schedules => list(&LearningRateSchedule::catalog(), json),
        Kind::Metrics => list(&metrics::catalog(), json),
        Kind::Fields => list(&Field::forms(), json),
        Kind::Studies => list(&StudyFile::presets(), json),
        Kind::Drawings => list(&Drawing::catalog(), json),
        Kind::Titles => list(&Titles::catalog(), json),
        Kind::Columns => list(&TableOptions::known_columns(), json),
        Kind::Formats => list(&TableFormat::catalog(), json),
        Kind::Aliases => aliases(json),
    }
}

fn list<T>(catalog: &Catalog<T>, json: bool) -> Result<ExitCode, CommandError> {
    if json {
        let entries: Vec<Value> =
            catalog.entries().iter().map(|entry| described(catalog, entry)).collect();
        say(serde_json::to_string_pretty(&entries)?)?;
    } else {
        let entry = |entry: &Entry<T>| {
            let others: Vec<&str> = catalog.other_names_of(entry).map(Alias::name).collect();
            let others = match others.is_empty() {
                true => String::new(),
                false => line(2, "also", &others.join(", ")),
            };
            [line(0, entry.name(), entry.summary()), parameters(entry.parameters()), others]
                .concat()
        };
        let entries: String = catalog.entries().iter().map(entry).collect();
        let others = catalog.other_forms();
        let others = if others.is_empty() { String::new() } else { line(0, "or", others) };
        say((entries + &others).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Names of other libraries, a kind of things after the other.
fn aliases(json: bool) -> Result<ExitCode, CommandError> {
    let kinds = [
        of_kind(&method::catalog()),
        of_kind(&process::catalog()),
        of_kind(&spacing::catalog()),
        of_kind(&Prediction::catalog()),
    ];
    let all: Vec<(&str, Alias)> = kinds.into_iter().flatten().collect();
    if json {
        let alias = |(kind, alias): &(&str, Alias)| {
            json!({
                "kind": kind,
                "alias": alias.name(),
                "ours": alias.ours(),
                "whose": alias.whose(),
                "spacing": alias.said_spacing(),
                "only": alias.said_only(),
            })
        };
        say(serde_json::to_string_pretty(&all.iter().map(alias).collect::<Vec<_>>())?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let line = |(kind, alias): &(&str, Alias)| {
        let spacing = alias.said_spacing().map(|spacing| format!(" --spacing {spacing}"));
        let only = alias.said_only().map(|only| format!(", {only}"));
        let (spacing, only) = (spacing.unwrap_or_default(), only.unwrap_or_default());
        let right = format!("{kind} {}{spacing} ({}{only})", alias.ours(), alias.whose());
        line(0, alias.name(), &right)
    };
    say(all.iter().map(line).collect::<String>().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn of_kind<T>(catalog: &Catalog<T>) -> Vec<(&'static str, Alias)> {
    catalog.other_names().iter().map(|alias| (catalog.kind(), alias.clone())).collect()
}

/// An entry in JSON.
pub(super) fn described<T>(catalog: &Catalog<T>, entry: &Entry<T>) -> Value {
    let parameter = |key: &Key| {
        json!({
            "key": key.name(),
            "default": key.default(),
            "values": values(key),
            "about": key.about(),
        })
    };
    let parameters: Vec<Value> = entry.parameters().iter().map(parameter).collect();
    let aliases: Vec<&str> = catalog.other_names_of(entry).map(Alias::name).collect();
    json!({
        "name": entry.name(),
        "summary": entry.summary(),
        "parameters": parameters,
        "aliases": aliases,
    })
}

/// What a key takes: `a|b`, or in words.
fn values(key: &Key) -> String {
    match key.choices() {
        [] => key.values(),
        choices => choices.join("|"),
    }
}

/// Parameters, one to a line, with their defaults.
pub(super) fn parameters(keys: &[Key]) -> String {
    let parameter = |key: &Key| {
        let left = format!("{}={}", key.name(), key.default().unwrap_or(""));
        line(2, &left, &format!("{} ({})", key.about(), values(key)))
    };
    keys.iter().map(parameter).collect()
}

/// Names, keys and defaults as they are written on the command line, for its help:
/// `uniform, karras[:rho=7]`; `..` is what has no default.
pub(super) fn written<T>(catalog: &Catalog<T>) -> String {
    let entry = |entry: &Entry<T>| {
        let given = |key: &Key| format!("{}={}", key.name(), key.default().unwrap_or(".."));
        let keys: Vec<String> = entry.parameters().iter().map(given).collect();
        if keys.is_empty() {
            return entry.name().to_owned();
        }
        let text = format!("{}[:{}]", entry.name(), keys.join(","));
        // The help breaks its lines at spaces, which may stand after a comma.
        if text.len() > LONGEST { text.replace(',', ", ") } else { text }
    };
    let others = Some(catalog.other_forms()).filter(|forms| !forms.is_empty());
    let entries = catalog.entries().iter().map(entry).chain(others.map(str::to_owned));
    entries.collect::<Vec<_>>().join(", ")
}

/// Characters of a word of the help at most.
const LONGEST: usize = 60;

/// Names alone.
pub(super) fn names<T>(catalog: &Catalog<T>) -> String {
    catalog.names().collect::<Vec<_>>().join(", ")
}

/// Where the second column begins.
const COLUMN: usize = 24;

/// A word, and what it means beside it.
fn line(indent: usize, left: &str, right: &str) -> String {
    let left = format!("{:indent$}{left}", "");
    let gap = if left.chars().count() + 2 > COLUMN { "\n" } else { "" };
    let beside = wrapped(right, width() - COLUMN).replace('\n', &format!("\n{:COLUMN$}", ""));
    let pad = if gap.is_empty() { COLUMN - left.chars().count() } else { COLUMN };
    format!("{left}{gap}{:pad$}{beside}\n", "")
}

/// Columns of a terminal, unless it is said to have fewer.
const WIDTH: usize = 80;

pub(super) fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.map_or(WIDTH, |columns: usize| columns.clamp(40, WIDTH))
}

/// Words in lines of at most so many characters.
pub(super) fn wrapped(text: &str, width: usize) -> String {
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
