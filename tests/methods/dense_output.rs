//! Dense output of every deterministic method: its order on three processes, and that saving at a
//! time is stopping there.

use crate::common::{Batch, exact_flow, gap, path};
use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::flow::PathField;
use driftfield_problems::method::path_methods;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::{BoxedMethod, Dop853, Method};
use driftfield_solvers::{OdeProblem, Save, Solution, SolveOptions, Status, init, solve};
use ndarray::Array2;

type Problem = OdeProblem<Batch, PathField<Batch>>;

/// Times strictly inside every path; what comes before the start is a history.
const SPAN: (f64, f64) = (0.9, 0.1);
/// Where the extension is looked at: past the first steps, before the last, whose order some
/// methods lower.
const WATCHED: [f64; 7] = [0.72, 0.61, 0.553, 0.5, 0.417, 0.35, 0.291];

fn problem(path: &SharedPath) -> Problem {
    let size = path.alpha(SPAN.0).hypot(path.sigma(SPAN.0));
    let initial =
        Array2::from_shape_fn((8, 2), |(i, j)| size * ((1 + 2 * i + j) as f64 * 12.9898).sin());
    // Smooth, so that orders show on few steps.
    let means = vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]];
    let smooth = GaussianMixture::isotropic(vec![0.5, 0.3, 0.2], means, vec![0.7, 0.6, 0.8]);
    exact_flow(smooth.unwrap(), path).problem(initial, SPAN)
}

fn truth(problem: &Problem) -> Solution<Batch> {
    let options = SolveOptions::adaptive(1e-12, 1e-12).save(Save::dense());
    solve(problem, &Dop853::new(), options).unwrap()
}

/// From the first states of the true solution on.
struct Begun {
    problem: Problem,
    past: Vec<(f64, Batch)>,
    times: Vec<f64>,
}

/// Where a solve of `steps` steps by the method begins.
fn begun(
    problem: &Problem,
    path: &SharedPath,
    method: &BoxedMethod<Batch, PathField<Batch>>,
    truth: &Solution<Batch>,
    steps: usize,
) -> Begun {
    let before = method.info().history as usize;
    let mut times = Spacing::LogSnr.times(path, SPAN.0, SPAN.1, steps + before).unwrap();
    let state = |t: f64| truth.interpolate(t).unwrap();
    let past = times.drain(..before).map(|t| (t, state(t))).collect();
    let start = times[0];
    let problem = OdeProblem::new(problem.field.clone(), state(start), (start, SPAN.1));
    Begun { problem, past, times }
}

/// A dense solve of `steps` steps from the first states of the true solution on.
fn dense(
    problem: &Problem,
    path: &SharedPath,
    method: &BoxedMethod<Batch, PathField<Batch>>,
    truth: &Solution<Batch>,
    steps: usize,
) -> Solution<Batch> {
    let Begun { problem, past, times } = begun(problem, path, method, truth, steps);
    let options = SolveOptions::times(times).history(past);
    let save = Save::dense().and_at(WATCHED);
    solve(&problem, method, options.save(save)).unwrap()
}

/// The largest difference between what is saved at a share of 0.4 of some steps and what a solve
/// holds there whose grid is cut at that time. The grid goes on beyond, as some methods lower the
/// order of its last steps.
fn gap_to_stopping(begun: Begun, method: &BoxedMethod<Batch, PathField<Batch>>) -> f64 {
    let Begun { problem, past, times } = begun;
    let cut = |watched: f64| {
        let next = times.partition_point(|&t| t > watched);
        (next, times[next - 1] + 0.4 * (times[next] - times[next - 1]))
    };
    let cuts = WATCHED.map(cut);
    let options = SolveOptions::times(times.clone()).history(past.clone());
    let save = Save::at(cuts.map(|(_, t)| t));
    let saved = solve(&problem, method, options.save(save)).unwrap();
    let stopped = |(next, t): (usize, f64)| {
        let mut times = times.clone();
        times.insert(next, t);
        let options = SolveOptions::times(times).history(past.clone());
        let mut integrator = init(&problem, method, options).unwrap();
        while integrator.t() != t {
            assert_eq!(integrator.step(), Status::Stepped);
        }
        let at = saved.t.iter().position(|&saved| saved == t).unwrap();
        gap(integrator.u(), &saved.u[at])
    };
    cuts.into_iter().map(stopped).fold(0.0, f64::max)
}

fn error(solution: &Solution<Batch>, truth: &Solution<Batch>) -> f64 {
    let off = |t: f64| gap(&solution.interpolate(t).unwrap(), &truth.interpolate(t).unwrap());
    WATCHED.into_iter().map(off).fold(0.0, f64::max)
}

#[test]
fn every_deterministic_method_has_a_continuous_extension_of_its_order() {
    for name in ["vp", "rectified-flow", "brownian-bridge"] {
        let path = path(name);
        let problem = problem(&path);
        let truth = truth(&problem);
        for method in path_methods() {
            let info = method.info();
            let context = format!("{} on {name}", info.name);
            if info.draws_noise {
                assert_eq!(info.interpolant_order, None, "{context}");
                continue;
            }
            let order = f64::from(info.interpolant_order.unwrap_or_else(|| panic!("{context}")));
            let solutions = [32, 64].map(|n| dense(&problem, &path, &method, &truth, n));
            let [coarse, fine] = solutions.each_ref().map(|solution| error(solution, &truth));
            let found = (coarse / fine).log2();
            assert!(
                found > order - 0.45 || fine < 1e-10,
                "{context}: order {found:.2} of {order}, from {coarse:e} to {fine:e}"
            );
            // Saved is what the extension says, to the bit.
            let [solution, _] = solutions;
            for (&t, saved) in solution.t.iter().zip(&solution.u) {
                assert_eq!(*saved, solution.interpolate(t).unwrap(), "{context} at {t}");
            }
        }
    }
}

#[test]
fn what_is_saved_nears_what_a_solve_that_stops_there_holds() {
    for name in ["vp", "rectified-flow", "brownian-bridge"] {
        let path = path(name);
        let problem = problem(&path);
        let truth = truth(&problem);
        for method in path_methods() {
            let info = method.info();
            let Some(order) = info.interpolant_order.map(f64::from) else { continue };
            let [coarse, fine] = [32, 64].map(|steps| {
                gap_to_stopping(begun(&problem, &path, &method, &truth, steps), &method)
            });
            let found = (coarse / fine).log2();
            assert!(
                found > order - 0.45 || fine < 1e-11,
                "{} on {name}: order {found:.2} of {order}, from {coarse:e} to {fine:e}",
                info.name
            );
        }
    }
}

#[test]
fn the_extension_leads_from_step_to_step() {
    let path = path("vp");
    let problem = problem(&path);
    let truth = truth(&problem);
    for method in path_methods() {
        let info = method.info();
        if info.draws_noise {
            continue;
        }
        let solution = dense(&problem, &path, &method, &truth, 12);
        for step in &solution.dense {
            let inside = step.t_next + 1e-9 * (step.t - step.t_next);
            let (near, end) =
                (solution.interpolate(inside).unwrap(), solution.interpolate(step.t_next).unwrap());
            assert!(gap(&near, &end) < 1e-7, "{} at {}", info.name, step.t_next);
        }
    }
}

#[test]
fn looking_between_the_steps_costs_one_evaluation_or_what_the_method_says() {
    let path = path("vp");
    let problem = problem(&path);
    for method in path_methods() {
        let info = method.info();
        if info.draws_noise {
            continue;
        }
        let options = || SolveOptions::steps(8);
        let plain = solve(&problem, &method, options()).unwrap();
        let watched = solve(&problem, &method, options().save(Save::dense())).unwrap();
        assert_eq!(plain.u_last, watched.u_last, "{}", info.name);
        let extra = watched.statistics.nfe - plain.statistics.nfe;
        let most = match info.interpolant_evaluations {
            0 => 0,
            // The evaluation at the end of a step is the first of the next one.
            1 => 1,
            several => 8 * several,
        };
        assert!(extra <= most, "{}: {extra} more evaluations", info.name);
    }
}
