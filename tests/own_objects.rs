//! A method, a path, a predictor around a predictor, a network and a metric of the user's stand in
//! one study beside ours: `examples/own_study.rs`, and what it writes.

#[path = "../examples/own_study.rs"]
mod own_study;

use std::path::Path;
use std::sync::Arc;

use driftfield::generate::{
    Around, Budget, Condition, GenerateError, Initial, MixtureModel, Model, NetworkModel,
    Precision, Settings, SharedPredictor, generate,
};
use driftfield::metrics::{Estimate, Metric, MetricError, PreparedSample, Sample};
use driftfield::prelude::*;
use driftfield::problems::method::Solver;
use driftfield::problems::spacing::Clock;
use driftfield::study::{
    Case, Measured, Progress, Row, Run, Study, StudyError, StudyResult, answers_text,
    terminal_table, write,
};
use ndarray::{ArrayD, ArrayView2};
use serde_json::Value;

const SOLVERS: [&str; 2] = ["etd2", "ddim"];
const MODELS: [&str; 3] = ["exact", "symmetric", "two points"];

fn text(directory: &Path, name: &str) -> String {
    String::from_utf8(std::fs::read(directory.join(name)).unwrap()).unwrap()
}

#[test]
fn own_objects_are_in_every_table_curve_and_file() {
    let room = tempfile::tempdir().unwrap();
    let study = own_study::study().unwrap();
    let mut solves = 0;
    let result = study
        .run(|progress| solves += usize::from(matches!(progress, Progress::Solved(_))))
        .unwrap();
    assert_eq!(solves, study.solves());
    let directory = write(&study, &result, room.path()).unwrap();
    let table = terminal_table(&result);
    let (csv, html) = (text(&directory, "study.csv"), text(&directory, "report.html"));
    for label in SOLVERS.iter().chain(&MODELS).chain(&["trigonometric", "spread_gap"]) {
        assert!(table.contains(label), "{label}: {table}");
        assert!(csv.contains(label), "{label}: {csv}");
        assert!(html.contains(label), "{label}");
    }
    let json: Value = serde_json::from_str(&text(&directory, "study.json")).unwrap();
    let rows = json["rows"].as_array().unwrap();
    for model in MODELS {
        for solver in SOLVERS {
            let of_both = |row: &&Value| row["field"] == model && row["solver"] == solver;
            let rows: Vec<&Value> = rows.iter().filter(of_both).collect();
            assert_eq!(rows.len(), 3, "{model}, {solver}");
            for row in rows {
                assert_eq!(row["process"], "trigonometric");
                assert!(row["spread_gap"].is_number() && row["spread_gap_std"].is_number());
                assert!(row["chamfer"].is_number() && row["solver_error"].is_number(), "{row}");
            }
        }
    }
    for floor in json["floors"].as_array().unwrap() {
        assert!(floor["model_spread_gap"].is_number() && floor["sampling_spread_gap"].is_number());
    }
    assert!(json["legend"]["spread_gap"].as_str().unwrap().contains("|s_P - s_Q|"));
    for model in ["exact", "symmetric", "two-points"] {
        for curve in ["spread-gap-nfe", "spread-gap-time", "chamfer-nfe", "solver-error-nfe"] {
            let svg = text(&directory, &format!("{curve}-trigonometric-{model}.svg"));
            assert!(SOLVERS.iter().all(|solver| svg.contains(solver)), "{curve}, {model}");
        }
    }
}

fn rows(study: &Study) -> Vec<Row> {
    study.run(|_| ()).unwrap().rows().cloned().collect()
}

fn error(row: &Row) -> f64 {
    row.solver_error.unwrap().mean
}

#[test]
fn own_objects_do_what_they_are() {
    let rows = rows(&own_study::study().unwrap());
    let of = |model: &str, solver: &str| -> Vec<&Row> {
        rows.iter().filter(|row| row.field == model && row.solver == solver).collect()
    };
    // Of symmetric data, the mirrored predictor is the predictor.
    for (plain, mirrored) in of("exact", "ddim").into_iter().zip(of("symmetric", "ddim")) {
        assert!((error(plain) / error(mirrored) - 1.0).abs() < 1e-6);
        let distance = |row: &Row| row.metric("chamfer").and_then(Measured::mean).unwrap();
        assert!((distance(plain) / distance(mirrored) - 1.0).abs() < 1e-6);
    }
    // The rule has order 2, DDIM order 1.
    for (solver, order) in [("etd2", 1.7), ("ddim", 0.8)] {
        let errors: Vec<f64> = of("exact", solver).into_iter().map(error).collect();
        assert!((errors[1] / errors[2]).log2() > order, "{solver}: {errors:?}");
    }
    // The network's samples are at its two points.
    for row in of("two points", "ddim") {
        assert_eq!(row.outcome, "success");
        assert!(row.metric("chamfer").and_then(Measured::mean).unwrap() < 0.1, "{row:?}");
    }
}

fn closure() -> impl Model {
    let noise = |out: &mut ArrayD<f64>, x: &ArrayD<f64>, t: f64| out.assign(&(x * t));
    NetworkModel::new("linear", [3], Prediction::Noise, noise)
}

fn end<T: Precision>(model: &dyn Model) -> Vec<f64> {
    let path = process::parse("vp").unwrap();
    let solver = Solver::parse("heun").unwrap();
    let noise = Initial::<T>::Noise { lanes: 4 };
    let settings = Settings { seed: 1, ..Settings::new(solver, Budget::Steps(10)) };
    let made = generate(&path, model, noise, &settings).unwrap();
    made.samples.iter().map(|x| x.into_f64()).collect()
}

#[test]
fn a_model_in_double_precision_has_single_as_well() {
    let (single, double) = (end::<f32>(&closure()), end::<f64>(&closure()));
    assert_eq!(single.len(), 12);
    for (single, double) in single.iter().zip(&double) {
        assert!((single - double).abs() < 1e-5 * (1.0 + double.abs()), "{single} {double}");
    }
}

fn mixture_case() -> Case {
    let mixture = GaussianMixture::isotropic(vec![1.0], vec![vec![0.5, 0.0]], vec![0.3]).unwrap();
    Case::new("vp", Arc::new(MixtureModel::new(mixture))).unwrap()
}

fn quick(case: Case) -> Study {
    let runs = vec![vec![Run::steps(&Solver::parse("heun").unwrap(), 5)]];
    Study { cases: vec![case], runs, lanes: 30, ..Study::default() }
}

#[test]
fn what_a_model_does_not_know_is_refused_by_name() {
    let model = closure();
    let model: &dyn Model = &model;
    let path = process::parse("vp").unwrap();
    let refused = model.predictor::<f64>(&path, &Condition::labels([1])).err().unwrap();
    assert!(matches!(&refused, GenerateError::NoLabels { model } if model == "linear"));
    assert!(model.data_std().unwrap_err().to_string().contains("`linear`"));
    // Around a model it is the model that does not know.
    let around = Around::new("around", Arc::new(closure()), |predictor| predictor);
    let around: &dyn Model = &around;
    assert_eq!((around.label(), around.source()), ("around", "linear"));
    let refused = around.predictor::<f64>(&path, &Condition::labels([1])).err().unwrap();
    assert!(matches!(&refused, GenerateError::NoLabels { model } if model == "linear"));
}

#[test]
fn what_is_not_told_apart_is_refused() {
    let twice = mixture_case().measuring(Metric::between("chamfer", "", |_, _| Ok(0.0)));
    let refused = quick(twice).run(|_| ()).unwrap_err();
    assert!(matches!(&refused, StudyError::SameMetric { name } if name == "chamfer"));
    let mut study = quick(mixture_case());
    study.cases.push(mixture_case());
    study.runs.push(study.runs[0].clone());
    let refused = study.run(|_| ()).unwrap_err();
    assert!(matches!(&refused, StudyError::SameCase { case } if case == "vp, exact field"));
    study.cases[1] = mixture_case().labelled("again");
    assert_eq!(rows(&study)[0].metrics, rows(&study)[1].metrics);
}

/// A metric may have nothing to say, an interval, or fail with an error of its own, which is kept.
#[test]
fn a_metric_says_what_it_can() {
    let interval = |samples: &driftfield::metrics::PreparedSample| Estimate {
        value: -(samples.rows().nrows() as f64),
        interval: Some([-40.0, -20.0]),
    };
    let count = Metric::of("count", "minus the number of samples", move |subject| {
        Ok(Some(interval(subject.samples)))
    });
    let silent = Metric::of("silent", "nothing", |_| Ok(None));
    let study = quick(mixture_case().measuring(count).measuring(silent));
    let room = tempfile::tempdir().unwrap();
    let result = study.run(|_| ()).unwrap();
    let directory = write(&study, &result, room.path()).unwrap();
    let json: Value = serde_json::from_str(&text(&directory, "study.json")).unwrap();
    let row = &json["rows"][0];
    assert_eq!(
        (&row["count"], &row["count_low"], &row["count_high"]),
        (&(-30.0).into(), &(-40.0).into(), &(-20.0).into())
    );
    assert!(row["count_std"].is_null() && row["silent"].is_null() && row.get("silent").is_some());
    // No logarithm shows it.
    assert!(text(&directory, "count-nfe-vp-exact.svg").contains("heun"));
    assert!(!directory.join("silent-nfe-vp-exact.svg").exists());
    assert!(terminal_table(&result).contains("-4.00e1 to -2.00e1"));
}

/// A metric that fails, or gives no number that is one, costs the study that figure and no more: it is
/// null, with the reason in the file and under the table.
#[test]
fn a_metric_that_fails_costs_its_figure_alone() {
    let failing = Metric::of("failing", "an error", |_| {
        Err(MetricError::own(std::io::Error::other("the meter is broken")))
    });
    let nan = Metric::of("nan", "no number", |_| Ok(Some(f64::NAN.into())));
    let study = quick(mixture_case().measuring(failing).measuring(nan));
    let result = study.run(|_| ()).unwrap();
    let room = tempfile::tempdir().unwrap();
    let directory = write(&study, &result, room.path()).unwrap();
    let json: Value = serde_json::from_str(&text(&directory, "study.json")).unwrap();
    let row = &json["rows"][0];
    assert!(row["failing"].is_null() && row["nan"].is_null() && row["chamfer"].is_number());
    assert_eq!((&row["outcome"], &row["failing_failure"]), (&"success".into(), &BROKEN.into()));
    assert_eq!(row["nan_failure"], "it is NaN");
    assert_eq!(json["floors"][0]["model_failing_failure"], BROKEN);
    for page in [terminal_table(&result), text(&directory, "report.html")] {
        assert!(page.contains("no failing") && page.contains(BROKEN), "{page}");
        assert!(page.contains("of 1 row(s), the first heun 5 steps on vp: it is NaN"), "{page}");
    }
    let read = StudyResult::read(directory.join("study.json")).unwrap();
    assert_eq!(read.cases[0].rows, result.cases[0].rows);
}

const BROKEN: &str = "the meter is broken";

/// The mean over samples of `log p(x)` at the end of the solve, up to a constant, under the Gaussian
/// whose score the model says: with `score = (m - x) / v`, `-v |score|^2 / 2`.
fn log_density(v: f64) -> Metric {
    Metric::of("log_density", "mean log density, up to a constant", move |subject| {
        let Some(maker) = subject.maker else { return Ok(None) };
        let points = subject.samples.rows();
        let predictor = maker.predictor(points.nrows()).map_err(MetricError::own)?;
        let states = maker.states(&points).map_err(MetricError::own)?;
        let (end, mut score) = (maker.span.end, states.clone());
        let target = Prediction::Score.target(&**maker.path, end);
        predictor
            .predict(target.into(), &mut score, &states, end.into())
            .map_err(MetricError::own)?;
        let squares: f64 = score.iter().map(|s| s * s).sum();
        Ok(Some((-0.5 * v * squares / points.nrows() as f64).into()))
    })
}

/// What a metric knows of the model is what made the row, at the time that its samples are of.
#[test]
fn a_metric_may_ask_the_model_that_made_the_samples() {
    let (path, mean, std) = (process::parse("vp").unwrap(), [0.5, 0.0], 0.3);
    let end = path.default_span().1;
    let v = (path.alpha(end) * std).powi(2) + path.sigma(end).powi(2);
    let study = quick(mixture_case().measuring(log_density(v)));
    let result = study.run(|_| ()).unwrap();
    let found = result.cases[0].rows[0].metric("log_density").and_then(Measured::mean).unwrap();
    // The same samples, and the density of the Gaussian that the mixture is at that time.
    let settings = Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(5));
    let noise = Initial::<f64>::Noise { lanes: 30 };
    let made =
        generate(&path, &*study.cases[0].model, noise, &settings).unwrap().complete().unwrap();
    let squares = made.rows().into_iter().map(|x| {
        (x[0] - path.alpha(end) * mean[0]).powi(2) + (x[1] - path.alpha(end) * mean[1]).powi(2)
    });
    let known = -0.5 * squares.sum::<f64>() / 30.0 / v;
    assert!((found - known).abs() < 1e-9 * known.abs(), "{found} {known}");
    assert!(terminal_table(&result).contains("log_density"));
    // The true solution is the model's as well; a second draw of the data is nobody's.
    let floor = |at: usize| result.cases[0].floors[at].metric("log_density").unwrap().mean();
    assert!(floor(0).is_some() && floor(1).is_none());
}

/// Times of one's own, and a rule for any number of them, are rows beside ours in one table.
#[test]
fn own_times_are_rows_beside_ours() {
    let heun = Solver::parse("heun").unwrap();
    let end = process::parse("vp").unwrap().default_span().1;
    let tuned = Spacing::explicit([1.0, 0.6, 0.3, 0.1, 0.03, end]).unwrap();
    let cubic =
        |share: f64, start: f64, end: f64| start + (1.0 - (1.0 - share).powi(3)) * (end - start);
    let cubic = Spacing::own("cubic", Clock::Time, cubic);
    let spaced = |spacing| Run { spacing: Some(spacing), ..Run::steps(&heun, 5) };
    let study = quick(mixture_case());
    let runs = vec![vec![Run::steps(&heun, 5), spaced(tuned), spaced(cubic)]];
    let result = Study { runs, ..study }.run(|_| ()).unwrap();
    let rows = &result.cases[0].rows;
    let told = terminal_table(&result);
    for (row, spacing) in rows.iter().zip([None, Some("times:1/0.6/0.3"), Some("cubic")]) {
        assert!(
            (row.steps, row.nfe, row.outcome.as_str()) == (Some(5), 10.0, "success"),
            "{row:?}"
        );
        assert!(spacing.is_none_or(|spacing| told.contains(spacing)), "{told}");
    }
    // They end where the last step is short.
    assert!(error(&rows[1]) < error(&rows[0]) && error(&rows[2]) < error(&rows[0]), "{told}");
}

/// A prior of which each draw weighs as much as a measurement of its first component allows.
struct Weighted(MixtureModel);

impl Model for Weighted {
    fn label(&self) -> &str {
        "posterior"
    }
    fn row_shape(&self) -> Vec<usize> {
        self.0.row_shape()
    }
    fn predictor_f64(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        self.0.predictor_f64(path, condition)
    }
    fn weights(&self, samples: &ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>, GenerateError> {
        Ok(Some(
            samples.column(0).iter().map(|x| (-0.5 * ((x - 1.0) / 0.4).powi(2)).exp()).collect(),
        ))
    }
}

/// Moments are those of the weighted samples, and a metric that knows no weights has no number of
/// them rather than that of the prior.
#[test]
fn samples_may_weigh_and_a_metric_may_know_it() {
    let (mean, std, seen, noise) = (0.5, 0.3_f64, 1.0, 0.4_f64);
    let prior = GaussianMixture::isotropic(vec![1.0], vec![vec![mean, 0.0]], vec![std]).unwrap();
    let moment = Metric::of("mean_x", "weighted mean of the first component", |subject| {
        let weights = subject.samples.weights().unwrap_or_default();
        let total: f64 = weights.iter().sum();
        let sum: f64 =
            subject.samples.rows().column(0).iter().zip(weights).map(|(x, w)| x * w).sum();
        Ok((total > 0.0).then(|| (sum / total).into()))
    });
    let case = Case::new("vp", Arc::new(Weighted(MixtureModel::new(prior)))).unwrap();
    let case = Case { data: mixture_case().data, ..case };
    let study = Study { lanes: 2000, ..quick(case.measuring(moment.weighing())) };
    let result = study.run(|_| ()).unwrap();
    let row = &result.cases[0].rows[0];
    assert!(row.metric("mean_x").unwrap().value.is_some());
    // Five steps are not the prior; the true solution is.
    let found = result.cases[0].floors[0].metric("mean_x").and_then(Measured::mean).unwrap();
    let known = (mean / std.powi(2) + seen / noise.powi(2)) / (std.powi(-2) + noise.powi(-2));
    assert!((found - known).abs() < 0.03, "{found} {known}");
    let chamfer = row.metric("chamfer").unwrap();
    assert!(chamfer.value.is_none() && chamfer.failure.as_ref().unwrap().contains("no weights"));
    // A second draw of the data stands for itself.
    assert!(result.cases[0].floors[1].metric("chamfer").unwrap().value.is_some());
    for bad in [vec![1.0], vec![1.0, -1.0], vec![0.0, 0.0], vec![f64::NAN, 1.0]] {
        let two = ndarray::array![[0.0], [1.0]];
        let sample = PreparedSample::new(&two.view(), Sample::P).unwrap();
        assert!(sample.weighted(bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn without_a_true_solution_the_rows_that_there_are_are_kept() {
    // Known at the times of five steps alone: DOP853 goes elsewhere.
    let gappy = |out: &mut ArrayD<f64>, x: &ArrayD<f64>, t: f64| {
        let step = (1.0 - t) / ((1.0 - 1e-3) / 5.0);
        let on_grid = (step - step.round()).abs() < 1e-9;
        out.assign(&(x * if on_grid { 0.5 } else { f64::NAN }));
    };
    let model = Arc::new(NetworkModel::new("gappy", [2], Prediction::Velocity, gappy));
    let case = Case::new("rectified-flow", model).unwrap();
    let euler = Solver::parse("euler").unwrap();
    let runs = vec![vec![Run::steps(&euler, 5), Run::steps(&euler, 3)]];
    let study = Study { cases: vec![case], runs, lanes: 20, seeds: vec![0, 1], ..Study::default() };
    let result = study.run(|_| ()).unwrap();
    let case = &result.cases[0];
    assert!(!case.truth_reached());
    let outcomes: Vec<&str> = case.rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes[0], "success");
    assert_ne!(outcomes[1], "success");
    assert!(case.rows[0].solver_error.is_none());
    let room = tempfile::tempdir().unwrap();
    let directory = write(&study, &result, room.path()).unwrap();
    let json: Value = serde_json::from_str(&text(&directory, "study.json")).unwrap();
    assert_eq!(json["floors"][0]["truth_outcome"], case.truth_outcome.as_str());
    let said = format!("the true solution ended with `{}`", case.truth_outcome);
    assert!(terminal_table(&result).contains(&said));
    assert!(text(&directory, "report.html").contains("the true solution ended with"));
    answers_text(&result);
    let read = StudyResult::read(directory.join("study.json")).unwrap();
    assert_eq!(read.cases[0].truth_outcome, case.truth_outcome);
}

/// The parts of a solve that a network which fails below a time leaves, and the errors that say so.
#[test]
fn what_failed_passes_for_no_samples() {
    let path = process::parse("vp").unwrap();
    let settings = Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(10));
    let run = |below: f64| {
        let network = move |out: &mut ArrayD<f64>, _x: &ArrayD<f64>, t: f64| {
            out.fill(0.0);
            if t < below { Err(FieldError::other("out of order")) } else { Ok(()) }
        };
        let model = NetworkModel::new("failing", [3], Prediction::Noise, network);
        generate::<f64>(&path, &model, Initial::Noise { lanes: 4 }, &settings)
    };
    assert_eq!(run(0.0).unwrap().complete().unwrap().shape(), [4, 3]);

    let incomplete = run(0.5).unwrap().complete().unwrap_err();
    assert!(incomplete.to_string().contains("out of order"), "{incomplete}");
    assert!(std::error::Error::source(&incomplete).is_some());
    assert_eq!(incomplete.0.statistics.accepted, 6);

    let error = run(2.0).unwrap_err();
    assert!(matches!(error, GenerateError::Solve(SolveError::NoStep { .. })), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
