//! Where solvers lose the true solution: the distance to it after every step.

use driftfield_solvers::number::rounded;
use serde::{Deserialize, Serialize};

use super::comparable::Comparable;
use super::followed::Followed;
use super::{Case, CaseResult, Row};
use crate::distinct::distinct;
use crate::plot::{ErrorCurves, Scale, Series, SeriesStyle};

/// The curves of a case, with their name and caption.
pub(super) fn draw(
    case: &Case,
    result: &CaseResult,
    compared: &Comparable<'_>,
    followed: &[Followed<'_>],
    seed: u64,
) -> (String, ErrorCurves, String) {
    let title = format!("Error along the solve: {}", case.label());
    let mut curves =
        ErrorCurves::new(title.clone(), "t", "Error (RMS distance to the true solution)");
    let names = distinct(result.rows.iter().map(Row::series));
    let series = |solve: &Followed<'_>| {
        // The look of its curve in other pictures.
        let place = names.iter().position(|name| *name == solve.row.series());
        Series { style: place.map(SeriesStyle::nth), ..Series::new(solve.name(), solve.errors()) }
    };
    curves.series = followed.iter().map(series).collect();
    // Curves end where the frame does, and their names stand in the legend.
    curves.end_labels = false;
    let times: Vec<f64> = curves.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)).collect();
    curves.x_falls = case.path.default_span().0 > case.path.default_span().1;
    curves.x_scale = scale(times);
    let lanes = followed.first().map_or(0, |solve| solve.end().nrows());
    let told: Vec<String> = followed.iter().map(told).collect();
    let caption = format!(
        "{title}. Root of the mean over {lanes} lanes of seed {seed} of the squared distance to the true solution at the same time, after every step; each solver with its row nearest to {}. At the end, and after the step in which it grows most: {}.",
        compared.told(),
        told.join("; ")
    );
    (format!("error-along-{}", case.slug()), curves, caption)
}

/// Logarithmic where half of the times would share a tenth of the axis, unless one is 0.
fn scale(mut times: Vec<f64>) -> Scale {
    times.sort_by(f64::total_cmp);
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(&least), Some(&middle), Some(&most)) if least > 0.0 && middle < 0.1 * most => {
            Scale::Logarithmic
        }
        _ => Scale::Linear,
    }
}

/// The error at the end, and the step in which it grows most.
fn told(solve: &Followed<'_>) -> String {
    let errors = solve.errors();
    let before = [0.0].into_iter().chain(errors.iter().map(|point| point.1));
    let growths = errors.iter().zip(before).map(|(&(t, after), before)| (t, before, after));
    let most = growths.max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)));
    let (t, before, after) = most.unwrap_or_default();
    let end = errors.last().map_or(0.0, |point| point.1);
    let [end, before, after, t] = [end, before, after, t].map(rounded);
    format!("{} {end}, from {before} to {after} at t = {t}", solve.name())
}

/// The numbers of the picture of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorsAlong {
    /// Process, as it was asked for.
    pub process: String,
    /// What the model is called.
    pub field: String,
    /// The seed that was followed.
    pub seed: u64,
    /// Lanes that the errors are over.
    pub lanes: usize,
    /// The solves, in the order of the rows.
    pub solves: Vec<ErrorAlong>,
}

/// The distance of one solve to the true solution after every step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorAlong {
    /// [Series](Row::series) of its row.
    pub solver: String,
    /// [Budget](Row::budget) of its row.
    pub budget: String,
    /// Evaluations of this seed.
    pub nfe: u64,
    /// The time after each step.
    pub t: Vec<f64>,
    /// The error there; none where it is out of range.
    pub error: Vec<Option<f64>>,
}

impl ErrorsAlong {
    pub(super) fn of(case: &Case, followed: &[Followed<'_>], seed: u64) -> Self {
        let solve = |solve: &Followed<'_>| {
            let errors = solve.errors().into_iter();
            let (t, error) = errors.map(|(t, e)| (t, Some(e).filter(|e| e.is_finite()))).unzip();
            let (solver, budget) = (solve.row.series(), solve.row.budget());
            ErrorAlong { solver, budget, nfe: solve.nfe, t, error }
        };
        ErrorsAlong {
            process: case.process.clone(),
            field: case.label.clone(),
            seed,
            lanes: followed.first().map_or(0, |solve| solve.end().nrows()),
            solves: followed.iter().map(solve).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Run, Study, beside_truth};
    use super::*;
    use crate::study::Drawing;
    use driftfield_problems::method::Solver;

    fn study(process: &str) -> Study {
        let run = |name: &str, steps| Run::steps(&Solver::parse(name).unwrap(), steps);
        let adaptive = Run::adaptive(&Solver::parse("tsit5").unwrap(), 1e-2);
        let runs = vec![run("heun", 5), run("ddim", 10), run("euler", 40), adaptive];
        let cases = vec![Case::exact_cat(process).unwrap()];
        let draw = vec![Drawing::ErrorAlong];
        Study { cases, runs: vec![runs], lanes: 40, seeds: vec![2, 0], draw, ..Study::default() }
    }

    /// The same lanes, noise and true solution: to the bit what the row says of the first seed.
    #[test]
    fn the_error_along_a_solve_ends_at_that_of_its_row() {
        for process in ["vp", "rectified-flow"] {
            let study = study(process);
            let result = study.run(|_| ()).unwrap();
            let drawn = beside_truth::draw(&study, &result).unwrap();
            assert_eq!((drawn.along.len(), drawn.notes.len()), (1, 0));
            let curves = &drawn.along[0].1;
            assert!(curves.x_falls && curves.series.len() == 4, "{curves:?}");
            for (row, series) in result.rows().zip(&curves.series) {
                assert!(row.steps.is_none_or(|steps| series.points.len() == steps));
                assert!(series.points.windows(2).all(|pair| pair[0].0 > pair[1].0));
                let end = series.points.last().map(|point| point.1);
                assert_eq!(end, row.solver_error_seeds[0], "{process} {}", series.name);
            }
        }
    }

    #[test]
    fn times_that_share_a_tenth_of_an_axis_are_spread() {
        assert_eq!(scale(vec![80.0, 20.0, 5.0, 1.0, 0.2, 0.002]), Scale::Logarithmic);
        assert_eq!(scale(vec![0.8, 0.6, 0.4, 0.2, 0.001]), Scale::Linear);
        assert_eq!(scale(vec![80.0, 1.0, 0.2, 0.1, 0.0]), Scale::Linear);
        assert_eq!(scale(Vec::new()), Scale::Linear);
    }
}
