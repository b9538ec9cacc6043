//! The pictures for which solves are made once more beside the true solution.

use super::comparable::Comparable;
use super::followed::{follow, lanes_of};
use super::image_pictures::ImagePicture;
use super::lane_pictures::{self, LanePicture};
use super::page::Part;
use super::solve::unless_stopped;
use super::{Case, CaseResult, Drawing, Row, Run, Study, StudyError, StudyResult};
use crate::plot::ScatterGrid;

/// Pictures, each with its name and its caption, and why there is none of a case.
#[derive(Default)]
pub(super) struct BesideTruth {
    pub(super) planes: Vec<(String, ScatterGrid, String)>,
    pub(super) images: Vec<ImagePicture>,
    pub(super) notes: Vec<(Part, String)>,
}

/// Those of the study's first seed that are asked for, of cases that were not stopped.
pub(super) fn draw(study: &Study, result: &StudyResult) -> Result<BesideTruth, StudyError> {
    let mut drawn = BesideTruth::default();
    if study.draw.contains(&Drawing::Lanes) {
        for (case, runs) in study.cases.iter().zip(&study.runs).filter(|(c, _)| !c.is_stopped()) {
            let own =
                |found: &&CaseResult| found.process == case.process && found.field == case.label;
            if let Some(found) = result.cases.iter().find(own) {
                unless_stopped(drawn.case(study, (case, runs), found))?;
            }
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
        let Some(&seed) = study.seeds.first() else { return Ok(()) };
        let lanes = lanes_of(case, study.lanes);
        let Some(compared) = result.comparable() else {
            self.note(format!("{}: no solver has an error to be followed.", case.label()));
            return Ok(());
        };
        let compared = compared.nearest(lane_pictures::SOLVERS);
        let followed = match follow(case, result, &with_runs(&compared, runs), (lanes, seed))? {
            Ok(followed) => followed,
            Err(reason) => {
                self.note(reason);
                return Ok(());
            }
        };
        match lane_pictures::draw(case, result, &compared, &followed, seed)? {
            Some(LanePicture::Plane(name, grid, caption)) => {
                self.planes.push((name, grid, caption))
            }
            Some(LanePicture::Images(picture)) => self.images.push(picture),
            None => self.note(format!(
                "{}: lanes are drawn that are points in the plane or images.",
                case.label()
            )),
        }
        Ok(())
    }

    fn note(&mut self, text: String) {
        self.notes.push((Part::Lanes, text));
    }
}

/// Each row with the run that it is of.
fn with_runs<'r, 's>(compared: &Comparable<'r>, runs: &'s [Run]) -> Vec<(&'r Row, &'s Run)> {
    let run = |&row: &&'r Row| Some((row, runs.iter().find(|run| row.is_of(run))?));
    compared.rows.iter().filter_map(run).collect()
}
