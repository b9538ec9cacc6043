//! What a solve can be asked for beside its end: times to land on, events that change the state or
//! end a lane, steady states, limits that are heeded, errors that cannot be overlooked.

use crate::common::{AnyOde, ode};
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;

use approx::assert_relative_eq;
use driftfield_solvers::control::ControlError;
use driftfield_solvers::field::{EachLane, LaneTimes};
use driftfield_solvers::method::registry::{
    additive_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::{
    BoxedMethod, Dop853, Heun, Method, Rk4, Sequence, StepError, Tsit5,
};
use driftfield_solvers::observer::{AcceptedStep, Crossing, Event, Flow, Moved, Observer};
use driftfield_solvers::{
    Additive, ErrorNorm, FieldError, InterpolationError, OdeProblem, Outcome, Save, SdeProblem,
    SolveError, SolveOptions, State, StateError, solve,
};
use ndarray::{Array2, array};

type Batch = Array2<f64>;

fn adaptive<'a, S>() -> SolveOptions<'a, S> {
    SolveOptions::adaptive(1e-9, 1e-9)
}

/// `u' = 1` until `t = 1`, then `u' = -2`; the field says which side of the jump it was asked on.
fn switched(u: f64, span: (f64, f64)) -> AnyOde<f64> {
    let field = |du: &mut f64, _u: &f64, t: f64| *du = if t < 1.0 { 1.0 } else { -2.0 };
    ode(field, u, span)
}

#[test]
fn a_time_to_land_on_is_landed_on_and_cuts_no_later_step_short() {
    let seen = RefCell::new(Vec::new());
    let problem = switched(0.0, (0.0, 3.0));
    let watch = |step: &mut AcceptedStep<'_, f64>| {
        seen.borrow_mut().push(step.t);
        Flow::Continue
    };
    let options = adaptive().stops([2.0, 1.0, 1.0]).observer(watch);
    let solution = solve(&problem, &Tsit5::new(), options).unwrap();
    let seen = seen.into_inner();
    assert!(seen.contains(&1.0) && seen.contains(&2.0) && seen.last() == Some(&3.0), "{seen:?}");
    // No stage of the step that lands sees the other side of the jump.
    assert_eq!(solution.statistics.rejected, 0);
    assert!((solution.u_last + 3.0).abs() < 1e-12, "{}", solution.u_last);
    let without = solve(&problem, &Tsit5::new(), adaptive()).unwrap();
    assert!(without.statistics.rejected > 3);
    let back = solve(&switched(-3.0, (3.0, 0.0)), &Tsit5::new(), adaptive().stops([1.0])).unwrap();
    assert!(back.u_last.abs() < 1e-12 && back.statistics.rejected == 0, "{}", back.u_last);
    // On a fixed grid the time becomes one of its times.
    let fixed = solve(&problem, &Heun::new(), SolveOptions::steps(4).stops([1.0])).unwrap();
    assert_eq!(fixed.statistics.accepted, 5);
    // Outside, and at the ends.
    let late = solve(&problem, &Tsit5::new(), adaptive().stops([3.5])).unwrap_err();
    assert!(matches!(late, SolveError::Control(ControlError::Stop(t)) if t == 3.5));
    assert!(solve(&problem, &Tsit5::new(), adaptive().stops([0.0, 3.0])).is_ok());
}

/// A drift of `rate` times that of [`switched`], and additive noise.
type Jumping = Additive<Box<dyn Fn(&mut f64, &f64, f64)>, fn(&mut f64, f64)>;

/// A stochastic method asks on the step's side of a jump, and its path of the jump itself.
#[test]
fn a_jump_of_the_drift_at_a_stop_is_on_one_side_of_a_step_with_noise() {
    let noise: fn(&mut f64, f64) = |g, _| *g = 0.7;
    let solved = |method: &BoxedMethod<f64, Jumping>, rate: f64, span, options| {
        let drift = move |du: &mut f64, _u: &f64, t: f64| {
            *du = rate * if t < 1.0 { 1.0 } else { -2.0 };
        };
        let field = Additive { drift: Box::new(drift) as _, diffusion: noise };
        let problem = SdeProblem { field, initial: 0.0, span };
        solve(&problem, method, options).unwrap().complete().unwrap()
    };
    let additive = additive_methods().into_iter().chain(stochastic_methods());
    for method in additive.chain(stratonovich_methods()) {
        let fixed = || SolveOptions::steps(2).stops([1.0]).seed(5);
        let adaptive = || SolveOptions::adaptive(1e-3, 1e-3).stops([1.0, 2.0]).seed(5);
        for (span, drifted) in [((0.0, 3.0), -3.0), ((3.0, 0.0), 3.0)] {
            let name = method.info().name;
            // The noise alone is the same path.
            let moved = |rate| solved(&method, rate, span, fixed());
            assert_relative_eq!(moved(1.0) - moved(0.0), drifted, epsilon = 1e-12);
            if method.info().adaptive() {
                let moved = |rate| solved(&method, rate, span, adaptive());
                let gap = moved(1.0) - moved(0.0) - drifted;
                assert!(gap.abs() < 1e-12, "{name}: {gap}");
            }
        }
    }
}

/// A continuation that asks for the slope at the end of a step asks on the step's side.
#[test]
fn what_is_saved_before_a_jump_knows_nothing_of_it() {
    // Half a step before the jump, forwards and backwards.
    for (span, slope, t) in [((0.0, 2.0), 1.0, 0.75), ((2.0, 0.0), -2.0, 1.25)] {
        let problem = switched(0.0, span);
        let options = SolveOptions::steps(4).stops([1.0]).save(Save::at([t]));
        let solution = solve(&problem, &Heun::new(), options).unwrap();
        assert_relative_eq!(solution.u[0], slope * (t - span.0), epsilon = 1e-12);
    }
}

#[test]
fn a_jump_of_the_state_at_a_stop_is_followed_by_every_kind_of_step() {
    // A dose of 1 at t = 1 to u' = -u.
    let decay = |du: &mut f64, u: &f64, _t: f64| *du = -u;
    let problem = ode(decay, 1.0, (0.0, 2.0));
    let dose = |step: &mut AcceptedStep<'_, f64>| {
        if step.t == 1.0 {
            *step.u_mut() += 1.0;
        }
        Flow::Continue
    };
    let exact = ((-1.0f64).exp() + 1.0) * (-1.0f64).exp();
    let solution = solve(&problem, &Dop853::new(), adaptive().stops([1.0]).observer(dose)).unwrap();
    assert!((solution.u_last - exact).abs() < 1e-7);
    let fixed = SolveOptions::steps(150).stops([1.0]).observer(dose);
    assert!((solve(&problem, &Rk4::new(), fixed).unwrap().u_last - exact).abs() < 1e-7);
}

/// Height and speed of a ball.
type Ball = [f64; 2];

fn fall(du: &mut Ball, u: &Ball, _t: f64) {
    *du = [u[1], -1.0];
}

/// A ball dropped from a height, with gravity 1.
fn ball(height: f64, end: f64) -> OdeProblem<Ball, fn(&mut Ball, &Ball, f64)> {
    OdeProblem::new(fall, [height, 0.0], (0.0, end))
}

#[test]
fn a_ball_bounces_as_often_as_it_should_with_fixed_and_adaptive_steps() {
    let bounce = || {
        Event::new(|u: &[f64; 2], _t| u[0])
            .crossing(Crossing::Falling)
            .affecting(|u, _t| u[1] *= -0.5)
    };
    // From height 1/2 it takes 1, then 1 more and half as long each time: bounces at 1, 2, 2.5 ..
    let problem = ball(0.5, 2.6);
    for options in [adaptive(), SolveOptions::steps(37)] {
        let solution = solve(&problem, &Tsit5::new(), options.event(bounce())).unwrap();
        assert_eq!(solution.outcome, Outcome::Success);
        let times: Vec<f64> = solution.events.iter().map(|event| event.t).collect();
        for (found, expected) in times.iter().zip([1.0, 2.0, 2.5]) {
            assert_relative_eq!(*found, expected, epsilon = 1e-7);
        }
        assert_eq!(times.len(), 3);
        assert_eq!(solution.t_last, 2.6);
    }
    let third = bounce().terminating_at(3);
    let solution = solve(&problem, &Tsit5::new(), adaptive().event(third)).unwrap();
    assert!(matches!(solution.outcome, Outcome::Terminated { t, .. } if (t - 2.5).abs() < 1e-7));
}

#[test]
fn conditions_an_endless_span_and_a_steady_state() {
    let landed = Event::when(|u: &[f64; 2], _t| u[0] <= 0.0).terminating();
    let problem = ball(0.5, f64::INFINITY);
    let solution = solve(&problem, &Tsit5::new(), adaptive().event(landed)).unwrap();
    assert!((solution.t_last - 1.0).abs() < 1e-7 && solution.outcome.is_success());
    let endless = solve(&problem, &Tsit5::new(), adaptive()).unwrap_err();
    assert!(matches!(endless, SolveError::Span(..)));
    // Fixed steps have no end there, and hear what has.
    let landed = Event::when(|u: &[f64; 2], _t| u[0] <= 0.0).terminating();
    let fixed = SolveOptions::dt(0.1).event(landed);
    let said = solve(&problem, &Tsit5::new(), fixed).unwrap_err().to_string();
    assert!(said.contains("adaptive steps") && said.contains("steady state"), "{said}");
    let decay = |du: &mut f64, u: &f64, _t: f64| *du = 3.0 - u;
    let problem = ode(decay, 0.0, (0.0, f64::INFINITY));
    let solution = solve(&problem, &Tsit5::new(), adaptive().steady_state(1e-4, 0.0)).unwrap();
    assert!(matches!(solution.outcome, Outcome::Steady { .. }), "{}", solution.outcome);
    assert!((solution.complete().unwrap() - 3.0).abs() < 1e-3);
}

/// Lanes fall from their heights, each until it lands.
fn falling(heights: &[f64]) -> (AnyOde<Batch>, Vec<f64>) {
    let fall = EachLane(|du: &mut [f64], u: &[f64], _t| (du[0], du[1]) = (u[1], -1.0));
    let initial = Array2::from_shape_fn((heights.len(), 2), |(i, j)| [heights[i], 0.0][j]);
    let landings = heights.iter().map(|height| (2.0 * height).sqrt()).collect();
    (ode(fall, initial, (0.0, 2.5)), landings)
}

#[test]
fn a_lane_ends_at_its_event_and_the_others_go_on() {
    let (problem, landings) = falling(&[0.5, 8.0, 0.02, 2.0]);
    let ground = || Event::new(|u: &Batch, _t| u[[0, 0]]).per_lane().terminating();
    let save = || Save::at([0.1, 1.5]).and_dense();
    let shared = adaptive().event(ground()).save(save());
    let own = adaptive().norm(ErrorNorm::EachLane).event(ground()).save(save());
    for (options, name) in [(shared, "shared"), (own, "own")] {
        let solution = solve(&problem, &Tsit5::new(), options).unwrap();
        assert_eq!(solution.lanes.len(), 4, "{name}");
        for (lane, (report, &landing)) in solution.lanes.iter().zip(&landings).enumerate() {
            if landing > 2.5 {
                assert_eq!((report.t, &report.outcome), (2.5, &Outcome::Success), "{name}");
                assert_relative_eq!(solution.u_last[[lane, 0]], 8.0 - 3.125, epsilon = 1e-7);
                continue;
            }
            assert!(matches!(report.outcome, Outcome::Terminated { event: 0, .. }), "{name}");
            assert_relative_eq!(report.t, landing, epsilon = 1e-7);
            assert_relative_eq!(solution.u_last[[lane, 0]], 0.0, epsilon = 1e-7);
            assert_relative_eq!(solution.u_last[[lane, 1]], -landing, epsilon = 1e-7);
        }
        let mut ended: Vec<Option<usize>> =
            solution.events.iter().map(|event| event.lane).collect();
        ended.sort();
        assert_eq!(ended, [Some(0), Some(2), Some(3)], "{name}");
        // Where a lane is no more there is nothing of it.
        let height = |t: f64, height: f64| height - 0.5 * t * t;
        assert_eq!(solution.t, [0.1, 1.5], "{name}");
        for (t, saved) in solution.t.iter().zip(&solution.u) {
            let between = solution.interpolate(*t).unwrap();
            for (lane, &landing) in landings.iter().enumerate() {
                let expected =
                    if *t > landing { f64::NAN } else { height(*t, problem.initial[[lane, 0]]) };
                for found in [saved[[lane, 0]], between[[lane, 0]]] {
                    assert_eq!(found.is_nan(), expected.is_nan(), "{name}, lane {lane} at {t}");
                    assert!(expected.is_nan() || (found - expected).abs() < 1e-7, "{name}");
                }
            }
        }
    }
}

#[test]
fn lanes_of_their_own_pace_are_seen_by_observers_and_interpolated_in_between() {
    let field = EachLane(|du: &mut [f64], u: &[f64], _t| (du[0], du[1]) = (u[1] * u[0], 0.0));
    let initial = array![[1.0, 0.3], [1.0, -4.0], [2.0, 1.0]];
    let problem = ode(field, initial.clone(), (0.0, 1.0));
    let rounds = Cell::new(0);
    let watch = |step: &mut AcceptedStep<'_, Batch>| {
        rounds.set(rounds.get() + 1);
        for lane in 0..step.u().nrows() {
            let (t, number) = (step.times().of(lane), step.number(lane));
            let exact = initial[[number, 0]] * (initial[[number, 1]] * t).exp();
            assert!((step.u()[[lane, 0]] / exact - 1.0).abs() < 1e-6, "lane {number} at {t}");
            assert!(step.t <= t + 1e-15);
        }
        Flow::Continue
    };
    let options = adaptive().norm(ErrorNorm::EachLane).observer(watch).save(Save::dense());
    let solution = solve(&problem, &Dop853::new(), options).unwrap();
    assert!(rounds.get() > 3);
    for t in [0.0, 0.123, 0.5, 0.999, 1.0] {
        let found = solution.interpolate(t).unwrap();
        for lane in 0..3 {
            let exact = initial[[lane, 0]] * (initial[[lane, 1]] * t).exp();
            assert!((found[[lane, 0]] / exact - 1.0).abs() < 1e-5, "lane {lane} at {t}");
        }
    }
    assert!(solution.interpolate(1.5).is_err());
    // Ended by hand after a while, every lane is where it came to.
    let stop = |step: &mut AcceptedStep<'_, Batch>| match step.t > 0.2 {
        true => Flow::Stop("enough".to_owned()),
        false => Flow::Continue,
    };
    let options = adaptive().norm(ErrorNorm::EachLane).observer(stop);
    let solution = solve(&problem, &Tsit5::new(), options).unwrap();
    assert!(matches!(solution.outcome, Outcome::Stopped { .. }));
    assert!(solution.lanes.iter().all(|lane| lane.t > 0.2) && solution.complete().is_err());
}

#[test]
fn what_lanes_have_not_in_common_is_refused() {
    let (problem, _) = falling(&[1.0, 2.0]);
    let own = || adaptive().norm(ErrorNorm::EachLane);
    let whole = Event::new(|u: &Batch, _t| u[[0, 0]]);
    for options in [own().event(whole), own().save(Save::all()), own().stops([1.0])] {
        let refused = solve(&problem, &Tsit5::new(), options).unwrap_err();
        assert!(matches!(refused, SolveError::OneStepForAll { .. }), "{refused}");
    }
}

#[test]
fn settings_that_cannot_be_heeded_are_refused() {
    let problem = switched(0.0, (0.0, 3.0));
    let fixed = || SolveOptions::steps(4);
    let settings: [(&str, SolveOptions<'_, f64>); 5] = [
        ("dtmax", fixed().dtmax(0.1)),
        ("dtmin", fixed().dtmin(0.1)),
        ("initial_step", fixed().initial_step(0.1)),
        ("norm", fixed().norm(ErrorNorm::WorstLane)),
        ("force_dtmin", fixed().force_dtmin()),
    ];
    for (name, options) in settings {
        let refused = solve(&problem, &Heun::new(), options).unwrap_err();
        assert!(refused.to_string().contains(name), "{name}: {refused}");
    }
    let long = solve(&problem, &Tsit5::new(), adaptive().initial_step(4.0)).unwrap_err();
    assert!(matches!(long, SolveError::Control(ControlError::InitialStep { .. })));
}

#[test]
fn the_smallest_step_may_be_forced_and_is_counted() {
    // No step is small enough at the root of |t - 1|.
    let field = |du: &mut f64, _u: &f64, t: f64| *du = (t - 1.0).abs().powf(-0.9);
    let problem = ode(field, 0.0, (0.0, 0.999));
    let tight = || SolveOptions::adaptive(1e-13, 1e-13).dtmin(1e-3);
    let ended = solve(&problem, &Tsit5::new(), tight()).unwrap();
    assert!(matches!(ended.outcome, Outcome::StepTooSmall { .. }));
    let forced = solve(&problem, &Tsit5::new(), tight().force_dtmin()).unwrap();
    assert_eq!(forced.outcome, Outcome::Success);
    assert!(forced.statistics.forced > 10, "{:?}", forced.statistics);
}

#[test]
fn rejected_steps_are_told() {
    struct Rejections(Rc<Cell<u64>>);
    impl Observer<f64> for Rejections {
        fn observe(&mut self, _step: &mut AcceptedStep<'_, f64>) -> Flow {
            Flow::Continue
        }
        fn rejected(&mut self, t: f64, h: f64) {
            assert!(t >= 0.0 && h > 0.0);
            self.0.set(self.0.get() + 1);
        }
    }
    let count = Rc::new(Cell::new(0));
    let options = adaptive().observer(Rejections(count.clone()));
    let solution = solve(&switched(0.0, (0.0, 3.0)), &Tsit5::new(), options).unwrap();
    assert!(count.get() > 0);
    assert_eq!(count.get(), solution.statistics.rejected);
}

#[test]
fn saving_combines_and_functions_of_the_state_are_recorded_without_it() {
    let decay = |du: &mut f64, u: &f64, _t: f64| *du = -u;
    let problem = ode(decay, 1.0, (0.0, 1.0));
    let save = Save::at([0.05, 0.5]).and_every(4).and_dense().without_end();
    let solution = solve(&problem, &Rk4::new(), SolveOptions::steps(10).save(save)).unwrap();
    assert_eq!(solution.t, [0.05, 0.4, 0.5, 0.8]);
    assert_eq!(solution.dense.len(), 10);
    let mut squares = Vec::new();
    let record = |u: &f64, t: f64| squares.push((t, u * u));
    let options = adaptive().record_at([1.0, 0.25, 0.0], record);
    let solution = solve(&problem, &Tsit5::new(), options).unwrap();
    assert!(solution.u.is_empty());
    assert_eq!(squares.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [0.0, 0.25, 1.0]);
    assert!(squares.iter().all(|(t, square)| (square - (-2.0 * t).exp()).abs() < 1e-6));
    let late = solve(&problem, &Tsit5::new(), adaptive().record_at([2.0], |_, _| ()));
    assert!(matches!(late, Err(SolveError::SaveTime { .. })));
}

#[test]
fn a_norm_of_ones_own_steers_the_steps() {
    let field = EachLane(|du: &mut [f64], u: &[f64], t: f64| {
        (du[0], du[1]) = ((u[1] * t).sin(), 0.0);
    });
    let problem = ode(field, array![[0.0, 1.0], [0.0, 40.0]], (0.0, 3.0));
    // Captured, as a norm's weights are.
    let weighted = |weights: [f64; 2]| {
        ErrorNorm::of(move |lanes| (weights[0] * lanes[0] + weights[1] * lanes[1]).sqrt())
    };
    let first = weighted([1.0, 0.0]);
    let worst = ErrorNorm::of(|lanes| lanes.iter().fold(0.0, |a: f64, b| a.max(*b)).sqrt());
    assert!(first == first.clone() && first != worst && first != weighted([1.0, 0.0]));
    assert_eq!(format!("{first:?}"), "Of(..)");
    let steps = |norm| {
        let options = SolveOptions::adaptive(1e-6, 1e-6).norm(norm);
        solve(&problem, &Tsit5::new(), options).unwrap().statistics
    };
    // The second lane is of no account to the first norm.
    assert!(5 * steps(first).accepted < steps(worst.clone()).accepted);
    assert_eq!(steps(worst), steps(ErrorNorm::WorstLane));
}

/// An error of the field's author, with more to say than its words.
#[derive(Debug, thiserror::Error)]
#[error("the table ends at {0}")]
struct TableEnds(f64);

fn ends_at(end: f64) -> AnyOde<f64> {
    let field = move |du: &mut f64, _u: &f64, t: f64| {
        *du = 1.0;
        if t > end { Err(FieldError::other(TableEnds(end))) } else { Ok(()) }
    };
    ode(field, 0.0, (0.0, 1.0))
}

/// The sources of an error, nearest first.
fn sources<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// Where the table ends, asked of the author's error among the sources.
fn table_end(error: &(dyn Error + 'static)) -> Option<f64> {
    sources(error).find_map(|error| error.downcast_ref::<TableEnds>()).map(|error| error.0)
}

#[test]
fn the_chain_of_sources_meets_the_error_of_the_fields_author_once() {
    let own = FieldError::other(TableEnds(0.5));
    let (of_step, of_backend) = (StepError::from(own.clone()), StateError::backend(TableEnds(0.5)));
    assert_eq!(own.to_string(), "the table ends at 0.5");
    for error in [&own as &(dyn Error + 'static), &of_step, &of_backend] {
        assert_eq!(table_end(error), Some(0.5), "{error}");
        assert_eq!(sources(error).count(), 1, "{error}");
    }
    // What is no error of anyone's has no source.
    let part = solve(&ends_at(2.0), &Rk4::new(), SolveOptions::steps(10).nfe_budget(20)).unwrap();
    assert!(part.complete().unwrap_err().source().is_none());
}

#[test]
fn a_solve_without_a_step_is_an_error_and_a_part_of_one_does_not_pass_for_the_whole() {
    for options in [SolveOptions::steps(4), adaptive()] {
        let none = solve(&ends_at(-1.0), &Tsit5::new(), options).unwrap_err();
        assert_eq!(table_end(&none), Some(-1.0));
        assert!(matches!(none.outcome(), Some(Outcome::Failed { t: 0.0, .. })));
    }
    let part = solve(&ends_at(0.6), &Rk4::new(), SolveOptions::steps(10)).unwrap();
    assert!(part.statistics.accepted > 3);
    let incomplete = part.complete().unwrap_err();
    assert!(incomplete.to_string().contains("the table ends at 0.6"), "{incomplete}");
    assert_eq!(table_end(&incomplete), Some(0.6));
    assert!((incomplete.0.u_last - 0.5).abs() < 0.11);
    let whole = solve(&ends_at(2.0), &Rk4::new(), SolveOptions::steps(10)).unwrap();
    assert!((whole.complete().unwrap() - 1.0).abs() < 1e-12);
    // NaN from the first evaluation on is no solution either.
    let nan = ode(|du: &mut f64, _u: &f64, _t: f64| *du = f64::NAN, 1.0, (0.0, 1.0));
    let none = solve(&nan, &Tsit5::new(), adaptive()).unwrap_err();
    assert!(matches!(none.outcome(), Some(Outcome::NonFinite { .. })));
    // A limit of the user's own is no error.
    let limited = solve(&ends_at(2.0), &Tsit5::new(), adaptive().nfe_budget(1)).unwrap();
    assert!(matches!(limited.outcome, Outcome::BudgetSpent { .. }));
    assert!(limited.complete().is_err());
}

#[test]
fn copies_of_lanes_are_states_like_others() {
    let u = array![[1.0, 2.0], [3.0, 4.0]];
    assert_eq!(u.select_lanes(&[1, 1, 0]).unwrap(), array![[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]);
}

#[test]
fn the_derivative_of_dense_output_is_the_fields() {
    let field = |du: &mut [f64; 2], u: &[f64; 2], t: f64| *du = [u[1] + t.cos(), -u[0]];
    let problem = ode(field, [1.0, 0.2], (0.0, 3.0));
    for backwards in [false, true] {
        let problem = match backwards {
            false => problem.clone(),
            true => OdeProblem { span: (3.0, 0.0), ..problem.clone() },
        };
        for method in [BoxedMethod::new(Tsit5::new()), BoxedMethod::new(Dop853::new())] {
            let options = SolveOptions::adaptive(1e-11, 1e-11).save(Save::dense());
            let solution = solve(&problem, &method, options).unwrap();
            for t in [0.0, 0.37, 1.9, 3.0] {
                let u = solution.interpolate(t).unwrap();
                let mut expected = [0.0; 2];
                field(&mut expected, &u, t);
                let found = solution.derivative(t).unwrap();
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-6, "{} at {t}", method.info().name);
                }
            }
            assert!(solution.derivative(3.5).is_err());
        }
    }
}

#[test]
fn a_sequence_of_methods_is_a_method() {
    let field = |du: &mut f64, u: &f64, t: f64| *du = -u + t.sin();
    let problem = ode(field, 1.0, (0.0, 1.0));
    let methods = || vec![BoxedMethod::new(Rk4::new()), BoxedMethod::new(Heun::new())];
    let method = Sequence::new("rk4-heun", methods()).unwrap();
    let both = solve(&problem, &method, SolveOptions::steps(4).save(Save::all())).unwrap();
    // The first step is the one method's, the others are the other's.
    let first = ode(field, 1.0, (0.0, 0.25));
    let first = solve(&first, &Rk4::new(), SolveOptions::steps(1)).unwrap();
    assert_eq!(both.u[1], first.u_last);
    let rest = ode(field, first.u_last, (0.25, 1.0));
    let times = vec![0.25, 0.5, 0.75, 1.0];
    let rest = solve(&rest, &Heun::new(), SolveOptions::times(times)).unwrap();
    assert_eq!(both.u_last, rest.u_last);
    assert_eq!(both.statistics.nfe, 4 + 3 * 2);
    assert_eq!((method.info().order, method.info().name), (2, "rk4-heun"));
    assert!(Sequence::<f64, fn(&mut f64, &f64, f64)>::new("none", Vec::new()).is_none());
}

/// `u' = -k u` with a rate of every lane's own, in the second column.
fn rates() -> AnyOde<Batch> {
    let field = LaneTimes(|du: &mut Batch, u: &Batch, _t: &[f64]| {
        for (mut du, u) in du.rows_mut().into_iter().zip(u.rows()) {
            (du[0], du[1]) = (-u[1] * u[0], 0.0);
        }
        Ok(())
    });
    ode(field, array![[1.0, 1.0], [1.0, 4.0], [1.0, 2.0]], (0.0, 1.0))
}

/// Ends a lane below 1/2: at `ln 2 / k`.
fn halved<'a>() -> Event<'a, Batch> {
    Event::new(|u: &Batch, _t| u[[0, 0]] - 0.5).per_lane().terminating()
}

#[test]
fn lanes_that_end_in_a_step_that_moves_lanes_are_reported_under_their_numbers() {
    let options = || SolveOptions::steps(7).event(halved());
    let plain = solve(&rates(), &Tsit5::new(), options()).unwrap();
    let turn = |step: &mut AcceptedStep<'_, Batch>| {
        let from: Vec<usize> = (0..step.u().nrows()).rev().collect();
        step.move_lanes(&from, Moved::Renumbered).unwrap();
        Flow::Continue
    };
    // An observer after one that moves lanes sees them where they are.
    let watch = |step: &mut AcceptedStep<'_, Batch>| {
        for (lane, u) in step.u().rows().into_iter().enumerate() {
            assert_eq!(u[1], [1.0, 4.0, 2.0][step.number(lane)]);
        }
        Flow::Continue
    };
    let turned = options().observer(turn).observer(watch);
    let turned = solve(&rates(), &Tsit5::new(), turned).unwrap();
    assert_eq!(plain.lanes.len(), 3);
    for (lane, rate) in plain.lanes.iter().zip([1.0, 4.0, 2.0]) {
        assert_relative_eq!(lane.t, 2.0f64.ln() / rate, epsilon = 1e-5);
    }
    assert_eq!(turned.lanes, plain.lanes);
    assert_eq!(turned.u_last, plain.u_last);
}

#[test]
fn a_lane_is_not_shown_after_its_end() {
    let seen = RefCell::new(Vec::new());
    let record = |u: &Batch, _t: f64| seen.borrow_mut().push(u[[1, 0]]);
    let options = SolveOptions::steps(2).event(halved()).save(Save::all().and_at([0.1, 0.4]));
    let solution = solve(&rates(), &Tsit5::new(), options.record_at([0.1, 0.4], record)).unwrap();
    // Lane 1 ends at 0.173, lane 0 at 0.693, in the last step.
    let shown = |lane: usize, t: f64| {
        let at = solution.t.iter().position(|&saved| saved == t).unwrap();
        !solution.u[at][[lane, 0]].is_nan()
    };
    assert!(shown(1, 0.1) && !shown(1, 0.4) && !shown(1, 0.5));
    assert!(shown(0, 0.4) && shown(0, 0.5));
    assert!(!seen.borrow()[0].is_nan() && seen.borrow()[1].is_nan());
    // Steps are saved every third time, and there are two: the end is where the lanes ended.
    let options = SolveOptions::steps(2).event(halved()).save(Save::every(3));
    let solution = solve(&rates(), &Tsit5::new(), options).unwrap();
    assert_eq!(solution.u.last(), Some(&solution.u_last));
}

#[test]
fn lanes_of_their_own_steps_keep_their_budget_and_refuse_what_they_do_not_do() {
    let own = || SolveOptions::adaptive(1e-8, 1e-8).norm(ErrorNorm::EachLane);
    for budget in 30..60 {
        let options = own().save(Save::dense()).nfe_budget(budget);
        let solution = solve(&rates(), &Dop853::new(), options).unwrap();
        for lane in &solution.lanes {
            assert!(lane.nfe <= budget, "{} of {budget}", lane.nfe);
        }
    }
    let forced = solve(&rates(), &Dop853::new(), own().force_dtmin()).unwrap_err();
    assert!(matches!(forced, SolveError::OneStepForAll { .. }), "{forced}");
}

#[test]
fn an_event_of_single_lanes_that_changes_the_state_is_refused() {
    let plain = || Event::new(|u: &Batch, _t| u[[0, 0]] - 0.5);
    let kick = || plain().per_lane().affecting(|u, _t| u.fill(2.0));
    let own = adaptive().norm(ErrorNorm::EachLane).event(plain().per_lane());
    for options in [own, adaptive().event(plain()), SolveOptions::steps(9).event(plain())] {
        let refused = solve(&rates(), &Tsit5::new(), options.event(kick())).unwrap_err();
        assert_eq!(refused, SolveError::LaneEffect { event: 1 });
        assert!(refused.to_string().contains("leave out `per_lane`"), "{refused}");
    }
}

#[test]
fn the_derivative_of_dense_output_holds_after_a_jump_and_in_lanes_of_their_own() {
    let bounce = Event::new(|u: &Ball, _t| u[0]).crossing(Crossing::Falling);
    let bounce = bounce.affecting(|u, _t| u[1] *= -0.5);
    let options = adaptive().event(bounce).save(Save::dense());
    let solution = solve(&ball(0.5, 1.8), &Tsit5::new(), options).unwrap();
    for t in [0.5, 1.0 + 1e-3, 1.5] {
        let u = solution.interpolate(t).unwrap();
        let found = solution.derivative(t).unwrap();
        assert_relative_eq!(found[0], u[1], epsilon = 1e-7);
        assert_relative_eq!(found[1], -1.0, epsilon = 1e-7);
    }
    let own = SolveOptions::adaptive(1e-9, 1e-9).norm(ErrorNorm::EachLane);
    for options in [own, SolveOptions::steps(20)] {
        let options = options.event(halved()).save(Save::dense());
        let solution = solve(&rates(), &Tsit5::new(), options).unwrap();
        for t in [0.05, 0.15, 0.171, 0.3, 0.6] {
            let (u, found) = (solution.interpolate(t).unwrap(), solution.derivative(t).unwrap());
            for (lane, rate) in [1.0, 4.0, 2.0].into_iter().enumerate() {
                if t < 2.0f64.ln() / rate {
                    let expected = -rate * u[[lane, 0]];
                    assert_relative_eq!(found[[lane, 0]], expected, epsilon = 1e-4);
                } else {
                    assert!(found[[lane, 0]].is_nan(), "{t}");
                }
            }
        }
    }
    let empty = OdeProblem { span: (1.0, 1.0), ..ball(0.5, 1.0) };
    let point = solve(&empty, &Tsit5::new(), adaptive().save(Save::dense())).unwrap();
    assert!(matches!(point.derivative(1.0), Err(InterpolationError::Point { .. })));
}
