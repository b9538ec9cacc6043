//! Lanes that change places in mid-solve, with every method: renumbered, they are the same lanes;
//! resampled, what is drawn is the place's.

use crate::common::{Batch, exact_flow, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::method::path_methods;
use driftfield_problems::process::GaussianPath;
use driftfield_solvers::method::registry::stratonovich_methods;
use driftfield_solvers::method::{BoxedMethod, Method, MethodInfo};
use driftfield_solvers::noise::BrownianTree;
use driftfield_solvers::observer::{AcceptedStep, Flow, Moved};
use driftfield_solvers::{ErrorNorm, OdeProblem, Save, SolveOptions, Status, init, solve};
use ndarray::{Array2, Axis};

type Field = PathField<Batch>;
type Problem = OdeProblem<Batch, Field>;

const LANES: usize = 5;
const STEPS: usize = 9;

/// The flow of the mixture where every method applies, with the noise of a reverse diffusion for
/// those that draw it.
fn problem(name: &str) -> Problem {
    let path = path(name);
    let span = (path.start_with_finite_log_snr(), path.default_span().1.max(0.02));
    let size = path.alpha(span.0).hypot(path.sigma(span.0));
    let initial =
        Array2::from_shape_fn((LANES, 2), |(i, j)| size * (1.3 * (2 * i + j) as f64).sin());
    exact_flow(mixture(), &path).with_noise_level(1.0).problem(initial, span)
}

fn options<'a>(info: &MethodInfo, control: &str) -> Option<SolveOptions<'a, Batch>> {
    let adaptive = SolveOptions::adaptive(1e-4, 1e-4).seed(7);
    match control {
        "grid" => Some(SolveOptions::steps(STEPS).seed(7)),
        "shared" => info.adaptive().then_some(adaptive),
        _ => (info.adaptive() && info.lane_steps).then(|| adaptive.norm(ErrorNorm::EachLane)),
    }
}

/// Those of Stratonovich equations too.
fn every_method() -> Vec<BoxedMethod<Batch, Field>> {
    path_methods().into_iter().chain(stratonovich_methods()).collect()
}

/// Moves the lanes after the second step and again after the fourth.
fn moving(from: [usize; LANES], moved: Moved) -> impl FnMut(&mut AcceptedStep<'_, Batch>) -> Flow {
    let mut steps = 0;
    move |step| {
        steps += 1;
        if steps == 2 || steps == 4 {
            step.move_lanes(&from, moved).unwrap();
        }
        Flow::Continue
    }
}

#[test]
fn renumbered_lanes_are_the_same_lanes_with_every_method() {
    let mut checked = 0;
    for name in ["rectified-flow", "vp", "edm"] {
        let problem = problem(name);
        for method in every_method() {
            let info = method.info();
            for control in ["grid", "shared", "own"] {
                let Some(plain) = options(&info, control) else { continue };
                let plain = solve(&problem, &method, plain).unwrap();
                let observer = moving([0, 3, 2, 1, 4], Moved::Renumbered);
                let moved = options(&info, control).unwrap().observer(observer);
                let moved = solve(&problem, &method, moved).unwrap();
                let context = format!("{} on {name}, {control}", info.name);
                assert!(plain.outcome.is_success() && moved.outcome.is_success(), "{context}");
                assert!(plain.statistics.accepted > 4, "{context}: {}", plain.statistics);
                // Norms over the batch are reduced in the order of its lanes.
                if control == "shared" || info.couples_lanes {
                    let gap = (&plain.u_last - &moved.u_last).mapv(f64::abs);
                    assert!(gap.iter().all(|&gap| gap < 1e-9), "{context}: {gap}");
                } else {
                    assert_eq!(plain.u_last, moved.u_last, "{context}");
                    assert_eq!(plain.statistics.accepted, moved.statistics.accepted, "{context}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

/// What the test above must not pass without: a lane whose history or noise stayed behind.
#[test]
fn exchanged_states_alone_are_not_exchanged_lanes() {
    let problem = problem("vp");
    let exchange = |step: &mut AcceptedStep<'_, Batch>| {
        if step.statistics.accepted == 3 {
            let exchanged = step.u().select(Axis(0), &[0, 3, 2, 1, 4]);
            step.correct().assign(&exchanged);
        }
        Flow::Continue
    };
    let mut told_apart = 0;
    for method in every_method() {
        let grid = || options(&method.info(), "grid").unwrap();
        let plain = solve(&problem, &method, grid()).unwrap().u_last;
        let other = solve(&problem, &method, grid().observer(exchange)).unwrap().u_last;
        let info = method.info();
        if info.history > 0 || info.draws_noise {
            let back = other.select(Axis(0), &[0, 3, 2, 1, 4]);
            told_apart += usize::from((&plain - &back).iter().any(|gap| gap.abs() > 1e-6));
        }
    }
    assert!(told_apart > 20, "{told_apart}");
}

/// From the third step on by hand: the states as drawn, and the increments of the places.
fn continued(problem: &Problem, method: &BoxedMethod<Batch, Field>, from: &[usize]) -> Batch {
    let (start, end) = problem.span;
    let time = |i: usize| {
        if i == STEPS { end } else { start + i as f64 * ((end - start) / STEPS as f64) }
    };
    let grid: Vec<f64> = (0..=STEPS).map(time).collect();
    let noise = || BrownianTree::new(7, 0, &problem.initial, grid.clone()).unwrap();
    let mut first =
        init(problem, method, SolveOptions::times(grid.clone()).noise(noise())).unwrap();
    for _ in 0..3 {
        assert_eq!(first.step(), Status::Stepped);
    }
    let drawn = first.u().select(Axis(0), from);
    let rest = OdeProblem::new(problem.field.clone(), drawn, (grid[3], end));
    let options = SolveOptions::times(grid[3..].to_vec()).noise(noise());
    solve(&rest, method, options).unwrap().complete().unwrap()
}

#[test]
fn resampled_lanes_draw_what_their_places_draw() {
    let from = [0, 0, 2, 0, 4];
    for name in ["vp", "rectified-flow"] {
        let problem = problem(name);
        for method in every_method() {
            let info = method.info();
            let mut integrator = init(&problem, &method, options(&info, "grid").unwrap()).unwrap();
            for _ in 0..3 {
                assert_eq!(integrator.step(), Status::Stepped);
            }
            integrator.move_lanes(&from, Moved::Resampled).unwrap();
            while integrator.step() == Status::Stepped {}
            let end = integrator.finish().complete().unwrap();
            let context = format!("{} on {name}", info.name);
            let gap = |a: usize, b: usize| {
                (&end.row(a) - &end.row(b)).iter().fold(0.0, |most: f64, gap| most.max(gap.abs()))
            };
            if !info.draws_noise {
                assert_eq!(gap(0, 1), 0.0, "{context}: copies of one lane stay together");
                continue;
            }
            assert!(gap(0, 1) > 1e-3 && gap(1, 3) > 1e-3, "{context}: copies part");
            // Without a history, a solve from there with the noise of the places is the same.
            let last_step_is_another = matches!(info.name, "ddim" | "ancestral");
            if info.history == 0 && info.evaluations_at_start == 0 && !last_step_is_another {
                let expected = continued(&problem, &method, &from);
                let gap = (&end - &expected).mapv(f64::abs);
                assert!(gap.iter().all(|&gap| gap < 1e-12), "{context}: {gap}");
            }
        }
    }
}

#[test]
fn lists_that_do_not_fit_are_refused_and_nothing_is_lost() {
    let problem = problem("vp");
    for method in every_method().into_iter().take(3) {
        let options = options(&method.info(), "grid").unwrap().save(Save::all());
        let mut integrator = init(&problem, &method, options).unwrap();
        assert_eq!(integrator.step(), Status::Stepped);
        let before = integrator.u().clone();
        assert!(integrator.move_lanes(&[0, 1], Moved::Renumbered).is_err());
        assert!(integrator.move_lanes(&[0, 1, 2, 3, 9], Moved::Resampled).is_err());
        assert_eq!(integrator.u(), &before);
        while integrator.step() == Status::Stepped {}
        assert!(integrator.finish().complete().is_ok());
    }
}
