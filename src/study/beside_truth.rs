//! The pictures for which solves are made once more beside the true solution.

use super::comparable::Comparable;
use super::error_along::ErrorsAlong;
use super::followed::{Followed, follow, lanes_of};
use super::image_pictures::ImagePicture;
use super::lane_pictures::{self, LanePicture, SOLVERS};
use super::page::Part;
use super::solve::unless_stopped;
use super::{Case, CaseResult, Drawing, Row, Run, Study, StudyError, StudyResult, error_along};
use crate::plot::{ErrorCurves, ScatterGrid};

/// Pictures, each with its name and its caption, and why there is none of a case.
#[derive(Default)]
pub(super) struct BesideTruth {
    pub(super) planes: Vec<(String, ScatterGrid, String)>,
    pub(super) images: Vec<ImagePicture>,
    pub(super) along: Vec<(String, ErrorCurves, String)>,
    /// The numbers of `along`.
    pub(super) errors: Vec<ErrorsAlong>,
    pub(super) notes: Vec<(Part, String)>,
}

/// The kinds of pictures, and where they belong.
const KINDS: [(Drawing, Part); 2] =
    [(Drawing::Lanes, Part::Lanes), (Drawing::ErrorAlong, Part::ErrorAlong)];

/// The numbers of the pictures of errors along the solve that a study asks for, without the pictures.
pub fn errors_along(study: &Study, result: &StudyResult) -> Result<Vec<ErrorsAlong>, StudyError> {
    Ok(draw(study, result)?.errors)
}

/// Those of the study's first seed that are asked for, of cases that were not stopped.
pub(super) fn draw(study: &Study, result: &StudyResult) -> Result<BesideTruth, StudyError> {
    let mut drawn = BesideTruth::default();
    let cases = study.cases.iter().zip(&study.runs).filter(|(case, _)| !case.is_stopped());
    for (case, runs) in cases.filter(|_| KINDS.iter().any(|kind| study.draw.contains(&kind.0))) {
        if let Some(found) = result.cases.iter().find(|found| found.is_of(case)) {
            unless_stopped(drawn.case(study, (case, runs), found))?;
        }
    }
    Ok(drawn)
}

impl BesideTruth {
    fn case(
        &mut self,
        study: &Study,
        (case, runs): (&Case, &[Run]),
        result: &CaseResult,
    ) -> Result<(), StudyError> {
        let seed = study.seeds.first().copied().unwrap_or(0);
        let label = case.label();
        let Some(compared) = result.comparable() else {
            self.note(study, &KINDS, &format!("{label}: no solver has an error to be followed."));
            return Ok(());
        };
        let [lanes, along] = KINDS.map(|(drawing, _)| study.draw.contains(&drawing));
        let nearest = compared.nearest(SOLVERS);
        let rows = if along { &compared } else { &nearest };
        let at = (lanes_of(case, study.lanes), seed);
        match follow(case, result, &with_runs(rows, runs), at)? {
            Err(reason) => self.note(study, &KINDS, &reason),
            Ok(followed) => {
                if lanes {
                    self.lanes((study, seed), (case, result), &nearest, &followed)?;
                }
                if along {
                    let picture = error_along::draw(case, result, &compared, &followed, seed);
                    self.along.push(picture);
                    self.errors.push(ErrorsAlong::of(case, &followed, seed));
                }
            }
        }
        Ok(())
    }

    fn lanes(
        &mut self,
        (study, seed): (&Study, u64),
        (case, result): (&Case, &CaseResult),
        nearest: &Comparable<'_>,
        followed: &[Followed<'_>],
    ) -> Result<(), StudyError> {
        let is_near = |solve: &&Followed<'_>| nearest.rows.contains(&solve.row);
        let near: Vec<&Followed<'_>> = followed.iter().filter(is_near).collect();
        match lane_pictures::draw(case, result, nearest, &near, seed)? {
            Some(LanePicture::Plane(name, grid, caption)) => {
                self.planes.push((name, grid, caption))
            }
            Some(LanePicture::Images(picture)) => self.images.push(picture),
            None => {
                let why = "lanes are drawn that are points in the plane or images";
                self.note(study, &KINDS[..1], &format!("{}: {why}.", case.label()));
            }
        }
        Ok(())
    }

    /// Says under each of these kinds that is asked for why there is none.
    fn note(&mut self, study: &Study, kinds: &[(Drawing, Part)], text: &str) {
        let asked = kinds.iter().filter(|kind| study.draw.contains(&kind.0));
        self.notes.extend(asked.map(|kind| (kind.1, text.to_owned())));
    }
}

/// Each row with the run that it is of.
fn with_runs<'r, 's>(compared: &Comparable<'r>, runs: &'s [Run]) -> Vec<(&'r Row, &'s Run)> {
    let run = |&row: &&'r Row| Some((row, runs.iter().find(|run| row.is_of(run))?));
    compared.rows.iter().filter_map(run).collect()
}
