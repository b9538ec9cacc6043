//! Every contender at every tolerance, in turn, and what it achieved.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::contender::{Class, Contender, End};

/// Times each contender is asked in turn.
const ROUNDS: usize = 31;
/// Shortest measurement, so that the clock's resolution does not count.
const SHORTEST: Duration = Duration::from_micros(400);
/// Implicit methods are slow here and only listed: above this a solve is not repeated.
const LONGEST: Duration = Duration::from_millis(40);
/// Tolerance of the references.
const REFERENCE: f64 = 1e-14;
/// How far two libraries' references may differ.
const AGREEMENT: f64 = 1e-9;

/// One solve.
#[derive(Clone, Copy)]
pub struct Point {
    pub tolerance: f64,
    pub error: f64,
    pub seconds: f64,
    pub steps: u64,
}

/// A contender's solves, the coarsest tolerance first.
pub type Sweep = Vec<Point>;

/// The tolerances, 1e-3 to 1e-12.
fn tolerances() -> impl Iterator<Item = f64> {
    (3..=12).map(|digits| format!("1e-{digits}").parse().expect("a number"))
}

pub fn run(contenders: &[Contender<'_>]) -> Vec<Sweep> {
    let reference = reference(contenders);
    let mut sweeps = vec![Sweep::new(); contenders.len()];
    for tolerance in tolerances() {
        let ends: Vec<Option<End>> = contenders.iter().map(|c| (c.solve)(tolerance)).collect();
        let seconds = in_turn(contenders, &ends, tolerance);
        for ((sweep, end), seconds) in sweeps.iter_mut().zip(ends).zip(seconds) {
            if let (Some(end), Some(seconds)) = (end, seconds) {
                let error = distance(&end.u, &reference);
                sweep.push(Point { tolerance, error, seconds, steps: end.steps });
            }
        }
    }
    sweeps
}

/// The largest component of the difference, relative above 1.
fn distance(u: &[f64], reference: &[f64]) -> f64 {
    let differences = u.iter().zip(reference).map(|(u, r)| (u - r).abs() / r.abs().max(1.0));
    differences.fold(0.0, f64::max)
}

/// Our order-8 solution at the smallest tolerance, which another library's must confirm.
fn reference(contenders: &[Contender<'_>]) -> Vec<f64> {
    let solve = |ours: bool| {
        let found = contenders.iter().find(|c| c.ours == ours && c.class == Class::Eight);
        found.and_then(|c| (c.solve)(REFERENCE)).expect("order 8 reaches the reference").u
    };
    let (ours, theirs) = (solve(true), solve(false));
    let apart = distance(&ours, &theirs);
    assert!(apart < AGREEMENT, "the references differ by {apart:e}");
    ours
}

/// The median time of a solve of each contender, asked one after the other; `None`
/// where there is no solution.
fn in_turn(contenders: &[Contender<'_>], ends: &[Option<End>], tolerance: f64) -> Vec<Option<f64>> {
    let solves: Vec<usize> = contenders
        .iter()
        .zip(ends)
        .map(|(contender, end)| end.as_ref().map_or(0, |_| solves_in_a_turn(contender, tolerance)))
        .collect();
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, &solves), times) in contenders.iter().zip(&solves).zip(&mut times) {
            if solves > 0 && times.first().is_none_or(|&first| first < LONGEST.as_secs_f64()) {
                let start = Instant::now();
                for _ in 0..solves {
                    black_box((contender.solve)(black_box(tolerance)));
                }
                times.push(start.elapsed().as_secs_f64() / solves as f64);
            }
        }
    }
    times.into_iter().map(median).collect()
}

fn solves_in_a_turn(contender: &Contender<'_>, tolerance: f64) -> usize {
    let start = Instant::now();
    black_box((contender.solve)(tolerance));
    let once = start.elapsed().max(Duration::from_nanos(100));
    (SHORTEST.as_nanos() / once.as_nanos()) as usize + 1
}

pub fn median(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// The time at which a sweep achieves `error`, log-linear between the neighbours that
/// bracket it; `None` where none do.
pub fn seconds_at_error(sweep: &Sweep, error: f64) -> Option<f64> {
    let pair = sweep.windows(2).find(|pair| pair[0].error >= error && pair[1].error < error)?;
    let (coarse, fine) = (pair[0], pair[1]);
    let share = (coarse.error / error).ln() / (coarse.error / fine.error).ln();
    Some(coarse.seconds * (fine.seconds / coarse.seconds).powf(share))
}
