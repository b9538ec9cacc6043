//! The pictures of a study of images: what each solver makes of the same noise.

use super::pictures::{panel_title, slug};
use super::runs::amount;
use super::solve::unless_stopped;
use super::{Case, Drawing, Run, Study, StudyError, reconstruction_pictures};
use crate::distinct::distinct;
use crate::generate::{Budget, Saved, Settings};
use crate::images::{self, FRAMES, PER_ROW};
use crate::plot::{ImageGrid, ImageRow};
use crate::reconstruct::ReconstructError;

/// Solvers of a picture at most, and of those of many steps.
const MOST_AT_FEW: usize = 12;
const MOST_AT_MANY: usize = 4;
/// Evaluations at which solvers are seen side by side, of each the budget that is nearest: few enough
/// to differ, and many.
const FEW: f64 = 10.0;
const MANY: f64 = 50.0;
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

/// Runs that are seen, one of each solver: of the first that a study asks for.
#[derive(Clone)]
pub(super) struct Seen<'s> {
    pub(super) runs: Vec<&'s Run>,
    asked: usize,
}

impl<'s> Seen<'s> {
    /// Of the first solvers of a case the runs nearest to so many evaluations.
    fn near(runs: &'s [Run], evaluations: f64, most: usize) -> Self {
        let solvers = distinct(runs.iter().map(|run| run.solver.label()));
        let nearest = |solver: &&str| {
            let own = runs.iter().filter(|run| run.solver.label() == *solver);
            own.min_by(|a, b| off(a, evaluations).total_cmp(&off(b, evaluations)))
        };
        Seen { runs: solvers.iter().take(most).filter_map(nearest).collect(), asked: solvers.len() }
    }

    /// What each spends, if they all spend one amount.
    pub(super) fn amount(&self) -> Option<String> {
        let amounts = distinct(self.runs.iter().map(|run| amount(run.budget)));
        <[String; 1]>::try_from(amounts).ok().map(|[one]| one)
    }

    /// What a row is called: its solver, and what that spends if others spend something else.
    pub(super) fn name(&self, run: &Run) -> String {
        match self.amount() {
            Some(_) => run.solver.label().to_owned(),
            None => format!("{}, {}", run.solver.label(), amount(run.budget)),
        }
    }

    /// What a caption says of those that are left out.
    pub(super) fn caption(&self) -> String {
        match self.runs.len() {
            seen if seen < self.asked => format!(" The first {seen} of {} solvers.", self.asked),
            _ => String::new(),
        }
    }
}

/// How far a run is from so many evaluations, by their ratio. How many adaptive steps take is not known
/// before: they are seen where the solver has no other.
fn off(run: &Run, evaluations: f64) -> f64 {
    let info = run.solver.info();
    let nfe = match run.budget {
        Budget::Steps(steps) => info.evaluations(steps as u64),
        Budget::Evaluations(nfe) => nfe,
        Budget::Adaptive { .. } => return f64::INFINITY,
    };
    (nfe as f64 / evaluations).ln().abs()
}

/// Those drawn before a case was stopped.
pub(super) fn draw(study: &Study) -> Result<Vec<ImagePicture>, StudyError> {
    let mut pictures = Vec::new();
    let wanted = |drawing| study.draw.contains(&drawing);
    for (case, runs) in study.cases.iter().zip(&study.runs).filter(|(case, _)| case.is_image()) {
        let few = Seen::near(runs, FEW, MOST_AT_FEW);
        let many = Seen::near(runs, MANY, MOST_AT_MANY);
        if wanted(Drawing::Samples) {
            pictures.extend(samples(case, &few, &many)?);
        }
        if !wanted(Drawing::Trajectories) {
            continue;
        }
        for run in &many.runs {
            pictures.extend(unless_stopped(trajectories(case, run, &many))?.flatten());
        }
        if !case.model.is_exact() {
            let drawn = unless_stopped(reconstruction_pictures::draw(case, &many))?;
            pictures.extend(drawn.unwrap_or_default());
        }
    }
    Ok(pictures)
}

/// Solvers side by side from the same noise, at few evaluations, and at many if they are others.
fn samples(case: &Case, few: &Seen<'_>, many: &Seen<'_>) -> Result<Vec<ImagePicture>, StudyError> {
    let mut pictures = Vec::new();
    pictures.extend(unless_stopped(side_by_side(case, "few-evaluations", few))?.flatten());
    let known = |run: &&Run| few.runs.iter().any(|other| std::ptr::eq(*other, *run));
    if !many.runs.iter().all(known) {
        pictures.extend(unless_stopped(side_by_side(case, "many-steps", many))?.flatten());
    }
    Ok(pictures)
}

/// What was made, or nothing where the solver does not suit what is drawn. One that was stopped is not
/// refused.
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

/// One row a solver.
fn side_by_side(
    case: &Case,
    name: &str,
    seen: &Seen<'_>,
) -> Result<Option<ImagePicture>, StudyError> {
    let amount = seen.amount().unwrap_or_else(|| "Budgets of the study".to_owned());
    let title = format!("{amount}: {}", case.process);
    let mut grid = ImageGrid::new(title.clone(), images::side_of(&case.model.row_shape())?);
    for run in &seen.runs {
        let made = case.generate::<f32>(PER_ROW, 0, &case.settings(run.settings(0)));
        let Some(generated) = unless_refused(made)? else { continue };
        let tiles = images::tiles(&generated.samples, PER_ROW);
        grid = grid.row(ImageRow::new(panel_title(&seen.name(run), &generated.outcome), tiles));
    }
    if grid.rows.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = seen.runs.iter().map(|run| seen.name(run)).collect();
    Ok(Some(ImagePicture {
        name: format!("{name}-{}", case.slug()),
        grid,
        caption: format!(
            "{title}, {} field, from the same noise; one solver a row{}, one lane a column.{}",
            case.label,
            if seen.amount().is_none() {
                format!(" ({})", names.join("; "))
            } else {
                String::new()
            },
            seen.caption()
        ),
        trajectories: false,
    }))
}

fn trajectories(
    case: &Case,
    run: &Run,
    seen: &Seen<'_>,
) -> Result<Option<ImagePicture>, StudyError> {
    let settings = Settings { saved: Saved::Frames(FRAMES), ..case.settings(run.settings(0)) };
    let made = case.generate::<f32>(FOLLOWED, 0, &settings);
    let Some(generated) = unless_refused(made)? else { return Ok(None) };
    let solver = run.solver.label();
    let solver_and_outcome = panel_title(solver, &generated.outcome);
    let title = format!("From noise to digits: {solver_and_outcome}, {}", amount(run.budget));
    let grid = images::trajectory_grid(title.clone(), &generated.times, &generated.trajectory)?;
    Ok(Some(ImagePicture {
        name: format!("{}-{}", slug("trajectory", solver), case.slug()),
        grid,
        caption: format!("{title}, {}.{}", case.label(), seen.caption()),
        trajectories: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftfield_problems::method::Solver;

    #[test]
    fn runs_that_are_seen_are_those_of_the_study() {
        let solver = |name: &str| Solver::parse(name).unwrap();
        let runs = [
            Run::evaluations(&solver("ddim"), 5),
            Run::evaluations(&solver("ddim"), 20),
            Run::evaluations(&solver("ddim"), 100),
            Run::steps(&solver("heun"), 5),
            Run::adaptive(&solver("tsit5"), 1e-2),
            Run::steps(&solver("tsit5"), 2),
        ];
        let told = |seen: &Seen<'_>| seen.runs.iter().map(|run| seen.name(run)).collect::<Vec<_>>();
        let few = Seen::near(&runs, FEW, MOST_AT_FEW);
        assert_eq!(told(&few), ["ddim, 5 evaluations", "heun, 5 steps", "tsit5, 2 steps"]);
        let many = Seen::near(&runs, MANY, 2);
        assert_eq!(told(&many), ["ddim, 100 evaluations", "heun, 5 steps"]);
        assert_eq!(many.caption(), " The first 2 of 3 solvers.");
        let one = Seen::near(&runs[..3], MANY, 4);
        assert_eq!(
            (told(&one), one.amount().as_deref()),
            (vec!["ddim".to_owned()], Some("100 evaluations"))
        );
    }
}
