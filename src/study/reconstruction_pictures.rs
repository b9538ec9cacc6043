//! Pictures of an inverse problem: an image, what was measured of it, and what each solver makes
//! of that.

use driftfield_problems::inverse::{self, ImageShape, Observation};
use driftfield_problems::method::Solver;
use driftfield_solvers::method::Heun;
use driftfield_solvers::number::decimals;
use ndarray::{Array1, Axis};

use super::image_pictures::{ImagePicture, Seen, unless_refused};
use super::pictures::{panel_title, slug};
use super::runs::amount;
use super::solve::rows_of;
use super::{Case, Run, StudyError};
use crate::generate::{Budget, Condition, Initial, Saved, Settings, shipped_classifier};
use crate::images::{FRAMES, PER_ROW};
use crate::reconstruct::{
    Reconstructed, Technique, reconstruct, reconstruction_grid, reconstruction_trajectory,
    technique,
};

/// A square of 64 pixels in the middle, of which each is off by a tenth.
const MEASUREMENT: &str = "square:size=8,center=14x14,std=0.1";
/// Steps of an image of the field's own that is measured.
const ORIGINAL: usize = 50;
/// Lanes of a picture of trajectories.
const FOLLOWED: usize = 2;

fn dps() -> Technique {
    Technique::new("dps", technique::Dps::default())
}

pub(super) fn draw(case: &Case, seen: &Seen<'_>) -> Result<Vec<ImagePicture>, StudyError> {
    let image = original(case)?;
    let measurement = inverse::parse(MEASUREMENT, &ImageShape::grey(28, 28))?;
    let observation = Observation::of_image(measurement, &image, 0)?;
    let blind = Condition::default();
    let mut pictures = Vec::new();
    pictures.extend(by_solver(case, "reconstructions", &image, (&observation, &blind), seen)?);
    if case.model.labels().is_some() {
        let known = Condition::labels([seen_in(&image)?]);
        let name = "reconstructions-label-known";
        pictures.extend(by_solver(case, name, &image, (&observation, &known), seen)?);
    }
    for run in &seen.runs {
        pictures.extend(trajectory(case, &observation, run, seen)?);
    }
    Ok(pictures)
}

/// A real image if there are any, else one of the field's own.
fn original(case: &Case) -> Result<Vec<f64>, StudyError> {
    let image = match &case.data {
        Some(data) => data.sample(1, 0),
        None => {
            let settings = case
                .settings(Settings::new(Solver::new("heun", Heun::new()), Budget::Steps(ORIGINAL)));
            rows_of(&case.generate::<f32>(1, 1, &settings)?.samples)
        }
    };
    Ok(image.iter().map(|pixel| pixel.clamp(0.0, 1.0)).collect())
}

/// The label under which the shipped classifier knows an image.
fn seen_in(image: &[f64]) -> Result<u32, StudyError> {
    let pixels = image.iter().map(|&pixel| pixel as f32).collect();
    let row = Array1::from_vec(pixels).insert_axis(Axis(0));
    Ok(shipped_classifier()?.classify(row.view())?.labels()[0])
}

fn solved(
    case: &Case,
    observation: &Observation,
    (technique, run): (&Technique, &Run),
    (lanes, saved): (usize, Saved),
    condition: &Condition,
) -> Result<Reconstructed<f32>, StudyError> {
    let settings = case.settings(run.settings(0));
    let settings = Settings { saved, condition: condition.clone(), ..settings };
    let initial = Initial::Noise { lanes };
    Ok(reconstruct(&case.path, &*case.model, observation, technique, initial, &settings)?)
}

fn by_solver(
    case: &Case,
    name: &str,
    image: &[f64],
    (observation, condition): (&Observation, &Condition),
    seen: &Seen<'_>,
) -> Result<Option<ImagePicture>, StudyError> {
    let mut rows = Vec::new();
    let guided = seen.runs.iter().map(|run| (dps(), *run));
    let others = [
        Technique::new("pigdm", technique::PseudoInverse::default()),
        Technique::new("replacement", technique::Replacement::default()),
    ];
    // The one that they are made for, where it is among them.
    let ddim = seen.runs.iter().find(|run| run.solver.label() == "ddim");
    let one = ddim.or(seen.runs.first()).copied();
    let others = others.into_iter().zip(one.into_iter().cycle());
    for (technique, run) in guided.chain(others) {
        let kept = (PER_ROW, Saved::Last);
        let done = solved(case, observation, (&technique, run), kept, condition);
        let Some(done) = unless_refused(done)? else { continue };
        let (misfit, solver) =
            (done.mean_misfit(), panel_title(&seen.name(run), &done.generated.outcome));
        let row = format!("{}, {solver}: {}", technique.label(), decimals(misfit, 4));
        rows.push((row, done.generated.samples));
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let known = condition.labels.first().map(|label| format!(", known to be a {label}"));
    let title = format!("Reconstructed: {}{}", case.process, known.unwrap_or_default());
    Ok(Some(ImagePicture {
        name: format!("{name}-{}", case.slug()),
        grid: reconstruction_grid(title.clone(), image, observation, &rows)?,
        caption: format!(
            "{title}, {} field, from {MEASUREMENT}{}. In red what was measured; beside each solver the \
             mean squared misfit of the measured pixels, to be held against their variance, 0.01.{}",
            case.label,
            seen.amount().map_or(String::new(), |amount| format!("; {amount} each")),
            seen.caption()
        ),
        trajectories: false,
    }))
}

fn trajectory(
    case: &Case,
    observation: &Observation,
    run: &Run,
    seen: &Seen<'_>,
) -> Result<Option<ImagePicture>, StudyError> {
    let kept = (FOLLOWED, Saved::Frames(FRAMES));
    let blind = Condition::default();
    let done = solved(case, observation, (&dps(), run), kept, &blind);
    let Some(done) = unless_refused(done)? else { return Ok(None) };
    let (generated, solver) = (&done.generated, run.solver.label());
    let name = panel_title(solver, &generated.outcome);
    let title = format!("From noise to a measured digit: dps, {name}, {}", amount(run.budget));
    let (times, states) = (&generated.times, &generated.trajectory);
    Ok(Some(ImagePicture {
        name: format!("{}-{}", slug("reconstruction", solver), case.slug()),
        grid: reconstruction_trajectory(title.clone(), times, states, observation)?,
        caption: format!("{title}, {}.{}", case.label(), seen.caption()),
        trajectories: true,
    }))
}
