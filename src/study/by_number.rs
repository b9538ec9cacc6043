//! How the floors of a case depend on the number of samples.

use driftfield_solvers::number::rounded;
use ndarray::{Array2, s};

use super::pictures::slug;
use super::slopes::line;
use super::solve::Said;
use super::{Case, CaseResult, Floor, StudyError};
use crate::generate::Span;
use crate::metrics::{Metric, PreparedSample, Sample, Shown};
use crate::plot::{ErrorCurves, Scale, Series};

/// The parts of the lanes of a study at which its floors are measured too.
const PARTS: [usize; 4] = [16, 8, 4, 2];
/// Samples that a part has at least: of fewer a distance says nothing.
const FEWEST: usize = 8;

/// Floors of the first so many lanes and data.
#[derive(Debug, Clone, PartialEq)]
pub struct FloorsAt {
    /// Their number.
    pub lanes: usize,
    /// That of the model, and that of a second draw of the data if there is one.
    pub floors: Vec<Floor>,
}

/// The numbers of samples below that of a study, rising.
pub(super) fn parts_of(lanes: usize) -> Vec<usize> {
    PARTS.iter().map(|part| lanes / part).filter(|&lanes| lanes >= FEWEST).collect()
}

/// Whether a metric is measured of fewer samples: it has pictures of its own.
fn is_drawn(metric: &Metric) -> bool {
    metric.shown == Shown::Curves
}

/// What the metrics say of the first lanes of the true solution and of a second draw of the data,
/// beside as many of the first.
#[derive(Debug, Clone)]
pub(super) struct Fewer {
    pub(super) model: Vec<Said>,
    pub(super) sampling: Option<Vec<Said>>,
}

impl Case {
    /// What the metrics with curves say of so many lanes: nothing where one needs more.
    pub(super) fn fewer(
        &self,
        truth: Option<(&Array2<f64>, Span)>,
        draws: Option<(&Array2<f64>, &Array2<f64>)>,
        lanes: usize,
    ) -> Result<Fewer, StudyError> {
        let first =
            |points: &Array2<f64>| points.slice(s![..lanes.min(points.nrows()), ..]).to_owned();
        let data = draws.map(|(data, _)| PreparedSample::new(&first(data).view(), Sample::Q));
        let data = data.transpose()?;
        let of = |samples: &Array2<f64>, span: Option<Span>, wanted: &dyn Fn(&Metric) -> bool| {
            let wanted = |metric: &Metric| is_drawn(metric) && wanted(metric);
            let said = self.measured((&first(samples), span), data.as_ref(), wanted);
            // One that needs more samples has nothing to say of so few.
            said.into_iter().map(|said| Ok(said.unwrap_or_default())).collect::<Vec<Said>>()
        };
        let model = truth.map(|(truth, span)| of(truth, Some(span), &|_| true));
        let sampling = draws.map(|(_, second)| of(second, None, &|metric| metric.floor.is_none()));
        Ok(Fewer { model: model.unwrap_or_else(|| vec![Ok(None); self.metrics.len()]), sampling })
    }
}

/// A number of samples, the mean over seeds of a floor, and its spread.
type Point = (f64, f64, f64);

impl CaseResult {
    /// A floor of the case over the number of samples, up to all `lanes`.
    fn floor_by_number(&self, floor: &str, metric: &str, lanes: usize) -> Vec<Point> {
        let of = |lanes: usize, floors: &[Floor]| {
            let floor = floors.iter().find(|found| found.name == floor)?;
            let value = floor.metric(metric)?.value?;
            Some((lanes as f64, value.mean, value.std.unwrap_or(0.0)))
        };
        let fewer = self.by_number.iter().map(|at| (at.lanes, &at.floors));
        fewer.chain([(lanes, &self.floors)]).filter_map(|(n, floors)| of(n, floors)).collect()
    }

    /// A picture for each metric with curves, with its name and caption.
    pub(super) fn floor_pictures(&self, lanes: usize) -> Vec<(String, ErrorCurves, String)> {
        let metrics = self.metrics.iter().filter(|metric| is_drawn(metric));
        metrics.filter_map(|metric| self.floor_picture(metric, lanes)).collect()
    }

    /// Why the model's floor, or any, is not among the pictures of them.
    pub(super) fn why_no_floors(&self, drawn: &[(String, ErrorCurves, String)]) -> Option<String> {
        let label = self.label();
        if !self.truth_reached() {
            let outcome = &self.truth_outcome;
            return Some(format!(
                "{label}: the true solution was not reached ({outcome}), so that the model has no floor."
            ));
        }
        let why = match self.by_number.is_empty() {
            true => {
                format!("these samples are too few, for a part has {FEWEST} at least")
            }
            false => "there is no metric with curves that is known of fewer samples".to_owned(),
        };
        drawn.is_empty().then(|| format!("{label}: {why}."))
    }

    fn floor_picture(
        &self,
        metric: &Metric,
        lanes: usize,
    ) -> Option<(String, ErrorCurves, String)> {
        let title = format!("{} against the number of samples: {}", metric.heading, self.label());
        let mut curves = ErrorCurves::new(title.clone(), "samples", metric.heading.as_str());
        let mut told = Vec::new();
        for floor in &self.by_number.first()?.floors {
            let points = self.floor_by_number(&floor.name, &metric.name, lanes);
            if points.len() < 2 {
                continue;
            }
            told.push(sentence(&floor.label, &points));
            let means = points.iter().map(|point| (point.0, point.1)).collect();
            let mut series = Series::new(floor.label.as_str(), means);
            series.spread = Some(points.iter().map(|point| point.2).collect());
            series.fit = true;
            curves.series.push(series);
        }
        let values = curves.series.iter().flat_map(|series| &series.points);
        if !values.clone().all(|point| point.1 > 0.0) {
            curves.y_scale = Scale::Linear;
        }
        let beside = match metric.floor {
            Some(_) => "the metric's own reference",
            None => "as many data",
        };
        let reading = match curves.series.len() {
            0 | 1 => "",
            _ => {
                " A floor that falls like that of the data is the number of samples; what stays is the model's."
            }
        };
        let caption = format!(
            "{title}: of the first samples of every seed beside {beside}, mean and spread over {} seed(s). {}{reading}",
            self.seed_list.len(),
            told.join(" ")
        );
        let name = format!("{}-{}", slug(&metric.name, "n"), slug(&self.process, &self.field));
        (!curves.series.is_empty()).then_some((name, curves, caption))
    }
}

/// What a floor is of fewest and of most samples, and the slope between.
fn sentence(label: &str, points: &[Point]) -> String {
    let end = |point: Option<&Point>| match point {
        Some((lanes, value, _)) => format!("{} of {lanes}", rounded(*value)),
        None => String::new(),
    };
    let logs: Vec<(f64, f64)> = points.iter().map(|point| (point.0.ln(), point.1.ln())).collect();
    let slope = line(&logs).filter(|(slope, _)| slope.is_finite());
    let slope = slope.map_or(String::new(), |(slope, error)| {
        format!(", slope {slope:.2} with a standard error of {error:.2}")
    });
    format!("{label}: {} to {}{slope}.", end(points.first()), end(points.last()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{Drawing, Run, Study, StudyResult};
    use driftfield_problems::method::Solver;

    fn result(lanes: usize) -> StudyResult {
        let run = Run::steps(&Solver::parse("heun").unwrap(), 3);
        let cases = vec![Case::exact_cat("vp").unwrap()];
        let (seeds, draw) = (vec![4, 1], vec![Drawing::Floors]);
        let study = Study { cases, runs: vec![vec![run]], lanes, seeds, draw, ..Study::default() };
        study.run(|_| ()).unwrap()
    }

    /// A part of the lanes is a smaller study, and all of them are the study itself.
    #[test]
    fn the_floors_of_a_part_are_those_of_a_study_of_so_many_lanes() {
        let (whole, half) = (result(64), result(32));
        let (case, smaller) = (&whole.cases[0], &half.cases[0]);
        let lanes: Vec<usize> = case.by_number.iter().map(|at| at.lanes).collect();
        assert_eq!(lanes, [8, 16, 32]);
        for floor in ["model", "sampling"] {
            let points = case.floor_by_number(floor, "chamfer", 64);
            let own = |case: &CaseResult| {
                let floor = case.floors.iter().find(|found| found.name == floor).unwrap();
                floor.metric("chamfer").unwrap().value.unwrap()
            };
            let full = own(case);
            assert_eq!(points[3], (64.0, full.mean, full.std.unwrap()));
            let part = own(smaller).mean;
            // Adaptive steps of the true solution are those of all lanes.
            assert!((points[2].1 - part).abs() < 1e-8, "{floor}: {points:?} {part}");
            assert!(points.windows(2).all(|pair| pair[0].1 > pair[1].1), "{points:?}");
        }
        // Metrics without pictures are measured of all lanes alone.
        assert!(case.by_number[0].floors[0].metric("mmd2").unwrap().value.is_none());
    }

    #[test]
    fn floors_are_drawn_with_their_slopes_and_read_back() {
        let whole = result(64);
        let pictures = whole.cases[0].floor_pictures(64);
        let (name, curves, caption) = &pictures[0];
        assert_eq!((pictures.len(), name.as_str()), (1, "chamfer-n-vp-exact"));
        assert!(curves.series.len() == 2 && curves.series.iter().all(|series| series.fit));
        for words in ["2 seed(s)", "model floor: ", " of 8 to ", " of 64, slope -"] {
            assert!(caption.contains(words), "{words}: {caption}");
        }
        let read = StudyResult::from_json(&whole.to_json()).unwrap();
        assert_eq!(read.cases[0].by_number, whole.cases[0].by_number);
    }

    #[test]
    fn a_part_is_no_handful() {
        assert_eq!(parts_of(3_000), [187, 375, 750, 1_500]);
        assert_eq!(parts_of(30), [15]);
        assert!(parts_of(15).is_empty());
    }
}
