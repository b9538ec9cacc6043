//! Lanes at their own pace: each is its own solve, whatever the others do.

use crate::common::ode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use approx::assert_relative_eq;
use driftfield_solvers::field::{EachLane, LaneTimes, Times};
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{BoxedMethod, Bs3, Dop853, Euler, Method, Tsit5};
use driftfield_solvers::{
    ErrorNorm, FieldError, LaneReport, OdeProblem, Outcome, PidController, Save, SolveError,
    SolveOptions, VectorField, solve,
};
use ndarray::{Array2, array, s};

type Batch = Array2<f64>;

/// A non-linear, non-autonomous oscillator whose pace is the lane's third component.
#[derive(Clone, Copy)]
struct Oscillator;

impl Oscillator {
    fn write(du: &mut [f64], u: &[f64], t: f64) {
        let pace = u[2];
        du[0] = pace * u[1];
        du[1] = -pace * (u[0] + 0.3 * u[0].powi(3)) + 0.5 * (pace * t).cos();
        du[2] = 0.0;
    }
}

impl VectorField<Batch> for Oscillator {
    fn eval(&self, du: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        EachLane(Self::write).eval(du, u, t)
    }
}

/// Steps of the lanes' own.
fn own<'a>(abstol: f64, reltol: f64) -> SolveOptions<'a, Batch> {
    SolveOptions::adaptive(abstol, reltol).norm(ErrorNorm::EachLane)
}

fn starts(lanes: usize) -> Batch {
    Array2::from_shape_fn((lanes, 3), |(i, j)| match j {
        0 => 1.0 + 0.1 * i as f64,
        1 => (i as f64).sin(),
        _ => 0.5 * 1.7f64.powi((5 * i % 7) as i32),
    })
}

fn adaptive_methods<S: driftfield_solvers::State, F: VectorField<S> + 'static>()
-> Vec<BoxedMethod<S, F>> {
    let methods = runge_kutta_methods::<S, F>();
    methods.into_iter().filter(|method| method.info().adaptive()).collect()
}

fn alone(initial: &Batch, lane: usize) -> Batch {
    initial.slice(s![lane..lane + 1, ..]).to_owned()
}

#[test]
fn every_method_takes_in_every_lane_the_steps_it_takes_alone() {
    let initial = starts(9);
    for (method, single) in
        adaptive_methods::<Batch, Oscillator>().iter().zip(adaptive_methods::<Batch, Oscillator>())
    {
        let name = method.info().name;
        for span in [(0.0, 3.0), (2.0, -1.0)] {
            let problem = OdeProblem::new(Oscillator, initial.clone(), span);
            let lanes = solve(&problem, method, own(1e-6, 1e-6)).unwrap();
            let sum = |of: fn(&LaneReport) -> u64| lanes.lanes.iter().map(of).sum::<u64>();
            assert_eq!(lanes.statistics.accepted, sum(|lane| lane.accepted));
            assert_eq!(lanes.statistics.rejected, sum(|lane| lane.rejected));
            for lane in 0..9 {
                let problem = OdeProblem::new(Oscillator, alone(&initial, lane), span);
                let own = solve(&problem, &single, SolveOptions::adaptive(1e-6, 1e-6)).unwrap();
                let report = &lanes.lanes[lane];
                assert_eq!(report.outcome, Outcome::Success);
                assert_eq!(report.t, span.1);
                // The clock of a lane rounds differently from the solve's, no more.
                for j in 0..3 {
                    let (found, expected) = (lanes.u_last[[lane, j]], own.u_last[[0, j]]);
                    assert_relative_eq!(found, expected, max_relative = 1e-10, epsilon = 1e-11);
                }
                let counts = (report.accepted, report.rejected, report.nfe);
                let statistics = own.statistics;
                let expected = (statistics.accepted, statistics.rejected, statistics.nfe);
                assert_eq!(counts, expected, "{name}, lane {lane}, {span:?}");
            }
        }
    }
}

#[test]
fn a_lane_is_the_same_to_the_bit_in_any_batch_and_order() {
    let initial = starts(12);
    let solve_some = |lanes: &[usize]| {
        let some = initial.select(ndarray::Axis(0), lanes);
        let problem = ode(Oscillator, some, (0.0, 4.0));
        solve(&problem, &Dop853::new(), own(1e-7, 1e-7)).unwrap()
    };
    let all = solve_some(&(0..12).collect::<Vec<_>>());
    for lanes in [vec![7], vec![11, 3], vec![5, 4, 3, 2, 1, 0], (0..12).rev().collect()] {
        let some = solve_some(&lanes);
        for (here, &lane) in lanes.iter().enumerate() {
            assert_eq!(some.u_last.row(here), all.u_last.row(lane));
            assert_eq!(some.lanes[here], all.lanes[lane]);
        }
    }
}

/// The adaptive methods for the problem of `field`.
fn methods_for<F>(_: &F) -> Vec<BoxedMethod<Batch, F>>
where
    F: VectorField<Batch> + 'static,
{
    adaptive_methods()
}

/// A field that counts its calls and the rows that went through it.
fn counting() -> (impl VectorField<Batch> + Clone + 'static, Arc<[AtomicU64; 2]>) {
    let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let inside = counts.clone();
    let field = LaneTimes(move |du: &mut Batch, u: &Batch, t: &[f64]| {
        inside[0].fetch_add(1, Relaxed);
        inside[1].fetch_add(u.nrows() as u64, Relaxed);
        assert_eq!(t.len(), u.nrows());
        Oscillator.eval(du, u, Times::Each(t))
    });
    (field, counts)
}

#[test]
fn evaluations_are_counted_per_lane_and_lanes_that_are_done_cost_nothing() {
    let initial = starts(10);
    let (field, _) = counting();
    for (index, name) in methods_for(&field).iter().map(|m| m.info().name).enumerate() {
        for save in [vec![], vec![0.3, 1.1, 2.0]] {
            let (field, counts) = counting();
            let method = &methods_for(&field)[index];
            let problem = OdeProblem::new(field, initial.clone(), (0.0, 2.0));
            let options = own(1e-5, 1e-5).save(Save::at(save));
            let solution = solve(&problem, method, options).unwrap();
            assert_eq!(solution.statistics.nfe, counts[0].load(Relaxed), "{name}");
            assert_eq!(solution.lane_evaluations(), counts[1].load(Relaxed), "{name}");
        }
    }
}

#[test]
fn lanes_of_different_pace_save_evaluations_against_one_shared_step() {
    let initial = starts(14);
    let problem = ode(Oscillator, initial, (0.0, 5.0));
    let each = solve(&problem, &Tsit5::new(), own(1e-6, 1e-6)).unwrap();
    let options = SolveOptions::adaptive(1e-6, 1e-6).norm(ErrorNorm::WorstLane);
    let shared = solve(&problem, &Tsit5::new(), options).unwrap();
    let saved = each.lane_evaluations() as f64 / (14 * shared.statistics.nfe) as f64;
    assert!(saved < 0.5, "{saved}");
}

#[test]
fn saved_states_are_those_of_each_lane_alone() {
    let initial = starts(7);
    for (method, single) in
        adaptive_methods::<Batch, Oscillator>().iter().zip(adaptive_methods::<Batch, Oscillator>())
    {
        for (span, times) in [
            ((0.0, 2.0), vec![0.0, 0.01, 0.02, 0.9, 1.7, 2.0]),
            ((1.0, -1.0), vec![-1.0, 0.3, 1.0, -0.2, 0.3]),
        ] {
            let problem = OdeProblem::new(Oscillator, initial.clone(), span);
            let options = own(1e-6, 1e-6).save(Save::at(times.clone()));
            let lanes = solve(&problem, method, options).unwrap();
            for lane in 0..7 {
                let problem = OdeProblem::new(Oscillator, alone(&initial, lane), span);
                let options = SolveOptions::adaptive(1e-6, 1e-6).save(Save::at(times.clone()));
                let own = solve(&problem, &single, options).unwrap();
                assert_eq!(lanes.t, own.t);
                assert_eq!(lanes.lanes[lane].nfe, own.statistics.nfe, "{}", method.info().name);
                for (found, expected) in lanes.u.iter().zip(&own.u) {
                    for j in 0..3 {
                        let (found, expected) = (found[[lane, j]], expected[[0, j]]);
                        assert_relative_eq!(found, expected, max_relative = 1e-9, epsilon = 1e-10);
                    }
                }
            }
        }
    }
}

#[test]
fn a_lane_that_fails_fails_alone() {
    // The second lane meets a singularity at t = 1, the third turns NaN at once.
    let field = EachLane(|du: &mut [f64], u: &[f64], t: f64| match u[1] as i32 {
        1 => (du[0], du[1]) = (1.0 / (1.0 - t).powi(2), 0.0),
        2 => (du[0], du[1]) = (if t > 0.5 { f64::NAN } else { 1.0 }, 0.0),
        _ => (du[0], du[1]) = (-u[0] * t.sin(), 0.0),
    });
    let initial = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [3.0, 0.0]];
    let problem = ode(field, initial.clone(), (0.0, 2.0));
    let options = || own(1e-6, 1e-6).save(Save::at([0.25, 1.5]));
    let solution = solve(&problem, &Tsit5::new(), options()).unwrap();
    assert!(matches!(
        solution.lanes[1].outcome,
        Outcome::StepTooSmall { .. } | Outcome::NonFinite { lane: 1, .. }
    ));
    assert!(matches!(solution.lanes[2].outcome, Outcome::NonFinite { lane: 2, .. }));
    assert!((solution.lanes[2].t - 0.5).abs() < 1e-9 && solution.lanes[1].t <= 1.0);
    assert!(!solution.outcome.is_success());
    // What was reached is kept, what was not is NaN.
    assert!((solution.u_last[[2, 0]] - 1.5).abs() < 1e-9);
    assert!((solution.u[0][[2, 0]] - 1.25).abs() < 1e-9 && solution.u[1][[2, 0]].is_nan());
    let healthy = initial.select(ndarray::Axis(0), &[0, 3]);
    let problem = ode(field, healthy, (0.0, 2.0));
    let without = solve(&problem, &Tsit5::new(), options()).unwrap();
    assert_eq!(solution.u_last.select(ndarray::Axis(0), &[0, 3]), without.u_last);
    assert_eq!(solution.lanes[3], without.lanes[1]);
    assert!(without.outcome.is_success());
}

#[test]
fn budgets_hold_lane_by_lane() {
    let initial = starts(8);
    let problem = ode(Oscillator, initial, (0.0, 5.0));
    let free = || own(1e-6, 1e-6);
    let unbounded = solve(&problem, &Bs3::new(), free()).unwrap();
    for budget in [0, 1, 2, 3, 50, 120, 300] {
        let options = free().nfe_budget(budget);
        let solution = solve(&problem, &Bs3::new(), options).unwrap();
        for (lane, (found, full)) in solution.lanes.iter().zip(&unbounded.lanes).enumerate() {
            assert!(found.nfe <= budget);
            if full.nfe <= budget {
                assert_eq!(found, full);
                assert_eq!(solution.u_last.row(lane), unbounded.u_last.row(lane));
            } else {
                assert!(
                    matches!(found.outcome, Outcome::BudgetSpent { nfe, .. } if nfe == found.nfe)
                );
                // One more step would not have fitted.
                assert!(found.nfe + if found.nfe == 0 { 4 } else { 3 } > budget);
            }
        }
    }
    // What interpolants take counts as well: four evaluations for this method.
    for budget in [2, 20, 60, 130] {
        let times: Vec<f64> = (0..60).map(|i| 0.07 * f64::from(i)).collect();
        let options = free().save(Save::at(times)).nfe_budget(budget);
        let solution = solve(&problem, &Dop853::new(), options).unwrap();
        for lane in &solution.lanes {
            assert!(lane.nfe <= budget, "{lane:?}");
            assert!(lane.nfe + 16 > budget || lane.outcome.is_success(), "{lane:?}");
        }
    }
    let solution = solve(&problem, &Bs3::new(), free().max_steps(5)).unwrap();
    let stopped = |lane: &LaneReport| matches!(lane.outcome, Outcome::MaxSteps { steps: 5, .. });
    assert!(solution.lanes.iter().all(stopped));
}

#[test]
fn errors_follow_the_tolerance_and_settings_are_heeded() {
    let field = EachLane(|du: &mut [f64], u: &[f64], _t: f64| (du[0], du[1]) = (u[1] * u[0], 0.0));
    let initial = array![[1.0, -1.0], [1.0, 0.5], [2.0, -3.0]];
    let problem = ode(field, initial.clone(), (0.0, 2.0));
    let error = |options: SolveOptions<'_, Batch>| {
        let solution = solve(&problem, &Tsit5::new(), options).unwrap();
        let off = (0..3).map(|lane| {
            let (u, rate) = (initial[[lane, 0]], initial[[lane, 1]]);
            (solution.u_last[[lane, 0]] / (u * (2.0 * rate).exp()) - 1.0).abs()
        });
        (off.fold(0.0, f64::max), solution)
    };
    let errors: Vec<f64> = [1e-4, 1e-6, 1e-8].map(|tol| error(own(0.0, tol)).0).to_vec();
    assert!(errors[0] < 1e-2 && errors[1] < 0.1 * errors[0] && errors[2] < 0.1 * errors[1]);
    let steps = |options: SolveOptions<'_, Batch>| error(options).1.lanes[1].accepted;
    assert!(steps(own(1e-3, 1e-3).dtmax(0.01)) >= 200);
    assert_eq!(steps(own(1.0, 1.0).initial_step(0.5).dtmin(0.5)), 2);
    let pid = PidController::proportional_integral();
    let (off, _) = error(own(1e-8, 1e-8).controller(pid));
    assert!(off < 1e-5);
}

#[test]
fn single_lane_containers_are_one_lane() {
    let decay = EachLane(|du: &mut [f64], u: &[f64], t: f64| du[0] = -t * u[0]);
    let problem = ode(decay, [1.0], (0.0, 2.0));
    let options = SolveOptions::adaptive(1e-9, 1e-9).norm(ErrorNorm::EachLane);
    let lanes = solve(&problem, &Tsit5::new(), options).unwrap();
    assert!((lanes.u_last[0] - (-2.0f64).exp()).abs() < 1e-7);
    let own = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-9, 1e-9)).unwrap();
    assert_eq!(lanes.lanes[0].nfe, own.statistics.nfe);
    assert_eq!(lanes.statistics.nfe, own.statistics.nfe);
}

#[test]
fn bad_input_is_refused() {
    let problem = ode(Oscillator, starts(2), (0.0, 1.0));
    let good = || own(1e-6, 1e-6);
    let refused = solve(&problem, &Euler::new(), good()).unwrap_err();
    assert!(refused.to_string().contains("no error estimate"));
    let tsit5 = Tsit5::new();
    let late = solve(&problem, &tsit5, good().save(Save::at([1.5]))).unwrap_err();
    assert!(matches!(late, SolveError::SaveTime { .. }));
    let none = own(0.0, 0.0);
    assert!(matches!(solve(&problem, &tsit5, none), Err(SolveError::Control(_))));
    let mut bad = problem.clone();
    bad.initial[[1, 0]] = f64::NAN;
    let refused = solve(&bad, &tsit5, good());
    assert!(matches!(refused, Err(SolveError::NonFiniteInitial { lane: 1 })));
    let empty = ode(Oscillator, Batch::zeros((0, 3)), (0.0, 1.0));
    assert!(matches!(solve(&empty, &tsit5, good()), Err(SolveError::EmptyState)));
    // Shapes that do not fit.
    use driftfield_solvers::{State, StateError};
    let field = EachLane(|du: &mut [f64], _: &[f64], _: f64| du.fill(0.0));
    let (u, mut du) = (starts(3), starts(3));
    for t in [&[0.0][..], &[0.0; 4]] {
        let refused = field.eval(&mut du, &u, Times::Each(t));
        let found = t.len();
        let of_shape = StateError::LaneCoefficients { lanes: 3, found };
        assert_eq!(refused, Err(FieldError::State(of_shape)));
    }
    let mut short = starts(2);
    assert!(matches!(field.eval(&mut short, &u, 0.0.into()), Err(FieldError::Shape { .. })));
    let refused = du.combine_lanes(&[1.0], &[]);
    assert_eq!(refused, Err(StateError::LaneCoefficients { lanes: 3, found: 1 }));
    assert_eq!(u.select_lanes(&[3]), Err(StateError::NoSuchLane { lane: 3, lanes: 3 }));
    assert_eq!([1.0, 2.0].select_lanes(&[0, 0]), Err(StateError::LanesInseparable));
    // A field that fails ends every lane, with its words.
    let failing = LaneTimes(|_: &mut Batch, _: &Batch, t: &[f64]| match t[0] > 0.3 {
        true => Err(FieldError::other("no further")),
        false => Ok(()),
    });
    let problem = ode(failing, starts(2), (0.0, 1.0));
    let none = solve(&problem, &tsit5, good().initial_step(0.5)).unwrap_err();
    assert!(none.to_string().contains("no further"), "{none}");
    let solution = solve(&problem, &tsit5, good().initial_step(0.1)).unwrap();
    assert_eq!(solution.lanes.len(), 2);
    for lane in &solution.lanes {
        assert!(
            matches!(&lane.outcome, Outcome::Failed { error, .. } if error.to_string() == "no further")
        );
    }
}
