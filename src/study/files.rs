//! A study's numbers as JSON and as CSV, under the same names.

use serde_json::{Map, Value, json};

use super::rows::{Floor, Measured, Summary};
use super::table::legend;
use super::{CaseResult, FloorsAt, MMD_BANDWIDTH, Row, Slope, StudyResult};
use crate::distinct::distinct;
use crate::metrics::{Metric, NumberFormat, Shown};

/// A number under a name, and its spread under `NAME_std`.
fn summary(name: &str, value: Option<Summary>) -> [(String, Value); 2] {
    let spread = value.and_then(|value| value.std);
    [(name.to_owned(), json!(value.map(|v| v.mean))), (format!("{name}_std"), json!(spread))]
}

/// The name of a column, and what a row has in it.
type TellsApart = (&'static str, fn(&Row) -> Value);

/// What tells rows of one solver and budget apart, under the names of their columns. A column is
/// there only where some row of the study has it.
pub(super) const TELL_APART: [TellsApart; 4] = [
    ("max_nfe", |row| json!(row.max_nfe)),
    ("spacing", |row| json!(row.spacing)),
    ("noise_level", |row| json!(row.noise_level)),
    ("guidance", |row| json!(row.guidance)),
];

/// The numbers of each seed under `NAME_seeds`: null where there are none.
fn of_seeds(name: &str, seeds: &[Option<f64>]) -> (String, Value) {
    (format!("{name}_seeds"), if seeds.is_empty() { Value::Null } else { json!(seeds) })
}

/// Why a metric failed under `NAME_failure`, if it did.
fn failure(name: &str, measured: &Measured) -> Option<(String, Value)> {
    Some((format!("{name}_failure"), json!(measured.failure.as_ref()?)))
}

impl CaseResult {
    /// The ends of an interval under `NAME_low` and `NAME_high`, where the metric has any.
    fn interval(&self, prefix: &str, measured: &Measured) -> Vec<(String, Value)> {
        if !self.has_interval(&measured.name) {
            return Vec::new();
        }
        let end = |which: usize| json!(measured.interval.map(|interval| interval[which]));
        let name = &measured.name;
        vec![(format!("{prefix}{name}_low"), end(0)), (format!("{prefix}{name}_high"), end(1))]
    }

    /// A row under the names of its columns, with those that there are for some row.
    fn values(&self, row: &Row, Told { apart, sessions }: &Told) -> Vec<(String, Value)> {
        let named = |name: &str, value: Value| (name.to_owned(), value);
        let mut values = vec![
            named("process", json!(row.process)),
            named("field", json!(row.field)),
            named("solver", json!(row.solver)),
            named("steps", json!(row.steps)),
            named("abstol", json!(row.tolerances.map(|(abstol, _)| abstol))),
            named("reltol", json!(row.tolerances.map(|(_, reltol)| reltol))),
        ];
        values.extend(apart.iter().map(|&which| {
            let (name, value) = TELL_APART[which];
            named(name, value(row))
        }));
        values.extend([
            named("seeds", json!(row.seeds)),
            named("nfe", json!(row.nfe)),
            named("accepted", json!(row.accepted)),
            named("rejected", json!(row.rejected)),
        ]);
        values.extend(summary("seconds", Some(row.seconds)));
        values.extend(summary("solver_error", row.solver_error));
        for measured in &row.metrics {
            values.extend(summary(&measured.name, measured.value));
            values.extend(self.interval("", measured));
        }
        values.extend(sessions.then(|| named(SESSION, json!(row.session))));
        values.push(named(LAST, json!(row.outcome)));
        values
    }

    /// The same with the numbers of each seed, which no cell of a table holds.
    fn row_to_json(&self, row: &Row, told: &Told) -> Map<String, Value> {
        let mut values: Map<String, Value> = self.values(row, told).into_iter().collect();
        values.insert("seed_list".to_owned(), json!(row.seed_list));
        values.insert(SESSION.to_owned(), json!(row.session));
        values.extend([
            of_seeds("seconds", &row.seconds_seeds),
            of_seeds("solver_error", &row.solver_error_seeds),
        ]);
        values.extend(row.metrics.iter().map(|m| of_seeds(&m.name, &m.seeds)));
        values.extend(row.metrics.iter().filter_map(|m| failure(&m.name, m)));
        values
    }

    /// What belongs to the case as a whole.
    fn to_json(&self) -> Value {
        let first = self.first_at_floor().map(|index| &self.rows[index]);
        let first = first
            .map(|row| json!({ "solver": row.solver, "budget": row.budget(), "nfe": row.nfe }));
        let metrics: Vec<Value> = self.metrics.iter().map(metric_to_json).collect();
        let slope = |slope: &Slope| {
            json!({
                "solver": slope.solver,
                "spacing": slope.spacing,
                "slope": slope.slope,
                "standard_error": slope.standard_error,
                "rows": slope.rows,
            })
        };
        let label = |floor: &Floor| {
            json!({
                "name": floor.name,
                "label": floor.label,
                "definition": floor.definition,
            })
        };
        let mut value = json!({
            "process": self.process,
            "field": self.field,
            "seed_list": self.seed_list,
            "truth_nfe": self.truth_nfe,
            "truth_outcome": self.truth_outcome,
            "first_at_floor": first,
            "metrics": metrics,
            "slopes": self.slopes().iter().map(slope).collect::<Vec<_>>(),
            "labels": self.floors.iter().map(label).collect::<Vec<_>>(),
        });
        if let Some(guidance) = self.guidance {
            value["guidance"] = json!(guidance);
        }
        for (name, number) in self.floors.iter().flat_map(|floor| self.floor_values(floor)) {
            value[name] = number;
        }
        if !self.by_number.is_empty() {
            let at = |at: &FloorsAt| self.floors_at(at);
            value["by_number"] = self.by_number.iter().map(at).collect();
        }
        value
    }

    /// What is known of a floor, under names that begin with its own.
    fn floor_values(&self, floor: &Floor) -> Vec<(String, Value)> {
        let known = |measured: &&Measured| {
            floor.is_model() || measured.value.is_some() || measured.failure.is_some()
        };
        let of_metric = |measured: &Measured| {
            let name = format!("{}_{}", floor.name, measured.name);
            let seeds = of_seeds(&name, &measured.seeds);
            let interval = self.interval(&format!("{}_", floor.name), measured);
            let failure = failure(&name, measured);
            summary(&name, measured.value).into_iter().chain([seeds]).chain(interval).chain(failure)
        };
        floor.metrics.iter().filter(known).flat_map(of_metric).collect()
    }

    /// The floors of fewer lanes, those numbers that there are.
    fn floors_at(&self, at: &FloorsAt) -> Value {
        let numbers = at.floors.iter().flat_map(|floor| self.floor_values(floor));
        let mut numbers: Map<String, Value> = numbers.filter(|(_, n)| !n.is_null()).collect();
        numbers.insert("lanes".to_owned(), json!(at.lanes));
        Value::Object(numbers)
    }
}

/// A metric without its function, so that whoever reads the file writes its numbers as it does.
fn metric_to_json(metric: &Metric) -> Value {
    let format = match metric.format {
        NumberFormat::Scientific => json!("scientific"),
        NumberFormat::Percent => json!("percent"),
        NumberFormat::Decimals(digits) => json!({ "decimals": digits }),
    };
    let shown = match metric.shown {
        Shown::Files => "files",
        Shown::Tables => "tables",
        Shown::Curves => "curves",
    };
    json!({
        "name": metric.name,
        "heading": metric.heading,
        "definition": metric.definition,
        "format": format,
        "shown": shown,
        "more_is_better": metric.more_is_better,
    })
}

/// The last column, whatever metrics there are.
const LAST: &str = "outcome";
/// The column of which run of the program made a row.
pub(super) const SESSION: &str = "session";

/// Columns that are there only where some row of a study needs them.
struct Told {
    /// Those of [`TELL_APART`].
    apart: Vec<usize>,
    /// That of sessions, whose times are not comparable.
    sessions: bool,
}

impl StudyResult {
    fn told(&self) -> Told {
        let has = |which: &usize| self.rows().any(|row| !(TELL_APART[*which].1)(row).is_null());
        let apart = (0..TELL_APART.len()).filter(has).collect();
        Told { apart, sessions: self.is_of_sessions() }
    }

    fn values(&self) -> impl Iterator<Item = Vec<(String, Value)>> {
        let told = self.told();
        self.cases
            .iter()
            .flat_map(|case| case.rows.iter().map(move |row| (case, row)))
            .map(move |(case, row)| case.values(row, &told))
    }

    /// The study as JSON: `rows`, the floors of each case, definitions. [`StudyResult::from_json`]
    /// reads it.
    pub fn to_json(&self) -> Value {
        let told = self.told();
        let of_case = |case: &CaseResult| -> Vec<Map<String, Value>> {
            case.rows.iter().map(|row| case.row_to_json(row, &told)).collect()
        };
        let rows: Vec<_> = self.cases.iter().flat_map(of_case).collect();
        let legend: Map<String, Value> =
            legend(self).into_iter().map(|(term, text)| (term, text.into())).collect();
        let mut json = json!({
            "lanes": self.lanes,
            "seeds": self.seeds,
            "timings": self.timings,
            "complete": self.complete,
            "sessions": self.sessions,
            "origin": self.origin,
            "mmd_bandwidth": MMD_BANDWIDTH,
            "rows": rows,
            "floors": self.cases.iter().map(CaseResult::to_json).collect::<Vec<_>>(),
            "legend": legend,
        });
        if !self.errors_along.is_empty() {
            json["errors_along"] = json!(self.errors_along);
        }
        json
    }

    /// The rows as CSV, with the columns of all cases: empty where a row has no number.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut columns = distinct(self.values().flatten().map(|(name, _)| name));
        columns.sort_by_key(|name| name == LAST);
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&columns)?;
        for values in self.values() {
            let values: Map<String, Value> = values.into_iter().collect();
            writer.write_record(columns.iter().map(|name| text(values.get(name))))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
    }
}
