//! The pictures of a study of images: what each solver makes of the same noise.

use driftfield_problems::method::Solver;
use driftfield_problems::spec::SpecError;

use super::pictures::{panel_title, slug};
use super::solve::unless_stopped;
use super::{Case, Drawing, Study, StudyError, reconstruction_pictures};
use crate::generate::{Budget, Saved, Settings};
use crate::images::{self, FRAMES, PER_ROW};
use crate::plot::{ImageGrid, ImageRow};
use crate::reconstruct::ReconstructError;

/// Evaluations at which solvers are seen side by side: few enough to differ.
const FEW: u64 = 10;
/// Lanes of a picture of trajectories.
const FOLLOWED: usize = 4;

/// A picture with the name of its files.
pub(super) struct ImagePicture {
    pub(super) name: String,
    pub(super) grid: ImageGrid,
    pub(super) caption: String,
    /// Of images on their way.
    pub(super) trajectories: bool,
}

/// Those drawn before a case was stopped.
pub(super) fn draw(study: &Study) -> Result<Vec<ImagePicture>, StudyError> {
    let tutorial = tutorial()?;
    let mut pictures = Vec::new();
    let wanted = |drawing| study.draw.contains(&drawing);
    for (case, runs) in study.cases.iter().zip(&study.runs).filter(|(case, _)| case.is_image()) {
        let mut solvers: Vec<Solver> = Vec::new();
        for run in runs {
            if !solvers.iter().any(|solver| solver.label() == run.solver.label()) {
                solvers.push(run.solver.clone());
            }
        }
        if wanted(Drawing::Samples) {
            pictures.extend(samples(case, &solvers, &tutorial)?);
        }
        if !wanted(Drawing::Trajectories) {
            continue;
        }
        for solver in &tutorial {
            pictures.extend(unless_stopped(trajectories(case, solver))?.flatten());
        }
        if !case.model.is_exact() {
            let drawn = unless_stopped(reconstruction_pictures::draw(case))?;
            pictures.extend(drawn.unwrap_or_default());
        }
    }
    Ok(pictures)
}

/// Solvers side by side from the same noise, at few evaluations and with many steps.
fn samples(
    case: &Case,
    solvers: &[Solver],
    tutorial: &[Solver],
) -> Result<Vec<ImagePicture>, StudyError> {
    let few = Budget::Evaluations(FEW);
    let title = format!("{FEW} evaluations: {}", case.process);
    let few = side_by_side(case, "few-evaluations", title, solvers, few);
    let steps = Budget::Steps(TUTORIAL_STEPS);
    let title = format!("{TUTORIAL_STEPS} steps: {}", case.process);
    let mut pictures: Vec<ImagePicture> = unless_stopped(few)?.flatten().into_iter().collect();
    let many = side_by_side(case, "many-steps", title, tutorial, steps);
    pictures.extend(unless_stopped(many)?.flatten());
    Ok(pictures)
}

/// The samplers of the tutorials that others start from.
pub(super) fn tutorial() -> Result<Vec<Solver>, SpecError> {
    ["euler-maruyama", "ddim", "heun", "dpm-solver++2s"].into_iter().map(Solver::parse).collect()
}

/// Their number of steps.
pub(super) const TUTORIAL_STEPS: usize = 50;

fn settings(case: &Case, solver: &Solver, budget: Budget) -> Settings {
    case.settings(Settings::new(solver.clone(), budget))
}

/// What was made, or nothing where the solver does not suit the case: a solver that was not asked
/// for may be refused a span that was. One that was stopped is not refused.
pub(super) fn unless_refused<T, E>(made: Result<T, E>) -> Result<Option<T>, StudyError>
where
    StudyError: From<E>,
{
    match made.map_err(StudyError::from) {
        Ok(made) => Ok(Some(made)),
        Err(error) if error.is_stop() => Err(error),
        Err(StudyError::Generate(_)) => Ok(None),
        Err(StudyError::Reconstruct(error)) if matches!(*error, ReconstructError::Generate(_)) => {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// One row a solver, those left out that are refused, such as for a step that takes more than the
/// budget.
fn side_by_side(
    case: &Case,
    name: &str,
    title: String,
    solvers: &[Solver],
    budget: Budget,
) -> Result<Option<ImagePicture>, StudyError> {
    let mut grid = ImageGrid::new(title.clone(), images::side_of(&case.model.row_shape())?);
    for solver in solvers {
        let made = case.generate::<f32>(PER_ROW, 0, &settings(case, solver, budget));
        let Some(generated) = unless_refused(made)? else { continue };
        let tiles = images::tiles(&generated.samples, PER_ROW);
        grid = grid.row(ImageRow::new(panel_title(solver.label(), &generated.outcome), tiles));
    }
    if grid.rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(ImagePicture {
        name: format!("{name}-{}", case.slug()),
        grid,
        caption: format!(
            "{title}, {} field, from the same noise; one solver a row, one lane a column.",
            case.label
        ),
        trajectories: false,
    }))
}

fn trajectories(case: &Case, solver: &Solver) -> Result<Option<ImagePicture>, StudyError> {
    let settings = settings(case, solver, Budget::Steps(TUTORIAL_STEPS));
    let settings = Settings { saved: Saved::Frames(FRAMES), ..settings };
    let made = case.generate::<f32>(FOLLOWED, 0, &settings);
    let Some(generated) = unless_refused(made)? else { return Ok(None) };
    let solver_and_outcome = panel_title(solver.label(), &generated.outcome);
    let title = format!("From noise to digits: {solver_and_outcome}, {TUTORIAL_STEPS} steps");
    let grid = images::trajectory_grid(title.clone(), &generated.times, &generated.trajectory)?;
    Ok(Some(ImagePicture {
        name: format!("{}-{}", slug("trajectory", solver.label()), case.slug()),
        grid,
        caption: format!("{title}, {}.", case.label()),
        trajectories: true,
    }))
}
