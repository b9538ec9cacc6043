//! The study's pictures: samples over the data, trajectories, error against
//! evaluations and against time.

use driftfield_problems::flow::ForwardDiffusion;
use driftfield_problems::method::Solver;
use driftfield_problems::process::GaussianPath;
use driftfield_solvers::method::{EulerMaruyama, Heun};
use driftfield_solvers::{Outcome, Save, SolveOptions, solve};

use super::rows::{Measured, Summary};
use super::solve::unless_stopped;
use super::{Case, CaseResult, Drawing, Row, Study, StudyError, StudyResult};
use crate::distinct::distinct;
use crate::generate::{Budget, GenerateError, Saved, Settings};
use crate::metrics::{Metric, Shown};
use crate::plane;
use crate::plot::{
    Color, ErrorCurves, ErrorCurvesGrid, Floor, Outline, PointLayer, Scale, Scatter, ScatterGrid,
    Series, Trajectories, TrajectoryColor,
};

/// The solver of the pictures of samples and trajectories.
const PICTURED: (&str, usize) = ("heun", 50);
/// Trajectories in a picture.
const TRAJECTORIES: usize = 20;
/// Paths in a picture of a forward diffusion: more of them are a tangle.
const NOISED: usize = 2;

/// The pictures of a study, each with the name of its files and a caption.
pub(super) struct Pictures {
    pub(super) samples: Vec<(String, ScatterGrid, String)>,
    pub(super) trajectories: Vec<(String, Trajectories, String)>,
    pub(super) curves: Vec<(String, ErrorCurves, String)>,
    /// Curves of all cases side by side.
    pub(super) overviews: Vec<(String, ErrorCurvesGrid, String)>,
}

/// All of them; of a study that was stopped those that take no more solves.
pub(super) fn draw(study: &Study, result: &StudyResult) -> Result<Pictures, StudyError> {
    let planar = |case: &&Case| case.model.dimension() == 2 && !case.is_stopped();
    let planar: Vec<&Case> = study.cases.iter().filter(planar).collect();
    let mut trajectories = Vec::new();
    let wanted = |drawing| study.draw.contains(&drawing);
    let moving = if wanted(Drawing::Trajectories) { &planar[..] } else { &[] };
    for case in moving {
        trajectories.extend(unless_stopped(trajectory_picture(case))?);
    }
    let mut noised: Vec<&str> = Vec::new();
    for case in moving {
        if !noised.contains(&case.process.as_str()) {
            noised.push(&case.process);
            trajectories.extend(forward_picture(case)?);
        }
    }
    let mut samples = Vec::new();
    let shown = if wanted(Drawing::Samples) { &planar[..] } else { &[] };
    for label in sample_labels(shown) {
        let cases: Vec<&Case> = planar.iter().copied().filter(|case| case.label == label).collect();
        let picture = sample_picture(label, &cases, study.lanes);
        samples.extend(unless_stopped(picture)?);
    }
    let (curves, overviews) = match wanted(Drawing::Curves) {
        true => (result.cases.iter().flat_map(curve_pictures).collect(), overviews(result)),
        false => (Vec::new(), Vec::new()),
    };
    Ok(Pictures { samples, trajectories, curves, overviews })
}

/// The labels of the models, in the order of the cases, networks before exact models.
fn sample_labels<'a>(cases: &[&'a Case]) -> Vec<&'a str> {
    let mut labels: Vec<&str> = Vec::new();
    for exact in [false, true] {
        for case in cases.iter().filter(|case| case.model.is_exact() == exact) {
            if !labels.contains(&case.label.as_str()) {
                labels.push(&case.label);
            }
        }
    }
    labels
}

/// Its data, if there is any, behind what is drawn of it.
pub(super) fn outline(case: &Case) -> Outline {
    plane::outline(case.data.as_deref())
}

/// A name for files of two labels.
pub(super) fn slug(first: &str, second: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let plain = |label: &str| label.trim().chars().map(plain).collect::<String>();
    format!("{}-{}", plain(first), plain(second))
}

/// A name, and how the solve ended if it did not reach the end: a picture of a
/// partial solution says so.
pub(super) fn panel_title(name: &str, outcome: &Outcome) -> String {
    if outcome.is_success() { name.to_owned() } else { format!("{name} ({})", outcome.name()) }
}

fn pictured_settings(case: &Case, saved: Saved) -> Settings {
    let solver = Solver::new(PICTURED.0, Heun::new());
    case.settings(Settings { saved, ..Settings::new(solver, Budget::Steps(PICTURED.1)) })
}

fn sample_picture(
    label: &str,
    cases: &[&Case],
    lanes: usize,
) -> Result<(String, ScatterGrid, String), StudyError> {
    let mut panels = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let generated = case.generate::<f32>(lanes, 0, &pictured_settings(case, Saved::Last))?;
        let title = panel_title(&case.process, &generated.outcome);
        let samples = generated.samples;
        // One colour for all panels, named once in the common legend.
        let name = if index == 0 { "samples" } else { "" };
        let layer = PointLayer::new(name, plane::points(&samples, lanes), Color::nth(0));
        panels.push(Scatter::new(title).outline(outline(case)).layer(layer));
    }
    let title = format!("{lanes} samples, {label} field, {} with {} steps", PICTURED.0, PICTURED.1);
    let caption = format!("{title}, over the data (grey).");
    Ok((slug("samples", label), ScatterGrid::new(title, panels), caption))
}

fn trajectory_picture(case: &Case) -> Result<(String, Trajectories, String), StudyError> {
    let generated = case.generate::<f32>(TRAJECTORIES, 0, &pictured_settings(case, Saved::All))?;
    let lines = plane::lines(&generated.trajectory, TRAJECTORIES);
    let label = panel_title(&case.label(), &generated.outcome);
    let title = format!("{TRAJECTORIES} trajectories from noise to data: {label}");
    let mut picture = Trajectories::new(title.clone(), lines);
    picture.outline = Some(outline(case));
    picture.times = generated.times;
    let caption = format!("{title} ({} with {} steps).", PICTURED.0, PICTURED.1);
    Ok((format!("trajectories-{}", case.slug()), picture, caption))
}

/// The forward diffusion as an ordinary SDE problem: data to noise.
fn forward_picture(case: &Case) -> Result<Option<(String, Trajectories, String)>, StudyError> {
    const STEPS: usize = 500;
    let Some(data) = &case.data else { return Ok(None) };
    let mut data = data.sample(NOISED, 7);
    case.model.to_process_units(&mut data)?;
    let (_, data_end) = case.path.default_span();
    let span = (data_end, case.path.start_with_finite_log_snr());
    let problem = ForwardDiffusion::new(case.path.clone()).problem(data, span);
    let options = SolveOptions::steps(STEPS).save(Save::all());
    let solution = solve(&problem, &EulerMaruyama::new(), options).map_err(GenerateError::from)?;
    let mut states = solution.u;
    for state in &mut states {
        case.model.to_data_units(state)?;
    }
    let lane = |lane: usize| states.iter().map(|u| [u[[lane, 0]], u[[lane, 1]]]).collect();
    let label = panel_title(&case.process, &solution.outcome);
    let title = format!("{NOISED} paths from data to noise: {label}");
    let mut picture = Trajectories::new(title.clone(), (0..NOISED).map(lane).collect());
    picture.outline = Some(outline(case));
    picture.color = TrajectoryColor::Lane;
    let caption = format!("{title} (the forward diffusion, Euler-Maruyama with {STEPS} steps).");
    Ok(Some((format!("forward-{}", slug(&case.process, "diffusion")), picture, caption)))
}

/// The number of a row on an axis of a picture.
type Value<'a> = dyn Fn(&Row) -> Option<Summary> + 'a;

/// A vertical axis: name in files, label, the number of a row, floors drawn in.
struct Vertical<'a> {
    name: &'a str,
    /// What titles call it.
    words: &'a str,
    label: &'a str,
    value: Box<Value<'a>>,
    floors: Vec<Floor>,
}

impl<'a> Vertical<'a> {
    fn solver_error() -> Self {
        Vertical {
            name: "solver-error",
            words: "Solver error",
            label: "Solver error (RMS distance to the true solution)",
            value: Box::new(|row| row.solver_error),
            floors: Vec::new(),
        }
    }

    /// The spread of a metric is that over seeds; with one seed, half its interval if it has one.
    fn metric(case: &'a CaseResult, metric: &'a Metric) -> Self {
        let floor = |floor: &super::Floor| {
            let value = floor.metric(&metric.name).and_then(Measured::mean)?;
            Some(Floor { label: floor.label.clone(), value })
        };
        let value = |row: &Row| {
            let measured = row.metric(&metric.name)?;
            let Summary { mean, std } = measured.value?;
            let half = measured.interval.map(|[low, high]| 0.5 * (high - low));
            Some(Summary { mean, std: std.or(half) })
        };
        Vertical {
            name: &metric.name,
            words: &metric.heading,
            label: &metric.heading,
            value: Box::new(value),
            floors: case.floors.iter().filter_map(floor).collect(),
        }
    }

    /// Logarithmic, unless a number is none that it could show.
    fn scale(&self, rows: &[Row]) -> Scale {
        let positive = |row: &Row| (self.value)(row).is_none_or(|value| value.mean > 0.0);
        if rows.iter().all(positive) { Scale::Logarithmic } else { Scale::Linear }
    }
}

/// A horizontal axis.
#[derive(Clone, Copy)]
struct Horizontal {
    /// What it is called in names of files.
    file: &'static str,
    label: &'static str,
    value: fn(&Row) -> f64,
    /// Whether it is comparable within one session alone.
    is_time: bool,
}

const BY_NFE: Horizontal =
    Horizontal { file: "nfe", label: "NFE", value: |row| row.nfe, is_time: false };
const BY_TIME: Horizontal =
    Horizontal { file: "time", label: "seconds", value: |row| row.seconds.mean, is_time: true };

pub(super) fn curve_pictures(case: &CaseResult) -> Vec<(String, ErrorCurves, String)> {
    let mut pictures = Vec::new();
    for vertical in verticals(case) {
        for horizontal in [BY_NFE, BY_TIME] {
            let Horizontal { file, label, is_time, .. } = horizontal;
            let title = format!("{} against {label}: {}", vertical.words, label_of(case));
            let mut curves = curves(case, title.clone(), &vertical, horizontal);
            // Of fixed steps alone the slope is minus an order.
            for series in &mut curves.series {
                let mut rows = case.rows.iter().filter(|row| row.series() == series.name);
                let fixed = rows.all(|row| row.tolerances.is_none());
                series.fit = fixed && vertical.name == "solver-error" && file == "nfe";
            }
            let of_case = slug(&case.process, &case.field);
            let name = format!("{}-{of_case}", slug(vertical.name, file));
            let told = case.timed_told().filter(|_| is_time).map(|told| format!(" {told}"));
            pictures.push((name, curves, format!("{title}.{}", told.unwrap_or_default())));
        }
    }
    pictures
}

fn label_of(case: &CaseResult) -> String {
    format!("{}, {} field", case.process, case.field)
}

/// The solver's error, and the metrics that have pictures of their own.
fn verticals(case: &CaseResult) -> Vec<Vertical<'_>> {
    let metrics = case.metrics.iter().filter(|metric| metric.shown == Shown::Curves);
    let metrics = metrics.map(|metric| Vertical::metric(case, metric));
    [Vertical::solver_error()].into_iter().chain(metrics).collect()
}

fn curves(
    case: &CaseResult,
    title: String,
    vertical: &Vertical<'_>,
    horizontal: Horizontal,
) -> ErrorCurves {
    let mut curves = ErrorCurves::new(title, horizontal.label, vertical.label);
    curves.y_scale = vertical.scale(&case.rows);
    curves.series = series(case, horizontal, vertical);
    curves.floors = vertical.floors.clone();
    curves
}

/// For the solver's error, and what cases are judged by, all cases side by side on the same axes,
/// one process a column where each has every field. None of one case.
fn overviews(result: &StudyResult) -> Vec<(String, ErrorCurvesGrid, String)> {
    let mut cases: Vec<&CaseResult> = result.cases.iter().collect();
    if cases.len() < 2 {
        return Vec::new();
    }
    let place = |names: &[&str], name: &str| names.iter().position(|known| *known == name);
    let processes = distinct(result.cases.iter().map(|case| case.process.as_str()));
    let fields = distinct(result.cases.iter().map(|case| case.field.as_str()));
    let is_product = processes.len() * fields.len() == cases.len() && processes.len() <= 4;
    if is_product {
        cases.sort_by_key(|case| (place(&fields, &case.field), place(&processes, &case.process)));
    }
    let mut pictures = Vec::new();
    // The error, and the first metric of those with pictures of their own.
    for which in 0..2 {
        let verticals: Vec<Vec<Vertical<'_>>> = cases.iter().map(|&case| verticals(case)).collect();
        let Some(first) = verticals[0].get(which) else { continue };
        let (name, title) = (first.name, format!("{} against NFE", first.words));
        let of_name = |all: &Vec<Vertical<'_>>| all.iter().position(|v| v.name == name);
        let panels = cases.iter().zip(&verticals).filter_map(|(&case, all)| {
            let vertical = &all[of_name(all)?];
            let mut panel = curves(case, label_of(case), vertical, BY_NFE);
            // A panel is too low for more than its words.
            panel.y_label = vertical.words.to_owned();
            Some(panel)
        });
        let panels: Vec<ErrorCurves> = panels.collect();
        let mut grid = ErrorCurvesGrid::new(title.clone(), panels);
        grid.columns = if is_product { processes.len() } else { 0 };
        pictures.push((slug("overview", &slug(name, "nfe")), grid, format!("{title}.")));
    }
    pictures
}

/// One series per solver, adaptive runs apart, in the order of the table.
fn series(case: &CaseResult, horizontal: Horizontal, vertical: &Vertical<'_>) -> Vec<Series> {
    let names = distinct(case.rows.iter().map(Row::series));
    let timed = case.timed();
    let drawn = |row: &&Row| !horizontal.is_time || row.session == timed;
    let of_name = |name: String| {
        let mut points: Vec<(f64, f64, f64)> = case
            .rows
            .iter()
            .filter(|row| row.series() == name)
            .filter(drawn)
            .filter_map(|row| {
                let Summary { mean, std } = (vertical.value)(row)?;
                Some(((horizontal.value)(row), mean, std.unwrap_or(0.0)))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut series = Series::new(name, points.iter().map(|p| (p.0, p.1)).collect());
        series.spread = Some(points.iter().map(|p| p.2).collect());
        series
    };
    names.into_iter().map(of_name).collect()
}
