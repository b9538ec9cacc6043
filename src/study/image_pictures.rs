//! The pictures of a study of images: what each solver makes of the same noise.

use driftfield_problems::method::Solver;

use super::pictures::{panel_title, slug};
use super::solve::unless_stopped;
use super::{Case, Drawing, Study, StudyError, reconstruction_pictures};
use crate::generate::{Budget, Saved, Settings};
use crate::images::{self, FRAMES, PER_ROW};
use crate::plot::{ImageGrid, ImageRow};
use crate::reconstruct::ReconstructError;

/// Solvers of a picture at most, and of those of many steps.
const MOST_AT_FEW: usize = 12;
const MOST_AT_MANY: usize = 4;
/// The steps of those, and the evaluations that a method of many stages may spend on them.
pub(super) const MANY_STEPS: usize = 50;
const MANY_EVALUATIONS: u64 = 200;
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

/// Solvers that are seen: the first of those that a study asks for.
#[derive(Clone, Copy)]
pub(super) struct Seen<'s> {
    pub(super) solvers: &'s [Solver],
    asked: usize,
}

impl<'s> Seen<'s> {
    fn first(solvers: &'s [Solver], most: usize) -> Self {
        Seen { solvers: &solvers[..most.min(solvers.len())], asked: solvers.len() }
    }

    /// What they spend where it is much.
    pub(super) fn steps(self) -> String {
        let dear = |solver: &Solver| many_steps(solver) != Budget::Steps(MANY_STEPS);
        match self.solvers.iter().any(dear) {
            true => {
                format!("{MANY_STEPS} steps, or {MANY_EVALUATIONS} evaluations if they are fewer")
            }
            false => format!("{MANY_STEPS} steps"),
        }
    }

    /// What a caption says of those that are left out.
    pub(super) fn caption(self) -> String {
        match self.solvers.len() {
            seen if seen < self.asked => format!(" The first {seen} of {} solvers.", self.asked),
            _ => String::new(),
        }
    }
}

/// Those drawn before a case was stopped.
pub(super) fn draw(study: &Study) -> Result<Vec<ImagePicture>, StudyError> {
    let mut pictures = Vec::new();
    let wanted = |drawing| study.draw.contains(&drawing);
    for (case, runs) in study.cases.iter().zip(&study.runs).filter(|(case, _)| case.is_image()) {
        let mut solvers: Vec<Solver> = Vec::new();
        for run in runs {
            if !solvers.iter().any(|solver| solver.label() == run.solver.label()) {
                solvers.push(run.solver.clone());
            }
        }
        let few = Seen::first(&solvers, MOST_AT_FEW);
        let many = Seen::first(&solvers, MOST_AT_MANY);
        if wanted(Drawing::Samples) {
            pictures.extend(samples(case, few, many)?);
        }
        if !wanted(Drawing::Trajectories) {
            continue;
        }
        for solver in many.solvers {
            pictures.extend(unless_stopped(trajectories(case, solver, many))?.flatten());
        }
        if !case.model.is_exact() {
            let drawn = unless_stopped(reconstruction_pictures::draw(case, many))?;
            pictures.extend(drawn.unwrap_or_default());
        }
    }
    Ok(pictures)
}

/// Solvers side by side from the same noise, at few evaluations and with many steps.
fn samples(case: &Case, few: Seen<'_>, many: Seen<'_>) -> Result<Vec<ImagePicture>, StudyError> {
    let title = format!("{FEW} evaluations: {}", case.process);
    let drawn = side_by_side(case, "few-evaluations", title, few, |_| Budget::Evaluations(FEW));
    let mut pictures: Vec<ImagePicture> = unless_stopped(drawn)?.flatten().into_iter().collect();
    let title = format!("{}: {}", many.steps(), case.process);
    let drawn = side_by_side(case, "many-steps", title, many, many_steps);
    pictures.extend(unless_stopped(drawn)?.flatten());
    Ok(pictures)
}

/// Many steps of a solver, or as many as it has for no more evaluations than others take.
pub(super) fn many_steps(solver: &Solver) -> Budget {
    match solver.info().steps_within(MANY_EVALUATIONS) {
        steps if steps < MANY_STEPS as u64 => Budget::Evaluations(MANY_EVALUATIONS),
        _ => Budget::Steps(MANY_STEPS),
    }
}

/// Its budget in words.
pub(super) fn told(solver: &Solver) -> String {
    match many_steps(solver) {
        Budget::Evaluations(nfe) => format!("{nfe} evaluations"),
        _ => format!("{MANY_STEPS} steps"),
    }
}

fn settings(case: &Case, solver: &Solver, budget: Budget) -> Settings {
    case.settings(Settings::new(solver.clone(), budget))
}

/// What was made, or nothing where the solver does not suit what is drawn: with a budget that was not
/// asked for it may be refused. One that was stopped is not refused.
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
    seen: Seen<'_>,
    budget: fn(&Solver) -> Budget,
) -> Result<Option<ImagePicture>, StudyError> {
    let mut grid = ImageGrid::new(title.clone(), images::side_of(&case.model.row_shape())?);
    for solver in seen.solvers {
        let made = case.generate::<f32>(PER_ROW, 0, &settings(case, solver, budget(solver)));
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
            "{title}, {} field, from the same noise; one solver a row, one lane a column.{}",
            case.label,
            seen.caption()
        ),
        trajectories: false,
    }))
}

fn trajectories(
    case: &Case,
    solver: &Solver,
    seen: Seen<'_>,
) -> Result<Option<ImagePicture>, StudyError> {
    let settings = settings(case, solver, many_steps(solver));
    let settings = Settings { saved: Saved::Frames(FRAMES), ..settings };
    let made = case.generate::<f32>(FOLLOWED, 0, &settings);
    let Some(generated) = unless_refused(made)? else { return Ok(None) };
    let solver_and_outcome = panel_title(solver.label(), &generated.outcome);
    let title = format!("From noise to digits: {solver_and_outcome}, {}", told(solver));
    let grid = images::trajectory_grid(title.clone(), &generated.times, &generated.trajectory)?;
    Ok(Some(ImagePicture {
        name: format!("{}-{}", slug("trajectory", solver.label()), case.slug()),
        grid,
        caption: format!("{title}, {}.{}", case.label(), seen.caption()),
        trajectories: true,
    }))
}
