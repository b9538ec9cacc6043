//! Writing a study: CSV, JSON, pictures and one HTML report.

use std::io;
use std::path::{Path, PathBuf};

use driftfield_networks::ClassifierError;
use driftfield_networks::weights::WeightsError;
use driftfield_problems::atomic_file::{self, WriteError};
use driftfield_problems::data::{DataError, MnistError};
use driftfield_problems::echo::echo;
use driftfield_problems::exact::MixtureError;
use driftfield_problems::inverse::MeasurementError;
use driftfield_problems::spec::SpecError;
use serde_json::json;

use super::folder::{Earlier, Pictures};
use super::image_pictures::ImagePicture;
use super::page::{self, Drawn, Part};
use super::{
    Case, Drawing, ErrorsAlong, Origin, Study, StudyResult, beside_truth, image_pictures, pictures,
};
use crate::generate::GenerateError;
use crate::images::ImageError;
use crate::metrics::MetricError;
use crate::plot::{PictureStyle, Plot, PlotError};
use crate::reconstruct::ReconstructError;
use crate::report::{Figure, ReportError};

/// Why a study could not be run or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A study file is refused.
    #[error("the study cannot be read: {problem}")]
    File {
        /// What is wrong with it.
        problem: String,
    },
    /// A file of a study that cannot be read.
    #[error("{path}: {problem}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Other data than the cat for the fields of the cat.
    #[error(
        "the standard fields are those of the cat and compared with it; leave out --data, or give --field"
    )]
    DataOfStandard,
    /// A run was refused.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// A name is not known.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The data set is not known or not readable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Images can be compared with digits only.
    #[error(
        "a study of images compares with digits only, `{}` is none; give --data mnist:DIR",
        echo(data)
    )]
    NoDigits {
        /// The data asked for.
        data: String,
    },
    /// Data that the field does not generate.
    #[error("the data has {found} component(s) a point, the field's lanes have {expected}")]
    DataDimension {
        /// Components of a lane.
        expected: usize,
        /// Components of a point.
        found: usize,
    },
    /// The exact field could not be made.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
    /// A directory of digits is refused.
    #[error(transparent)]
    Digits(#[from] MnistError),
    /// Two metrics of one name.
    #[error("two metrics are called `{}`; leave out one, or give one another name", echo(name))]
    SameMetric {
        /// The name.
        name: String,
    },
    /// Two cases that nothing tells apart.
    #[error("two cases are called `{}`; leave out one, or give one another label", echo(case))]
    SameCase {
        /// Process and label of the model.
        case: String,
    },
    /// Two runs of a case that nothing tells apart.
    #[error(
        "two runs of {case} are called `{}` and have one budget; give the solvers names of their own",
        echo(run)
    )]
    SameRun {
        /// Process and label of the model.
        case: String,
        /// Label of the solver.
        run: String,
    },
    /// A seed that is there twice: it would count as two that agree.
    #[error("seed {seed} is there twice; every seed counts once")]
    SameSeed {
        /// The seed.
        seed: u64,
    },
    /// A number could not be measured.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// Digits to compare with for a field of something else.
    #[error(
        "{case}: the lanes are no images of 28 x 28 pixels, which digits could be compared with; leave out --data"
    )]
    NoImages {
        /// Process and field.
        case: String,
    },
    /// The shipped classifier cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Images could not be classified.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// Nothing could be reconstructed.
    #[error(transparent)]
    Reconstruct(Box<ReconstructError>),
    /// Images could not be drawn.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Threads could not be had.
    #[error("the threads of a job could not be started ({0}); take fewer `--jobs`")]
    Threads(String),
    /// A picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl StudyError {
    /// Whether a solve was stopped from outside.
    pub(super) fn is_stop(&self) -> bool {
        match self {
            StudyError::Generate(error) => matches!(error, GenerateError::Stopped),
            StudyError::Reconstruct(error) => {
                matches!(**error, ReconstructError::Generate(GenerateError::Stopped))
            }
            _ => false,
        }
    }
}

impl From<ReconstructError> for StudyError {
    fn from(error: ReconstructError) -> Self {
        StudyError::Reconstruct(Box::new(error))
    }
}

impl From<MeasurementError> for StudyError {
    fn from(error: MeasurementError) -> Self {
        ReconstructError::from(error).into()
    }
}

/// The files of a study beside its pictures.
pub const STUDY_FILES: [&str; 3] = ["study.csv", "study.json", "report.html"];

/// Writes `study.csv`, `study.json`, the pictures and `report.html` into
/// `directory`, which is created if need be.
///
/// `study.json` lists the pictures with a checksum of each. Those listed by an earlier study in the
/// same directory that this one does not make are removed at the end, if they are still what was
/// written then. A study that was stopped is written to `stopped` in a directory that holds a
/// finished one, which stays as it is. Returns where it was written.
pub fn write(study: &Study, result: &StudyResult, directory: &Path) -> Result<PathBuf, StudyError> {
    let directory = &*place(result, directory);
    std::fs::create_dir_all(directory).map_err(WriteError::at(directory))?;
    let csv = result.to_csv().map_err(io::Error::from).map_err(WriteError::at(directory))?;
    let earlier = Earlier::in_folder(directory).unwrap_or_default().pictures;
    atomic_file::remove_abandoned(directory);
    atomic_file::write(directory.join("study.csv"), &csv)?;
    // Before any picture, which may take long: the numbers are what cost most.
    write_json(result, &earlier, directory)?;
    let mut pictures = Pictures::default();
    let errors_along = match write_pictures(study, result, directory, &mut pictures) {
        Ok(errors_along) => errors_along,
        Err(error) => {
            // So that the next study knows whose they are; the first error is the one to be told.
            let _ = write_json(result, &pictures.or(&earlier), directory);
            return Err(error);
        }
    };
    let result = &StudyResult { errors_along, ..result.clone() };
    if result.complete && study.cases.iter().any(Case::is_stopped) {
        // Stopped among the pictures: the same command makes the rest, and till then those of an
        // earlier study stay.
        let begun = StudyResult { complete: false, ..result.clone() };
        write_json(&begun, &pictures.or(&earlier), directory)?;
        return Ok(directory.to_path_buf());
    }
    earlier.remove_all_but(&pictures, directory);
    write_json(result, &pictures, directory)?;
    remove_unfinished(result, directory);
    Ok(directory.to_path_buf())
}

/// Writes what is finished of a study that is still being made to the `study.json` of `directory`,
/// or, if there is a finished study in it, to that of its folder `stopped`.
pub fn write_so_far(result: &StudyResult, directory: &Path) -> Result<(), StudyError> {
    let directory = place(result, directory);
    std::fs::create_dir_all(&directory).map_err(WriteError::at(&directory))?;
    let earlier = Earlier::in_folder(&directory).unwrap_or_default().pictures;
    write_json(result, &earlier, &directory)
}

/// The rows of the same study that was begun in `directory` and not finished.
pub fn unfinished(directory: &Path, origin: &Origin) -> Option<StudyResult> {
    let same = |directory: PathBuf| {
        let found = StudyResult::read(directory.join("study.json")).ok()?;
        let is_same = found.origin.as_ref().is_some_and(|found| found.is_same_study(origin));
        (!found.complete && is_same).then_some(found)
    };
    same(directory.to_path_buf()).or_else(|| same(directory.join(STOPPED)))
}

/// Where a study is written: one that is not finished beside one that is.
fn place(result: &StudyResult, directory: &Path) -> PathBuf {
    let keeps = !result.complete && Earlier::in_folder(directory).is_some_and(|e| e.complete);
    if keeps { directory.join(STOPPED) } else { directory.to_path_buf() }
}

/// Removes what a finished study left in the folder of stopped ones while it was made.
fn remove_unfinished(result: &StudyResult, directory: &Path) {
    let folder = directory.join(STOPPED);
    let Some(origin) = result.origin.as_ref().filter(|_| result.complete) else { return };
    let begun = StudyResult::read(folder.join("study.json")).ok();
    let begun = begun.filter(|begun| !begun.complete).and_then(|begun| begun.origin);
    if begun.is_some_and(|begun| begun.is_same_study(origin)) {
        // Pictures and tables of an earlier stop stay, and with them the folder.
        let _ = std::fs::remove_file(folder.join("study.json"));
        let _ = std::fs::remove_dir(folder);
    }
}

/// Where the rows of a study go that was stopped, within the folder of one that was not.
const STOPPED: &str = "stopped";

fn write_json(
    result: &StudyResult,
    pictures: &Pictures,
    directory: &Path,
) -> Result<(), StudyError> {
    let mut json = result.to_json();
    json["pictures"] = json!(pictures);
    Ok(atomic_file::write(directory.join("study.json"), format!("{json:#}\n").as_bytes())?)
}

/// Where pictures go: into the folder of a study, and onto its page.
struct Gallery<'w> {
    written: &'w mut Pictures,
    directory: &'w Path,
    style: &'w PictureStyle,
    page: Drawn,
}

impl Gallery<'_> {
    /// A picture of points or pixels, with its name and its caption.
    fn points(
        &mut self,
        part: Part,
        (name, picture, caption): (String, impl Plot, String),
    ) -> Result<(), StudyError> {
        let png = self.written.render((&picture, self.style), self.directory, &name)?.png;
        self.page.add(part, name, |caption| Figure::drawn_png(png, caption), caption);
        Ok(())
    }

    /// A picture of curves, if there are any: a case may have no solver error to draw, being all
    /// stochastic.
    fn curves(
        &mut self,
        part: Part,
        (name, picture, caption): (String, impl Plot, String),
    ) -> Result<(), StudyError> {
        match self.written.render((&picture, self.style), self.directory, &name) {
            Ok(drawn) => {
                self.page.add(part, name, |text| Figure::drawn_svg(drawn.svg, text), caption);
                Ok(())
            }
            Err(StudyError::Plot(PlotError::Empty { .. })) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

/// Returns the numbers of pictures that are in no row.
fn write_pictures(
    study: &Study,
    result: &StudyResult,
    directory: &Path,
    written: &mut Pictures,
) -> Result<Vec<ErrorsAlong>, StudyError> {
    let pictures = pictures::draw(study, result)?;
    let style = &study.picture_style;
    let mut gallery = Gallery { written, directory, style, page: Drawn::default() };
    for ImagePicture { name, grid, caption, trajectories } in image_pictures::draw(study)? {
        let part = if trajectories { Part::Trajectories } else { Part::Samples };
        gallery.points(part, (name, grid, caption))?;
    }
    for picture in pictures.samples {
        gallery.points(Part::Samples, picture)?;
    }
    for picture in pictures.trajectories {
        gallery.points(Part::Trajectories, picture)?;
    }
    for picture in pictures.overviews {
        gallery.curves(Part::Overviews, picture)?;
    }
    for picture in pictures.curves {
        gallery.curves(Part::Curves, picture)?;
    }
    let beside = beside_truth::draw(study, result)?;
    for ImagePicture { name, grid, caption, .. } in beside.images {
        gallery.points(Part::Lanes, (name, grid, caption))?;
    }
    for picture in beside.planes {
        gallery.points(Part::Lanes, picture)?;
    }
    for picture in beside.along {
        gallery.curves(Part::ErrorAlong, picture)?;
    }
    let asked = study.draw.contains(&Drawing::Floors);
    for case in result.cases.iter().filter(|_| asked) {
        let floors = case.floor_pictures(result.lanes);
        if let Some(why) = case.why_no_floors(&floors) {
            gallery.page.note(Part::Floors, why);
        }
        for picture in floors {
            gallery.curves(Part::Floors, picture)?;
        }
    }
    for (part, text) in beside.notes {
        gallery.page.note(part, text);
    }
    page::of(study, result, gallery.page)?.write(directory.join("report.html"))?;
    Ok(beside.errors)
}
