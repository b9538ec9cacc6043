//! A study's numbers as JSON and as CSV, under the same names.

use serde_json::{Map, Value, json};

use super::rows::{Measured, Summary};
use super::table::legend;
use super::{CaseResult, MMD_BANDWIDTH, Row, StudyResult};

/// A number under a name, and its spread under `NAME_std`.
fn summary(name: &str, value: Option<Summary>) -> [(String, Value); 2] {
    let spread = value.and_then(|value| value.std);
    [(name.to_owned(), json!(value.map(|v| v.mean))), (format!("{name}_std"), json!(spread))]
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

    /// A row under the names of its columns.
    fn values(&self, row: &Row) -> Vec<(String, Value)> {
        let named = |name: &str, value: Value| (name.to_owned(), value);
        let mut values = vec![
            named("process", json!(row.process)),
            named("field", json!(row.field)),
            named("solver", json!(row.solver)),
            named("steps", json!(row.steps)),
            named("max_nfe", json!(row.max_nfe)),
            named("abstol", json!(row.tolerances.map(|(abstol, _)| abstol))),
            named("reltol", json!(row.tolerances.map(|(_, reltol)| reltol))),
            named("seeds", json!(row.seeds)),
            named("nfe", json!(row.nfe)),
            named("accepted", json!(row.accepted)),
            named("rejected", json!(row.rejected)),
        ];
        values.extend(summary("seconds", Some(row.seconds)));
        values.extend(summary("solver_error", row.solver_error));
        for measured in &row.metrics {
            values.extend(summary(&measured.name, measured.value));
            values.extend(self.interval("", measured));
        }
        values.extend(row.spacing.as_ref().map(|spacing| named("spacing", json!(spacing))));
        values.extend(row.noise_level.map(|level| named("noise_level", json!(level))));
        values.push(named(LAST, json!(row.outcome)));
        values
    }

    /// What belongs to the case as a whole.
    fn to_json(&self) -> Value {
        let first = self.first_at_floor().map(|index| &self.rows[index]);
        let first = first
            .map(|row| json!({ "solver": row.solver, "budget": row.budget(), "nfe": row.nfe }));
        let mut value = json!({
            "process": self.process,
            "field": self.field,
            "truth_nfe": self.truth_nfe,
            "first_at_floor": first,
        });
        for floor in &self.floors {
            let known = |measured: &&Measured| floor.is_model() || measured.value.is_some();
            for measured in floor.metrics.iter().filter(known) {
                value[format!("{}_{}", floor.name, measured.name)] = json!(measured.mean());
                for (name, end) in self.interval(&format!("{}_", floor.name), measured) {
                    value[name] = end;
                }
            }
        }
        value
    }
}

/// The last column, whatever metrics there are.
const LAST: &str = "outcome";

impl StudyResult {
    fn values(&self) -> impl Iterator<Item = Vec<(String, Value)>> {
        self.cases.iter().flat_map(|case| case.rows.iter().map(|row| case.values(row)))
    }

    /// The study as JSON: `rows`, the floors of each case, definitions.
    pub fn to_json(&self) -> Value {
        let rows: Vec<Map<String, Value>> =
            self.values().map(|values| values.into_iter().collect()).collect();
        let legend: Map<String, Value> =
            legend(self).into_iter().map(|(term, text)| (term, text.into())).collect();
        json!({
            "lanes": self.lanes,
            "seeds": self.seeds,
            "complete": self.complete,
            "origin": self.origin,
            "mmd_bandwidth": MMD_BANDWIDTH,
            "rows": rows,
            "floors": self.cases.iter().map(CaseResult::to_json).collect::<Vec<_>>(),
            "legend": legend,
        })
    }

    /// The rows as CSV, with the columns of all cases: empty where a row has no number.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut columns: Vec<String> = Vec::new();
        for (name, _) in self.values().flatten() {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
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
