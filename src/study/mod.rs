//! The solver study: solvers x budgets x seeds over processes and models, and
//! how far each ends from the true solution and from the data.
//!
//! - **solver error**: root of the mean over lanes of the squared distance to
//!   the true ODE solution from the same noise (DOP853 at tight tolerance);
//! - **metrics**: whatever a [`Case`] lists; by default the Chamfer distance, unbiased MMD^2 and
//!   sliced Wasserstein distance to a fresh draw of the data;
//! - **model floor**: the metrics of the true ODE solution under the same
//!   model: what no solver can improve;
//! - **sampling floor**: the metrics of a second draw of the data.
//!
//! Everything in a study is an object with a label: a solver, a process, a model or a metric of
//! your own stands in the tables beside ours (`examples/own_study.rs`).

mod answers;
mod ask;
mod beside_truth;
mod by_number;
mod cases;
mod comparable;
mod compare;
mod error_along;
mod file;
mod files;
mod folder;
mod followed;
mod image_pictures;
mod lane_pictures;
#[cfg(test)]
mod made_up;
mod names;
mod origin;
mod output;
mod page;
mod paired;
mod parallel;
mod pictures;
mod reading;
mod reconstruction_pictures;
mod record;
mod repeat;
mod rows;
mod runs;
mod session;
mod slopes;
mod solve;
mod standard_metrics;
mod table;

pub use answers::{Answer, Question, answers, answers_text};
pub use ask::Asked;
pub use beside_truth::errors_along;
pub use by_number::FloorsAt;
pub(crate) use cases::is_image;
pub use cases::{Case, RealDigits};
pub use compare::{CompareError, Compared, Comparison, Pair, Sides};
pub use error_along::{ErrorAlong, ErrorsAlong};
pub use file::{Drawing, Group, StudyFile};
pub use origin::Origin;
pub use output::{STUDY_FILES, StudyError, unfinished, write, write_so_far};
pub use paired::Difference;
pub use reading::{StudyFileError, StudyKeyError};
pub use record::Progress;
pub use repeat::differences;
pub use rows::{CaseResult, Floor, Measured, Row, StudyResult, Summary};
pub use runs::Run;
pub use session::Session;
pub use slopes::Slope;
pub use standard_metrics::{MMD_BANDWIDTH, digit_metrics, label_metric, point_metrics};
pub use table::{TableError, TableFormat, TableOptions, legend, terminal_table};

use std::collections::BTreeSet;
use std::sync::Mutex;

use driftfield_problems::memory;

use crate::generate::{GenerateError, check_request, check_settings};
use crate::metrics::DIRECTIONS;
use crate::plot::PictureStyle;
use parallel::in_parallel;
use record::{Record, locked};

/// What is studied.
#[derive(Debug)]
pub struct Study {
    /// Processes with their models.
    pub cases: Vec<Case>,
    /// Runs of each case, in the same order.
    pub runs: Vec<Vec<Run>>,
    /// Lanes of every run.
    pub lanes: usize,
    /// Seeds, each with its own noise and its own draw of the data.
    pub seeds: Vec<u64>,
    /// Cases and seeds worked on at a time, which share the threads. With one, a solve has all
    /// of them, and its wall time, a column of the table, is its own.
    pub jobs: usize,
    /// How often every solve is made, for its time alone.
    pub timings: usize,
    /// What the report is called.
    pub title: String,
    /// What the table of the report shows.
    pub table: TableOptions,
    /// What is drawn.
    pub draw: Vec<Drawing>,
    /// Width, letters and titles of the pictures, if not as is usual.
    pub picture_style: PictureStyle,
}

/// One seed, one job and the usual pictures; cases, runs and lanes are yours.
impl Default for Study {
    fn default() -> Self {
        Study {
            cases: Vec::new(),
            runs: Vec::new(),
            lanes: 0,
            seeds: vec![0],
            jobs: 1,
            timings: 1,
            title: "The solver study".to_owned(),
            table: TableOptions::default(),
            draw: Drawing::USUAL.to_vec(),
            picture_style: PictureStyle::default(),
        }
    }
}

impl Study {
    /// Number of solves, the true solutions included.
    pub fn solves(&self) -> usize {
        self.seeds.len() * self.runs.iter().map(|runs| runs.len() + 1).sum::<usize>()
    }

    /// Refuses a run that a case cannot have, and labels that are not told apart, before any run is
    /// made, as [`Study::run`] does first.
    pub fn check(&self) -> Result<(), StudyError> {
        let mut labels = BTreeSet::new();
        let mut seeds = BTreeSet::new();
        if let Some(&seed) = self.seeds.iter().find(|seed| !seeds.insert(**seed)) {
            return Err(StudyError::SameSeed { seed });
        }
        for (case, runs) in self.cases.iter().zip(&self.runs) {
            let is_twice = |at: &usize| runs[..*at].iter().any(|other| runs[*at].is_same(other));
            if let Some(at) = (0..runs.len()).find(is_twice) {
                let run = runs[at].solver.label().to_owned();
                return Err(StudyError::SameRun { case: case.label(), run });
            }
            if !labels.insert(case.slug()) {
                return Err(StudyError::SameCase { case: case.label() });
            }
            case.check_metrics()?;
            check_request::<f32>(&*case.model, &case.condition, self.lanes)?;
            self.check_memory(case.model.dimension())?;
            for settings in runs.iter().map(|run| run.settings(0)).chain([case.true_settings(None)])
            {
                check_settings(&case.path, &case.settings(settings), false)?;
            }
        }
        Ok(())
    }

    /// Runs everything, case by case and run by run with all seeds; `progress` is called after every
    /// solve and every row. A run that a case cannot have is refused before any is made.
    ///
    /// Once a case is [stopped](Case::stop), the result holds what was finished of it.
    pub fn run(
        &self,
        progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<StudyResult, StudyError> {
        self.resume(None, progress)
    }

    /// The same, taking rows that an earlier study finished from there.
    ///
    /// They are of the same lanes and seeds, and of cases and runs of the same names, guidance and
    /// metrics. Models and data behind the names are not compared; see [`Origin::is_same_study`].
    pub fn resume(
        &self,
        earlier: Option<&StudyResult>,
        progress: impl FnMut(Progress<'_>) + Send,
    ) -> Result<StudyResult, StudyError> {
        self.check()?;
        let record = Record::new(self, earlier);
        let progress = Mutex::new(progress);
        let report = |what: Progress<'_>| {
            // Whoever panicked while reporting, the bar is still worth showing.
            let mut progress = locked(&progress);
            (*progress)(what);
        };
        let missing = record.missing();
        in_parallel(self.jobs, missing.len(), |piece| record.solve(missing[piece], &report))?;
        Ok(record.result())
    }

    /// The numbers of lanes below its own at which floors are measured.
    fn parts(&self) -> Vec<usize> {
        match self.draw.contains(&Drawing::Floors) {
            true => by_number::parts_of(self.lanes),
            false => Vec::new(),
        }
    }

    /// Refuses lanes whose samples, data and sorted projections of it do not fit.
    fn check_memory(&self, dimension: usize) -> Result<(), GenerateError> {
        let numbers = 8 * dimension + 2 * DIRECTIONS;
        let each =
            (numbers * size_of::<f64>() * self.jobs.clamp(1, self.seeds.len().max(1))) as u128;
        Ok(memory::check("lanes", self.lanes as u64, self.lanes as u128 * each)?)
    }
}
