//! What a study has finished so far.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::by_number::Fewer;
use super::rows::{Floor, REAL, Summary, worst};
use super::solve::{Prepared, Said, Trial};
use super::{Case, CaseResult, FloorsAt, Row, Session, Study, StudyError, StudyResult};

/// What a study says while it runs.
pub enum Progress<'a> {
    /// A solve of this case is done, its true solution's among them.
    Solved(&'a str),
    /// A row is finished.
    Row {
        /// The row.
        row: &'a Row,
        /// All that is finished.
        so_far: &'a dyn Fn() -> StudyResult,
    },
}

/// One solve: a run of a case with a seed, by their numbers; with no run the true solution alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    case: usize,
    run: Option<usize>,
    seed: usize,
}

/// What belongs to a case and a seed, whatever is run.
struct Shared {
    model: Vec<Said>,
    sampling: Option<Vec<Said>>,
    fewer: Vec<Fewer>,
    truth_nfe: u64,
    truth_outcome: &'static str,
}

/// What a case has beside its rows.
#[derive(Clone)]
struct Floors {
    floors: Vec<Floor>,
    by_number: Vec<FloorsAt>,
    truth_nfe: f64,
    truth_outcome: String,
}

impl Floors {
    /// Those that a case has, if they were measured of these numbers of lanes too.
    fn of(case: &CaseResult, parts: &[usize]) -> Option<Self> {
        let at = |&lanes: &usize| case.by_number.iter().find(|at| at.lanes == lanes).cloned();
        Some(Floors {
            floors: case.floors.clone(),
            by_number: parts.iter().map(at).collect::<Option<_>>()?,
            truth_nfe: case.truth_nfe,
            truth_outcome: case.truth_outcome.clone(),
        })
    }
}

/// What is there of a case.
struct CaseRecord {
    /// For every seed.
    shared: Vec<Option<Shared>>,
    /// For every run and seed.
    trials: Vec<Vec<Option<Trial>>>,
    /// Rows of an earlier study, and its floors if it finished all and has those that are wanted.
    earlier: Vec<Option<Row>>,
    floors: Option<Floors>,
    /// Solves still to be made.
    missing: usize,
}

/// The solves of a study, made and to be made.
pub(super) struct Record<'s> {
    study: &'s Study,
    cases: Vec<Mutex<CaseRecord>>,
    /// Those of the earlier study, and this one.
    sessions: Vec<Session>,
    /// For every case and seed what its runs are compared with, while there are any to be made;
    /// nothing once it was stopped.
    prepared: Vec<Vec<Mutex<Option<Arc<Slot>>>>>,
}

type Slot = OnceLock<Option<Prepared>>;

/// Whoever panicked while it was held, what it holds is whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'s> Record<'s> {
    /// Of a study, and the rows that `earlier` has of it.
    pub(super) fn new(study: &'s Study, earlier: Option<&StudyResult>) -> Self {
        let seeds = study.seeds.len();
        let of_case = |(case, runs): (&Case, &Vec<super::Run>)| {
            let known = earlier.filter(|known| known.lanes == study.lanes);
            let known = known.and_then(|known| known.cases.iter().find(|known| known.is_of(case)));
            let row = |run: &super::Run| {
                let rows = known.map_or(&[][..], |known| &known.rows);
                rows.iter().find(|row| row.seed_list == study.seeds && row.is_of(run)).cloned()
            };
            let earlier: Vec<Option<Row>> = runs.iter().map(row).collect();
            let to_make = earlier.iter().filter(|row| row.is_none()).count();
            let known = known.filter(|_| to_make == 0);
            let floors = known.and_then(|known| Floors::of(known, &study.parts()));
            let truths = usize::from(to_make == 0 && floors.is_none());
            Mutex::new(CaseRecord {
                shared: (0..seeds).map(|_| None).collect(),
                trials: vec![vec![None; seeds]; runs.len()],
                floors,
                earlier,
                missing: (to_make + truths) * seeds,
            })
        };
        let mut sessions = earlier.map_or(Vec::new(), |earlier| earlier.sessions.clone());
        sessions.push(Session::now());
        let prepared = || (0..seeds).map(|_| Mutex::new(Some(Arc::default()))).collect();
        Record {
            study,
            cases: study.cases.iter().zip(&study.runs).map(of_case).collect(),
            sessions,
            prepared: study.cases.iter().map(|_| prepared()).collect(),
        }
    }

    /// The solves to be made: run by run, each with all seeds; of a case that lacks its floors alone
    /// the true solutions.
    pub(super) fn missing(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (case, record) in self.cases.iter().enumerate() {
            let record = locked(record);
            let runs = record.earlier.iter().enumerate().filter(|(_, row)| row.is_none());
            let mut runs: Vec<Option<usize>> = runs.map(|(run, _)| Some(run)).collect();
            if runs.is_empty() && record.floors.is_none() {
                runs.push(None);
            }
            for run in runs {
                pieces.extend((0..self.study.seeds.len()).map(|seed| Piece { case, run, seed }));
            }
        }
        pieces
    }

    /// Makes a solve, unless the case is stopped, and says so.
    pub(super) fn solve(
        &self,
        Piece { case: index, run, seed }: Piece,
        report: &dyn Fn(Progress<'_>),
    ) -> Result<(), StudyError> {
        let case = &self.study.cases[index];
        let number = self.study.seeds[seed];
        let slot = locked(&self.prepared[index][seed]).clone();
        let Some(slot) = slot.filter(|_| !case.is_stopped()) else { return Ok(()) };
        let mut failed = None;
        let prepared = slot.get_or_init(|| {
            let at = (self.study.lanes, number);
            Prepared::new(case, at, &self.study.parts()).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let Some(prepared) = prepared else { return Ok(()) };
        let is_first = {
            let mut record = locked(&self.cases[index]);
            let is_first = record.shared[seed].is_none();
            record.shared[seed].get_or_insert_with(|| Shared {
                model: prepared.model.clone(),
                sampling: prepared.sampling.clone(),
                fewer: prepared.fewer.clone(),
                truth_nfe: prepared.truth_nfe,
                truth_outcome: prepared.truth_outcome,
            });
            is_first
        };
        if is_first {
            report(Progress::Solved(&case.label()));
        }
        let mut row = None;
        if let Some(run) = run {
            let run_of = &self.study.runs[index][run];
            let at = (self.study.lanes, number);
            let Some(trial) = case.trial(run_of, at, prepared, self.study.timings)? else {
                return Ok(());
            };
            report(Progress::Solved(&case.label()));
            let mut record = locked(&self.cases[index]);
            record.trials[run][seed] = Some(trial);
            let all: Option<Vec<Trial>> = record.trials[run].iter().cloned().collect();
            row = all.map(|trials| Row::new(case, run_of, &trials, self.session()));
        }
        self.is_made(index);
        if let Some(row) = row {
            report(Progress::Row { row: &row, so_far: &|| self.result() });
        }
        Ok(())
    }

    /// One solve less to be made of a case.
    fn is_made(&self, case: usize) {
        let missing = {
            let mut record = locked(&self.cases[case]);
            record.missing -= 1;
            record.missing
        };
        if missing == 0 {
            // Data and true solutions are large.
            self.prepared[case].iter().for_each(|slot| *locked(slot) = None);
        }
    }

    /// All that is finished, of rows also those that have not all seeds.
    pub(super) fn result(&self) -> StudyResult {
        let none = StudyResult::without_rows(self.study);
        let mut result = StudyResult { cases: Vec::new(), complete: true, ..none };
        for (index, record) in self.cases.iter().enumerate() {
            let record = locked(record);
            result.complete &= record.missing == 0;
            let case = self.of_case(index, &record);
            if !case.rows.is_empty() {
                result.cases.push(case);
            }
        }
        // One that made no row, all being there, is no session of it.
        let made = result.rows().map(|row| row.session + 1).max().unwrap_or(0);
        result.sessions = self.sessions[..made].to_vec();
        result
    }

    /// The session of the rows that are made now.
    fn session(&self) -> usize {
        self.sessions.len() - 1
    }

    fn of_case(&self, index: usize, record: &CaseRecord) -> CaseResult {
        let case = &self.study.cases[index];
        let row = |(run, trials): (usize, &Vec<Option<Trial>>)| {
            let made: Vec<Trial> = trials.iter().flatten().cloned().collect();
            let row = || Row::new(case, &self.study.runs[index][run], &made, self.session());
            record.earlier[run].clone().or_else(|| (!made.is_empty()).then(row))
        };
        let earlier = record.floors.as_ref().map(|_| self.study.seeds.clone());
        let seeds = self.study.seeds.iter().zip(&record.shared);
        let made = seeds.filter(|(_, shared)| shared.is_some()).map(|(seed, _)| *seed);
        let seed_list = earlier.unwrap_or_else(|| made.collect());
        let shared: Vec<&Shared> = record.shared.iter().flatten().collect();
        let model: Vec<&[_]> = shared.iter().map(|seed| seed.model.as_slice()).collect();
        let sampling: Vec<&[_]> =
            shared.iter().filter_map(|seed| seed.sampling.as_deref()).collect();
        let made = || Floors {
            floors: Floor::all(&case.metrics, &model, &sampling),
            by_number: self.by_number(case, &shared),
            truth_nfe: Summary::of(shared.iter().map(|seed| seed.truth_nfe as f64)).mean,
            truth_outcome: worst(shared.iter().map(|seed| seed.truth_outcome)).to_owned(),
        };
        let Floors { floors, by_number, truth_nfe, truth_outcome } =
            record.floors.clone().unwrap_or_else(made);
        CaseResult {
            process: case.process.clone(),
            field: case.label.clone(),
            guidance: case.condition.guidance,
            seed_list,
            metrics: case.metrics.clone(),
            rows: record.trials.iter().enumerate().filter_map(row).collect(),
            floors,
            by_number,
            truth_nfe,
            truth_outcome,
        }
    }

    /// The floors of fewer lanes, of all seeds.
    fn by_number(&self, case: &Case, shared: &[&Shared]) -> Vec<FloorsAt> {
        let at = |(part, lanes): (usize, usize)| {
            let fewer = || shared.iter().filter_map(move |seed| seed.fewer.get(part));
            let model: Vec<&[_]> = fewer().map(|fewer| fewer.model.as_slice()).collect();
            let sampling: Vec<&[_]> = fewer().filter_map(|f| f.sampling.as_deref()).collect();
            let mut floors = Floor::all(&case.metrics, &model, &sampling);
            // What real data scores is known of one number of them.
            floors.retain(|floor| floor.name != REAL);
            FloorsAt { lanes, floors }
        };
        self.study.parts().into_iter().enumerate().map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use driftfield_problems::method::Solver;

    use super::*;
    use crate::study::{Case, Drawing, Run};

    /// What is drawn besides is measured beside the rows that are there.
    #[test]
    fn floors_that_are_missing_are_measured_without_rows() {
        let heun = Solver::parse("heun").unwrap();
        let study = |draw: &[Drawing]| Study {
            cases: vec![Case::exact_cat("vp").unwrap()],
            runs: vec![vec![Run::steps(&heun, 2)]],
            lanes: 32,
            seeds: vec![1, 4],
            draw: draw.to_vec(),
            ..Study::default()
        };
        let (plain, with_floors) = (study(&[]), study(&[Drawing::Floors]));
        let made = plain.run(|_| ()).unwrap();
        let mut rows = 0;
        let count =
            |progress: Progress<'_>| rows += usize::from(matches!(progress, Progress::Row { .. }));
        let resumed = with_floors.resume(Some(&made), count).unwrap();
        let whole = with_floors.run(|_| ()).unwrap();
        assert!(rows == 0 && resumed.complete && resumed.sessions.len() == 1);
        assert_eq!(resumed.cases[0].rows, made.cases[0].rows);
        assert_eq!(resumed.cases[0].by_number, whole.cases[0].by_number);
        assert_eq!(resumed.cases[0].floors, whole.cases[0].floors);
        // And what is no longer wanted costs nothing.
        assert_eq!(Record::new(&plain, Some(&whole)).missing().len(), 0);
        assert_eq!(plain.resume(Some(&whole), |_| ()).unwrap().cases[0].by_number, []);
    }

    #[test]
    fn rows_of_what_is_called_the_same_and_is_not_are_made_again() {
        let heun = Solver::parse("heun").unwrap();
        let study = Study {
            cases: vec![Case::exact_cat("vp").unwrap()],
            runs: vec![vec![Run::steps(&heun, 2)]],
            lanes: 4,
            ..Study::default()
        };
        let made = study.run(|_| ()).unwrap();
        let missing = |change: fn(&mut StudyResult)| {
            let mut earlier = made.clone();
            change(&mut earlier);
            Record::new(&study, Some(&earlier)).missing().len()
        };
        assert_eq!(missing(|_| ()), 0);
        assert_eq!(missing(|earlier| earlier.lanes = 5), 1);
        assert_eq!(missing(|earlier| earlier.cases[0].guidance = Some(2.0)), 1);
        assert_eq!(missing(|earlier| earlier.cases[0].rows[0].seed_list = vec![1]), 1);
        assert_eq!(missing(|earlier| drop(earlier.cases[0].metrics.pop())), 1);
    }
}
