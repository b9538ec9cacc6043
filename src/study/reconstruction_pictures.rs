//! Pictures of an inverse problem: an image, what was measured of it, and what each solver makes
//! of that.

use driftfield_problems::inverse::{self, ImageShape, Observation, Technique};

use super::image_pictures::{FRAMES, ImagePicture, PER_ROW, TUTORIAL, TUTORIAL_STEPS};
use super::pictures::slug;
use super::{Case, StudyError, rows_of};
use crate::generate::{Budget, Condition, Initial, Saved, Settings};
use crate::reconstruct::{
    Reconstructed, reconstruct, reconstruction_grid, reconstruction_trajectory,
};

/// A square of 64 pixels in the middle, of which each is off by a tenth.
const MEASUREMENT: &str = "square:size=8,center=14x14,std=0.1";
const DPS: Technique = Technique::Dps { zeta: 0.5, forgets_history: false };
/// Lanes of a picture of trajectories.
const FOLLOWED: usize = 2;

pub(super) fn draw(case: &Case) -> Result<Vec<ImagePicture>, StudyError> {
    let image = original(case)?;
    let measurement = inverse::parse(MEASUREMENT, &ImageShape::grey(28, 28))?;
    let observation = Observation::of_image(measurement, &image, 0)?;
    let mut pictures = vec![by_solver(case, &image, &observation)?];
    for solver in TUTORIAL {
        pictures.push(trajectory(case, &observation, solver)?);
    }
    Ok(pictures)
}

/// A real image if there are any, else one of the field's own.
fn original(case: &Case) -> Result<Vec<f64>, StudyError> {
    let image = match case.reference.draw(1, 0) {
        Some(image) => image,
        None => {
            let settings = case.settings(Settings::new("heun", Budget::Steps(TUTORIAL_STEPS)));
            rows_of(&case.generate::<f32>(1, 1, &settings)?.samples)
        }
    };
    Ok(image.iter().map(|pixel| pixel.clamp(0.0, 1.0)).collect())
}

/// Nothing is known but the measurement: no labels.
fn solved(
    case: &Case,
    observation: &Observation,
    (technique, solver): (Technique, &str),
    (lanes, saved): (usize, Saved),
) -> Result<Reconstructed<f32>, StudyError> {
    let settings = case.settings(Settings::new(solver, Budget::Steps(TUTORIAL_STEPS)));
    let settings = Settings { saved, condition: Condition::default(), ..settings };
    let initial = Initial::Noise { lanes, seed: 0 };
    Ok(reconstruct(&case.path, &case.field, observation, technique, initial, &settings)?)
}

fn by_solver(
    case: &Case,
    image: &[f64],
    observation: &Observation,
) -> Result<ImagePicture, StudyError> {
    let mut rows = Vec::new();
    let guided = TUTORIAL.map(|solver| (DPS, solver));
    let others = [
        (Technique::PseudoInverse { data_std: None, least_signal: None }, "ddim"),
        (Technique::Replacement { data_std: None }, "ddim"),
    ];
    for (technique, solver) in guided.into_iter().chain(others) {
        let done = solved(case, observation, (technique, solver), (PER_ROW, Saved::Last))?;
        let misfit = done.mean_misfit();
        let name = format!("{}, {solver}: {misfit:.4}", technique.name());
        rows.push((name, done.generated.samples));
    }
    let title = format!("Reconstructed: {}", case.process);
    Ok(ImagePicture {
        name: format!("reconstructions-{}", slug(&case.process, case.field_name)),
        grid: reconstruction_grid(title.clone(), image, observation, &rows)?,
        caption: format!(
            "{title}, {} field, from {MEASUREMENT}; {TUTORIAL_STEPS} steps each. In red what was measured; beside each solver the \
             mean squared misfit of the measured pixels, to be held against their variance, 0.01.",
            case.field_name
        ),
        trajectories: false,
    })
}

fn trajectory(
    case: &Case,
    observation: &Observation,
    solver: &str,
) -> Result<ImagePicture, StudyError> {
    let kept = (FOLLOWED, Saved::Frames(FRAMES));
    let generated = solved(case, observation, (DPS, solver), kept)?.generated;
    let title = format!("From noise to a measured digit: dps, {solver}, {TUTORIAL_STEPS} steps");
    let (times, states) = (&generated.times, &generated.trajectory);
    Ok(ImagePicture {
        name: format!("reconstruction-{solver}-{}", slug(&case.process, case.field_name)),
        grid: reconstruction_trajectory(title.clone(), times, states, observation)?,
        caption: format!("{title}, {}.", case.label()),
        trajectories: true,
    })
}
