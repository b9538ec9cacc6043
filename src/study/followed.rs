//! The lanes of one seed followed through solves, beside the true solution at the same times.

use std::sync::Arc;

use ndarray::Array2;

use super::solve::{rows_of, solver_error};
use super::{Case, CaseResult, Row, Run, StudyError};
use crate::distinct::distinct;
use crate::generate::{Generated, Precision, Saved, Settings};

/// Numbers of a state that is followed at most: 25,000 lanes in the plane, 63 images.
const NUMBERS: usize = 50_000;
/// Times at which the true solution is known beside those of the solves, so that its path is smooth.
const BETWEEN: usize = 60;

/// States and their times, the first being the initial one, in the units of the data.
struct Path {
    times: Vec<f64>,
    states: Vec<Array2<f64>>,
}

impl Path {
    fn and_evaluations<T: Precision>(generated: &Generated<T>) -> (Self, u64) {
        let states = generated.trajectory.iter().map(rows_of).collect();
        (Path { times: generated.times.clone(), states }, generated.statistics.nfe)
    }

    /// At one of its times; at any other the last, for a solve that ends where this does not.
    fn at(&self, t: f64) -> &Array2<f64> {
        let known = self.times.iter().position(|&time| time == t);
        &self.states[known.unwrap_or(self.states.len() - 1)]
    }

    fn last(&self) -> &Array2<f64> {
        self.at(f64::NAN)
    }

    fn lane(&self, lane: usize) -> Vec<[f64; 2]> {
        self.states.iter().map(|state| [state[[lane, 0]], state[[lane, 1]]]).collect()
    }
}

/// A solve whose states were kept, beside the true solution from the same noise.
pub(super) struct Followed<'r> {
    /// The row that it is of.
    pub(super) row: &'r Row,
    /// Its own evaluations, which adaptive steps have others of for every seed.
    pub(super) nfe: u64,
    path: Path,
    truth: Arc<Path>,
}

impl Followed<'_> {
    /// Solver and evaluations.
    pub(super) fn name(&self) -> String {
        format!("{} {} NFE", self.row.series(), self.nfe)
    }

    /// The time after each step, and the root of the mean over lanes of the squared distance to the
    /// true solution there: the last is the row's error, of the same lanes.
    pub(super) fn errors(&self) -> Vec<(f64, f64)> {
        let steps = self.path.times.iter().zip(&self.path.states).skip(1);
        steps.map(|(&t, state)| (t, solver_error(state, self.truth.at(t)))).collect()
    }

    /// Of each lane how far its end is from the true one.
    pub(super) fn differences(&self) -> Vec<f64> {
        let pairs = self.end().rows().into_iter().zip(self.true_end().rows());
        pairs.map(|(own, truth)| (&own - &truth).mapv(|x| x * x).sum().sqrt()).collect()
    }

    /// Where it ends.
    pub(super) fn end(&self) -> &Array2<f64> {
        self.path.last()
    }

    /// Where the true solution ends.
    pub(super) fn true_end(&self) -> &Array2<f64> {
        self.truth.last()
    }

    /// The states of a lane in the plane.
    pub(super) fn lane(&self, lane: usize) -> Vec<[f64; 2]> {
        self.path.lane(lane)
    }

    /// Those of the true solution.
    pub(super) fn true_lane(&self, lane: usize) -> Vec<[f64; 2]> {
        self.truth.lane(lane)
    }
}

/// Why there is nothing beside the true solution, as a sentence.
pub(super) type Reason = String;

/// The lanes of a case of which states are kept.
pub(super) fn lanes_of(case: &Case, lanes: usize) -> usize {
    lanes.min((NUMBERS / case.model.dimension().max(1)).max(1))
}

/// The solves of these rows once more, and the true solution at the times of their steps.
pub(super) fn follow<'r>(
    case: &Case,
    result: &CaseResult,
    rows: &[(&'r Row, &Run)],
    (lanes, seed): (usize, u64),
) -> Result<Result<Vec<Followed<'r>>, Reason>, StudyError> {
    let not_reached = |outcome: &str| {
        let case = case.label();
        Ok(Err(format!(
            "{case}: the true solution was not reached ({outcome}), so that nothing is drawn beside it."
        )))
    };
    if !result.truth_reached() {
        return not_reached(&result.truth_outcome);
    }
    let solve = |&(row, run): &(&'r Row, &Run)| Ok((row, solved(case, run, (lanes, seed))?));
    let solves: Vec<(&Row, (Path, u64))> =
        rows.iter().map(solve).collect::<Result<_, StudyError>>()?;
    let mut truths = Vec::new();
    for start in distinct(solves.iter().map(|(_, (path, _))| path.times[0])) {
        let paths = solves.iter().map(|(_, (path, _))| path);
        let same = paths.filter(|path| path.times[0] == start);
        let times = same.flat_map(|path| path.times.iter().copied()).collect();
        match truth(case, (lanes, seed), start, times)? {
            Ok(truth) => truths.push(Arc::new(truth)),
            Err(outcome) => return not_reached(outcome),
        }
    }
    let beside = |(row, (path, nfe)): (&'r Row, (Path, u64))| {
        let truth = truths.iter().find(|truth| truth.times[0] == path.times[0])?.clone();
        Some(Followed { row, nfe, path, truth })
    };
    Ok(Ok(solves.into_iter().filter_map(beside).collect()))
}

/// As a row is made, but that its states are kept; and its evaluations.
fn solved(case: &Case, run: &Run, (lanes, seed): (usize, u64)) -> Result<(Path, u64), StudyError> {
    let settings = Settings { saved: Saved::All, ..case.settings(run.settings(seed)) };
    Ok(match case.model.is_exact() {
        true => Path::and_evaluations(&case.generate::<f64>(lanes, seed, &settings)?),
        false => Path::and_evaluations(&case.generate::<f32>(lanes, seed, &settings)?),
    })
}

/// The true solution from `start` at all of the `times` before its end, and at its end; how it ended
/// if it did not get there.
fn truth(
    case: &Case,
    (lanes, seed): (usize, u64),
    start: f64,
    mut times: Vec<f64>,
) -> Result<Result<Path, &'static str>, StudyError> {
    let end = case.span.1.unwrap_or(case.path.default_span().1);
    times.extend((1..BETWEEN).map(|step| start + (end - start) * step as f64 / BETWEEN as f64));
    times.retain(|t| (t - start) * (t - end) < 0.0);
    let settings = case.settings(case.true_settings(Some(start)));
    let settings = Settings { saved: Saved::At(times), ..settings };
    let solved = case.generate::<f64>(lanes, seed, &settings)?;
    if !solved.outcome.is_success() {
        return Ok(Err(solved.outcome.name()));
    }
    let (mut path, _) = Path::and_evaluations(&solved);
    path.times.push(solved.span.end);
    path.states.push(rows_of(&solved.samples));
    Ok(Ok(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{Study, made_up};
    use driftfield_problems::method::Solver;

    /// Between the steps of its own solve the true solution is what a solve that ends there gives.
    #[test]
    fn the_true_solution_is_known_at_the_times_of_steps() {
        let run = Run::steps(&Solver::parse("heun").unwrap(), 5);
        let cases = vec![Case::exact_cat("vp").unwrap()];
        let study = Study { cases, runs: vec![vec![run]], lanes: 30, ..Study::default() };
        let result = study.run(|_| ()).unwrap();
        let found = &result.cases[0];
        let rows = [(&found.rows[0], &study.runs[0][0])];
        let followed = follow(&study.cases[0], found, &rows, (30, 0)).unwrap().unwrap();
        let Followed { path, truth, .. } = &followed[0];
        for &t in &path.times[1..] {
            let case = Case { span: (None, Some(t)), ..Case::exact_cat("vp").unwrap() };
            let settings = case.settings(case.true_settings(None));
            let ended = rows_of(&case.generate::<f64>(30, 0, &settings).unwrap().samples);
            let off = solver_error(truth.at(t), &ended);
            assert!(off < 1e-7, "{off} at {t}");
        }
        assert_eq!(path.times[0], truth.times[0]);
        // Its path is smooth whatever the steps of the solves.
        assert!(truth.times.len() > BETWEEN);
    }

    #[test]
    fn without_a_true_solution_it_is_said_why() {
        let case = Case::exact_cat("vp").unwrap();
        let mut found = made_up::case("exact", 2, 0.03, Vec::new());
        found.truth_outcome = "max_steps".to_owned();
        let reason = follow(&case, &found, &[], (3, 0)).unwrap().err().unwrap();
        assert!(reason.contains("was not reached (max_steps)"), "{reason}");
    }

    #[test]
    fn lanes_of_images_are_fewer_than_those_of_points() {
        let case = Case::exact_cat("vp").unwrap();
        assert_eq!([3, 3_000, 100_000].map(|lanes| lanes_of(&case, lanes)), [3, 3_000, 25_000]);
    }
}
