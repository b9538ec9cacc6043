//! The study's pictures: samples over the data, trajectories, error against
//! evaluations and against time.

use driftfield_problems::flow::ForwardDiffusion;
use driftfield_problems::method::Solver;
use driftfield_problems::process::GaussianPath;
use driftfield_solvers::method::EulerMaruyama;
use driftfield_solvers::method::Heun;
use driftfield_solvers::{Outcome, Save, SolveOptions, solve};
use ndarray::{Array2, ArrayD};

use super::{
    Case, CaseResult, ImageFloors, Row, Study, StudyError, StudyResult, rows_of, unless_stopped,
};
use crate::generate::{Budget, GenerateError, Saved, Settings};
use crate::plot::{
    Color, ErrorCurves, Floor, Outline, OutlineForm, PointLayer, Scatter, ScatterGrid, Series,
    Trajectories,
};

/// The solver of the pictures of samples and trajectories.
const PICTURED: (&str, usize) = ("heun", 50);
/// Trajectories in a picture.
const TRAJECTORIES: usize = 20;
/// Paths in a picture of a forward diffusion: more of them are a tangle.
const NOISED: usize = 4;
/// Points of the data drawn behind samples.
const BACKGROUND: usize = 3000;

/// The pictures of a study, each with the name of its files and a caption.
pub(super) struct Pictures {
    pub(super) samples: Vec<(String, ScatterGrid, String)>,
    pub(super) trajectories: Vec<(String, Trajectories, String)>,
    pub(super) curves: Vec<(String, ErrorCurves, String)>,
}

/// All of them; of a study that was stopped those that take no more solves.
pub(super) fn draw(study: &Study, result: &StudyResult) -> Result<Pictures, StudyError> {
    let planar = |case: &&Case| case.field.dimension() == 2 && !case.is_stopped();
    let planar: Vec<&Case> = study.cases.iter().filter(planar).collect();
    let mut trajectories = Vec::new();
    for case in &planar {
        trajectories.extend(unless_stopped(trajectory_picture(case))?);
    }
    let mut noised: Vec<&str> = Vec::new();
    for case in &planar {
        if !noised.contains(&case.process.as_str()) {
            noised.push(&case.process);
            trajectories.extend(forward_picture(case)?);
        }
    }
    let mut samples = Vec::new();
    for field in ["trained", "exact"] {
        let cases: Vec<&Case> =
            planar.iter().copied().filter(|case| case.field_name == field).collect();
        if !cases.is_empty() {
            let picture = sample_picture(field, &cases, study.lanes);
            samples.extend(unless_stopped(picture)?);
        }
    }
    let curves = result.cases.iter().flat_map(curve_pictures).collect();
    Ok(Pictures { samples, trajectories, curves })
}

fn points(samples: &Array2<f64>) -> Vec<[f64; 2]> {
    samples.rows().into_iter().map(|row| [row[0], row[1]]).collect()
}

fn outline(case: &Case) -> Outline {
    let data = case.reference.draw(BACKGROUND, 5).map_or(Vec::new(), |data| points(&data));
    Outline::new("data", data, OutlineForm::Dots)
}

/// A name for files: the process, its parameters included, and the field.
pub(super) fn slug(process: &str, field: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("{}-{field}", process.trim().chars().map(plain).collect::<String>())
}

/// A name, and how the solve ended if it did not reach the end: a picture of a
/// partial solution says so.
pub(super) fn panel_title(name: &str, outcome: &Outcome) -> String {
    if outcome.is_success() { name.to_owned() } else { format!("{name} ({})", outcome.name()) }
}

fn pictured_settings(saved: Saved) -> Settings {
    Settings {
        saved,
        ..Settings::new(Solver::new(PICTURED.0, Heun::new()), Budget::Steps(PICTURED.1))
    }
}

fn sample_picture(
    field: &str,
    cases: &[&Case],
    lanes: usize,
) -> Result<(String, ScatterGrid, String), StudyError> {
    let mut panels = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let generated = case.generate::<f32>(lanes, 0, &pictured_settings(Saved::Last))?;
        let title = panel_title(&case.process, &generated.outcome);
        let samples = generated.samples;
        // One colour for all panels, named once in the common legend.
        let name = if index == 0 { "samples" } else { "" };
        let layer = PointLayer::new(name, points(&rows_of(&samples)), Color::nth(0));
        panels.push(Scatter::new(title).outline(outline(case)).layer(layer));
    }
    let title = format!("{lanes} samples, {field} field, {} with {} steps", PICTURED.0, PICTURED.1);
    let caption = format!("{title}, over the data (grey).");
    Ok((format!("samples-{field}"), ScatterGrid::new(title, panels), caption))
}

fn trajectory_picture(case: &Case) -> Result<(String, Trajectories, String), StudyError> {
    let generated = case.generate::<f32>(TRAJECTORIES, 0, &pictured_settings(Saved::All))?;
    let states = generated.trajectory;
    let lane = |lane: usize| {
        let point =
            |state: &ArrayD<f32>| [f64::from(state[[lane, 0]]), f64::from(state[[lane, 1]])];
        states.iter().map(point).collect::<Vec<_>>()
    };
    let lines = (0..TRAJECTORIES).map(lane).collect();
    let label = panel_title(&case.label(), &generated.outcome);
    let title = format!("{TRAJECTORIES} trajectories from noise to data: {label}");
    let mut picture = Trajectories::new(title.clone(), lines);
    picture.outline = Some(outline(case));
    let caption = format!("{title} ({} with {} steps).", PICTURED.0, PICTURED.1);
    Ok((format!("trajectories-{}", slug(&case.process, case.field_name)), picture, caption))
}

/// The forward diffusion as an ordinary SDE problem: data to noise.
fn forward_picture(case: &Case) -> Result<Option<(String, Trajectories, String)>, StudyError> {
    const STEPS: usize = 500;
    let Some(mut data) = case.reference.draw(NOISED, 7) else { return Ok(None) };
    case.field.to_process_units(&mut data)?;
    let (_, data_end) = case.path.default_span();
    let span = (data_end, case.path.start_with_finite_log_snr());
    let problem = ForwardDiffusion::new(case.path.clone()).problem(data, span);
    let options = SolveOptions::steps(STEPS).save(Save::every(4).with_start());
    let solution = solve(&problem, &EulerMaruyama, options).map_err(GenerateError::from)?;
    let mut states = solution.u;
    for state in &mut states {
        case.field.to_data_units(state)?;
    }
    let lane = |lane: usize| states.iter().map(|u| [u[[lane, 0]], u[[lane, 1]]]).collect();
    let label = panel_title(&case.process, &solution.outcome);
    let title = format!("{NOISED} paths from data to noise: {label}");
    let mut picture = Trajectories::new(title.clone(), (0..NOISED).map(lane).collect());
    picture.outline = Some(outline(case));
    let caption = format!("{title} (the forward diffusion, Euler-Maruyama with {STEPS} steps).");
    Ok(Some((format!("forward-{}", slug(&case.process, "diffusion")), picture, caption)))
}

/// The value of a row on an axis of a picture.
type Value = fn(&Row) -> Option<f64>;

/// A vertical axis: file name, label, value, spread, floors drawn in.
struct Vertical {
    file: &'static str,
    label: &'static str,
    value: Value,
    spread: Value,
    floors: Vec<Floor>,
}

/// A horizontal axis: file name, label, value.
type Horizontal = (&'static str, &'static str, fn(&Row) -> f64);

fn curve_pictures(case: &CaseResult) -> Vec<(String, ErrorCurves, String)> {
    let floors = vec![
        Floor { label: "model floor".into(), value: case.floors.model_chamfer },
        Floor { label: "sampling floor".into(), value: case.floors.sampling_chamfer },
    ];
    let total = match &case.image_floors {
        Some(floors) => frechet_vertical(floors),
        None => Vertical {
            file: "chamfer",
            label: "total error (Chamfer distance to the data)",
            value: |row| row.chamfer,
            spread: |row| row.chamfer_std,
            floors,
        },
    };
    let verticals = [
        Vertical {
            file: "solver-error",
            label: "solver error (RMS distance to the true solution)",
            value: |row| row.solver_error,
            spread: |row| row.solver_error_std,
            floors: Vec::new(),
        },
        total,
    ];
    let horizontals: [Horizontal; 2] =
        [("nfe", "NFE", |row| row.nfe), ("time", "seconds", |row| row.seconds)];
    let mut pictures = Vec::new();
    for vertical in &verticals {
        for (file, label, x) in horizontals {
            let title = format!(
                "{} against {label}: {}, {} field",
                vertical.file, case.process, case.field
            );
            let mut curves = ErrorCurves::new(title.clone(), label, vertical.label);
            curves.series = series(&case.rows, x, vertical);
            curves.floors = vertical.floors.clone();
            let name = format!("{}-{file}-{}", vertical.file, slug(&case.process, case.field));
            pictures.push((name, curves, format!("{title}.")));
        }
    }
    pictures
}

fn frechet_vertical(floors: &ImageFloors) -> Vertical {
    let floor =
        |label: &str, value: Option<f64>| value.map(|value| Floor { label: label.into(), value });
    let known =
        [floor("model floor", floors.model_frechet), floor("real digits", floors.real_frechet)];
    Vertical {
        file: "frechet",
        label: "total error (Frechet distance to real digits)",
        value: |row| row.frechet,
        spread: |row| Some(0.5 * (row.frechet_high? - row.frechet_low?)),
        floors: known.into_iter().flatten().collect(),
    }
}

/// One series per solver, adaptive runs apart, in the order of the table.
fn series(rows: &[Row], x: fn(&Row) -> f64, vertical: &Vertical) -> Vec<Series> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        if !names.contains(&row.series()) {
            names.push(row.series());
        }
    }
    let of_name = |name: String| {
        let mut points: Vec<(f64, f64, f64)> = rows
            .iter()
            .filter(|row| row.series() == name)
            .filter_map(|row| {
                Some((x(row), (vertical.value)(row)?, (vertical.spread)(row).unwrap_or(0.0)))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut series = Series::new(name, points.iter().map(|p| (p.0, p.1)).collect());
        series.spread = Some(points.iter().map(|p| p.2).collect());
        series
    };
    names.into_iter().map(of_name).collect()
}
