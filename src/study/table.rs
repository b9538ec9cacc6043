//! The table on the terminal, and that of the report.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use super::rows::{Floor, Measured, named};
use super::solve::SUCCESS;
use super::{CaseResult, Row, StudyResult};
use crate::metrics::{Metric, Shown};

/// The columns of one table.
pub(super) struct Layout<'a> {
    /// Whether there is more than one seed to be spread over.
    spread: bool,
    metrics: Vec<Column<'a>>,
}

struct Column<'a> {
    metric: &'a Metric,
    interval: bool,
}

const NONE: &str = "-";
const INTERVAL: &str = "95 %";

impl<'a> Layout<'a> {
    /// Columns for every metric that one of the cases shows in tables.
    pub(super) fn of(cases: &'a [CaseResult]) -> Self {
        let mut metrics: Vec<Column<'a>> = Vec::new();
        for case in cases {
            for metric in case.metrics.iter().filter(|metric| metric.shown >= Shown::Tables) {
                let interval = metric.shown == Shown::Curves && case.has_interval(&metric.name);
                match metrics.iter_mut().find(|column| column.metric.name == metric.name) {
                    Some(column) => column.interval |= interval,
                    None => metrics.push(Column { metric, interval }),
                }
            }
        }
        let spread = cases.iter().flat_map(|case| &case.rows).any(|row| row.seeds > 1);
        Layout { spread, metrics }
    }

    pub(super) fn headings(&self) -> Vec<String> {
        let first = ["solver", "budget", "NFE", "acc/rej", "time [ms]", "solver error"];
        let first = first.into_iter().chain(self.spread.then_some("+-")).map(str::to_owned);
        let heading = |column: &Column<'_>| {
            let interval = column.interval.then(|| INTERVAL.to_owned());
            [column.metric.heading.clone()].into_iter().chain(interval)
        };
        first.chain(self.metrics.iter().flat_map(heading)).collect()
    }

    /// The cells of what the metrics say.
    fn measured(&self, measured: &[Measured]) -> impl Iterator<Item = String> {
        self.metrics.iter().flat_map(move |Column { metric, interval }| {
            let found = named(measured, &metric.name);
            let value = found.and_then(|found| found.value).map(|value| {
                let spread = value.std.filter(|_| metric.shown == Shown::Curves);
                let spread = spread.map(|std| format!(" +- {}", metric.format.text(std)));
                metric.format.text(value.mean) + &spread.unwrap_or_default()
            });
            let ends = found.and_then(|found| found.interval);
            let ends = ends.map(|ends| ends.map(|end| metric.format.text(end)).join(" to "));
            let or_none = |text: Option<String>| text.unwrap_or(NONE.to_owned());
            [or_none(value)].into_iter().chain(interval.then(|| or_none(ends)))
        })
    }

    /// The cells of a row, which is marked if it `reaches_floor`.
    pub(super) fn row(&self, row: &Row, reaches_floor: bool) -> Vec<String> {
        let scientific =
            |value: Option<f64>| value.map_or(NONE.into(), |value| format!("{value:.2e}"));
        let mark = if reaches_floor { " *" } else { "" };
        let failed = if row.outcome == SUCCESS { "" } else { &row.outcome };
        let mut cells = vec![
            format!("{}{mark}", row.solver),
            format!("{} {failed}", row.budget()).trim().to_owned(),
            format!("{:.0}", row.nfe),
            format!("{:.0}/{:.0}", row.accepted, row.rejected),
            format!("{:.1}", row.seconds.mean * 1e3),
            scientific(row.solver_error.map(|error| error.mean)),
        ];
        if self.spread {
            cells.push(scientific(row.solver_error.and_then(|error| error.std)));
        }
        cells.extend(self.measured(&row.metrics));
        cells
    }

    /// The cells of the floors that the table has a number of.
    pub(super) fn floors(&self, case: &CaseResult) -> Vec<Vec<String>> {
        let cells = |floor: &Floor| {
            let nfe = match floor.is_model() {
                true => format!("{:.0}", case.truth_nfe),
                false => String::new(),
            };
            let mut cells = vec![floor.label.clone(), String::new(), nfe];
            cells.resize(if self.spread { 7 } else { 6 }, String::new());
            cells.extend(self.measured(&floor.metrics));
            cells
        };
        case.floors.iter().filter(|floor| self.shows(floor)).map(cells).collect()
    }

    fn shows(&self, floor: &Floor) -> bool {
        let known = |column: &Column<'_>| {
            floor.metric(&column.metric.name).is_some_and(|found| found.value.is_some())
        };
        self.metrics.iter().any(known)
    }
}

/// What the columns mean.
pub fn legend(result: &StudyResult) -> Vec<(String, String)> {
    let layout = Layout::of(&result.cases);
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
    for Column { metric, interval } in &layout.metrics {
        explain(&metric.heading, &metric.definition);
        if *interval {
            let of = "interval of the number before it over other samples of that size";
            explain(INTERVAL, of);
        }
    }
    for floor in result.cases.iter().flat_map(|case| &case.floors) {
        if layout.shows(floor) {
            explain(&floor.label, &floor.definition);
        }
    }
    if result.cases.iter().any(|case| case.first_at_floor().is_some()) {
        explain(
            "*",
            "the ODE row of fewest evaluations whose Chamfer distance is within 2 % of the model floor's",
        );
    }
    if layout.spread {
        explain(
            "+-",
            "standard deviation over seeds; each seed has its own noise and its own data",
        );
    }
    legend
}

/// The whole study as text: one table per process and model, then the legend.
pub fn terminal_table(result: &StudyResult) -> String {
    let mut text = String::new();
    for case in &result.cases {
        let layout = Layout::of(std::slice::from_ref(case));
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(layout.headings());
        let first = case.first_at_floor();
        for (index, row) in case.rows.iter().enumerate() {
            table.add_row(aligned(layout.row(row, first == Some(index))));
        }
        for floor in layout.floors(case) {
            table.add_row(aligned(floor));
        }
        text += &format!(
            "\n{}, {} field, {} lanes, {} seed(s)\n{table}\n",
            case.process, case.field, result.lanes, result.seeds
        );
    }
    text.push('\n');
    for (term, meaning) in legend(result) {
        text += &format!("{term}: {meaning}\n");
    }
    text
}

fn aligned(cells: Vec<String>) -> Vec<Cell> {
    let align = |(column, text): (usize, String)| {
        let side = if column < 2 { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(side)
    };
    cells.into_iter().enumerate().map(align).collect()
}
