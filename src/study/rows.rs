use serde::Serialize;

use super::judge::{Score, mean_over, part};
use super::{Case, Run, TotalError, Trial};
use crate::generate::Budget;

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Standard deviation (of the seeds, not of the mean); 0 for one seed.
    pub std: f64,
}

impl Summary {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Summary {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = if values.len() < 2 { 0.0 } else { (squares / (n - 1.0)).sqrt() };
        Summary { mean, std }
    }

    /// The summary of all values, or of none if one is missing.
    fn of_all(values: impl Iterator<Item = Option<f64>>) -> Option<Summary> {
        values.collect::<Option<Vec<f64>>>().map(Summary::of).filter(|s| s.mean.is_finite())
    }
}

/// One line of the study's table: one solver and budget, over all seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Process, as it was asked for.
    pub process: String,
    /// `exact` or `trained`.
    pub field: &'static str,
    /// Solver, as on the command line.
    pub solver: String,
    /// Steps of a fixed grid; null for adaptive steps.
    pub steps: Option<usize>,
    /// Absolute tolerance of adaptive steps.
    pub abstol: Option<f64>,
    /// Relative tolerance of adaptive steps.
    pub reltol: Option<f64>,
    /// Seeds that the means are over: fewer than the study's if it was stopped.
    pub seeds: usize,
    /// Function evaluations, mean over seeds.
    pub nfe: f64,
    /// Accepted steps, mean over seeds.
    pub accepted: f64,
    /// Rejected steps, mean over seeds.
    pub rejected: f64,
    /// Wall time of a solve, mean over seeds.
    pub seconds: f64,
    /// Its spread.
    pub seconds_std: f64,
    /// RMS distance to the true solution; null for stochastic methods.
    pub solver_error: Option<f64>,
    /// Its spread.
    pub solver_error_std: Option<f64>,
    /// Chamfer distance to the data.
    pub chamfer: Option<f64>,
    /// Its spread.
    pub chamfer_std: Option<f64>,
    /// Unbiased MMD^2 to the data.
    pub mmd2: Option<f64>,
    /// Its spread.
    pub mmd2_std: Option<f64>,
    /// Sliced Wasserstein distance to the data.
    pub sliced_wasserstein: Option<f64>,
    /// Its spread.
    pub sliced_wasserstein_std: Option<f64>,
    /// Squared Frechet distance to real images in the features of the shipped classifier, at the
    /// study's number of lanes; null for points, as all that follows.
    pub frechet: Option<f64>,
    /// Lower end of its 95 % interval, mean over seeds.
    pub frechet_low: Option<f64>,
    /// Upper end.
    pub frechet_high: Option<f64>,
    /// Kernel distance to real images in the same features.
    pub kernel_distance: Option<f64>,
    /// Share of the images that are recognised as their label.
    pub label_accuracy: Option<f64>,
    /// How the solves ended: `success`, or the first other outcome.
    pub outcome: &'static str,
}

impl Row {
    pub(super) fn new(case: &Case, run: &Run, trials: &[Trial]) -> Row {
        let tolerances = match run.budget {
            Budget::Adaptive { abstol, reltol, .. } => Some((abstol, reltol)),
            _ => None,
        };
        let steps = trials.first().and_then(|trial| trial.steps);
        let mean =
            |value: fn(&Trial) -> u64| Summary::of(trials.iter().map(|t| value(t) as f64)).mean;
        let total = |value: fn(&TotalError) -> f64| {
            Summary::of_all(trials.iter().map(|trial| trial.total.as_ref().map(value)))
        };
        let seconds = Summary::of(trials.iter().map(|trial| trial.seconds));
        let solver_error = Summary::of_all(trials.iter().map(|trial| trial.solver_error));
        let chamfer = total(|total| total.chamfer);
        let mmd2 = total(|total| total.mmd2);
        let sliced = total(|total| total.sliced_wasserstein);
        let scores: Vec<Score> =
            trials.iter().map(|trial| trial.score.unwrap_or_default()).collect();
        let bad = trials.iter().map(|trial| trial.outcome).find(|&outcome| outcome != "success");
        Row {
            process: case.process.clone(),
            field: case.field_name,
            solver: run.solver.clone(),
            steps,
            abstol: tolerances.map(|(abstol, _)| abstol),
            reltol: tolerances.map(|(_, reltol)| reltol),
            seeds: trials.len(),
            nfe: mean(|trial| trial.nfe),
            accepted: mean(|trial| trial.accepted),
            rejected: mean(|trial| trial.rejected),
            seconds: seconds.mean,
            seconds_std: seconds.std,
            solver_error: solver_error.map(|s| s.mean),
            solver_error_std: solver_error.map(|s| s.std),
            chamfer: chamfer.map(|s| s.mean),
            chamfer_std: chamfer.map(|s| s.std),
            mmd2: mmd2.map(|s| s.mean),
            mmd2_std: mmd2.map(|s| s.std),
            sliced_wasserstein: sliced.map(|s| s.mean),
            sliced_wasserstein_std: sliced.map(|s| s.std),
            frechet: mean_over(&scores, part::frechet),
            frechet_low: mean_over(&scores, part::frechet_low),
            frechet_high: mean_over(&scores, part::frechet_high),
            kernel_distance: mean_over(&scores, part::kernel),
            label_accuracy: mean_over(&scores, part::accuracy),
            outcome: bad.unwrap_or("success"),
        }
    }

    /// The family of rows this one belongs to, for curves and legends.
    pub fn series(&self) -> String {
        if self.abstol.is_some() {
            format!("{} adaptive", self.solver)
        } else {
            self.solver.clone()
        }
    }

    /// Steps or tolerance, for the table.
    pub fn budget(&self) -> String {
        match (self.steps, self.abstol) {
            (Some(steps), _) => format!("{steps} steps"),
            (None, Some(abstol)) => format!("tol {abstol:.0e}"),
            (None, None) => String::new(),
        }
    }
}

/// Total errors that no solver goes below.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Floors {
    /// Chamfer distance of the true ODE solution under the field.
    pub model_chamfer: f64,
    /// Its MMD^2.
    pub model_mmd2: f64,
    /// Its sliced Wasserstein distance.
    pub model_sliced_wasserstein: f64,
    /// Chamfer distance between two draws of the data.
    pub sampling_chamfer: f64,
    /// Their MMD^2.
    pub sampling_mmd2: f64,
    /// Their sliced Wasserstein distance.
    pub sampling_sliced_wasserstein: f64,
}

impl Floors {
    pub(super) fn new(model: &[TotalError], sampling: &[TotalError]) -> Floors {
        let mean = |errors: &[TotalError], value: fn(&TotalError) -> f64| {
            Summary::of(errors.iter().map(value)).mean
        };
        Floors {
            model_chamfer: mean(model, |e| e.chamfer),
            model_mmd2: mean(model, |e| e.mmd2),
            model_sliced_wasserstein: mean(model, |e| e.sliced_wasserstein),
            sampling_chamfer: mean(sampling, |e| e.chamfer),
            sampling_mmd2: mean(sampling, |e| e.mmd2),
            sampling_sliced_wasserstein: mean(sampling, |e| e.sliced_wasserstein),
        }
    }
}

/// What images score that no solver is to blame for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ImageFloors {
    /// Squared Frechet distance of the true ODE solution under the field.
    pub model_frechet: Option<f64>,
    /// Its kernel distance.
    pub model_kernel_distance: Option<f64>,
    /// Its label accuracy.
    pub model_label_accuracy: Option<f64>,
    /// Squared Frechet distance of as many real images to the reference.
    pub real_frechet: Option<f64>,
    /// Lower end of its 95 % interval.
    pub real_frechet_low: Option<f64>,
    /// Upper end.
    pub real_frechet_high: Option<f64>,
    /// Their kernel distance.
    pub real_kernel_distance: Option<f64>,
    /// The share of them that is recognised.
    pub real_label_accuracy: Option<f64>,
}

impl ImageFloors {
    pub(super) fn new(model: &[Score], real: Option<Score>) -> ImageFloors {
        let real = real.unwrap_or_default();
        ImageFloors {
            model_frechet: mean_over(model, part::frechet),
            model_kernel_distance: mean_over(model, part::kernel),
            model_label_accuracy: mean_over(model, part::accuracy),
            real_frechet: part::frechet(&real),
            real_frechet_low: part::frechet_low(&real),
            real_frechet_high: part::frechet_high(&real),
            real_kernel_distance: part::kernel(&real),
            real_label_accuracy: part::accuracy(&real),
        }
    }
}

/// The rows of one process with one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseResult {
    /// Process, as it was asked for.
    pub process: String,
    /// `exact` or `trained`.
    pub field: &'static str,
    /// One row per solver and budget.
    #[serde(skip)]
    pub rows: Vec<Row>,
    /// The floors.
    #[serde(flatten)]
    pub floors: Floors,
    /// The floors of images.
    #[serde(flatten)]
    pub image_floors: Option<ImageFloors>,
    /// Evaluations of the true solution, mean over seeds.
    pub truth_nfe: f64,
}

/// A row reaches the floor when its Chamfer distance is within this factor of
/// the true solution's.
const REACHED: f64 = 1.02;

impl CaseResult {
    /// Index of the deterministic row of fewest evaluations whose Chamfer distance is
    /// within 2 % of the floor's.
    pub fn first_at_floor(&self) -> Option<usize> {
        // The distance of pixels says little of images.
        if self.image_floors.is_some() {
            return None;
        }
        let reaches = |row: &Row| {
            row.solver_error.is_some()
                && row.chamfer.is_some_and(|c| c <= REACHED * self.floors.model_chamfer)
        };
        let reaching = self.rows.iter().enumerate().filter(|(_, row)| reaches(row));
        reaching.min_by(|(_, a), (_, b)| a.nfe.total_cmp(&b.nfe)).map(|(index, _)| index)
    }
}

/// All cases of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyResult {
    /// One per process and field.
    pub cases: Vec<CaseResult>,
    /// Lanes of every run.
    pub lanes: usize,
    /// Number of seeds.
    pub seeds: usize,
    /// Whether every run was made with every seed; otherwise the study was stopped.
    pub complete: bool,
}

impl StudyResult {
    /// Whether the lanes are images.
    pub fn images(&self) -> bool {
        self.cases.iter().any(|case| case.image_floors.is_some())
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
        assert!((summary.std - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(Summary::of([5.0]).std, 0.0);
        assert_eq!(Summary::of_all([Some(1.0), None].into_iter()), None);
    }
}
