//! The numbers of a study.

use super::solve::{SUCCESS, Said, Trial};
use super::{Case, ErrorsAlong, FloorsAt, Origin, Run, Session, Study};
use crate::generate::Budget;
use crate::metrics::{Metric, Shown};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::number::Number;

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Standard deviation (of the seeds, not of the mean); none of one seed.
    pub std: Option<f64>,
}

impl Summary {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Summary {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Summary { mean, std }
    }

    /// The median of times in place of their mean, which one that was disturbed would move.
    fn of_times(times: impl IntoIterator<Item = f64>) -> Summary {
        let mut times: Vec<f64> = times.into_iter().collect();
        times.sort_by(f64::total_cmp);
        Summary { mean: median(&times), ..Summary::of(times) }
    }

    /// The summary of all values, or of none if one is missing.
    fn of_all(values: impl Iterator<Item = Option<f64>>) -> Option<Summary> {
        values.collect::<Option<Vec<f64>>>().map(Summary::of).filter(|s| s.mean.is_finite())
    }
}

/// The first outcome that is no success, if there is one.
pub(super) fn worst<'o>(mut outcomes: impl Iterator<Item = &'o str>) -> &'o str {
    outcomes.find(|&outcome| outcome != SUCCESS).unwrap_or(SUCCESS)
}

/// Of sorted numbers.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => 0.5 * (sorted[middle - 1] + sorted[middle]),
        _ => sorted[middle],
    }
}

/// What a metric said over all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The metric's name.
    pub name: String,
    /// Its number; none if it has none of one of the seeds.
    pub value: Option<Summary>,
    /// Its 95 % interval, mean over seeds, if it has one.
    pub interval: Option<[f64; 2]>,
    /// Its number of every seed, in the order of the row's (a floor's: the case's) `seed_list`;
    /// empty if it is not known of any.
    pub seeds: Vec<Option<f64>>,
    /// Why it has none of a seed, if the metric failed there: that of the first such seed.
    pub failure: Option<String>,
}

/// The numbers of each seed, or nothing if there is none at all.
fn of_seeds(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    let values: Vec<Option<f64>> = values.map(|value| value.filter(|v| v.is_finite())).collect();
    if values.iter().any(Option::is_some) { values } else { Vec::new() }
}

impl Measured {
    /// The metrics of a case over what each seed gave, in their order.
    pub(super) fn all(metrics: &[Metric], seeds: &[&[Said]]) -> Vec<Measured> {
        let measured = |(index, metric): (usize, &Metric)| {
            let said = || seeds.iter().map(move |seed| &seed[index]);
            let estimates = || said().map(|said| said.as_ref().ok().copied().flatten());
            let end = |end: usize| {
                let ends = estimates().map(|estimate| Some(estimate?.interval?[end]));
                Summary::of_all(ends).map(|ends| ends.mean)
            };
            Measured {
                name: metric.name.clone(),
                value: Summary::of_all(estimates().map(|estimate| Some(estimate?.value))),
                interval: end(0).zip(end(1)).map(|(low, high)| [low, high]),
                seeds: of_seeds(estimates().map(|estimate| Some(estimate?.value))),
                failure: said().find_map(|said| said.clone().err()),
            }
        };
        metrics.iter().enumerate().map(measured).collect()
    }

    /// Its mean over seeds.
    pub fn mean(&self) -> Option<f64> {
        self.value.map(|value| value.mean)
    }
}

/// What the metric of that name says.
pub(super) fn named<'m>(measured: &'m [Measured], name: &str) -> Option<&'m Measured> {
    measured.iter().find(|measured| measured.name == name)
}

/// One line of the study's table: one solver and budget, over all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Process, as it was asked for.
    pub process: String,
    /// What the model is called.
    pub field: String,
    /// What the solver is called.
    pub solver: String,
    /// Steps of a fixed grid; none for adaptive steps.
    pub steps: Option<usize>,
    /// Evaluations that its steps were to fit in, those of a fixed grid or adaptive ones, if it was
    /// asked for so.
    pub max_nfe: Option<u64>,
    /// Absolute and relative tolerance of adaptive steps.
    pub tolerances: Option<(f64, f64)>,
    /// Where the times of a fixed grid lie, if not where the process says.
    pub spacing: Option<String>,
    /// Noise level of a stochastic solver, if it was asked for.
    pub noise_level: Option<f64>,
    /// Weight of classifier-free guidance, if one was asked for.
    pub guidance: Option<f64>,
    /// Seeds that the means are over: fewer than the study's if it was stopped.
    pub seeds: usize,
    /// Which they are; empty where that was not recorded.
    pub seed_list: Vec<u64>,
    /// Function evaluations, mean over seeds.
    pub nfe: f64,
    /// Accepted steps, mean over seeds.
    pub accepted: f64,
    /// Rejected steps, mean over seeds.
    pub rejected: f64,
    /// Wall time of a solve; where each was made [more than once](StudyResult::timings), the median
    /// of all and their spread.
    pub seconds: Summary,
    /// That of each seed, the median if there are more.
    pub seconds_seeds: Vec<Option<f64>>,
    /// RMS distance to the true solution; none for stochastic methods.
    pub solver_error: Option<Summary>,
    /// That of each seed; empty if there is none of any.
    pub solver_error_seeds: Vec<Option<f64>>,
    /// What the case's metrics say, in their order.
    pub metrics: Vec<Measured>,
    /// How the solves ended: `success`, or the first other outcome.
    pub outcome: String,
    /// Which of the study's [sessions](StudyResult::sessions) made it.
    pub session: usize,
}

impl Row {
    pub(super) fn new(case: &Case, run: &Run, trials: &[Trial], session: usize) -> Row {
        let tolerances = match run.budget {
            Budget::Adaptive { abstol, reltol, .. } => Some((abstol, reltol)),
            _ => None,
        };
        let mean =
            |value: fn(&Trial) -> u64| Summary::of(trials.iter().map(|t| value(t) as f64)).mean;
        let measured: Vec<&[_]> = trials.iter().map(|trial| trial.metrics.as_slice()).collect();
        let of_seed = |trial: &Trial| Summary::of_times(trial.seconds.iter().copied()).mean;
        let repeated = trials.iter().any(|trial| trial.seconds.len() > 1);
        Row {
            process: case.process.clone(),
            field: case.label.clone(),
            solver: run.solver.label().to_owned(),
            steps: trials.first().and_then(|trial| trial.steps),
            max_nfe: match run.budget {
                Budget::Evaluations(nfe) => Some(nfe),
                Budget::Adaptive { max_nfe, .. } => max_nfe,
                Budget::Steps(_) => None,
            },
            tolerances,
            spacing: run.spacing.as_ref().map(Spacing::to_string),
            noise_level: run.noise_level,
            guidance: case.condition.guidance,
            seeds: trials.len(),
            seed_list: trials.iter().map(|trial| trial.seed).collect(),
            nfe: mean(|trial| trial.nfe),
            accepted: mean(|trial| trial.accepted),
            rejected: mean(|trial| trial.rejected),
            seconds: match repeated {
                true => Summary::of_times(trials.iter().flat_map(|trial| trial.seconds.clone())),
                false => Summary::of(trials.iter().map(of_seed)),
            },
            seconds_seeds: of_seeds(trials.iter().map(|trial| Some(of_seed(trial)))),
            solver_error: Summary::of_all(trials.iter().map(|trial| trial.solver_error)),
            solver_error_seeds: of_seeds(trials.iter().map(|trial| trial.solver_error)),
            metrics: Measured::all(&case.metrics, &measured),
            outcome: worst(trials.iter().map(|trial| trial.outcome)).to_owned(),
            session,
        }
    }

    /// Whether it is of this run.
    pub(super) fn is_of(&self, run: &Run) -> bool {
        let same_budget = match run.budget {
            Budget::Steps(steps) => self.max_nfe.is_none() && self.steps == Some(steps),
            Budget::Evaluations(nfe) => self.max_nfe == Some(nfe) && self.tolerances.is_none(),
            Budget::Adaptive { abstol, reltol, max_nfe } => {
                self.tolerances == Some((abstol, reltol)) && self.max_nfe == max_nfe
            }
        };
        same_budget
            && self.solver == run.solver.label()
            && self.spacing == run.spacing.as_ref().map(Spacing::to_string)
            && self.noise_level == run.noise_level
    }

    /// What the metric of that name says, if it is one of the case's.
    pub fn metric(&self, name: &str) -> Option<&Measured> {
        named(&self.metrics, name)
    }

    /// The family of rows this one belongs to, for curves and legends.
    pub fn series(&self) -> String {
        let mut series = self.solver.clone();
        if self.tolerances.is_some() {
            series += " adaptive";
        }
        if let Some(spacing) = &self.spacing {
            series += &format!(" {spacing}");
        }
        if let Some(level) = self.noise_level {
            series += &format!(" L={}", Number(level));
        }
        series
    }

    /// Steps or tolerance, for the table.
    pub fn budget(&self) -> String {
        match (self.steps, self.tolerances) {
            (Some(steps), _) => format!("{steps} steps"),
            (None, Some((abstol, _))) => format!("tol {abstol:.0e}"),
            (None, None) => String::new(),
        }
    }
}

/// What no solver is to blame for.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// How its numbers are called in JSON: `model`, `sampling` or `real`, before a metric's name.
    pub name: String,
    /// What it is called in tables and pictures.
    pub label: String,
    /// What it is, for legends.
    pub definition: String,
    /// What the case's metrics say of it, in their order.
    pub metrics: Vec<Measured>,
}

/// The name of the floor of the true solution.
pub(super) const MODEL: &str = "model";
/// That of real data.
pub(super) const REAL: &str = "real";

impl Floor {
    /// The floors of a case from what the metrics say, seed by seed, of the true solution, and of a
    /// second draw of the data.
    pub(super) fn all(metrics: &[Metric], model: &[&[Said]], sampling: &[&[Said]]) -> Vec<Floor> {
        let mut floors = vec![Floor {
            name: MODEL.to_owned(),
            label: "model floor".to_owned(),
            definition:
                "the same numbers for the true ODE solution under the same field: what no ODE solver can improve"
                    .to_owned(),
            metrics: Measured::all(metrics, model),
        }];
        if !sampling.is_empty() {
            floors.push(Floor {
                name: "sampling".to_owned(),
                label: "sampling floor".to_owned(),
                definition: "the same distances between two independent draws of the data"
                    .to_owned(),
                metrics: Measured::all(metrics, sampling),
            });
        }
        if let Some(real) = metrics.iter().find_map(|metric| metric.floor.as_ref()) {
            let known: Vec<_> =
                metrics.iter().map(|m| Ok(m.floor.as_ref().map(|floor| floor.estimate))).collect();
            let mut metrics = Measured::all(metrics, &[&known]);
            // One number, which is of no seed.
            metrics.iter_mut().for_each(|measured| measured.seeds.clear());
            floors.push(Floor {
                name: REAL.to_owned(),
                label: real.label.clone(),
                definition: real.definition.clone(),
                metrics,
            });
        }
        floors
    }

    /// Whether it is that of the true solution under the model.
    pub(super) fn is_model(&self) -> bool {
        self.name == MODEL
    }

    /// What the metric of that name says of it.
    pub fn metric(&self, name: &str) -> Option<&Measured> {
        named(&self.metrics, name)
    }
}

/// The rows of one process with one model.
#[derive(Debug, Clone)]
pub struct CaseResult {
    /// Process, as it was asked for.
    pub process: String,
    /// What the model is called.
    pub field: String,
    /// Weight of classifier-free guidance, if one was asked for.
    pub guidance: Option<f64>,
    /// The seeds of the floors; empty where that was not recorded.
    pub seed_list: Vec<u64>,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// One row per solver and budget.
    pub rows: Vec<Row>,
    /// The floors: that of the model first.
    pub floors: Vec<Floor>,
    /// The floors of fewer lanes, by their rising number, where they were [asked
    /// for](super::Drawing::Floors).
    pub by_number: Vec<FloorsAt>,
    /// Evaluations of the true solution, mean over seeds.
    pub truth_nfe: f64,
    /// How the true solutions ended: `success`, or the first other outcome. Then there is no model
    /// floor, and rows have no solver error.
    pub truth_outcome: String,
}

/// The metric by which a row reaches the floor.
const REACHES: &str = "chamfer";
/// The share of the floor within which a row is at it.
pub(super) const AT_FLOOR: f64 = 0.02;

impl CaseResult {
    /// Whether it is of this case: its process, field, guidance and metrics.
    pub(super) fn is_of(&self, case: &Case) -> bool {
        let names = |metrics: &[Metric]| metrics.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
        self.process == case.process
            && self.field == case.label
            && self.guidance == case.condition.guidance
            && names(&self.metrics) == names(&case.metrics)
    }

    /// Process, model and guidance, for headings and sentences.
    pub(super) fn label(&self) -> String {
        let guidance = self.guidance.map_or(String::new(), |weight| format!(", guidance {weight}"));
        format!("{}{guidance}", self.name())
    }

    /// Process and model, as [`Case::label`] has them.
    pub(super) fn name(&self) -> String {
        format!("{}, {} field", self.process, self.field)
    }

    /// Whether all true solutions reached their ends.
    pub fn truth_reached(&self) -> bool {
        self.truth_outcome == SUCCESS
    }

    /// Index of the deterministic row of fewest evaluations whose Chamfer distance is
    /// within 2 % of the true solution's; none where that is in no table.
    pub fn first_at_floor(&self) -> Option<usize> {
        let name = REACHES;
        let shown = |metric: &&Metric| metric.name == name && metric.shown >= Shown::Tables;
        self.metrics.iter().find(shown)?;
        let floor = self.floors.first()?.metric(name)?.mean()?;
        let reaches = |row: &Row| {
            let distance = row.metric(name).and_then(Measured::mean);
            row.solver_error.is_some()
                && distance.is_some_and(|own| (own - floor).abs() <= AT_FLOOR * floor)
        };
        let reaching = self.rows.iter().enumerate().filter(|(_, row)| reaches(row));
        reaching.min_by(|(_, a), (_, b)| a.nfe.total_cmp(&b.nfe)).map(|(index, _)| index)
    }

    /// Whether a metric has intervals.
    pub(super) fn has_interval(&self, name: &str) -> bool {
        let has = |measured: Option<&Measured>| measured.is_some_and(|m| m.interval.is_some());
        self.rows.iter().any(|row| has(row.metric(name)))
            || self.floors.iter().any(|floor| has(floor.metric(name)))
    }
}

/// All cases of a study.
#[derive(Debug, Clone)]
pub struct StudyResult {
    /// One per process and model.
    pub cases: Vec<CaseResult>,
    /// Lanes of every run.
    pub lanes: usize,
    /// Number of seeds.
    pub seeds: usize,
    /// How often every solve was made for its time.
    pub timings: usize,
    /// Whether every run was made with every seed; otherwise the study was stopped.
    pub complete: bool,
    /// The runs of the program that made its rows, in their order.
    pub sessions: Vec<Session>,
    /// The errors along solves, if they were drawn.
    pub errors_along: Vec<ErrorsAlong>,
    /// How it was made, if it was made of a study file.
    pub origin: Option<Origin>,
}

impl StudyResult {
    /// Of a study that is not begun: what it measures, and no numbers.
    pub(super) fn without_rows(study: &Study) -> Self {
        let of_case = |case: &Case| CaseResult {
            process: case.process.clone(),
            field: case.label.clone(),
            guidance: case.condition.guidance,
            seed_list: Vec::new(),
            metrics: case.metrics.clone(),
            rows: Vec::new(),
            floors: Vec::new(),
            by_number: Vec::new(),
            truth_nfe: 0.0,
            truth_outcome: SUCCESS.to_owned(),
        };
        StudyResult {
            cases: study.cases.iter().map(of_case).collect(),
            lanes: study.lanes,
            seeds: study.seeds.len(),
            timings: study.timings,
            complete: false,
            sessions: Vec::new(),
            errors_along: Vec::new(),
            origin: None,
        }
    }

    /// All rows, case by case.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.cases.iter().flat_map(|case| &case.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_sample_standard_deviations() {
        let summary = Summary::of([1.0, 2.0, 4.0]);
        assert!((summary.mean - 7.0 / 3.0).abs() < 1e-15);
        assert!((summary.std.unwrap() - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(Summary::of_all([Some(1.0), None].into_iter()), None);
    }

    #[test]
    fn a_disturbed_time_does_not_move_the_median() {
        let summary = Summary::of_times([5.0, 1.0, 2.0]);
        assert_eq!((summary.mean, summary.std), (2.0, Summary::of([1.0, 2.0, 5.0]).std));
        assert_eq!(Summary::of_times([4.0, 1.0, 2.0, 90.0]).mean, 3.0);
    }

    #[test]
    fn one_seed_has_no_spread() {
        assert_eq!(Summary::of([5.0]), Summary { mean: 5.0, std: None });
    }
}
