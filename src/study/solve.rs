//! The solves of one case with one seed, and what is measured of each.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use driftfield_problems::method::Solver;
use driftfield_solvers::Scalar;
use driftfield_solvers::method::Dop853;
use driftfield_solvers::number::Number;
use ndarray::{Array2, ArrayD};

use super::by_number::Fewer;
use super::record::locked;
use super::{Case, Run, StudyError};
use crate::generate::{
    Budget, GenerateError, Generated, Initial, Precision, Settings, Span, attempt,
};
use crate::metrics::{Estimate, Maker, Metric, PreparedSample, Sample, Subject};

/// What a metric says of samples: a number, nothing, or why it failed, which costs the study no more
/// than that number.
pub(super) type Said = Result<Option<Estimate>, String>;

/// One run with one seed.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) seed: u64,
    pub(super) nfe: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    /// Of each time that it was made.
    pub(super) seconds: Vec<f64>,
    pub(super) solver_error: Option<f64>,
    /// Of each of the case's metrics.
    pub(super) metrics: Vec<Said>,
    pub(super) outcome: &'static str,
    /// Steps of a fixed grid.
    pub(super) steps: Option<usize>,
    /// Where the integration started.
    pub(super) start: f64,
}

/// What all runs of a case with one seed are compared with.
pub(super) struct Prepared {
    data: Option<PreparedSample>,
    truths: Mutex<Vec<Arc<Truth>>>,
    /// What the metrics say of the true solution.
    pub(super) model: Vec<Said>,
    /// And of a second draw of the data.
    pub(super) sampling: Option<Vec<Said>>,
    /// What they say of the first lanes and data alone.
    pub(super) fewer: Vec<Fewer>,
    pub(super) truth_nfe: u64,
    /// How the true solution ended.
    pub(super) truth_outcome: &'static str,
}

impl Prepared {
    /// Nothing if the case was stopped before its true solution was reached. `parts` are the numbers
    /// of lanes at which the floors are measured too.
    pub(super) fn new(
        case: &Case,
        (lanes, seed): (usize, u64),
        parts: &[usize],
    ) -> Result<Option<Self>, StudyError> {
        if case.is_stopped() {
            return Ok(None);
        }
        let prepare = |data: &Array2<f64>| PreparedSample::new(&data.view(), Sample::Q);
        let points = case.reference(lanes, seed);
        let second = case.second_draw(lanes, seed);
        let data = points.as_ref().map(prepare).transpose()?.map(PreparedSample::kept);
        let unmade = |metric: &Metric| metric.floor.is_none();
        let again = |other| case.measured((other, None), data.as_ref(), unmade);
        let sampling = second.as_ref().map(again);
        let truth = case.truth(lanes, seed, None);
        let Some(truth) = unless_stopped(truth)? else { return Ok(None) };
        let model = match &truth.samples {
            Some(samples) => case.measured((samples, Some(truth.span)), data.as_ref(), |_| true),
            None => vec![Ok(None); case.metrics.len()],
        };
        let draws = points.as_ref().zip(second.as_ref());
        let made = truth.samples.as_ref().map(|samples| (samples, truth.span));
        let fewer = |&part: &usize| case.fewer(made, draws, part);
        let fewer = parts.iter().map(fewer).collect::<Result<_, _>>()?;
        let (truth_nfe, truth_outcome) = (truth.nfe, truth.outcome);
        let truths = Mutex::new(vec![Arc::new(truth)]);
        Ok(Some(Prepared { data, truths, model, sampling, fewer, truth_nfe, truth_outcome }))
    }

    /// The true solution from a start that need not be the usual one.
    fn truth_from(
        &self,
        start: f64,
        solve: impl FnOnce() -> Result<Truth, StudyError>,
    ) -> Result<Arc<Truth>, StudyError> {
        // Held while it is solved for, so that no other job solves for the same.
        let mut truths = locked(&self.truths);
        if let Some(known) = truths.iter().find(|truth| truth.span.start == start) {
            return Ok(known.clone());
        }
        let truth = Arc::new(solve()?);
        truths.push(truth.clone());
        Ok(truth)
    }
}

/// What was made, or nothing if its solve was stopped from outside.
pub(super) fn unless_stopped<T>(made: Result<T, StudyError>) -> Result<Option<T>, StudyError> {
    match made {
        Err(error) if error.is_stop() => Ok(None),
        made => made.map(Some),
    }
}

/// The true solution of a case from one seed's noise.
struct Truth {
    span: Span,
    /// Nothing if its end was not reached.
    samples: Option<Array2<f64>>,
    nfe: u64,
    outcome: &'static str,
}

impl Case {
    /// The data that samples of a seed are compared with, if there is any.
    pub(super) fn reference(&self, lanes: usize, seed: u64) -> Option<Array2<f64>> {
        self.data.as_ref().map(|data| data.sample(lanes, 2 * seed + 1_000_001))
    }

    /// Another draw of it, for its own distance to the first.
    fn second_draw(&self, lanes: usize, seed: u64) -> Option<Array2<f64>> {
        self.data.as_ref().map(|data| data.sample(lanes, 2 * seed + 1_000_002))
    }

    /// A run with one seed, made `timings` times; nothing if it was stopped.
    pub(super) fn trial(
        &self,
        run: &Run,
        (lanes, seed): (usize, u64),
        prepared: &Prepared,
        timings: usize,
    ) -> Result<Option<Trial>, StudyError> {
        unless_stopped(self.made(run, (lanes, seed), prepared).and_then(|mut trial| {
            for _ in 1..timings {
                trial.seconds.push(self.seconds(run, (lanes, seed))?);
            }
            Ok(trial)
        }))
    }

    /// How long a run takes.
    fn seconds(&self, run: &Run, (lanes, seed): (usize, u64)) -> Result<f64, StudyError> {
        let settings = self.settings(run.settings(seed));
        Ok(match self.model.is_exact() {
            true => self.generate::<f64>(lanes, seed, &settings)?.seconds,
            false => self.generate::<f32>(lanes, seed, &settings)?.seconds,
        })
    }

    fn made(
        &self,
        run: &Run,
        (lanes, seed): (usize, u64),
        prepared: &Prepared,
    ) -> Result<Trial, StudyError> {
        let data = prepared.data.as_ref();
        let settings = self.settings(run.settings(seed));
        // An exact model is worth double precision; a network has single.
        let (mut trial, samples) = if self.model.is_exact() {
            self.summarise(seed, &self.generate::<f64>(lanes, seed, &settings)?, data)
        } else {
            self.summarise(seed, &self.generate::<f32>(lanes, seed, &settings)?, data)
        };
        if trial.outcome == SUCCESS && !run.stochastic() {
            // A method that needs a finite log-SNR may start later, and is then compared with
            // the true solution from there.
            let start = trial.start;
            let truth = prepared.truth_from(start, || self.truth(lanes, seed, Some(start)))?;
            trial.solver_error = truth.samples.as_ref().map(|truth| solver_error(&samples, truth));
        }
        Ok(trial)
    }

    fn summarise<T: Scalar>(
        &self,
        seed: u64,
        generated: &Generated<T>,
        data: Option<&PreparedSample>,
    ) -> (Trial, Array2<f64>) {
        let samples = rows_of(&generated.samples);
        let metrics = match generated.outcome.is_success() {
            true => self.measured((&samples, Some(generated.span)), data, |_| true),
            false => vec![Ok(None); self.metrics.len()],
        };
        let trial = Trial {
            seed,
            nfe: generated.statistics.nfe,
            accepted: generated.statistics.accepted,
            rejected: generated.statistics.rejected,
            seconds: vec![generated.seconds],
            solver_error: None,
            metrics,
            outcome: generated.outcome.name(),
            steps: generated.steps,
            start: generated.span.start,
        };
        (trial, samples)
    }

    /// What each of the metrics says of samples, which were made along a span if they are the model's;
    /// none of those that are not `wanted`.
    pub(super) fn measured(
        &self,
        (samples, span): (&Array2<f64>, Option<Span>),
        data: Option<&PreparedSample>,
        wanted: impl Fn(&Metric) -> bool,
    ) -> Vec<Said> {
        let maker = span.map(|span| Maker::new(&*self.model, &self.path, &self.condition, span));
        let prepared = self.prepared(samples, maker.is_some());
        let measured = |metric: &Metric| match (wanted(metric), &prepared) {
            (false, _) => Ok(None),
            (true, Ok(prepared)) => said(metric, &Subject { maker, ..Subject::of(prepared, data) }),
            (true, Err(why)) => Err(why.to_string()),
        };
        self.metrics.iter().map(measured).collect()
    }

    /// Samples with the labels they were made for, and the weights that they have from the model if
    /// they are `of_model`.
    fn prepared(
        &self,
        samples: &Array2<f64>,
        of_model: bool,
    ) -> Result<PreparedSample, StudyError> {
        let mut prepared = PreparedSample::new(&samples.view(), Sample::P)?;
        let weights = if of_model { self.model.weights(&samples.view())? } else { None };
        if let Some(weights) = weights {
            prepared = prepared.weighted(weights)?;
        }
        let lanes = samples.nrows();
        match self.condition.of_lanes(0, lanes).labels.as_slice() {
            [] => {}
            [label] => prepared = prepared.labelled(vec![*label; lanes]),
            labels => prepared = prepared.labelled(labels.to_vec()),
        }
        Ok(prepared)
    }

    /// Samples of a seed as `settings`, which are [the case's](Case::settings), otherwise say.
    pub(super) fn generate<T: Precision>(
        &self,
        lanes: usize,
        seed: u64,
        settings: &Settings,
    ) -> Result<Generated<T>, GenerateError> {
        let settings = Settings { seed, ..settings.clone() };
        attempt(&self.path, &*self.model, Initial::Noise { lanes }, &settings)
    }

    /// The settings of a run with what the case asks for.
    pub(super) fn settings(&self, settings: Settings) -> Settings {
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
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// DOP853 at 1e-10 on an exact model; at 1e-6 on a network of points, whose single
    /// precision gives tighter tolerances nothing to work on; at 1e-5 on one of images, whose
    /// solvers are compared at errors a hundred times as large.
    pub(super) fn true_settings(&self, start: Option<f64>) -> Settings {
        let tolerance = match (self.model.is_exact(), self.is_image()) {
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
        Ok(Truth {
            span: solved.span,
            samples: solved.outcome.is_success().then(|| rows_of(&solved.samples)),
            nfe: solved.statistics.nfe,
            outcome: solved.outcome.name(),
        })
    }
}

/// What a metric says of samples, where no number is none that could stand in a table.
fn said(metric: &Metric, subject: &Subject<'_>) -> Said {
    match metric.measure(subject) {
        Ok(Some(Estimate { value, .. })) if !value.is_finite() => {
            Err(format!("it is {}", Number(value)))
        }
        said => said.map_err(|why| why.to_string()),
    }
}

/// What a solve that reached its end is called in a row.
pub(super) const SUCCESS: &str = "success";

pub(super) fn rows_of<T: Scalar>(samples: &ArrayD<T>) -> Array2<f64> {
    let lanes = samples.shape()[0];
    let components = samples.len() / lanes.max(1);
    let mut rows = Array2::zeros((lanes, components));
    for (to, &from) in rows.iter_mut().zip(samples) {
        *to = from.into_f64();
    }
    rows
}

/// Root of the mean over lanes of the squared distance.
pub(super) fn solver_error(samples: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    let squared: f64 = samples.iter().zip(truth).map(|(a, b)| (a - b).powi(2)).sum();
    (squared / samples.nrows() as f64).sqrt()
}
