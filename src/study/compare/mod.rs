//! Two studies against each other: rows matched by what tells them apart, with differences.

mod data;
mod numbers;
#[cfg(test)]
mod tests;
mod written;

use serde_json::{Value, json};

use super::files::TELL_APART;
use super::paired::{Difference, SECONDS, Seeded};
use super::rows::{Measured, Summary};
use super::{CaseResult, Origin, Row, StudyResult};
pub use data::CompareError;
use data::{check_data, other_weights};
pub use numbers::Compared;
use numbers::number_of;

/// Two studies, `A` and `B`, row by row.
///
/// Rows are matched by process, field, solver, budget and whatever else tells them apart. Of process,
/// field and solver, one is left out where each study has one only, and not the same: two models,
/// for example. Differences are `B - A`, paired by seed where both have the same seeds and numbers of
/// lanes; wall times are shown and never subtracted, being those of different runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// How A and B were made, if they say it.
    pub origins: [Option<Origin>; 2],
    /// The numbers that are compared.
    pub numbers: Vec<Compared>,
    /// What is not matched by, being one in each study and not the same: its name, in A and in B.
    pub left_out: Vec<(&'static str, String, String)>,
    /// Where they were made with other weights or points, those of A that B has not, and of B that A
    /// has not, each with its checksum.
    pub weights: Option<[Vec<String>; 2]>,
    /// Rows that both have.
    pub rows: Vec<Pair>,
    /// Floors that both have.
    pub floors: Vec<Pair>,
    /// Rows of A alone.
    pub only_a: Vec<String>,
    /// Rows of B alone.
    pub only_b: Vec<String>,
}

/// A row, or a floor, of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Process and field that it belongs to, as A calls them.
    pub case: String,
    /// Solver and budget, or which floor.
    pub label: String,
    /// Evaluations in A and in B; none of a floor that took none.
    pub nfe: Option<[f64; 2]>,
    /// For each number what A and B have, and `B - A`.
    pub sides: Vec<Sides>,
}

/// A number in both studies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sides {
    /// In A.
    pub a: Option<Summary>,
    /// In B.
    pub b: Option<Summary>,
    /// `B - A`; none where a side has no number, or fewer than two seeds.
    pub difference: Option<Difference>,
}

/// A row with the case it is of.
type Owned<'a> = (&'a CaseResult, &'a Row);

fn rows(result: &StudyResult) -> Vec<Owned<'_>> {
    result.cases.iter().flat_map(|case| case.rows.iter().map(move |row| (case, row))).collect()
}

/// The name of a text of every row, and the text.
type Named = (&'static str, fn(&Row) -> &str);

/// What rows are matched by, unless each study has one only.
const MAY_DIFFER: [Named; 3] =
    [("process", |row| &row.process), ("field", |row| &row.field), ("solver", |row| &row.solver)];

/// The one value that all rows have.
fn only(result: &StudyResult, of: fn(&Row) -> &str) -> Option<&str> {
    let mut values = result.rows().map(of);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

impl Comparison {
    /// Of two studies, by the numbers of these names: `nfe`, `solver_error`, `seconds` or a metric.
    /// Without names, by the solver error and every metric that tables show. Metrics of cases that
    /// were compared with unlike data are refused.
    pub fn of(a: &StudyResult, b: &StudyResult, names: &[String]) -> Result<Self, CompareError> {
        let numbers = Compared::all(a, b, names)?;
        let needs_data = numbers.iter().any(Compared::needs_data);
        let left_out: Vec<_> = MAY_DIFFER
            .into_iter()
            .filter_map(|(name, of)| Some((name, only(a, of)?, only(b, of)?)))
            .filter(|(_, in_a, in_b)| in_a != in_b)
            .map(|(name, in_a, in_b)| (name, in_a.to_owned(), in_b.to_owned()))
            .collect();
        let matched = |name: &str| !left_out.iter().any(|(left, ..)| *left == name);
        let key = |row: &Row| {
            let named = MAY_DIFFER.iter().filter(|(name, _)| matched(name));
            let named = named.map(|(_, of)| json!(of(row)));
            let others = [json!(row.steps), json!(row.tolerances.map(|(a, r)| [a, r]))];
            let apart = TELL_APART.iter().map(|(_, value)| value(row));
            named.chain(others).chain(apart).collect::<Vec<Value>>()
        };
        let same_lanes = a.lanes == b.lanes;
        let side = |(a, of_a): (Option<Summary>, Seeded<'_>),
                    (b, of_b): (Option<Summary>, Seeded<'_>),
                    number: &Compared| {
            let paired = || Difference::paired(of_b, of_a).filter(|_| same_lanes);
            let difference = || paired().or_else(|| Difference::unpaired(of_b, of_a));
            let difference = if number.name == SECONDS { None } else { difference() };
            Sides { a, b, difference }
        };
        let (mut others, mut pairs, mut only_a) = (rows(b), Vec::new(), Vec::new());
        for (case, row) in rows(a) {
            let Some(found) = others.iter().position(|(_, other)| key(other) == key(row)) else {
                only_a.push(format!("{}: {}", case.label(), row_label(row)));
                continue;
            };
            let (of_b, other) = others.remove(found);
            if needs_data {
                check_data(a, b, [case, of_b])?;
            }
            let sides = |number: &Compared| {
                let name = number.name.as_str();
                let of = |row| (number_of(row, name), Row::seeded(row, name));
                side(of(row), of(other), number)
            };
            pairs.push(Pair {
                case: case.label(),
                label: row_label(row),
                nfe: Some([row.nfe, other.nfe]),
                sides: numbers.iter().map(sides).collect(),
            });
        }
        let mut floors = Vec::new();
        for case in &a.cases {
            let same = |other: &&CaseResult| {
                (!matched("process") || other.process == case.process)
                    && (!matched("field") || other.field == case.field)
                    && other.guidance == case.guidance
            };
            let Some(other) = b.cases.iter().find(same) else { continue };
            if needs_data {
                check_data(a, b, [case, other])?;
            }
            for floor in &case.floors {
                let Some(of_b) = other.floor(&floor.name) else { continue };
                let sides = |number: &Compared| {
                    let (in_a, in_b) = (floor.metric(&number.name), of_b.metric(&number.name));
                    let value = |measured: Option<&Measured>| measured.and_then(|m| m.value);
                    let a = (value(in_a), case.floor_seeded(in_a));
                    side(a, (value(in_b), other.floor_seeded(in_b)), number)
                };
                floors.push(Pair {
                    case: case.label(),
                    label: floor.label.clone(),
                    nfe: floor.is_model().then_some([case.truth_nfe, other.truth_nfe]),
                    sides: numbers.iter().map(sides).collect(),
                });
            }
        }
        let only_b = others.into_iter();
        let only_b =
            only_b.map(|(case, row)| format!("{}: {}", case.label(), row_label(row))).collect();
        let weights = other_weights(a, b);
        let origins = [a.origin.clone(), b.origin.clone()];
        Ok(Comparison { origins, numbers, left_out, weights, rows: pairs, floors, only_a, only_b })
    }
}

fn row_label(row: &Row) -> String {
    let apart = TELL_APART.iter().filter(|(name, _)| *name != "guidance");
    let apart = apart.map(|(name, value)| (name.replace('_', " "), value(row)));
    let apart = apart.filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        format!(", {name} {value}")
    });
    format!("{}, {}{}", row.solver, row.budget(), apart.collect::<String>())
}
