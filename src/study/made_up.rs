//! Studies whose numbers are made up, for tests of what is said of them.

use std::collections::BTreeMap;

use super::rows::{Floor, MODEL, Measured, Summary};
use super::solve::SUCCESS;
use super::{CaseResult, Origin, Row, Session, StudyResult, point_metrics};
use crate::metrics::{Metric, NumberFormat};

/// Chamfer distance, MMD and a share of which more is better.
fn metrics() -> Vec<Metric> {
    let mut metrics = point_metrics().unwrap();
    metrics.truncate(2);
    let share = Metric::of("share", "a share", |_| Ok(None)).written(NumberFormat::Percent);
    metrics.push(share.more_is_better());
    metrics
}

/// A number that is off from `mean` by seed, alike for all that share a seed.
fn over(seeds: usize, mean: f64) -> Vec<Option<f64>> {
    (0..seeds).map(|seed| Some(mean * (1.0 + 0.01 * ((seed * 7 % 5) as f64 - 2.0)))).collect()
}

fn summary(values: &[Option<f64>]) -> Option<Summary> {
    (!values.is_empty()).then(|| Summary::of(values.iter().copied().flatten()))
}

pub(super) fn measured(name: &str, seeds: Vec<Option<f64>>) -> Measured {
    Measured { name: name.to_owned(), value: summary(&seeds), interval: None, seeds, failure: None }
}

fn all(seeds: usize, chamfer: f64) -> Vec<Measured> {
    [("chamfer", chamfer), ("mmd2", chamfer * chamfer), ("share", 1.0 - chamfer)]
        .into_iter()
        .map(|(name, mean)| measured(name, over(seeds, mean)))
        .collect()
}

/// A row of fixed steps; without an error, of a stochastic method.
pub(super) fn row(solver: &str, nfe: usize, seeds: usize, error: Option<f64>, chamfer: f64) -> Row {
    let errors = error.map_or(Vec::new(), |error| over(seeds, error));
    Row {
        process: "vp".to_owned(),
        field: "exact".to_owned(),
        solver: solver.to_owned(),
        steps: Some(nfe),
        max_nfe: None,
        tolerances: None,
        spacing: None,
        noise_level: None,
        guidance: None,
        seeds,
        seed_list: (0..seeds as u64).collect(),
        nfe: nfe as f64,
        accepted: nfe as f64,
        rejected: 0.0,
        seconds: Summary::of([0.001 * nfe as f64]),
        seconds_seeds: over(seeds, 0.001 * nfe as f64),
        solver_error: summary(&errors),
        solver_error_seeds: errors,
        metrics: all(seeds, chamfer),
        outcome: SUCCESS.to_owned(),
        session: 0,
    }
}

/// A case of these rows above this floor in Chamfer distance.
pub(super) fn case(field: &str, seeds: usize, floor: f64, mut rows: Vec<Row>) -> CaseResult {
    rows.iter_mut().for_each(|row| row.field = field.to_owned());
    let floors = [(MODEL, floor), ("sampling", 0.8 * floor)].map(|(name, chamfer)| Floor {
        name: name.to_owned(),
        label: format!("{name} floor"),
        definition: format!("what the {name} is to blame for"),
        metrics: all(seeds, chamfer),
    });
    CaseResult {
        process: "vp".to_owned(),
        field: field.to_owned(),
        guidance: None,
        seed_list: (0..seeds as u64).collect(),
        metrics: metrics(),
        rows,
        floors: floors.into(),
        by_number: Vec::new(),
        truth_nfe: 100.0,
        truth_outcome: "success".to_owned(),
    }
}

pub(super) fn of(seeds: usize, cases: Vec<CaseResult>) -> StudyResult {
    let sessions = vec![Session::default()];
    StudyResult {
        cases,
        lanes: 1000,
        seeds,
        timings: 1,
        complete: true,
        sessions,
        errors_along: Vec::new(),
        origin: None,
    }
}

/// One that was begun then.
pub(super) fn session(date: &str) -> Session {
    Session { date: date.to_owned(), ..Session::default() }
}

/// Of nothing that is known.
pub(super) fn origin() -> Origin {
    Origin {
        command: Vec::new(),
        file: String::new(),
        directory: None,
        version: "0.0.0".to_owned(),
        commit: None,
        date: String::new(),
        machine: String::new(),
        threads: 1,
        weights: BTreeMap::new(),
        data: BTreeMap::new(),
        spacings: BTreeMap::new(),
    }
}

/// Two fields, two solvers at 5, 10 and 20 evaluations, one of them worse, and a stochastic one.
pub(super) fn study(seeds: usize) -> StudyResult {
    let rows = || {
        vec![
            row("heun", 10, seeds, Some(0.1), 0.05),
            row("euler", 10, seeds, Some(0.2), 0.08),
            row("heun", 20, seeds, Some(0.02), 0.0301),
            row("ancestral", 20, seeds, None, 0.04),
        ]
    };
    of(seeds, vec![case("exact", seeds, 0.03, rows()), case("trained", seeds, 0.04, rows())])
}
