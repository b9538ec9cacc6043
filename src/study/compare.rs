//! Two studies against each other: rows matched by what tells them apart, with differences.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use driftfield_problems::echo::echo;
use driftfield_problems::spec::SpecError;
use serde_json::{Map, Value, json};

use super::files::TELL_APART;
use super::paired::{Difference, SECONDS, SOLVER_ERROR, Seeded};
use super::rows::{Measured, Summary};
use super::table::{TextTable, markdown_text};
use super::{CaseResult, Origin, Row, StudyResult};
use crate::metrics::{Metric, NumberFormat, Shown};

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

/// A number that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Its name in JSON.
    pub name: String,
    /// What heads its columns.
    pub heading: String,
    more_is_better: bool,
    format: Option<NumberFormat>,
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

/// Why two studies cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A number is not known.
    #[error(transparent)]
    Number(#[from] SpecError),
    /// Distances to other data.
    #[error(
        "{}: A is compared with {a}, B with {b}, and distances to unlike data say nothing of each other; run one of them with the other's data, or compare what knows none: --columns solver_error,nfe",
        echo(case)
    )]
    Data {
        /// Process and field.
        case: String,
        /// The data of A: its name if it was given one, and its checksum.
        a: String,
        /// That of B.
        b: String,
    },
}

/// Refuses metrics of a case whose data is not the same in both.
fn check_data(
    a: &StudyResult,
    b: &StudyResult,
    cases: [&CaseResult; 2],
) -> Result<(), CompareError> {
    let origins = a.origin.as_ref().zip(b.origin.as_ref());
    let sums = origins.and_then(|(of_a, of_b)| {
        let in_a = of_a.data.get(&cases[0].name())?;
        Some([(of_a, in_a), (of_b, of_b.data.get(&cases[1].name())?)])
    });
    let Some([in_a, in_b]) = sums.filter(|[in_a, in_b]| in_a.1 != in_b.1) else {
        return Ok(());
    };
    let told = |(origin, sum): (&Origin, &String)| {
        format!("{} (checksum {})", origin.data_name(), echo(sum))
    };
    Err(CompareError::Data { case: cases[0].label(), a: told(in_a), b: told(in_b) })
}

/// Weights and points of each that the other has not, under whatever names.
fn other_weights(a: &StudyResult, b: &StudyResult) -> Option<[Vec<String>; 2]> {
    let (a, b) = (&a.origin.as_ref()?.weights, &b.origin.as_ref()?.weights);
    let alone = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let alone = of.iter().filter(|(_, sum)| !other.values().any(|known| known == *sum));
        alone.map(|(name, sum)| format!("{} ({})", echo(name), echo(sum))).collect::<Vec<_>>()
    };
    let both = [alone(a, b), alone(b, a)];
    both.iter().any(|alone| !alone.is_empty()).then_some(both)
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

    /// For each number what the differences say.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        for (at, number) in self.numbers.iter().enumerate() {
            let all = self.rows.iter().filter_map(|pair| pair.sides[at].difference);
            let (same, all): (Vec<Difference>, Vec<Difference>) =
                all.partition(|found| found.paired && found.interval == [0.0, 0.0]);
            let (certain, others): (Vec<Difference>, Vec<Difference>) =
                all.into_iter().partition(Difference::is_certain);
            let rows = same.len() + certain.len() + others.len();
            if rows == 0 {
                continue;
            }
            let better = |d: &&Difference| (d.mean > 0.0) == number.more_is_better;
            let better = certain.iter().filter(better).count();
            said.push(format!(
                "{}: of {rows} row(s) B is better in {better}, worse in {}, not told from A in {} (95 %), and the same with every seed in {}.",
                number.heading,
                certain.len() - better,
                others.len(),
                same.len()
            ));
        }
        said
    }

    /// Tables of rows and of floors with these of the numbers, as headings, columns and lines.
    fn tables(&self, shown: Range<usize>) -> Vec<Headed> {
        let mut headings = vec!["solver".to_owned(), "NFE".to_owned()];
        for number in &self.numbers[shown.clone()] {
            let heading = &number.heading;
            headings.extend([format!("{heading} A"), format!("{heading} B")]);
            headings.extend((number.name != SECONDS).then(|| "B - A (95 %)".to_owned()));
        }
        let line = |pair: &Pair| {
            let both = |nfe: [f64; 2]| {
                let [a, b] = nfe.map(|nfe| format!("{nfe:.0}"));
                if a == b { a } else { format!("{a} / {b}") }
            };
            let nfe = pair.nfe.map_or(String::new(), both);
            let mut line = vec![pair.label.clone(), nfe];
            for at in shown.clone() {
                let (number, sides) = (&self.numbers[at], &pair.sides[at]);
                line.extend([sides.a, sides.b].map(|side| number.summary_text(side)));
                line.extend((number.name != SECONDS).then(|| number.difference_text(sides)));
            }
            line
        };
        let mut tables: Vec<Headed> = Vec::new();
        for pair in self.rows.iter().chain(&self.floors) {
            match tables.iter_mut().find(|(case, ..)| *case == pair.case) {
                Some((_, _, lines)) => lines.push(line(pair)),
                None => tables.push((pair.case.clone(), headings.clone(), vec![line(pair)])),
            }
        }
        tables
    }

    /// What stands above the tables: what the studies are, and in what they are unlike as wholes.
    fn heading(&self) -> Vec<String> {
        let told = |(name, origin): (&str, &Option<Origin>)| match origin {
            Some(origin) => format!("{name}: {}", origin.told()),
            None => format!("{name}: a study that does not say how it was made."),
        };
        let what = ["A", "B"].into_iter().zip(&self.origins).map(told);
        let left_out = |(name, a, b): &(&str, String, String)| format!("{name}: A {a}, B {b}.");
        let listed = |names: &[String]| match names {
            [] => "no others".to_owned(),
            names => names.join(", "),
        };
        let weights = self.weights.iter().map(|[a, b]| {
            format!("Made with other weights or points: A {}; B {}.", listed(a), listed(b))
        });
        what.chain(self.left_out.iter().map(left_out)).chain(weights).collect()
    }

    /// What stands below the tables: how they were compared, and what the differences say.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let unpaired = |pair: &Pair| {
            pair.sides.iter().any(|side| side.difference.is_some_and(|found| !found.paired))
        };
        if self.rows.iter().any(unpaired) {
            remarks.push("Not paired by seed: the studies have other seeds, other numbers of lanes, or keep no numbers of single seeds.".to_owned());
        }
        if self.rows.is_empty() {
            remarks.push("No row of A is one of B: nothing could be compared.".to_owned());
        }
        let differences = self.rows.iter().flat_map(|pair| &pair.sides);
        let paired = differences.filter_map(|side| side.difference).filter(|found| found.paired);
        if let Some(seeds) = paired.map(|found| found.seeds).min() {
            remarks.push(format!("Paired over the {seeds} seed(s) that both have; means are over all of a study's own."));
        }
        remarks.extend(self.sentences());
        remarks
    }

    /// As text; a `*` is behind a difference whose interval has no zero in it. Each number has tables
    /// of its own if those of all are wider than `width`.
    pub fn to_text(&self, width: Option<u16>) -> String {
        let mut text: String = self.heading().iter().map(|said| format!("{said}\n")).collect();
        let draw = |tables: Vec<Headed>| -> Vec<(String, TextTable)> {
            tables
                .into_iter()
                .map(|(case, headings, lines)| (case, drawn(headings, lines)))
                .collect()
        };
        let count = self.numbers.len();
        let mut tables = draw(self.tables(0..count));
        if width.is_some_and(|width| !tables.iter().all(|(_, table)| table.fits(width))) {
            tables = (0..count).flat_map(|at| draw(self.tables(at..at + 1))).collect();
        }
        for (case, table) in tables {
            let _ = write!(text, "{case}\n{}\n\n", table.to_text(width));
        }
        for (study, rows) in [("A", &self.only_a), ("B", &self.only_b)] {
            for row in rows {
                let _ = writeln!(text, "only in {study}: {row}");
            }
        }
        text + &self.remarks().join("\n")
    }

    /// The same in Markdown.
    pub fn to_markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| markdown_text(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text: String =
            self.heading().iter().map(|said| format!("{}\n\n", markdown_text(said))).collect();
        for (case, headings, lines) in self.tables(0..self.numbers.len()) {
            let rule = vec!["---"; headings.len()].join(" | ");
            let _ = write!(text, "**{}**\n\n{}| {rule} |\n", markdown_text(&case), row(&headings));
            text.extend(lines.iter().map(|line| row(line)));
            text.push('\n');
        }
        for (study, rows) in [("A", &self.only_a), ("B", &self.only_b)] {
            text.extend(
                rows.iter().map(|row| format!("- only in {study}: {}\n", markdown_text(row))),
            );
        }
        text.extend(self.remarks().iter().map(|remark| format!("- {}\n", markdown_text(remark))));
        text
    }

    /// All of it, numbers in full.
    pub fn to_json(&self) -> Value {
        let summary = |side: Option<Summary>| json!({ "mean": side.map(|s| s.mean), "std": side.and_then(|s| s.std) });
        let pair = |pair: &Pair| {
            let mut object = Map::new();
            object.insert("case".to_owned(), json!(pair.case));
            object.insert("label".to_owned(), json!(pair.label));
            object.insert("nfe_a".to_owned(), json!(pair.nfe.map(|[a, _]| a)));
            object.insert("nfe_b".to_owned(), json!(pair.nfe.map(|[_, b]| b)));
            for (number, sides) in self.numbers.iter().zip(&pair.sides) {
                let difference = sides.difference.map(|found| {
                    json!({
                        "mean": found.mean,
                        "low": found.interval[0],
                        "high": found.interval[1],
                        "seeds": found.seeds,
                        "paired": found.paired,
                        "certain": found.is_certain(),
                    })
                });
                let sides = json!({ "a": summary(sides.a), "b": summary(sides.b), "difference": difference });
                object.insert(number.name.clone(), sides);
            }
            object
        };
        let left_out =
            |(name, a, b): &(&str, String, String)| json!({ "name": name, "a": a, "b": b });
        let [a, b] = self.origins.each_ref().map(|origin| {
            origin.as_ref().map(|origin| {
                json!({
                    "title": origin.title(),
                    "command": origin.command,
                    "version": origin.version,
                    "commit": origin.commit,
                    "machine": origin.machine,
                    "date": origin.date,
                })
            })
        });
        json!({
            "a": a,
            "b": b,
            "left_out": self.left_out.iter().map(left_out).collect::<Vec<_>>(),
            "weights": self.weights.as_ref().map(|[a, b]| json!({ "a": a, "b": b })),
            "rows": self.rows.iter().map(pair).collect::<Vec<_>>(),
            "floors": self.floors.iter().map(pair).collect::<Vec<_>>(),
            "only_a": self.only_a,
            "only_b": self.only_b,
            "sentences": self.sentences(),
        })
    }
}

/// A table: what is above it, its headings, its lines.
type Headed = (String, Vec<String>, Vec<Vec<String>>);

/// Text at the left, and the rest numbers.
fn drawn(headings: Vec<String>, lines: Vec<Vec<String>>) -> TextTable {
    let headings = headings.into_iter().enumerate().map(|(at, heading)| (heading, at == 0));
    TextTable { headings: headings.collect(), lines }
}

/// Evaluations are in no summary of their own, having no spread.
const NFE: &str = "nfe";

fn number_of(row: &Row, name: &str) -> Option<Summary> {
    if name == NFE { Some(Summary { mean: row.nfe, std: None }) } else { row.number(name) }
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

impl Compared {
    fn all(a: &StudyResult, b: &StudyResult, names: &[String]) -> Result<Vec<Self>, SpecError> {
        let mut metrics: Vec<&Metric> = Vec::new();
        for metric in a.cases.iter().chain(&b.cases).flat_map(|case| &case.metrics) {
            if !metrics.iter().any(|known| known.name == metric.name) {
                metrics.push(metric);
            }
        }
        let plain = |name: &str, heading: &str, format| Compared {
            name: name.to_owned(),
            heading: heading.to_owned(),
            more_is_better: false,
            format,
        };
        let mut known = vec![
            plain(SOLVER_ERROR, "solver error", Some(NumberFormat::Scientific)),
            plain(SECONDS, "time [s]", None),
            plain(NFE, "NFE", None),
        ];
        known.extend(metrics.iter().map(|metric| Compared {
            more_is_better: metric.more_is_better,
            ..plain(&metric.name, &metric.heading, Some(metric.format))
        }));
        if names.is_empty() {
            let shown = |number: &Compared| {
                let mut shown = metrics.iter().filter(|metric| metric.shown >= Shown::Tables);
                number.name == SOLVER_ERROR || shown.any(|metric| metric.name == number.name)
            };
            known.retain(shown);
            return Ok(known);
        }
        let named = |name: &String| {
            known.iter().find(|number| number.name == *name).cloned().ok_or_else(|| {
                let known = known.iter().map(|number| number.name.as_str());
                SpecError::unknown_name("number", name, known, "")
            })
        };
        names.iter().map(named).collect()
    }

    /// Whether it is a distance to data, as every metric may be.
    fn needs_data(&self) -> bool {
        ![SOLVER_ERROR, SECONDS, NFE].contains(&self.name.as_str())
    }

    fn text(&self, value: f64) -> String {
        match self.format {
            Some(format) => format.text(value),
            None => driftfield_solvers::number::rounded(value).to_string(),
        }
    }

    fn summary_text(&self, side: Option<Summary>) -> String {
        side.map_or("-".to_owned(), |side| self.text(side.mean))
    }

    fn difference_text(&self, sides: &Sides) -> String {
        let Some(found) = sides.difference else { return "-".to_owned() };
        let [low, high] = found.interval.map(|end| self.text(end));
        let star = if found.is_certain() { " *" } else { "" };
        format!("{} ({low} to {high}){star}", self.text(found.mean))
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{self, case, of, row};
    use super::*;

    fn compared(a: &StudyResult, b: &StudyResult) -> Comparison {
        Comparison::of(a, b, &[]).unwrap()
    }

    #[test]
    fn a_study_differs_from_itself_by_nothing() {
        let study = made_up::study(3);
        let same = compared(&study, &study);
        assert_eq!((same.rows.len(), same.floors.len()), (8, 4));
        assert!(same.only_a.is_empty() && same.only_b.is_empty() && same.left_out.is_empty());
        let differences = same.rows.iter().flat_map(|pair| &pair.sides);
        for found in differences.filter_map(|side| side.difference) {
            assert!(found.paired && found.mean == 0.0 && !found.is_certain());
        }
        assert!(same.sentences()[1].ends_with("A in 0 (95 %), and the same with every seed in 8."));
    }

    #[test]
    fn no_number_is_broken_over_lines() {
        let a = made_up::study(3);
        let mut b = made_up::study(3);
        for row in b.cases.iter_mut().flat_map(|case| &mut case.rows) {
            for seed in row.solver_error_seeds.iter_mut().chain(&mut row.metrics[0].seeds) {
                *seed = seed.map(|value| 1.01 * value);
            }
        }
        let found = compared(&a, &b);
        for width in [80, 100] {
            let text = found.to_text(Some(width));
            let drawn = text.lines().filter(|line| line.starts_with(['│', '┌', '└']));
            assert!(drawn.map(|line| line.chars().count()).max() <= Some(width.into()), "{text}");
            let sides = found.rows.iter().flat_map(|pair| found.numbers.iter().zip(&pair.sides));
            for (number, sides) in sides {
                let cell = number.difference_text(sides);
                assert!(text.contains(&format!(" {cell} │")), "{cell}: {text}");
            }
            assert_eq!(text.matches("vp, exact field\n").count(), found.numbers.len(), "{text}");
        }
        assert_eq!(found.to_text(None).matches("vp, exact field\n").count(), 1);
    }

    #[test]
    fn two_models_are_matched_and_what_one_has_alone_is_listed() {
        let rows = |chamfer: f64, last: &str| {
            vec![row("heun", 10, 3, Some(0.1), chamfer), row(last, 10, 3, Some(0.1), 0.05)]
        };
        let a = of(3, vec![case("mine", 3, 0.03, rows(0.05, "euler"))]);
        let b = of(3, vec![case("yours", 3, 0.04, rows(0.08, "rk4"))]);
        let found = compared(&a, &b);
        assert_eq!(found.left_out, [("field", "mine".to_owned(), "yours".to_owned())]);
        assert_eq!(found.only_a, ["vp, mine field: euler, 10 steps"]);
        assert_eq!(found.only_b, ["vp, yours field: rk4, 10 steps"]);
        let chamfer = found.rows[0].sides[1].difference.unwrap();
        assert!((chamfer.mean - 0.03).abs() < 1e-12 && chamfer.is_certain());
        let floor = found.floors[0].sides[1].difference.unwrap();
        assert!((floor.mean - 0.01).abs() < 1e-3 && found.floors[0].label == "model floor");
        let (text, markdown) = (found.to_text(None), found.to_markdown());
        for part in ["vp, mine field", "only in B", "field: A mine, B yours", "0.0300 ("] {
            assert!(text.contains(part) && markdown.contains(part), "{part}: {text}{markdown}");
        }
        assert!(found.sentences()[1].contains("worse in 1"), "{text}");
        let json = found.to_json();
        assert_eq!(json["rows"][0]["chamfer"]["difference"]["certain"], true);
        assert_eq!(json["only_a"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn unlike_data_is_refused_and_unlike_weights_are_said() {
        let with = |data: &str, weights: &str| {
            let mut study = made_up::study(3);
            study.origin = Some(Origin {
                data: [("vp, exact field".to_owned(), data.to_owned())].into(),
                weights: [("w.safetensors".to_owned(), weights.to_owned())].into(),
                ..made_up::origin()
            });
            study
        };
        let (a, b) = (with("aa", "11"), with("bb", "11"));
        let error = Comparison::of(&a, &b, &[]).unwrap_err().to_string();
        for part in ["vp, exact field", "checksum aa", "checksum bb", "--columns solver_error"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        // What knows no data is compared all the same.
        let found = Comparison::of(&a, &b, &["solver_error".to_owned()]).unwrap();
        assert_eq!((found.rows.len(), found.weights), (8, None));
        let found = compared(&a, &with("aa", "22"));
        let (text, markdown) = (found.to_text(None), found.to_markdown());
        for text in [&text, &markdown] {
            assert!(
                text.contains("\nMade with other weights or points: A w.safetensors"),
                "{text}"
            );
        }
        assert!(text.contains("(11); B w.safetensors (22)."), "{text}");
        assert_eq!(found.to_json()["weights"]["b"][0], "w.safetensors (22)");
    }

    #[test]
    fn both_say_what_they_are() {
        let (a, mut b) = (made_up::study(2), made_up::study(2));
        b.origin = Some(Origin {
            command: ["driftfield", "study", "my file.toml", "--n", "9"].map(str::to_owned).into(),
            file: "title = \"Mine\"\nn = 9\nseed = [0]".to_owned(),
            version: "0.1.0".to_owned(),
            commit: Some("c0ffee".to_owned()),
            date: "2026-01-02T03:04:05Z".to_owned(),
            machine: "linux x86_64".to_owned(),
            ..made_up::origin()
        });
        let found = compared(&a, &b);
        let told = "B: \"Mine\", `driftfield study \"my file.toml\" --n 9`, version 0.1.0 (c0ffee), linux x86_64, 2026-01-02T03:04:05Z.";
        let text = found.to_text(None);
        assert!(text.starts_with("A: a study that does not say how it was made.\n"), "{text}");
        assert_eq!(text.lines().nth(1), Some(told));
        assert!(found.to_markdown().contains("version 0.1.0 (c0ffee)"));
        let json = found.to_json();
        assert_eq!((&json["a"], &json["b"]["title"]), (&Value::Null, &json!("Mine")));
        for (key, value) in
            [("commit", "c0ffee"), ("version", "0.1.0"), ("machine", "linux x86_64")]
        {
            assert_eq!(json["b"][key], value);
        }
    }

    #[test]
    fn other_lanes_or_seeds_are_not_paired() {
        let a = made_up::study(3);
        let mut b = made_up::study(3);
        b.lanes = 7;
        let found = compared(&a, &b).rows[0].sides[0].difference.unwrap();
        assert!(!found.paired);
        let mut b = made_up::study(3);
        b.cases[0].rows[0].seed_list = vec![7, 8, 9];
        let found = compared(&a, &b);
        assert!(!found.rows[0].sides[0].difference.unwrap().paired);
        assert!(found.rows[1].sides[0].difference.unwrap().paired);
        assert!(found.to_text(None).contains("Not paired by seed"));
        // One seed has no spread, and two have.
        assert_eq!(
            compared(&made_up::study(1), &made_up::study(1)).rows[0].sides[0].difference,
            None
        );
    }

    #[test]
    fn times_are_never_subtracted_and_numbers_are_known_by_name() {
        let study = made_up::study(3);
        let names = ["seconds".to_owned(), "nfe".to_owned()];
        let found = Comparison::of(&study, &study, &names).unwrap();
        assert!(found.rows.iter().all(|pair| pair.sides[0].difference.is_none()));
        assert!(found.rows.iter().all(|pair| pair.sides[0].a.is_some()));
        let refused = Comparison::of(&study, &study, &["chamfr".to_owned()]).unwrap_err();
        assert!(refused.to_string().contains("mean `chamfer`"));
    }

    #[test]
    fn rows_told_apart_by_a_spacing_are_not_each_other() {
        let a = made_up::study(3);
        let mut b = made_up::study(3);
        b.cases[0].rows[0].spacing = Some("karras".to_owned());
        let found = compared(&a, &b);
        assert_eq!(found.only_a, ["vp, exact field: heun, 10 steps"]);
        assert_eq!(found.only_b, ["vp, exact field: heun, 10 steps, spacing karras"]);
    }
}
