//! Adaptive methods against the true probability flows of three processes.

use crate::common::published::{Published, numbers, points};
use crate::common::{exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_solvers::method::{Dop853, Dopri5, Method, Tsit5};
use driftfield_solvers::{Outcome, Save, SolveOptions, solve};

/// Follows the flow of `file` with tolerances 1e-10 and compares every listed
/// time, reached by the method's continuous extension.
fn follows_the_truth(
    method: &impl Method<crate::common::Batch, PathField<crate::common::Batch>>,
    process: &str,
    file: &str,
) {
    let file = Published::read(file);
    let run = &file.runs()[0];
    let times = numbers(&run["times"]);
    let states: Vec<_> = run["states"].as_array().unwrap().iter().map(points).collect();
    let (start, end) = (times[0], times[times.len() - 1]);
    let problem = exact_flow(mixture(), &path(process)).problem(states[0].clone(), (start, end));
    let options = SolveOptions::adaptive(1e-10, 1e-10).save(Save::at(times.clone()));
    let solution = solve(&problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    assert_eq!(solution.t, times);
    let name = method.info().name;
    let mut largest = 0.0f64;
    for ((t, found), expected) in times.iter().zip(&solution.u).zip(&states) {
        let error = gap(found, expected);
        assert!(error < 1e-7, "{name} on {process} at {t}: {error:e}");
        largest = largest.max(error);
    }
    println!("{name} on {process}: {} times, largest gap {largest:.1e}", times.len());
}

fn on_all_processes(method: impl Method<crate::common::Batch, PathField<crate::common::Batch>>) {
    follows_the_truth(&method, "vp", "truth/p1_pf_ode");
    follows_the_truth(&method, "rectified-flow", "truth/p2_pf_ode");
    follows_the_truth(&method, "edm", "truth/p3_pf_ode");
}

#[test]
fn tsit5() {
    on_all_processes(Tsit5::new());
}

#[test]
fn dopri5() {
    on_all_processes(Dopri5::new());
}

#[test]
fn dop853() {
    on_all_processes(Dop853::new());
}
