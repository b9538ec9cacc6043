//! The solver study: solvers x budgets x seeds over processes and fields, and
//! how far each ends from the true solution and from the data.
//!
//! - **solver error**: root of the mean over lanes of the squared distance to
//!   the true ODE solution from the same noise (DOP853 at tight tolerance);
//! - **total error**: Chamfer distance, unbiased MMD^2 and sliced Wasserstein
//!   distance to a fresh draw of the data;
//! - **model floor**: the total error of the true ODE solution under the same
//!   field: what no solver can improve;
//! - **sampling floor**: the total error of a second draw of the data.

mod cases;
mod folder;
mod image_pictures;
mod judge;
mod output;
mod parallel;
mod pictures;
mod reconstruction_pictures;
mod rows;
mod runs;
mod table;

pub use cases::{Case, Reference, STUDY_PROCESSES, standard_cases};
pub use judge::Judge;
pub use output::{STUDY_FILES, StudyError, write};
pub use rows::{CaseResult, Floors, ImageFloors, Row, StudyResult, Summary};
pub use runs::{Effort, Run, image_runs, standard_runs};
pub use table::{legend, terminal_table};

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use driftfield_problems::memory;
use driftfield_problems::method::{Precision, Solver};
use driftfield_solvers::Scalar;
use driftfield_solvers::method::Dop853;
use ndarray::{Array2, ArrayD};

use crate::generate::{
    Budget, GenerateError, Generated, Initial, Settings, check_request, check_settings, generate,
};
use crate::metrics::{DIRECTIONS, MetricError, PreparedSample, Sample};
use judge::Score;
use parallel::in_parallel;

/// Bandwidth of the MMD in the study's tables.
pub const MMD_BANDWIDTH: f64 = 0.5;

/// What is studied.
#[derive(Debug)]
pub struct Study {
    /// Processes with their fields.
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
}

/// Distances of one set of samples to the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TotalError {
    pub(crate) chamfer: f64,
    pub(crate) mmd2: f64,
    pub(crate) sliced_wasserstein: f64,
}

impl TotalError {
    /// To the data, if there is any.
    fn to(
        data: &Option<PreparedSample>,
        samples: &Array2<f64>,
    ) -> Result<Option<Self>, MetricError> {
        data.as_ref().map(|data| Self::between(samples, data)).transpose()
    }

    fn between(samples: &Array2<f64>, data: &PreparedSample) -> Result<Self, MetricError> {
        let samples = PreparedSample::new(&samples.view(), Sample::P)?;
        Ok(TotalError {
            chamfer: samples.nearest_distances(data)?.distance(),
            mmd2: samples.mmd(data, &[MMD_BANDWIDTH])?[0].unbiased.unwrap_or(f64::NAN),
            sliced_wasserstein: samples.sliced_wasserstein(data)?,
        })
    }
}

/// One run with one seed.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) nfe: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) seconds: f64,
    pub(crate) solver_error: Option<f64>,
    pub(crate) total: Option<TotalError>,
    pub(crate) score: Option<Score>,
    pub(crate) outcome: &'static str,
    /// Steps of a fixed grid.
    pub(crate) steps: Option<usize>,
    /// Where the integration started.
    pub(crate) start: f64,
}

impl Study {
    /// Number of solves, the true solutions included.
    pub fn solves(&self) -> usize {
        self.seeds.len() * self.runs.iter().map(|runs| runs.len() + 1).sum::<usize>()
    }

    /// Refuses a run that a case cannot have, before any is made.
    pub fn check(&self) -> Result<(), StudyError> {
        for (case, runs) in self.cases.iter().zip(&self.runs) {
            check_request::<f32>(&case.field, &case.condition, self.lanes)?;
            self.check_memory(case.field.dimension())?;
            let asked = runs.iter().map(|run| run.settings(0));
            for settings in asked.chain([Ok(case.true_settings(None))]) {
                check_settings(&case.path, &case.settings(settings?), false)?;
            }
        }
        Ok(())
    }

    /// Runs everything; `progress` is called after every solve.
    ///
    /// Once a case is [stopped](Case::stop), the result holds what was finished of it.
    pub fn run(&self, progress: impl FnMut(&str) + Send) -> Result<StudyResult, StudyError> {
        self.check()?;
        let progress = Mutex::new(progress);
        let report = |label: &str| {
            // Whoever panicked while reporting, the bar is still worth showing.
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            (*progress)(label);
        };
        let seeds = self.seeds.len();
        let solved = in_parallel(self.jobs, self.cases.len() * seeds, |unit| {
            let (case, seed) = (unit / seeds, self.seeds[unit % seeds]);
            self.run_seed(&self.cases[case], &self.runs[case], seed, &report)
        })?;
        let mut solved = solved.into_iter();
        let mut result =
            StudyResult { cases: Vec::new(), lanes: self.lanes, seeds, complete: true };
        for (case, runs) in self.cases.iter().zip(&self.runs) {
            let solved: Vec<SeedResult> = solved.by_ref().take(seeds).flatten().collect();
            result.complete &=
                solved.len() == seeds && solved.iter().all(|seed| seed.trials.len() == runs.len());
            if solved.iter().any(|seed| !seed.trials.is_empty()) {
                result.cases.push(CaseResult::of(case, runs, &solved));
            }
        }
        Ok(result)
    }

    /// Refuses lanes whose samples, data and sorted projections of it do not fit.
    fn check_memory(&self, dimension: usize) -> Result<(), GenerateError> {
        let numbers = 8 * dimension + 2 * DIRECTIONS;
        let each =
            (numbers * size_of::<f64>() * self.jobs.clamp(1, self.seeds.len().max(1))) as u128;
        Ok(memory::check("lanes", self.lanes as u64, self.lanes as u128 * each)?)
    }

    /// Nothing of a seed whose true solution was not reached before the case was stopped.
    fn run_seed(
        &self,
        case: &Case,
        runs: &[Run],
        seed: u64,
        progress: &impl Fn(&str),
    ) -> Result<Option<SeedResult>, StudyError> {
        if case.is_stopped() {
            return Ok(None);
        }
        let data = case.reference.draw(self.lanes, 2 * seed + 1_000_001);
        let prepare = |data: &Array2<f64>| PreparedSample::new(&data.view(), Sample::Q);
        let data = data.as_ref().map(prepare).transpose()?.map(PreparedSample::kept);
        let other = case.reference.draw(self.lanes, 2 * seed + 1_000_002);
        let sampling = other.map(|other| TotalError::to(&data, &other)).transpose()?.flatten();
        let truth = case.truth(self.lanes, seed, None);
        let Some(truth) = unless_stopped(truth)? else { return Ok(None) };
        let model = TotalError::to(&data, &truth.samples)?;
        let model_score = case.score(&truth.samples)?;
        let truth_nfe = truth.nfe;
        let mut truths = vec![truth];
        progress(&case.label());
        let mut trials = Vec::new();
        for run in runs {
            let trial = self.trial(case, run, seed, data.as_ref(), &mut truths);
            let Some(trial) = unless_stopped(trial)? else { break };
            trials.push(trial);
            progress(&case.label());
        }
        Ok(Some(SeedResult { trials, model, model_score, sampling, truth_nfe }))
    }

    fn trial(
        &self,
        case: &Case,
        run: &Run,
        seed: u64,
        data: Option<&PreparedSample>,
        truths: &mut Vec<Truth>,
    ) -> Result<Trial, StudyError> {
        let settings = case.settings(run.settings(seed)?);
        // An exact field is worth double precision; a network has single.
        let (mut trial, samples) = if case.field.is_exact() {
            summarise(case, &case.generate::<f64>(self.lanes, seed, &settings)?, data)
        } else {
            summarise(case, &case.generate::<f32>(self.lanes, seed, &settings)?, data)
        }?;
        if trial.outcome == "success" && !run.stochastic() {
            // A method that needs a finite log-SNR may start later, and is then compared with
            // the true solution from there.
            let start = trial.start;
            let known = truths.iter().position(|truth| truth.start == start);
            let known = match known {
                Some(known) => known,
                None => {
                    truths.push(case.truth(self.lanes, seed, Some(start))?);
                    truths.len() - 1
                }
            };
            trial.solver_error = Some(solver_error(&samples, &truths[known].samples));
        }
        Ok(trial)
    }
}

/// What was made, or nothing if its solve was stopped from outside.
fn unless_stopped<T>(made: Result<T, StudyError>) -> Result<Option<T>, StudyError> {
    match made {
        Err(error) if error.is_stop() => Ok(None),
        made => made.map(Some),
    }
}

/// What one seed gave a case.
struct SeedResult {
    /// In the order of the runs, of which the last may be missing.
    trials: Vec<Trial>,
    /// Of the true solution, and of a second draw of the data.
    model: Option<TotalError>,
    sampling: Option<TotalError>,
    /// Of the true solution's images.
    model_score: Option<Score>,
    truth_nfe: u64,
}

impl CaseResult {
    fn of(case: &Case, runs: &[Run], seeds: &[SeedResult]) -> Self {
        let row = |(index, run): (usize, &Run)| {
            let trials = seeds.iter().filter_map(|seed| seed.trials.get(index).cloned());
            let trials: Vec<Trial> = trials.collect();
            (!trials.is_empty()).then(|| Row::new(case, run, &trials))
        };
        let all = |error: fn(&SeedResult) -> Option<TotalError>| {
            seeds.iter().filter_map(error).collect::<Vec<_>>()
        };
        let scores: Vec<Score> = seeds.iter().filter_map(|seed| seed.model_score).collect();
        let real = case.judge.as_ref().map(Judge::floor);
        let truth_nfe: u64 = seeds.iter().map(|seed| seed.truth_nfe).sum();
        CaseResult {
            process: case.process.clone(),
            field: case.field_name,
            rows: runs.iter().enumerate().filter_map(row).collect(),
            floors: Floors::new(&all(|seed| seed.model), &all(|seed| seed.sampling)),
            image_floors: case.is_image().then(|| ImageFloors::new(&scores, real)),
            truth_nfe: truth_nfe as f64 / seeds.len().max(1) as f64,
        }
    }
}

/// The true solution of a case from one seed's noise.
struct Truth {
    start: f64,
    samples: Array2<f64>,
    nfe: u64,
}

impl Case {
    fn generate<T: Precision>(
        &self,
        lanes: usize,
        seed: u64,
        settings: &Settings,
    ) -> Result<Generated<T>, GenerateError> {
        let settings = &Settings { stop: self.stop.clone(), ..settings.clone() };
        generate(&self.path, &self.field, Initial::Noise { lanes, seed }, settings)
    }

    /// The settings of a run with what the case asks for.
    fn settings(&self, settings: Settings) -> Settings {
        let (t_start, t_end) = self.span;
        Settings {
            t_start: settings.t_start.or(t_start),
            t_end: settings.t_end.or(t_end),
            condition: self.condition.clone(),
            stop: self.stop.clone(),
            ..settings
        }
    }

    /// Whether no more solves are to be made of it.
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What the judge says of samples, if there is one.
    fn score(&self, samples: &Array2<f64>) -> Result<Option<Score>, StudyError> {
        let Some(judge) = &self.judge else { return Ok(None) };
        let lanes = samples.nrows();
        let labels = match self.condition.of_lanes(0, lanes).labels.as_slice() {
            [] => None,
            [label] => Some(vec![*label; lanes]),
            labels => Some(labels.to_vec()),
        };
        judge.score(samples, labels.as_deref()).map(Some)
    }

    /// DOP853 at 1e-10 on an exact field; at 1e-6 on a network of points, whose single
    /// precision gives tighter tolerances nothing to work on; at 1e-5 on one of images, whose
    /// solvers are compared at errors a hundred times as large.
    fn true_settings(&self, start: Option<f64>) -> Settings {
        let tolerance = match (self.field.is_exact(), self.is_image()) {
            (true, false) => 1e-10,
            (true, true) => 1e-8,
            (false, false) => 1e-6,
            (false, true) => 1e-5,
        };
        let budget = Budget::Adaptive { abstol: tolerance, reltol: tolerance, max_nfe: None };
        Settings { t_start: start, ..Settings::new(Solver::new("dop853", Dop853::new()), budget) }
    }

    fn truth(&self, lanes: usize, seed: u64, start: Option<f64>) -> Result<Truth, StudyError> {
        let settings = self.settings(self.true_settings(start));
        let solved = self.generate::<f64>(lanes, seed, &settings)?;
        if !solved.outcome.is_success() {
            return Err(StudyError::Truth { case: self.label(), outcome: solved.outcome });
        }
        Ok(Truth {
            start: solved.span.start,
            samples: rows_of(&solved.samples),
            nfe: solved.statistics.nfe,
        })
    }
}

fn rows_of<T: Scalar>(samples: &ArrayD<T>) -> Array2<f64> {
    let lanes = samples.shape()[0];
    let components = samples.len() / lanes.max(1);
    let mut rows = Array2::zeros((lanes, components));
    for (to, &from) in rows.iter_mut().zip(samples) {
        *to = from.into_f64();
    }
    rows
}

/// Root of the mean over lanes of the squared distance.
fn solver_error(samples: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    let squared: f64 = samples.iter().zip(truth).map(|(a, b)| (a - b).powi(2)).sum();
    (squared / samples.nrows() as f64).sqrt()
}

fn summarise<T: Scalar>(
    case: &Case,
    generated: &Generated<T>,
    data: Option<&PreparedSample>,
) -> Result<(Trial, Array2<f64>), StudyError> {
    let good = generated.outcome.is_success();
    let samples = rows_of(&generated.samples);
    let data = data.filter(|_| good);
    let total = data.map(|data| TotalError::between(&samples, data)).transpose()?;
    let score = if good { case.score(&samples)? } else { None };
    let trial = Trial {
        nfe: generated.statistics.nfe,
        accepted: generated.statistics.accepted,
        rejected: generated.statistics.rejected,
        seconds: generated.seconds,
        solver_error: None,
        total,
        score,
        outcome: generated.outcome.name(),
        steps: generated.steps,
        start: generated.span.start,
    };
    Ok((trial, samples))
}
