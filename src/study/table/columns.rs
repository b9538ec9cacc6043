//! The columns that a study's table can have.

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::spec::SpecError;
use serde_json::{Value, json};

use crate::metrics::{Metric, NumberFormat, Shown};
use crate::study::files::SESSION;
use crate::study::paired::{SECONDS, SOLVER_ERROR};
use crate::study::rows::{Floor, Measured, Summary};
use crate::study::solve::SUCCESS;
use crate::study::{CaseResult, Row, StudyResult};

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    /// Nothing was measured.
    Missing,
    /// There could not be anything, as in a floor's budget.
    Blank,
    Text(String),
    /// A number, and its spread if it is shown beside it.
    Number {
        mean: f64,
        spread: Option<f64>,
        format: Format,
    },
    /// Two numbers in one: accepted and rejected steps.
    Steps(f64, f64),
    Interval([f64; 2], Format),
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    Metric(NumberFormat),
    /// Seconds in units of so much of one.
    Time(f64),
    Whole,
    Shortest,
}

impl Format {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Format::Metric(format) => format.text(value),
            Format::Time(unit) => format!("{:.1}", value / unit),
            Format::Whole => format!("{value:.0}"),
            Format::Shortest => driftfield_solvers::number::Number(value).to_string(),
        }
    }
}

impl Datum {
    fn of(value: Option<f64>, format: Format) -> Datum {
        value.map_or(Datum::Missing, |mean| Datum::Number { mean, spread: None, format })
    }

    fn text(text: &str) -> Datum {
        Datum::Text(text.to_owned())
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Datum::Missing | Datum::Blank => Value::Null,
            Datum::Text(text) => json!(text),
            Datum::Number { mean, .. } => json!(mean),
            Datum::Steps(accepted, rejected) => json!([accepted, rejected]),
            Datum::Interval(ends, _) => json!(ends),
        }
    }

    /// What it is sorted by: numbers before texts before nothing.
    pub(super) fn sort_key(&self) -> (u8, f64, &str) {
        match self {
            Datum::Number { mean, .. } => (0, *mean, ""),
            Datum::Steps(accepted, _) => (0, *accepted, ""),
            Datum::Interval(ends, _) => (0, ends[0], ""),
            Datum::Text(text) => (1, 0.0, text),
            Datum::Missing | Datum::Blank => (2, 0.0, ""),
        }
    }
}

/// A column: its name, what heads it, and what it holds.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) heading: String,
    holds: Holds,
}

#[derive(Debug, Clone)]
enum Holds {
    /// Of a row alone, the same for every study.
    Plain(fn(&Row) -> Datum),
    /// The slope of log error over log steps of the row's solver.
    Slope,
    /// Of a metric.
    Metric(Metric, Part),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Mean,
    Spread,
    Interval,
    AboveFloor,
}

impl Part {
    const ALL: [Part; 4] = [Part::Mean, Part::Spread, Part::Interval, Part::AboveFloor];

    /// What stands behind the name of the metric in that of the column, and what it is.
    fn named(self) -> (&'static str, &'static str) {
        match self {
            Part::Mean => ("", "a metric of `list metrics`, mean over seeds"),
            Part::Spread => ("_std", "its standard deviation over seeds"),
            Part::Interval => ("_interval", "its 95 % interval over other samples of that size"),
            Part::AboveFloor => ("_above_floor", "its number minus the model floor's"),
        }
    }
}

const MILLI: f64 = 1e-3;
const MICRO: f64 = 1e-6;
const ERROR: Format = Format::Metric(NumberFormat::Scientific);

/// Name, heading, meaning and content of the columns that every study has.
type Plain = (&'static str, &'static str, &'static str, fn(&Row) -> Datum);
const PLAIN: [Plain; 21] = [
    ("process", "process", "the process", |row| Datum::text(&row.process)),
    ("field", "field", "the field", |row| Datum::text(&row.field)),
    ("solver", "solver", "the solver, with its settings", |row| Datum::text(&row.solver)),
    ("budget", "budget", "steps or tolerance, and how it ended if not well", |row| {
        Datum::Text(budget(row))
    }),
    ("steps", "steps", "steps of a fixed grid", |row| {
        Datum::of(row.steps.map(|steps| steps as f64), Format::Whole)
    }),
    ("max_nfe", "at most NFE", "the most evaluations that it was given", |row| {
        Datum::of(row.max_nfe.map(|n| n as f64), Format::Whole)
    }),
    ("tolerance", "tolerance", "the tolerance of adaptive steps", |row| {
        Datum::of(row.tolerances.map(|(abstol, _)| abstol), Format::Shortest)
    }),
    ("spacing", "spacing", "the spacing of a fixed grid", |row| {
        row.spacing.as_deref().map_or(Datum::Missing, Datum::text)
    }),
    ("noise_level", "noise level", "the noise level of a solver of the reverse SDE", |row| {
        Datum::of(row.noise_level, Format::Shortest)
    }),
    ("guidance", "guidance", "the weight of classifier-free guidance", |row| {
        Datum::of(row.guidance, Format::Shortest)
    }),
    ("seeds", "seeds", "how many seeds it is of", |row| {
        Datum::of(Some(row.seeds as f64), Format::Whole)
    }),
    ("nfe", "NFE", "evaluations, mean over seeds", |row| Datum::of(Some(row.nfe), Format::Whole)),
    ("attempts", "acc/rej", "accepted and rejected steps", |row| {
        Datum::Steps(row.accepted, row.rejected)
    }),
    (SECONDS, "time [ms]", "wall time of a solve", |row| {
        Datum::of(Some(row.seconds.mean), Format::Time(MILLI))
    }),
    ("seconds_std", "time +-", "standard deviation of the time", |row| {
        Datum::of(row.seconds.std, Format::Time(MILLI))
    }),
    ("seconds_per_nfe", "time/NFE [us]", "wall time of an evaluation", |row| {
        let each = (row.nfe > 0.0).then(|| row.seconds.mean / row.nfe);
        Datum::of(each, Format::Time(MICRO))
    }),
    (
        SOLVER_ERROR,
        "solver error",
        "distance of the ends to those of the true solution (RMS)",
        |row| Datum::of(row.solver_error.map(|e| e.mean), ERROR),
    ),
    ("solver_error_std", SPREAD, "standard deviation of the solver error over seeds", |row| {
        Datum::of(row.solver_error.and_then(|e| e.std), ERROR)
    }),
    (SESSION, "session", "the run of the program that made it", |row| {
        Datum::of(Some(row.session as f64), Format::Whole)
    }),
    ("series", "series", "what its curve is called", |row| Datum::Text(row.series())),
    ("outcome", "outcome", "how the solve ended", |row| Datum::text(&row.outcome)),
];

pub(super) const SLOPE: &str = "slope";
pub(super) const SPREAD: &str = "+-";
pub(super) const INTERVAL: &str = "95 %";
pub(super) const ABOVE: &str = "- floor";

/// Steps or tolerance, and how it ended if it did not reach the end.
fn budget(row: &Row) -> String {
    let failed = if row.outcome == SUCCESS { "" } else { &row.outcome };
    format!("{} {failed}", row.budget()).trim().to_owned()
}

fn plain(name: &str) -> Option<Column> {
    let (name, heading, _, content) = *PLAIN.iter().find(|(known, ..)| *known == name)?;
    Some(Column {
        name: name.to_owned(),
        heading: heading.to_owned(),
        holds: Holds::Plain(content),
    })
}

fn of_metric(metric: &Metric, part: Part) -> Column {
    let heading = match part {
        Part::Mean => metric.heading.clone(),
        Part::Spread => format!("{} {SPREAD}", metric.heading),
        Part::Interval => INTERVAL.to_owned(),
        Part::AboveFloor => ABOVE.to_owned(),
    };
    let name = format!("{}{}", metric.name, part.named().0);
    Column { name, heading, holds: Holds::Metric(metric.clone(), part) }
}

/// Names and meanings of the columns that every study has.
fn every_study() -> impl Iterator<Item = (&'static str, &'static str)> {
    let slope = "slope of log solver error over log steps, fitted over the solver's fixed grids";
    PLAIN.iter().map(|&(name, _, meaning, _)| (name, meaning)).chain([(SLOPE, slope)])
}

/// All columns by name, those of a metric by what stands behind its own.
pub(super) fn catalog() -> Catalog<()> {
    let entry = |name: String, meaning| Entry::new(name, meaning, |_| Ok(()));
    let plain = every_study().map(|(name, meaning)| entry(name.to_owned(), meaning));
    let of_metric = |part: Part| {
        let (ending, meaning) = part.named();
        entry(format!("METRIC{ending}"), meaning)
    };
    Catalog::new("column", plain.chain(Part::ALL.map(of_metric)))
}

/// The metrics of all cases, each once.
pub(super) fn metrics(result: &StudyResult) -> Vec<&Metric> {
    let mut metrics: Vec<&Metric> = Vec::new();
    for metric in result.cases.iter().flat_map(|case| &case.metrics) {
        match metrics.iter_mut().find(|known| known.name == metric.name) {
            // Wherever it is shown most.
            Some(known) if known.shown < metric.shown => *known = metric,
            Some(_) => {}
            None => metrics.push(metric),
        }
    }
    metrics
}

impl Column {
    /// The column of that name.
    pub(super) fn named(name: &str, result: &StudyResult) -> Result<Column, SpecError> {
        if let Some(column) = plain(name) {
            return Ok(column);
        }
        if name == SLOPE {
            let name = SLOPE.to_owned();
            return Ok(Column { heading: name.clone(), name, holds: Holds::Slope });
        }
        let all: Vec<Column> = metrics(result)
            .into_iter()
            .flat_map(|metric| Part::ALL.map(|part| of_metric(metric, part)))
            .collect();
        all.iter().find(|column| column.name == name).cloned().ok_or_else(|| {
            let known = every_study()
                .map(|(name, _)| name)
                .chain(all.iter().map(|column| column.name.as_str()));
            SpecError::unknown_name("column", name, known, "")
        })
    }

    /// The columns of a study that none were chosen for, without those of `group_by`.
    pub(super) fn usual(result: &StudyResult, group_by: &[Column]) -> Vec<Column> {
        let differs = |name: &str| {
            let mut values = result.rows().map(|row| match name {
                "process" => &row.process,
                _ => &row.field,
            });
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let some = |has: fn(&Row) -> bool| result.rows().any(has);
        let shown = [
            ("process", differs("process")),
            ("field", differs("field")),
            ("solver", true),
            ("budget", true),
            // That of a fixed grid is seen in its steps.
            ("max_nfe", some(|row| row.tolerances.is_some() && row.max_nfe.is_some())),
            ("spacing", some(|row| row.spacing.is_some())),
            ("noise_level", some(|row| row.noise_level.is_some())),
            ("guidance", some(|row| row.guidance.is_some())),
            ("nfe", true),
            ("attempts", true),
            (SECONDS, true),
            ("seconds_std", result.timings > 1),
            ("seconds_per_nfe", true),
            (SESSION, result.is_of_sessions()),
            (SOLVER_ERROR, true),
            ("solver_error_std", some(|row| row.seeds > 1)),
        ];
        let shown =
            shown.into_iter().filter(|(_, shown)| *shown).filter_map(|(name, _)| plain(name));
        let in_tables = metrics(result).into_iter().filter(|m| m.shown >= Shown::Tables);
        let of_metrics = in_tables.flat_map(|metric| {
            let has = |part: Part| match part {
                Part::Mean => true,
                Part::Spread => false,
                Part::Interval => {
                    let has = |case: &CaseResult| case.has_interval(&metric.name);
                    metric.shown == Shown::Curves && result.cases.iter().any(has)
                }
                Part::AboveFloor => {
                    let has = |case: &CaseResult| case.model_floor(&metric.name).is_some();
                    metric.shown == Shown::Curves && result.cases.iter().any(has)
                }
            };
            [Part::Mean, Part::Interval, Part::AboveFloor]
                .into_iter()
                .filter(move |&part| has(part))
                .map(|part| of_metric(metric, part))
        });
        let grouped = |column: &Column| !group_by.iter().any(|by| by.name == column.name);
        shown.chain(of_metrics).filter(grouped).collect()
    }

    /// What a row has here.
    pub(super) fn of_row(&self, case: &CaseResult, row: &Row) -> Datum {
        match &self.holds {
            Holds::Plain(content) => content(row),
            Holds::Slope => {
                let slope = case.slopes().into_iter().find(|slope| slope.is_of(row));
                let decimals = Format::Metric(NumberFormat::Decimals(2));
                Datum::of(slope.map(|slope| slope.slope), decimals)
            }
            Holds::Metric(metric, part) => {
                of_measured(metric, *part, row.metric(&metric.name), case)
            }
        }
    }

    /// And a floor.
    pub(super) fn of_floor(&self, case: &CaseResult, floor: &Floor) -> Datum {
        match (&self.holds, self.name.as_str()) {
            (_, "solver") => Datum::Text(floor.label.clone()),
            (_, "process") => Datum::text(&case.process),
            (_, "field") => Datum::text(&case.field),
            (_, "nfe") if floor.is_model() => Datum::of(Some(case.truth_nfe), Format::Whole),
            (Holds::Plain(_) | Holds::Slope | Holds::Metric(_, Part::AboveFloor), _) => {
                Datum::Blank
            }
            (Holds::Metric(metric, part), _) => {
                of_measured(metric, *part, floor.metric(&metric.name), case)
            }
        }
    }

    /// The name of the number of which one row has the best, and whether more of it is better.
    pub(super) fn contest(&self) -> Option<(&str, bool)> {
        match &self.holds {
            Holds::Metric(metric, Part::Mean) => Some((&metric.name, metric.more_is_better)),
            Holds::Plain(_) if self.name == SOLVER_ERROR => Some((SOLVER_ERROR, false)),
            _ => None,
        }
    }

    /// Whether there may be anything in it of this case: not of a metric that is none of its own.
    pub(super) fn belongs_to(&self, case: &CaseResult) -> bool {
        match &self.holds {
            Holds::Plain(_) | Holds::Slope => true,
            Holds::Metric(metric, part) => {
                let there = match part {
                    Part::Interval => case.has_interval(&metric.name),
                    Part::AboveFloor => case.model_floor(&metric.name).is_some(),
                    Part::Mean | Part::Spread => true,
                };
                there && case.metrics.iter().any(|own| own.name == metric.name)
            }
        }
    }

    /// The metric that a study is judged by, if its mean is here.
    pub(super) fn judges(&self) -> Option<&str> {
        match &self.holds {
            Holds::Metric(metric, Part::Mean) => {
                (metric.shown == Shown::Curves).then_some(metric.name.as_str())
            }
            _ => None,
        }
    }

    /// How much it is missed where a line is short, and none if it is always shown: what rows are told
    /// apart by, the solver error, and the metric that they are `judged` by.
    pub(super) fn need(&self, judged: Option<&str>) -> Option<u8> {
        match &self.holds {
            Holds::Metric(metric, part) => match (part, Some(metric.name.as_str()) == judged) {
                (Part::Mean, true) => None,
                (Part::AboveFloor, true) => Some(6),
                (Part::Mean, false) => Some(4),
                _ => Some(2),
            },
            _ => match self.name.as_str() {
                "attempts" => Some(0),
                "seconds_std" | "seconds_per_nfe" => Some(1),
                "solver_error_std" => Some(3),
                SECONDS | SESSION => Some(5),
                _ => None,
            },
        }
    }

    /// Whether its cells are text, and stand at the left.
    pub(super) fn is_text(&self) -> bool {
        ["process", "field", "solver", "budget", "spacing", "series", "outcome"]
            .contains(&self.name.as_str())
    }
}

fn of_measured(metric: &Metric, part: Part, found: Option<&Measured>, case: &CaseResult) -> Datum {
    let format = Format::Metric(metric.format);
    let value = found.and_then(|found| found.value);
    match (part, value) {
        (Part::Mean, Some(Summary { mean, std })) => {
            let spread = std.filter(|_| metric.shown == Shown::Curves);
            Datum::Number { mean, spread, format }
        }
        (Part::Spread, Some(value)) => Datum::of(value.std, format),
        (Part::Interval, Some(_)) => found
            .and_then(|found| found.interval)
            .map_or(Datum::Missing, |ends| Datum::Interval(ends, format)),
        (Part::AboveFloor, Some(value)) => {
            let floor = case.model_floor(&metric.name).map(|(floor, _)| floor.mean);
            Datum::of(floor.map(|floor| value.mean - floor), format)
        }
        (_, None) => Datum::Missing,
    }
}
