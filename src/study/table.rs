//! The table on the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

use super::{CaseResult, MMD_BANDWIDTH, Row, StudyResult};

/// What the columns mean.
pub fn legend() -> Vec<(&'static str, String)> {
    vec![
        (
            "solver error",
            "root of the mean over lanes of the squared distance to the true ODE solution from the same noise (DOP853, tolerance 1e-10 on exact fields, 1e-6 on networks)".into(),
        ),
        (
            "Chamfer",
            "mean over the samples of the distance to the nearest data point, plus the same with samples and data exchanged".into(),
        ),
        (
            "MMD^2",
            format!("unbiased estimate with the kernel exp(-|x-y|^2 / (2 h^2)), h = {MMD_BANDWIDTH}"),
        ),
        (
            "SW2",
            "sliced Wasserstein: root of the mean squared 1-D W2 over 128 fixed directions".into(),
        ),
        (
            "model floor",
            "the same distances for the true ODE solution under the same field: what no ODE solver can improve".into(),
        ),
        ("sampling floor", "the same distances between two independent draws of the data".into()),
        (
            "*",
            "the ODE row of fewest evaluations whose Chamfer distance is within 2 % of the model floor's".into(),
        ),
        ("+-", "standard deviation over seeds; each seed has its own noise and its own data".into()),
    ]
}

pub(super) const COLUMNS: [&str; 10] = [
    "solver",
    "budget",
    "NFE",
    "acc/rej",
    "time [ms]",
    "solver error",
    "+-",
    "Chamfer",
    "MMD^2",
    "SW2",
];

fn scientific(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.2e}"))
}

fn plain(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

fn with_spread(value: Option<f64>, spread: Option<f64>) -> String {
    match (value, spread) {
        (Some(value), Some(spread)) => format!("{value:.4} +- {spread:.4}"),
        _ => plain(value),
    }
}

/// The cells of a row, in the order of [`COLUMNS`].
pub(super) fn cells(row: &Row, reaches_floor: bool) -> [String; 10] {
    let mark = if reaches_floor { " *" } else { "" };
    let failed = if row.outcome == "success" { "" } else { row.outcome };
    [
        format!("{}{mark}", row.solver),
        format!("{} {failed}", row.budget()).trim().to_owned(),
        format!("{:.0}", row.nfe),
        format!("{:.0}/{:.0}", row.accepted, row.rejected),
        format!("{:.1}", row.seconds * 1e3),
        scientific(row.solver_error),
        scientific(row.solver_error_std),
        with_spread(row.chamfer, row.chamfer_std),
        scientific(row.mmd2),
        plain(row.sliced_wasserstein),
    ]
}

pub(super) fn floor_cells(case: &CaseResult) -> [[String; 10]; 2] {
    let floors = &case.floors;
    let row = |name: &str, nfe: String, chamfer: f64, mmd2: f64, sliced: f64| {
        let empty = String::new;
        [
            name.to_owned(),
            empty(),
            nfe,
            empty(),
            empty(),
            empty(),
            empty(),
            plain(Some(chamfer)),
            scientific(Some(mmd2)),
            plain(Some(sliced)),
        ]
    };
    [
        row(
            "model floor",
            format!("{:.0}", case.truth_nfe),
            floors.model_chamfer,
            floors.model_mmd2,
            floors.model_sliced_wasserstein,
        ),
        row(
            "sampling floor",
            String::new(),
            floors.sampling_chamfer,
            floors.sampling_mmd2,
            floors.sampling_sliced_wasserstein,
        ),
    ]
}

/// The whole study as text: one table per process and field, then the legend.
pub fn terminal_table(result: &StudyResult) -> String {
    let mut text = String::new();
    for case in &result.cases {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(COLUMNS);
        let first = case.first_at_floor();
        for (index, row) in case.rows.iter().enumerate() {
            table.add_row(aligned(cells(row, first == Some(index))));
        }
        for floor in floor_cells(case) {
            table.add_row(aligned(floor));
        }
        text += &format!(
            "\n{}, {} field, {} lanes, {} seed(s)\n{table}\n",
            case.process, case.field, result.lanes, result.seeds
        );
    }
    text.push('\n');
    for (term, meaning) in legend() {
        text += &format!("{term}: {meaning}\n");
    }
    text
}

fn aligned(cells: [String; 10]) -> Vec<Cell> {
    let align = |(column, text): (usize, String)| {
        let side = if column < 2 { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(side)
    };
    cells.into_iter().enumerate().map(align).collect()
}
