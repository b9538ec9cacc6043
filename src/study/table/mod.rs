//! The table of a study: which columns, in which order and groups, and in which form.

mod best;
mod columns;
mod escape;
mod formats;
mod grid;
mod text_table;

use std::collections::BTreeSet;
use std::str::FromStr;

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::echo::echo;
use driftfield_problems::spec::SpecError;
use serde::{Deserialize, Serialize};

use super::paired::SECONDS;
use super::{Study, StudyResult};
use crate::metrics::Metric;
use crate::report;
use best::ENOUGH_SEEDS;
use columns::{ABOVE, Column, INTERVAL, SLOPE, SPREAD};
pub(super) use escape::markdown_text;
use formats::{BEST, cell_text};
pub(super) use grid::Grid;
pub(super) use text_table::TextTable;

/// What a table shows.
///
/// The best of each group, in solver error and in every metric, is marked together with the rows
/// that the 95 % interval of the paired difference over seeds does not tell from it; there is no
/// mark below five seeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TableOptions {
    /// Names of the columns, of [those there are](TableOptions::known_columns). With none the usual
    /// ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Names of the columns that rows are sorted by within their group, with a `-` before those that
    /// fall. With none they stay in the study's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<String>,
    /// Names of the columns whose values make a group. With none each process and field is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// Characters that a line of [`TableFormat::Terminal`] may have; any number if there is none. Of
    /// the usual columns those needed least are left out for it, and named below the table.
    #[serde(skip)]
    pub width: Option<u16>,
}

/// The form of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// Lines drawn in characters, a table for each group, and what the columns mean.
    #[default]
    Terminal,
    /// Markdown, a table for each group.
    Markdown,
    /// One LaTeX `tabular` with the rules of `booktabs`.
    Latex,
    /// CSV of the rows, numbers in full.
    Csv,
    /// One JSON object, numbers in full.
    Json,
}

impl TableFormat {
    /// Every form, by name.
    pub fn catalog() -> Catalog<TableFormat> {
        let entry = |name: &'static str, format: TableFormat, summary: &'static str| {
            Entry::new(name, summary, move |_| Ok(format))
        };
        let terminal = "drawn in characters, with what the columns and the numbers mean";
        let entries = [
            entry("terminal", TableFormat::Terminal, terminal),
            entry("markdown", TableFormat::Markdown, "a table for each group"),
            entry("latex", TableFormat::Latex, "a `tabular` with the rules of booktabs"),
            entry("csv", TableFormat::Csv, "the rows, numbers in full"),
            entry("json", TableFormat::Json, "the same with groups, floors and who is best"),
        ];
        Catalog::new("form of a table", entries)
    }
}

impl FromStr for TableFormat {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        TableFormat::catalog().build(text)
    }
}

/// Why there is no such table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A column is not known.
    #[error(transparent)]
    Column(#[from] SpecError),
    /// The CSV could not be made.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

impl TableOptions {
    pub(super) fn is_usual(&self) -> bool {
        *self == TableOptions::default()
    }

    /// The columns that a table can have, by name. Those of metrics begin with the name of one.
    pub fn known_columns() -> Catalog<()> {
        columns::catalog()
    }

    /// Refuses columns that the table of a study will not have, before it is run.
    pub fn check(&self, study: &Study) -> Result<(), TableError> {
        Grid::of(self, &StudyResult::without_rows(study))?;
        Ok(())
    }

    /// The table of a study.
    pub fn render(&self, result: &StudyResult, format: TableFormat) -> Result<String, TableError> {
        let mut grid = Grid::of(self, result)?;
        Ok(match format {
            TableFormat::Terminal => {
                // What was asked for by name is shown, however wide.
                let usual = self.columns.is_empty();
                let narrow = self.width.filter(|_| usual).map(|width| grid.narrow(width));
                terminal(&grid, result, self.width, &narrow.unwrap_or_default())
            }
            TableFormat::Markdown => grid.to_markdown(),
            TableFormat::Latex => grid.to_latex(),
            TableFormat::Csv => grid.to_csv()?,
            TableFormat::Json => format!("{:#}\n", grid.to_json()),
        })
    }
}

impl Grid {
    /// The table of a report, whose rows lead to those of the pictures they are in.
    pub(super) fn to_report(
        &self,
        caption: &str,
        pictures: &BTreeSet<String>,
    ) -> Result<report::Table, report::ReportError> {
        let headings = self.columns.iter().map(|column| column.heading.clone());
        let mut table = report::Table::new(caption, headings);
        for group in &self.groups {
            let drawn = group.pictures.iter().filter(|(_, name)| pictures.contains(name));
            let links = drawn.map(|(word, name)| ((*word).to_owned(), name.clone()));
            table.group_linked(group.title.clone(), links.collect());
            for line in &group.lines {
                let shown = line.pictures.iter().find(|&name| pictures.contains(name));
                let cells = self.columns.iter().zip(&line.cells).zip(&group.has);
                let cells = cells.map(|((column, place), has)| {
                    let text = if *has { cell_text(line, place, column) } else { String::new() };
                    let mut cell = report::Cell::from(text);
                    cell.highlight = line.at_floor || place.best;
                    cell.link = shown.filter(|_| column.name == "solver").cloned();
                    cell
                });
                if line.is_floor {
                    table.last_row(cells)?
                } else {
                    table.row(cells)?
                };
            }
        }
        Ok(table)
    }

    /// What the columns and marks mean.
    fn legend(&self, result: &StudyResult) -> Vec<(String, String)> {
        let mut legend: Vec<(String, String)> = Vec::new();
        let mut explain = |term: &str, meaning: &str| {
            if !legend.iter().any(|(known, _)| known == term) {
                legend.push((term.to_owned(), meaning.to_owned()));
            }
        };
        explain(
            "solver error",
            "root of the mean over lanes of the squared distance to the true ODE solution from the same noise (DOP853, tolerance 1e-10 on exact fields, 1e-6 on networks; 1e-8 and 1e-5 for images)",
        );
        let heads = |term: &str| self.columns.iter().any(|column| column.heading == term);
        if let Some(time) = self.columns.iter().find(|column| column.name == SECONDS) {
            let each = result.timings;
            let of = match each {
                1 => "wall time of a solve, mean over seeds".to_owned(),
                _ => format!(
                    "wall time of a solve: median over {each} of every seed, and +- their standard deviation"
                ),
            };
            let sessions = result.sessions_told().map(|told| format!("; {told}"));
            explain(&time.heading, &(of + &sessions.unwrap_or_default()));
        }
        for metric in columns::metrics(result) {
            if heads(&metric.heading) {
                explain(&metric.heading, &metric.definition);
            }
        }
        if heads(INTERVAL) {
            let of = "interval of the number before it over other samples of that size";
            explain(INTERVAL, of);
        }
        if heads(SLOPE) {
            explain(
                SLOPE,
                "that of log solver error over log steps, fitted over the fixed grids of the solver: minus its order, where that is reached",
            );
        }
        if heads(ABOVE) {
            explain(ABOVE, "the number before it minus the model floor's: what remains above it");
        }
        for case in result.cases.iter().filter(|case| !case.truth_reached()) {
            explain(
                &case.label(),
                &format!(
                    "the true solution ended with `{}`: there is no solver error and no model floor",
                    case.truth_outcome
                ),
            );
        }
        for (term, meaning) in failures(result) {
            explain(&term, &meaning);
        }
        for floor in result.cases.iter().flat_map(|case| &case.floors) {
            let shown = |column: &Column| {
                let metric = column.contest().and_then(|(name, _)| floor.metric(name));
                metric.is_some_and(|measured| measured.value.is_some())
            };
            if self.columns.iter().any(shown) {
                explain(&floor.label, &floor.definition);
            }
        }
        if result.cases.iter().any(|case| case.first_at_floor().is_some()) {
            explain(
                "*",
                "the ODE row of fewest evaluations whose Chamfer distance is within 2 % of the model floor's",
            );
        }
        if self.has_best() {
            let best = format!(
                "the best of its group, and what the 95 % interval of the paired difference over seeds does not tell from it; there is none below {ENOUGH_SEEDS} seeds"
            );
            explain(BEST.trim(), &best);
        }
        if result.rows().any(|row| row.seeds > 1) {
            explain(
                SPREAD,
                "standard deviation over seeds; each seed has its own noise and its own data",
            );
        }
        legend
    }
}

/// Of each metric that failed under what heading, of how many rows, and why the first of them has no
/// number; of a metric that failed of floors alone, of those.
fn failures(result: &StudyResult) -> Vec<(String, String)> {
    let failures = |metric: &&Metric| {
        let rows = result.rows().filter_map(|row| Some((row, row.metric(&metric.name)?)));
        let rows = rows.filter_map(|(row, measured)| {
            let of = format!("{} {} on {}", row.series(), row.budget(), row.process);
            Some((of, measured.failure.as_ref()?))
        });
        let floors = result.cases.iter().flat_map(|case| &case.floors);
        let floors = floors.filter_map(|floor| Some((floor, floor.metric(&metric.name)?)));
        let floors =
            floors.filter_map(|(floor, m)| Some((floor.label.clone(), m.failure.as_ref()?)));
        let rows: Vec<(String, &String)> = rows.collect();
        let (count, first) = (rows.len(), rows.into_iter().chain(floors).next()?);
        let rows = if count > 0 { format!(" of {count} row(s)") } else { String::new() };
        let (of, why) = first;
        let term = format!("no {}", metric.heading);
        Some((term, format!("it could not be measured{rows}, the first {of}: {}", echo(why))))
    };
    columns::metrics(result).iter().filter_map(failures).collect()
}

/// What the columns of the usual table mean.
pub fn legend(result: &StudyResult) -> Vec<(String, String)> {
    // The usual columns are known.
    Grid::of(&TableOptions::default(), result).map_or(Vec::new(), |grid| grid.legend(result))
}

fn terminal(grid: &Grid, result: &StudyResult, width: Option<u16>, left_out: &[Column]) -> String {
    let below = format!(", {} lanes, {} seed(s)", result.lanes, result.seeds);
    let mut text = grid.to_terminal(&below, width);
    text.push('\n');
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|column| column.name.as_str()).collect();
        text += &format!(
            "Left out, the line being short: {}. `--columns` shows those that it names, such as solver,nfe,{}; a wider terminal shows all.\n\n",
            names.join(", "),
            names[0]
        );
    }
    for (term, meaning) in grid.legend(result) {
        text += &format!("{term}: {meaning}\n");
    }
    text
}

/// The whole study as text: one table per process and model, then the legend.
pub fn terminal_table(result: &StudyResult) -> String {
    let options = TableOptions::default();
    // The usual columns are known.
    options.render(result, TableFormat::Terminal).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::study::made_up;

    fn options(columns: &[&str], sort: &[&str], group_by: &[&str]) -> TableOptions {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        TableOptions {
            columns: owned(columns),
            sort: owned(sort),
            group_by: owned(group_by),
            width: None,
        }
    }

    fn json(options: &TableOptions, result: &StudyResult) -> Value {
        serde_json::from_str(&options.render(result, TableFormat::Json).unwrap()).unwrap()
    }

    /// One value of every row, group by group.
    fn values(table: &Value, name: &str) -> Vec<Vec<Value>> {
        let groups = table["groups"].as_array().unwrap().iter();
        let rows = |group: &Value| group["rows"].as_array().unwrap().clone();
        groups.map(|group| rows(group).iter().map(|row| row[name].clone()).collect()).collect()
    }

    #[test]
    fn rows_are_grouped_and_sorted_by_any_column() {
        let study = made_up::study(5);
        let sorted =
            json(&options(&["solver", "chamfer"], &["-chamfer"], &["nfe", "field"]), &study);
        let by: Vec<&Value> =
            sorted["groups"].as_array().unwrap().iter().map(|group| &group["by"]).collect();
        assert_eq!(by[0], &json!({ "nfe": 10.0, "field": "exact" }));
        assert_eq!(by.len(), 4);
        assert_eq!(values(&sorted, "solver")[0], ["euler", "heun"]);
        let rising = json(&options(&[], &["solver_error", "solver"], &[]), &study);
        // The one without an error comes last.
        assert_eq!(values(&rising, "solver")[0], ["heun", "heun", "euler", "ancestral"]);
        let falling = json(&options(&[], &["-solver_error"], &[]), &study);
        assert_eq!(values(&falling, "solver")[0], ["euler", "heun", "heun", "ancestral"]);
    }

    #[test]
    fn a_column_stands_where_it_is_named_first() {
        let study = made_up::study(2);
        let table = |columns: &[&str], by: &[&str]| {
            options(columns, &["nfe", "nfe"], by).render(&study, TableFormat::Terminal).unwrap()
        };
        let twice = table(&["solver", "nfe", "solver", "nfe"], &["process", "process"]);
        assert_eq!(twice, table(&["solver", "nfe"], &["process"]));
    }

    #[test]
    fn the_best_of_each_group_is_marked_from_five_seeds_on() {
        let of = |seeds: usize| json(&options(&[], &[], &["nfe"]), &made_up::study(seeds));
        let best = values(&of(5), "best");
        assert_eq!(best[0][0], json!(["solver_error", "chamfer", "mmd2", "share"]));
        assert_eq!(best[0][1], json!([]));
        assert!(values(&of(4), "best").iter().flatten().all(|best| best == &json!([])));
        let text = TableOptions::default();
        let text = |seeds| text.render(&made_up::study(seeds), TableFormat::Terminal).unwrap();
        assert!(text(5).contains("> 2.00e-2") && text(5).contains(">: the best of its group"));
        assert!(!text(4).contains('>'));
    }

    #[test]
    fn a_floor_stands_below_its_case_and_what_remains_beside_it() {
        let study = made_up::study(5);
        let table = json(&options(&["solver", "chamfer", "chamfer_above_floor"], &[], &[]), &study);
        let above = values(&table, "chamfer_above_floor");
        assert!((above[0][0].as_f64().unwrap() - 0.02).abs() < 1e-12);
        assert!((above[1][2].as_f64().unwrap() + 0.0099).abs() < 1e-12, "may be negative");
        let floors = table["groups"][0]["floors"].as_array().unwrap();
        assert_eq!(floors[0]["solver"], "model floor");
        assert_eq!(floors.len(), 2);
        // Of several cases none is the floor.
        let table = json(&options(&[], &[], &["nfe"]), &study);
        assert_eq!(table["groups"][0]["floors"], json!([]));
    }

    #[test]
    fn a_spread_that_was_not_measured_is_empty() {
        let csv = |seeds: usize| {
            let options = options(&["chamfer", "solver_error", "solver_error_std"], &[], &[]);
            options.render(&made_up::study(seeds), TableFormat::Csv).unwrap()
        };
        assert!(csv(1).starts_with("process,field,chamfer,solver_error,solver_error_std\n"));
        assert!(csv(1).lines().nth(1).unwrap().ends_with(','), "{}", csv(1));
        assert!(csv(2).starts_with("process,field,chamfer,chamfer_std,solver_error,solver"));
        let row = csv(2).lines().nth(4).unwrap().to_owned();
        assert!(row.starts_with("vp,exact,0.0") && row.ends_with(",,"), "{row}");
        assert!(!terminal_table(&made_up::study(1)).contains("+-"));
    }

    #[test]
    fn a_paper_s_table_is_escaped() {
        let mut study = made_up::study(5);
        study.cases[0].rows[0].solver = "a_b & 50% {x}".to_owned();
        let latex = TableOptions::default().render(&study, TableFormat::Latex).unwrap();
        assert!(latex.contains("a\\_b \\& 50\\% \\{x\\}"), "{latex}");
        assert!(latex.contains("$\\mathbf{2.00 \\times 10^{-2}}$") && latex.contains("\\,\\%"));
        for part in ["\\begin{tabular}{ll", "\\toprule", "\\midrule", "\\bottomrule", "MMD$^2$"] {
            assert!(latex.contains(part), "{part}: {latex}");
        }
        let columns = |line: &str| line.replace("\\&", "").matches(" & ").count();
        let lines: Vec<&str> = latex.lines().filter(|line| line.contains(" & ")).collect();
        assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{latex}");
        study.cases[0].rows[0].solver = "[a] \"b\",\n`c|d`".to_owned();
        let in_form = |format| TableOptions::default().render(&study, format).unwrap();
        let markdown = in_form(TableFormat::Markdown);
        assert!(markdown.contains("| \\[a\\] \"b\", \\`c\\|d\\` |"), "{markdown}");
        assert!(in_form(TableFormat::Latex).contains("\n{[}a] \"b\", "));
        let csv = in_form(TableFormat::Csv);
        let read: Vec<csv::StringRecord> =
            csv::Reader::from_reader(csv.as_bytes()).records().collect::<Result<_, _>>().unwrap();
        assert!(read[0].iter().any(|cell| cell == "[a] \"b\",\n`c|d`"), "{csv}");
        study.cases[0].rows[0].solver = "a|b*".to_owned();
        let markdown = TableOptions::default().render(&study, TableFormat::Markdown).unwrap();
        assert!(markdown.contains("a\\|b\\*") && markdown.contains("**0.0301 +- "), "{markdown}");
    }

    #[test]
    fn lines_are_no_wider_than_asked_for() {
        let study = made_up::study(5);
        for width in [60, 80, 120] {
            let options = TableOptions { width: Some(width), ..TableOptions::default() };
            let text = options.render(&study, TableFormat::Terminal).unwrap();
            let drawn = text.lines().filter(|line| line.starts_with(['│', '┌', '└']));
            let widest = drawn.map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{width}: {text}");
        }
    }

    #[test]
    fn no_number_is_broken_over_lines() {
        let mut study = made_up::study(5);
        study.cases[1].rows[1].solver = "dpm-solver++2m".to_owned();
        let whole = TableOptions::default().render(&study, TableFormat::Terminal).unwrap();
        for width in [80, 100] {
            let options = TableOptions { width: Some(width), ..TableOptions::default() };
            let text = options.render(&study, TableFormat::Terminal).unwrap();
            // A line below the heading for each of four rows and two floors of both cases.
            let drawn = |text: &str| text.lines().filter(|line| line.starts_with('│')).count();
            let headings = text.lines().skip_while(|line| !line.starts_with('┌')).skip(1);
            let headings = headings.take_while(|line| line.starts_with('│')).count();
            assert_eq!(drawn(&text), 12 + 2 * headings, "{text}");
            for cell in ["0.0500 +- 0.0008", "dpm-solver++2m", "10 steps"] {
                assert!(whole.contains(cell) && text.contains(cell), "{cell}: {text}");
            }
            assert!(text.contains("Left out, the line being short: attempts"), "{text}");
        }
        assert!(!whole.contains("Left out"));
        // What was asked for by name is all there.
        let chosen = TableOptions {
            width: Some(80),
            ..options(&["solver", "attempts", "chamfer", "mmd2", "seconds", "budget"], &[], &[])
        };
        let text = chosen.render(&study, TableFormat::Terminal).unwrap();
        assert!(text.contains("acc/rej") && !text.contains("Left out"), "{text}");
    }

    #[test]
    fn a_column_that_was_chosen_is_there_without_a_number() {
        let mut study = made_up::study(2);
        let frechet = Metric::of("frechet", "of images", |_| Ok(None)).headed("Frechet");
        study.cases[0].metrics.push(frechet);
        let mut chosen = options(&["solver", "frechet", "frechet_interval"], &[], &[]);
        for format in [TableFormat::Terminal, TableFormat::Markdown, TableFormat::Latex] {
            let text = chosen.render(&study, format).unwrap();
            let interval = if format == TableFormat::Latex { "95 \\%" } else { "95 %" };
            let groups = if format == TableFormat::Latex { 1 } else { 2 };
            for heading in ["Frechet", interval] {
                assert_eq!(text.matches(&format!(" {heading} ")).count(), groups, "{text}");
            }
        }
        let csv = chosen.render(&study, TableFormat::Csv).unwrap();
        assert!(
            csv.starts_with("process,field,solver,frechet,frechet_interval\nvp,exact,heun,,\n")
        );
        // One that was not is left out where there is nothing in it.
        chosen.columns.clear();
        let text = chosen.render(&study, TableFormat::Markdown).unwrap();
        assert_eq!(text.matches(" Frechet ").count(), 1, "{text}");
    }

    #[test]
    fn a_column_that_is_none_is_refused_by_name() {
        let refused = |options: &TableOptions| {
            options.render(&made_up::study(2), TableFormat::Csv).unwrap_err().to_string()
        };
        for wrong in [
            options(&["chamfr"], &[], &[]),
            options(&[], &["-chamfr"], &[]),
            options(&[], &[], &["chamfr"]),
        ] {
            let text = refused(&wrong);
            assert!(text.contains("`chamfr`") && text.contains("mean `chamfer`"), "{text}");
        }
    }
}
