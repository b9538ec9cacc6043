//! The table on the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use driftfield_solvers::number::decimals;

use super::{CaseResult, ImageFloors, MMD_BANDWIDTH, Row, StudyResult};

/// What the columns mean.
pub fn legend(images: bool) -> Vec<(&'static str, String)> {
    let own = if images { legend_of_images() } else { legend_of_points() };
    let common = [(
        "solver error",
        "root of the mean over lanes of the squared distance to the true ODE solution from the same noise (DOP853, tolerance 1e-10 on exact fields, 1e-6 on networks; 1e-8 and 1e-5 for images)".into(),
    )];
    common.into_iter().chain(own).collect()
}

fn legend_of_points() -> Vec<(&'static str, String)> {
    vec![
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
        (
            "+-",
            "standard deviation over seeds; each seed has its own noise and its own data".into(),
        ),
    ]
}

fn legend_of_images() -> Vec<(&'static str, String)> {
    vec![
        (
            "Frechet",
            "squared Frechet distance between Gaussians fitted to the features of samples and of real digits, the second half of those under train-*, in a small classifier. It was trained on the first half of the 9,000 that weights/README.md names; of other files it may have seen some of the second. This is no FID: that has the features of a network trained on ImageNet. It grows as the number of samples falls, so that rows are comparable at one number of lanes only".into(),
        ),
        ("95 %", "interval of the Frechet distance by the jackknife over groups of samples".into()),
        ("kernel", "unbiased MMD^2 of the same features with the kernel (x.y / d + 1)^3".into()),
        ("label", "share of the samples that the classifier recognises as their label".into()),
        (
            "model floor",
            "the same numbers for the true ODE solution under the same field: what no ODE solver can improve".into(),
        ),
        ("real digits", "the same numbers for as many real digits of those under t10k-*".into()),
    ]
}

const COLUMNS: [&str; 10] = [
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

const IMAGE_COLUMNS: [&str; 10] = [
    "solver",
    "budget",
    "NFE",
    "acc/rej",
    "time [ms]",
    "solver error",
    "Frechet",
    "95 %",
    "kernel",
    "label",
];

pub(super) fn columns(images: bool) -> [&'static str; 10] {
    if images { IMAGE_COLUMNS } else { COLUMNS }
}

fn scientific(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.2e}"))
}

fn plain(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| decimals(value, 4))
}

fn with_spread(value: Option<f64>, spread: Option<f64>) -> String {
    match (value, spread) {
        (Some(value), Some(spread)) => format!("{} +- {}", decimals(value, 4), decimals(spread, 4)),
        _ => plain(value),
    }
}

fn tenths(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| decimals(value, 1))
}

fn interval(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(_), Some(_)) => format!("{} to {}", tenths(low), tenths(high)),
        _ => "-".to_owned(),
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| decimals(100.0 * value, 1) + " %")
}

/// The cells of a row, in the order of [`COLUMNS`] or [`IMAGE_COLUMNS`].
pub(super) fn cells(row: &Row, images: bool, reaches_floor: bool) -> [String; 10] {
    let mark = if reaches_floor { " *" } else { "" };
    let failed = if row.outcome == "success" { "" } else { row.outcome };
    let [a, b, c, d] = if images {
        [
            tenths(row.frechet),
            interval(row.frechet_low, row.frechet_high),
            scientific(row.kernel_distance),
            percent(row.label_accuracy),
        ]
    } else {
        [
            scientific(row.solver_error_std),
            with_spread(row.chamfer, row.chamfer_std),
            scientific(row.mmd2),
            plain(row.sliced_wasserstein),
        ]
    };
    [
        format!("{}{mark}", row.solver),
        format!("{} {failed}", row.budget()).trim().to_owned(),
        format!("{:.0}", row.nfe),
        format!("{:.0}/{:.0}", row.accepted, row.rejected),
        format!("{:.1}", row.seconds * 1e3),
        scientific(row.solver_error),
        a,
        b,
        c,
        d,
    ]
}

fn image_floor_cells(case: &CaseResult, floors: &ImageFloors) -> [[String; 10]; 2] {
    let row = |name: &str, nfe: String, numbers: [String; 4]| {
        let [a, b, c, d] = numbers;
        let empty = String::new;
        [name.to_owned(), empty(), nfe, empty(), empty(), empty(), a, b, c, d]
    };
    let model = [
        tenths(floors.model_frechet),
        String::new(),
        scientific(floors.model_kernel_distance),
        percent(floors.model_label_accuracy),
    ];
    let real = [
        tenths(floors.real_frechet),
        interval(floors.real_frechet_low, floors.real_frechet_high),
        scientific(floors.real_kernel_distance),
        percent(floors.real_label_accuracy),
    ];
    [
        row("model floor", format!("{:.0}", case.truth_nfe), model),
        row("real digits", String::new(), real),
    ]
}

pub(super) fn floor_cells(case: &CaseResult) -> [[String; 10]; 2] {
    if let Some(floors) = &case.image_floors {
        return image_floor_cells(case, floors);
    }
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
        let images = case.image_floors.is_some();
        table.load_style(UTF8_FULL_CONDENSED).set_header(columns(images));
        let first = case.first_at_floor();
        for (index, row) in case.rows.iter().enumerate() {
            table.add_row(aligned(cells(row, images, first == Some(index))));
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
    for (term, meaning) in legend(result.images()) {
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
