//! What must hold of every exponential integrator on every path: names of one method, the last
//! step to the data, both directions of time, both precisions.

mod common;

use common::published::run;
use common::{Batch, all_paths, exact_flow, gap, mixture};
use driftfield_problems::field::MixturePredictor;
use driftfield_problems::flow::probability_flow;
use driftfield_problems::method::{parse, path_methods};
use driftfield_problems::predictor::Target;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::{Dop853, Kind, Method};
use driftfield_solvers::{HostState, OdeProblem, SolveOptions, solve};
use ndarray::Array2;

/// Eight points of the size of the path's noise at `t`.
fn initial(path: &SharedPath, t: f64) -> Batch {
    let size = path.alpha(t).hypot(path.sigma(t));
    Batch::from_shape_fn((8, 2), |(i, j)| 1.3 * size * ((1 + 2 * i + j) as f64 * 12.9898).sin())
}

fn deterministic() -> Vec<&'static str> {
    let infos = path_methods::<Batch>().into_iter().map(|method| method.info());
    infos
        .filter(|info| info.kind == Kind::Exponential && !info.draws_noise)
        .map(|info| info.name)
        .collect()
}

fn largest(state: &Batch) -> f64 {
    state.iter().fold(1.0f64, |size, value| size.max(value.abs()))
}

#[test]
fn two_names_of_one_method() {
    for path in all_paths() {
        let flow = exact_flow(mixture(), &path);
        let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
        let initial = initial(&path, start);
        for spacing in [Spacing::LogSnr, Spacing::Quadratic] {
            let times = spacing.times(&path, start, end, 9).unwrap();
            let states = |solver: &str| run(&flow, &initial, &times, solver).states;
            assert_eq!(states("edm-heun"), states("deis-rhork:tableau=heun2"));
            assert_eq!(states("dpm-2"), states("dpm-solver-2s"));
            for order in 1..=4 {
                let other = states(&format!("deis-rhoab{}", order - 1));
                assert_eq!(states(&format!("lms:order={order}")), other);
            }
        }
    }
}

/// From a state without a past, the step to where there is no noise left can only be to the
/// predicted data, whatever the method, its start and its corrector.
#[test]
fn one_step_to_the_data_is_the_predicted_data() {
    for path in all_paths().into_iter().filter(|path| !path.domain().data.finite_log_snr) {
        let flow = exact_flow(mixture(), &path);
        let start = 0.4;
        let from = initial(&path, start);
        let mut data = from.clone();
        flow.predictor().predict(Target::DATA, &mut data, &from, start).unwrap();
        let steps_to_data =
            |solver: &&str| parse::<Batch>(solver).unwrap().info().evaluations_to_data.is_some();
        let mut solvers: Vec<&str> = deterministic().into_iter().filter(steps_to_data).collect();
        assert!(solvers.len() >= 11, "{solvers:?}");
        solvers.extend([
            "lms:start=matching",
            "lms:start=heun",
            "deis-tab3:start=matching,corrector=unic",
            "deis-rhoab1:corrector=unic,lower_order_final=true",
        ]);
        for solver in solvers {
            let ours = run(&flow, &from, &[start, 0.0], solver);
            assert_eq!(ours.nfe, 1, "{solver} on {}", path.name());
            let error = gap(&ours.states[1], &data);
            assert!(error < 1e-13, "{solver} on {}: {error:e}", path.name());
            // And from a state with a past, something finite near it.
            let times = Spacing::Quadratic.times(&path, start, 0.0, 6).unwrap();
            let state = run(&flow, &from, &times, solver).states.pop().unwrap();
            assert!(gap(&state, &data) < 2.0, "{solver} on {}", path.name());
        }
    }
}

/// Against the exact encoding: no method knows of a direction.
#[test]
fn encoding_is_solving_backwards() {
    for path in all_paths() {
        let flow = exact_flow(mixture(), &path);
        let (noise, data) = match path.name() {
            "edm" => (20.0, 0.1),
            "ve" => (0.9, 0.3),
            _ => (0.9, 0.1),
        };
        let from = initial(&path, data);
        let problem = OdeProblem::new(flow.clone(), from.clone(), (data, noise));
        let truth = solve(&problem, &Dop853::new(), SolveOptions::adaptive(1e-12, 1e-12)).unwrap();
        let times = Spacing::LogSnr.times(&path, data, noise, 200).unwrap();
        for solver in deterministic() {
            let order = parse::<Batch>(solver).unwrap().info().order;
            let allowed = if order == 1 { 1e-2 } else { 3e-4 };
            let encoded = run(&flow, &from, &times, solver).states.pop().unwrap();
            let error = gap(&encoded, &truth.u_last) / largest(&truth.u_last);
            assert!(error < allowed, "{solver} on {}: {error:e}", path.name());
        }
    }
}

fn last_state<T>(path: &SharedPath, initial: Array2<T>, times: &[f64], solver: &str) -> Array2<T>
where
    T: driftfield_solvers::Scalar,
    Array2<T>: HostState,
{
    let predictor = MixturePredictor::new(mixture(), path.clone());
    let flow = probability_flow::<Array2<T>>(predictor);
    let problem = OdeProblem::new(flow, initial, (times[0], times[times.len() - 1]));
    let solution = solve(&problem, &parse(solver).unwrap(), SolveOptions::times(times)).unwrap();
    assert!(solution.outcome.is_success(), "{solver} on {}: {}", path.name(), solution.outcome);
    solution.u_last
}

/// Single precision costs rounding and nothing else, over the default span and grid. (tAB-3 can be
/// made to amplify it: on a log-SNR grid of rectified flow its steps in time double near pure
/// noise, where a cubic extrapolates with weights of some hundred, and the gap is 3e-3. Heun in `rho` multiplies the
/// rounding of its second stage by half the step, 490 in the first one there: 2e-4.)
#[test]
fn single_precision_follows_double() {
    for path in all_paths() {
        let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
        let initial = initial(&path, start).mapv(|x| x as f32);
        let spacing = Spacing::default_for(&path);
        let times = spacing.times(&path, start, end, 20).unwrap();
        for solver in deterministic() {
            let double = last_state(&path, initial.mapv(f64::from), &times, solver);
            let single = last_state(&path, initial.clone(), &times, solver).mapv(f64::from);
            let error = gap(&single, &double);
            assert!(error < 1e-3, "{solver} on {}: {error:e}", path.name());
        }
    }
}
