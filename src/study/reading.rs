//! A study's numbers back from its JSON.

use std::io;
use std::path::{Path, PathBuf};

use driftfield_problems::echo::{echo, echo_path};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rows::{Floor, MODEL, Measured, REAL, Summary};
use super::solve::SUCCESS;
use super::{CaseResult, FloorsAt, Origin, Row, Session, StudyResult, point_metrics};
use crate::metrics::{Metric, NumberFormat, Shown};

/// Why a file is no study that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyFileError {
    /// The file cannot be read.
    #[error("cannot read the study `{}`: {source}", echo_path(file))]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON.
    #[error("`{}` is no JSON ({source}); give the `study.json` of a study", echo_path(file))]
    Json {
        /// The file.
        file: PathBuf,
        /// Where it is not.
        source: serde_json::Error,
    },
    /// It is JSON of something else.
    #[error("`{}` is not the JSON of a study: {source}", echo_path(file))]
    Key {
        /// The file.
        file: PathBuf,
        /// What is not as in a study.
        source: StudyKeyError,
    },
}

/// A value that is not as in the JSON of a study.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` should be {expected}, {found}")]
pub struct StudyKeyError {
    /// Where it is, such as `rows[3].nfe`.
    pub key: String,
    /// What should be there.
    pub expected: &'static str,
    /// What is there.
    pub found: String,
}

/// A value and where it is.
struct At<'a> {
    /// None where there is no such key.
    value: Option<&'a Value>,
    key: String,
}

impl<'a> At<'a> {
    fn root(value: &'a Value) -> Self {
        At { value: Some(value), key: String::new() }
    }

    fn get(&self, name: &str) -> At<'a> {
        let dot = if self.key.is_empty() { "" } else { "." };
        let key = format!("{}{dot}{}", self.key, echo(name));
        At { value: self.value.and_then(|value| value.get(name)), key }
    }

    fn wrong(&self, expected: &'static str) -> StudyKeyError {
        let found = match self.value {
            None => "and is missing".to_owned(),
            Some(Value::Array(_)) => "not a list".to_owned(),
            Some(Value::Object(_)) => "not an object".to_owned(),
            Some(other) => format!("not {}", echo(&other.to_string())),
        };
        let key = if self.key.is_empty() { "the whole".to_owned() } else { self.key.clone() };
        StudyKeyError { key, expected, found }
    }

    /// What `read` makes of it, or none where it is null or missing.
    fn optional<T>(
        self,
        read: impl FnOnce(At<'a>) -> Result<T, StudyKeyError>,
    ) -> Result<Option<T>, StudyKeyError> {
        match self.value {
            None | Some(Value::Null) => Ok(None),
            Some(_) => read(self).map(Some),
        }
    }

    fn typed<T>(
        &self,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, StudyKeyError> {
        self.value.and_then(read).ok_or_else(|| self.wrong(expected))
    }

    fn number(self) -> Result<f64, StudyKeyError> {
        self.typed("a number", Value::as_f64)
    }

    fn count(self) -> Result<usize, StudyKeyError> {
        self.typed("a whole number", |value| value.as_u64()?.try_into().ok())
    }

    fn text(self) -> Result<String, StudyKeyError> {
        self.typed("a text", |value| value.as_str().map(str::to_owned))
    }

    fn flag(self) -> Result<bool, StudyKeyError> {
        self.typed("true or false", Value::as_bool)
    }

    /// What is written as it is.
    fn parsed<T: DeserializeOwned>(self, expected: &'static str) -> Result<T, StudyKeyError> {
        self.typed(expected, |value| T::deserialize(value).ok())
    }

    fn object(&self) -> Result<(), StudyKeyError> {
        self.typed("an object", Value::as_object).map(drop)
    }

    fn list<T>(
        self,
        read: impl Fn(At<'a>) -> Result<T, StudyKeyError>,
    ) -> Result<Vec<T>, StudyKeyError> {
        let values = self.typed("a list", Value::as_array)?;
        let at = |(index, value)| At { value: Some(value), key: format!("{}[{index}]", self.key) };
        values.iter().enumerate().map(|value| read(at(value))).collect()
    }

    /// A list that earlier versions have not.
    fn list_if_any<T>(
        self,
        read: impl Fn(At<'a>) -> Result<T, StudyKeyError>,
    ) -> Result<Vec<T>, StudyKeyError> {
        Ok(self.optional(|at| at.list(read))?.unwrap_or_default())
    }

    fn seed_list(&self) -> Result<Vec<u64>, StudyKeyError> {
        self.get("seed_list").list_if_any(|at| at.typed("a seed", Value::as_u64))
    }

    /// The numbers of each seed: none, or as many as there are seeds.
    fn of_seeds(&self, name: &str, seeds: &[u64]) -> Result<Vec<Option<f64>>, StudyKeyError> {
        let at = self.get(&format!("{name}_seeds"));
        let wrong = at.wrong("as many numbers as `seed_list` has seeds");
        let numbers = at.list_if_any(|at| at.optional(At::number))?;
        if numbers.is_empty() || numbers.len() == seeds.len() { Ok(numbers) } else { Err(wrong) }
    }

    fn summary(&self, name: &str) -> Result<Option<Summary>, StudyKeyError> {
        let std = self.get(&format!("{name}_std")).optional(At::number)?;
        let mean = self.get(name).optional(At::number)?;
        Ok(mean.map(|mean| Summary { mean, std }))
    }

    /// The runs of the program that made the rows: of earlier versions, which did not tell them apart,
    /// the one that there is an origin of.
    fn sessions(&self, origin: Option<&Origin>) -> Result<Vec<Session>, StudyKeyError> {
        let session = |at: At<'a>| at.parsed("date, machine, threads and commit");
        let known = self.get("sessions").optional(|at| at.list(session))?;
        let sessions = known.unwrap_or_else(|| vec![origin.map(Session::of).unwrap_or_default()]);
        let rows = self.get("rows").list(|row| {
            let at = row.get("session");
            match at.value.and_then(Value::as_u64) {
                Some(session) if session >= sessions.len() as u64 => {
                    Err(at.wrong("the place of one of `sessions`"))
                }
                _ => Ok(()),
            }
        });
        rows.map(|_| sessions)
    }

    /// What a metric said, under its name behind `prefix`.
    fn measured(&self, prefix: &str, name: &str, seeds: &[u64]) -> Result<Measured, StudyKeyError> {
        let under = format!("{prefix}{name}");
        let end = |end: &str| self.get(&format!("{under}_{end}")).optional(At::number);
        Ok(Measured {
            name: name.to_owned(),
            value: self.summary(&under)?,
            interval: end("low")?.zip(end("high")?).map(|(low, high)| [low, high]),
            seeds: self.of_seeds(&under, seeds)?,
            failure: self.get(&format!("{under}_failure")).optional(At::text)?,
        })
    }

    fn row(&self, metrics: &[Metric]) -> Result<Row, StudyKeyError> {
        let seed_list = self.seed_list()?;
        let abstol = self.get("abstol").optional(At::number)?;
        let reltol = self.get("reltol").optional(At::number)?;
        let seconds = self.get("seconds").number()?;
        let measured = |metric: &Metric| self.measured("", &metric.name, &seed_list);
        Ok(Row {
            process: self.get("process").text()?,
            field: self.get("field").text()?,
            solver: self.get("solver").text()?,
            steps: self.get("steps").optional(At::count)?,
            max_nfe: self.get("max_nfe").optional(At::count)?.map(|nfe| nfe as u64),
            tolerances: abstol.zip(reltol),
            spacing: self.get("spacing").optional(At::text)?,
            noise_level: self.get("noise_level").optional(At::number)?,
            guidance: self.get("guidance").optional(At::number)?,
            seeds: self.get("seeds").count()?,
            nfe: self.get("nfe").number()?,
            accepted: self.get("accepted").number()?,
            rejected: self.get("rejected").number()?,
            seconds: Summary { mean: seconds, std: self.get("seconds_std").optional(At::number)? },
            seconds_seeds: self.of_seeds("seconds", &seed_list)?,
            solver_error: self.summary("solver_error")?,
            solver_error_seeds: self.of_seeds("solver_error", &seed_list)?,
            metrics: metrics.iter().map(measured).collect::<Result<_, _>>()?,
            outcome: self.get("outcome").text()?,
            session: self.get("session").optional(At::count)?.unwrap_or(0),
            seed_list,
        })
    }

    fn metric(self) -> Result<Metric, StudyKeyError> {
        let (name, definition) = (self.get("name").text()?, self.get("definition").text()?);
        let format = self.get("format");
        let format = match format.value.and_then(Value::as_str) {
            Some("scientific") => NumberFormat::Scientific,
            Some("percent") => NumberFormat::Percent,
            Some(_) => return Err(format.wrong("scientific, percent or a number of decimals")),
            None => match format.get("decimals").count()? {
                digits @ ..=MOST_DECIMALS => NumberFormat::Decimals(digits),
                _ => return Err(format.wrong("at most 17 decimals")),
            },
        };
        let shown = self.get("shown");
        let shown = match shown.value.and_then(Value::as_str) {
            Some("files") => Shown::Files,
            Some("tables") => Shown::Tables,
            Some("curves") => Shown::Curves,
            _ => return Err(shown.wrong("files, tables or curves")),
        };
        let more_is_better = self.get("more_is_better").flag()?;
        let metric = recorded(&name, definition)
            .headed(self.get("heading").text()?)
            .written(format)
            .shown(shown);
        Ok(if more_is_better { metric.more_is_better() } else { metric })
    }

    fn case(&self, study: &At<'a>) -> Result<CaseResult, StudyKeyError> {
        let seed_list = self.seed_list()?;
        let (process, field) = (self.get("process").text()?, self.get("field").text()?);
        let guidance = self.get("guidance").optional(At::number)?;
        let own = |row: &At<'_>| {
            row.get("process").value.and_then(Value::as_str) == Some(&process)
                && row.get("field").value.and_then(Value::as_str) == Some(&field)
                && row.get("guidance").value.and_then(Value::as_f64) == guidance
        };
        let rows = study.get("rows").list(Ok)?;
        let rows: Vec<At<'_>> = rows.into_iter().filter(own).collect();
        let metrics = match self.get("metrics").value {
            Some(_) => self.get("metrics").list(At::metric)?,
            None => metrics_of_earlier(rows.first(), study),
        };
        let labels = match self.get("labels").value {
            Some(_) => self.get("labels").list(|at| {
                let [name, label, definition] = ["name", "label", "definition"];
                Ok((at.get(name).text()?, at.get(label).text()?, at.get(definition).text()?))
            })?,
            None => self.floors_of_earlier(&metrics, study),
        };
        let floors = self.floors(&labels, &metrics, &seed_list)?;
        let drawn: Vec<Labels> = labels.into_iter().filter(|(name, ..)| name != REAL).collect();
        let by_number = self.get("by_number").list_if_any(|at| {
            let floors = at.floors(&drawn, &metrics, &seed_list)?;
            Ok(FloorsAt { lanes: at.get("lanes").count()?, floors })
        })?;
        let rows = rows.iter().map(|row| row.row(&metrics)).collect::<Result<_, _>>()?;
        Ok(CaseResult {
            truth_nfe: self.get("truth_nfe").number()?,
            // Earlier versions wrote nothing of a case whose true solution was not reached.
            truth_outcome: self
                .get("truth_outcome")
                .optional(At::text)?
                .unwrap_or_else(|| SUCCESS.to_owned()),
            process,
            field,
            guidance,
            seed_list,
            metrics,
            rows,
            floors,
            by_number,
        })
    }

    /// The floors of these labels.
    fn floors(
        &self,
        labels: &[Labels],
        metrics: &[Metric],
        seeds: &[u64],
    ) -> Result<Vec<Floor>, StudyKeyError> {
        let floor = |(name, label, definition): &Labels| {
            let measured =
                |metric: &Metric| self.measured(&format!("{name}_"), &metric.name, seeds);
            let metrics = metrics.iter().map(measured).collect::<Result<_, StudyKeyError>>()?;
            let (name, label, definition) = (name.clone(), label.clone(), definition.clone());
            Ok(Floor { name, label, definition, metrics })
        };
        labels.iter().map(floor).collect()
    }

    /// The floors that earlier versions wrote without these.
    fn floors_of_earlier(&self, metrics: &[Metric], study: &At<'_>) -> Vec<Labels> {
        let has = |floor: &str| {
            let number = |metric: &Metric| self.get(&format!("{floor}_{}", metric.name)).value;
            metrics.iter().any(|metric| number(metric).is_some())
        };
        [(MODEL, "model floor"), ("sampling", "sampling floor"), ("real", "real digits")]
            .into_iter()
            .filter(|(floor, _)| has(floor))
            .map(|(name, label)| (name.to_owned(), label.to_owned(), explained(study, label)))
            .collect()
    }
}

/// Name, label and definition of a floor.
type Labels = (String, String, String);

/// What the legend says of a term, if anything.
fn explained(study: &At<'_>, term: &str) -> String {
    study.get("legend").get(term).text().unwrap_or_default()
}

/// A metric whose numbers are known, and which measures nothing more.
fn recorded(name: &str, definition: String) -> Metric {
    Metric::of(name, definition, |_| Ok(None))
}

/// Metrics of images as earlier versions showed them.
fn of_images() -> [Metric; 3] {
    let metric = |name, heading| recorded(name, String::new()).headed(heading);
    [
        metric("frechet", "Frechet").written(NumberFormat::Decimals(1)),
        metric("kernel_distance", "kernel").shown(Shown::Tables),
        metric("label_accuracy", "label")
            .written(NumberFormat::Percent)
            .shown(Shown::Tables)
            .more_is_better(),
    ]
}

/// The metrics of rows of earlier versions: every number that has a spread beside it, and those of
/// images.
fn metrics_of_earlier(row: Option<&At<'_>>, study: &At<'_>) -> Vec<Metric> {
    let Some(row) = row.and_then(|row| row.value).and_then(Value::as_object) else {
        return Vec::new();
    };
    let images = of_images();
    let of_image = |name: &str| images.iter().any(|metric| metric.name == name);
    let is_metric = |(name, number): &(&String, &Value)| {
        // The first versions gave images' numbers no spread, and all rows their columns.
        let spread = row.contains_key(&format!("{name}_std"));
        let known = spread || (of_image(name) && !number.is_null());
        known && !["seconds", "solver_error"].contains(&name.as_str())
    };
    let names: Vec<&String> = row.iter().filter(is_metric).map(|(name, _)| name).collect();
    let are_images = names.iter().any(|name| images.iter().any(|metric| metric.name == **name));
    let shown = |metric: Metric| if are_images { metric.shown(Shown::Files) } else { metric };
    let points = point_metrics().unwrap_or_default().into_iter().map(shown);
    let usual: Vec<Metric> = images.into_iter().chain(points).collect();
    let others = names.iter().filter(|name| !usual.iter().any(|metric| metric.name == ***name));
    let others: Vec<Metric> = others.map(|name| recorded(name, String::new())).collect();
    let mut metrics = usual;
    metrics.retain(|metric| names.contains(&&metric.name));
    metrics.extend(others);
    let explained = |metric: Metric| {
        let definition = explained(study, &metric.heading);
        let metric = metric.clone();
        if definition.is_empty() { metric } else { metric.defined(definition) }
    };
    metrics.into_iter().map(explained).collect()
}

/// Decimals of a number at most: more are none that it has.
const MOST_DECIMALS: usize = 17;

impl StudyResult {
    /// The study of a `study.json`.
    pub fn read(file: impl AsRef<Path>) -> Result<Self, StudyFileError> {
        let file = file.as_ref();
        let text = std::fs::read(file)
            .map_err(|source| StudyFileError::Read { file: file.to_path_buf(), source })?;
        let value = serde_json::from_slice(&text)
            .map_err(|source| StudyFileError::Json { file: file.to_path_buf(), source })?;
        StudyResult::from_json(&value)
            .map_err(|source| StudyFileError::Key { file: file.to_path_buf(), source })
    }

    /// The study that [`StudyResult::to_json`] wrote, or an earlier version, which wrote no numbers of
    /// single seeds. Its metrics have their names, headings and numbers, and measure nothing more.
    pub fn from_json(value: &Value) -> Result<Self, StudyKeyError> {
        let study = At::root(value);
        study.object()?;
        let cases: Vec<CaseResult> = study.get("floors").list(|case| case.case(&study))?;
        let found: usize = cases.iter().map(|case| case.rows.len()).sum();
        let rows = study.get("rows");
        if rows.typed("a list", Value::as_array)?.len() != found {
            return Err(StudyKeyError {
                key: rows.key,
                expected: "the rows of the cases in `floors`",
                found: "and has others".to_owned(),
            });
        }
        // That of another version is not for this one.
        let origin = value.get("origin");
        let origin: Option<Origin> =
            origin.and_then(|origin| serde_json::from_value(origin.clone()).ok());
        Ok(StudyResult {
            cases,
            lanes: study.get("lanes").count()?,
            seeds: study.get("seeds").count()?,
            timings: study.get("timings").optional(At::count)?.unwrap_or(1),
            complete: study.get("complete").optional(At::flag)?.unwrap_or(true),
            sessions: study.sessions(origin.as_ref())?,
            errors_along: study
                .get("errors_along")
                .list_if_any(|at| at.parsed("process, field, seed, lanes and solves"))?,
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::made_up;
    use super::*;

    fn key(value: &Value) -> String {
        StudyResult::from_json(value).unwrap_err().key
    }

    #[test]
    fn what_was_written_is_read_and_written_again() {
        let mut study = made_up::study(5);
        study.cases[0].rows[0].spacing = Some("karras".to_owned());
        study.cases[0].rows[1].outcome = "non_finite".to_owned();
        study.cases[0].rows[1].metrics[0] = Measured {
            failure: Some("the meter is broken".to_owned()),
            ..made_up::measured("chamfer", Vec::new())
        };
        study.cases[1].guidance = Some(1.5);
        study.cases[1].rows.iter_mut().for_each(|row| row.guidance = Some(1.5));
        study.cases[1].rows[0].metrics[1].interval = Some([0.5, 0.75]);
        study.sessions.push(made_up::session("2026-01-02T03:04:05Z"));
        study.cases[1].rows[0].session = 1;
        let json = study.to_json();
        let text = serde_json::to_string(&json).unwrap();
        let again = StudyResult::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(again.to_json(), json);
        assert_eq!(again.to_csv().unwrap(), study.to_csv().unwrap());
        assert_eq!(again.cases[0].rows, study.cases[0].rows);
        assert!(again.cases[0].metrics[2].more_is_better);
    }

    #[test]
    fn the_numbers_of_seeds_are_in_the_json_alone() {
        let study = made_up::study(2);
        let json = study.to_json();
        let row = &json["rows"][0];
        assert_eq!(row["seed_list"], json!([0, 1]));
        assert_eq!(row["chamfer_seeds"].as_array().unwrap().len(), 2);
        assert!(json["rows"][3]["solver_error_seeds"].is_null());
        assert!(row.get("spacing").is_none() && row.get("guidance").is_none());
        let csv = String::from_utf8(study.to_csv().unwrap()).unwrap();
        assert!(!csv.contains("_seeds") && !csv.contains("seed_list") && !csv.contains("spacing"));
    }

    /// As of before numbers of single seeds, headings and labels were written.
    #[test]
    fn an_earlier_version_is_read() {
        let study = made_up::study(3);
        let mut json = study.to_json();
        let old = |object: &mut Value| {
            let object = object.as_object_mut().unwrap();
            object.retain(|key, _| {
                !key.ends_with("_seeds")
                    && !["seed_list", "session", "metrics", "labels"].contains(&&**key)
            });
        };
        json["rows"].as_array_mut().unwrap().iter_mut().for_each(old);
        json["floors"].as_array_mut().unwrap().iter_mut().for_each(|floor| {
            old(floor);
            floor.as_object_mut().unwrap().retain(|key, _| !key.ends_with("_std"));
        });
        json.as_object_mut().unwrap().remove("complete");
        json.as_object_mut().unwrap().remove("sessions");
        let read = StudyResult::from_json(&json).unwrap();
        assert_eq!(read.sessions.len(), 1);
        assert!(read.complete && read.rows().all(|row| row.seed_list.is_empty()));
        assert_eq!(read.to_csv().unwrap().len(), study.to_csv().unwrap().len());
        let mut first = json.clone();
        for row in first["rows"].as_array_mut().unwrap() {
            row["frechet"] = json!(20.5);
            row["kernel_distance"] = Value::Null;
        }
        let first = StudyResult::from_json(&first).unwrap();
        assert_eq!(first.cases[0].rows[0].metric("frechet").unwrap().mean(), Some(20.5));
        assert!(first.cases[0].rows[0].metric("kernel_distance").is_none());
        let case = &read.cases[0];
        let names: Vec<&str> = case.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["chamfer", "mmd2", "share"]);
        assert_eq!(case.metrics[0].heading, "Chamfer");
        let floors: Vec<&str> = case.floors.iter().map(|floor| floor.label.as_str()).collect();
        assert_eq!(floors, ["model floor", "sampling floor"]);
    }

    #[test]
    fn what_is_no_study_is_refused_by_key() {
        let study = made_up::study(2).to_json();
        assert_eq!(key(&json!([1])), "the whole");
        assert_eq!(key(&json!({ "lanes": 3 })), "floors");
        let with = |change: fn(&mut Value)| {
            let mut changed = study.clone();
            change(&mut changed);
            key(&changed)
        };
        assert_eq!(with(|study| study["lanes"] = json!(-1)), "lanes");
        assert_eq!(with(|study| study["rows"][0]["nfe"] = json!("x")), "rows[0].nfe");
        assert_eq!(with(|study| study["rows"][0]["process"] = json!("other")), "rows");
        assert_eq!(with(|study| study["rows"][0]["session"] = json!(1)), "rows[0].session");
        let few = with(|study| study["rows"][1]["chamfer_seeds"] = json!([1.0]));
        assert_eq!(few, "rows[1].chamfer_seeds");
        let format = with(|study| study["floors"][0]["metrics"][0]["format"] = json!("long"));
        assert_eq!(format, "floors[0].metrics[0].format");
        let many =
            with(|study| study["floors"][0]["metrics"][0]["format"] = json!({"decimals": 400_000}));
        assert_eq!(many, "floors[0].metrics[0].format");
        let error = StudyResult::read("/nowhere/study.json").unwrap_err();
        assert!(error.to_string().contains("/nowhere/study.json"), "{error}");
    }
}
