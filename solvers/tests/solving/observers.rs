//! Saving, events, callbacks, streams, progress and hand-stepping, over all
//! methods where they apply.

mod events;

use crate::common::{AnyOde, Oscillator, ode, ode_methods};
use driftfield_solvers::method::{Dop853, Euler, Heun, Method, Rk4, Tsit5};
use driftfield_solvers::observer::{AcceptedStep, Crossing, Event, Flow, Progress, Record, Sink};
use driftfield_solvers::{Outcome, Save, SolveOptions, Status, init, solve};

#[test]
fn saved_times_are_the_ones_asked_for_in_the_order_of_integration() {
    let oscillator = Oscillator::EXAMPLE;
    let wanted = [0.9, 0.0, 0.25, 0.5, 1.0];
    for method in ode_methods() {
        for (span, order) in
            [((0.0, 1.0), [0.0, 0.25, 0.5, 0.9, 1.0]), ((1.0, 0.0), [1.0, 0.9, 0.5, 0.25, 0.0])]
        {
            let mut runs = vec![SolveOptions::steps(4000)];
            if method.info().adaptive() {
                runs.push(SolveOptions::adaptive(1e-6, 1e-6));
            }
            for options in runs {
                let problem = oscillator.problem(span);
                let solution = solve(&problem, &method, options.save(Save::at(wanted))).unwrap();
                assert_eq!(solution.t, order, "{}", method.info().name);
                for (&t, u) in solution.t.iter().zip(&solution.u) {
                    assert!(oscillator.error(u, t) < 3e-3, "{} at {t}", method.info().name);
                }
                assert_eq!(solution.u.last(), Some(&solution.u_last));
            }
        }
    }
}

#[test]
fn saving_does_not_change_the_solution() {
    let problem = Oscillator::EXAMPLE.problem((0.0, 1.0));
    for method in ode_methods() {
        let end = |save| {
            let options = SolveOptions::steps(10).save(save);
            solve(&problem, &method, options).unwrap().u_last
        };
        let plain = end(Save::last());
        assert_eq!(plain, end(Save::all()));
        assert_eq!(plain, end(Save::at([0.05, 0.33])), "{}", method.info().name);
        assert_eq!(plain, end(Save::dense()));
    }
}

#[test]
fn every_n_saves_the_last_step_too() {
    let problem = Oscillator::EXAMPLE.problem((0.0, 1.0));
    let options = SolveOptions::steps(10).save(Save::every(4).with_start());
    let solution = solve(&problem, &Heun::new(), options).unwrap();
    assert_eq!(solution.t, [0.0, 0.4, 0.8, 1.0]);
}

#[test]
fn dense_output_meets_the_steps_and_refuses_what_it_does_not_cover() {
    let oscillator = Oscillator::EXAMPLE;
    for method in ode_methods() {
        let problem = oscillator.problem((1.0, 0.0));
        let save = Save::dense();
        let solution = solve(&problem, &method, SolveOptions::steps(8).save(save)).unwrap();
        let steps = solve(&problem, &method, SolveOptions::steps(8).save(Save::all())).unwrap();
        for (&t, u) in steps.t.iter().zip(&steps.u) {
            let dense = solution.interpolate(t).unwrap();
            for i in 0..2 {
                assert!((dense[i] - u[i]).abs() < 1e-14, "{} at {t}", method.info().name);
            }
        }
        assert!(solution.interpolate(1.5).is_err());
        assert!(solution.interpolate(f64::NAN).is_err());
        assert!(steps.interpolate(0.5).unwrap_err().to_string().contains("Save::dense"));
    }
}

#[test]
fn time_reversal_returns_to_the_start() {
    let oscillator = Oscillator::EXAMPLE;
    for method in ode_methods() {
        let steps = if method.info().order < 3 { 20_000 } else { 200 };
        let there =
            solve(&oscillator.problem((0.0, 1.5)), &method, SolveOptions::steps(steps)).unwrap();
        let back = ode(oscillator, there.u_last, (1.5, 0.0));
        let back = solve(&back, &method, SolveOptions::steps(steps)).unwrap();
        let distance = oscillator.error(&back.u_last, 0.0);
        assert!(distance < 2e-3, "{}: {distance}", method.info().name);
        assert_eq!(back.t_last, 0.0);
    }
}

#[test]
fn solves_repeat_bit_for_bit() {
    let problem = Oscillator::EXAMPLE.problem((0.0, 1.0));
    for method in ode_methods() {
        let run = || {
            let adaptive = method.info().adaptive();
            let options =
                if adaptive { SolveOptions::adaptive(1e-5, 1e-5) } else { SolveOptions::steps(17) };
            solve(&problem, &method, options).unwrap().u_last.map(f64::to_bits)
        };
        assert_eq!(run(), run());
    }
}

type PlanarField = fn(&mut [f64; 2], &[f64; 2], f64);

fn oscillator() -> AnyOde<[f64; 2]> {
    let field: PlanarField = |du, u, _t| *du = [u[1], -u[0]];
    ode(field, [0.0, 1.0], (0.0, 10.0))
}

#[test]
fn events_are_found_where_they_are() {
    let event = || Event::new(|u: &[f64; 2], _t| u[0]);
    let options = SolveOptions::adaptive(1e-10, 1e-10)
        .event(event())
        .event(event().crossing(Crossing::Rising))
        .event(event().crossing(Crossing::Falling));
    let solution = solve(&oscillator(), &Tsit5::new(), options).unwrap();
    let pi = std::f64::consts::PI;
    let times = |event| -> Vec<f64> {
        solution.events.iter().filter(|e| e.event == event).map(|e| e.t / pi).collect()
    };
    let close = |found: &[f64], expected: &[f64]| {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
    };
    assert!(close(&times(0), &[1.0, 2.0, 3.0]), "{:?}", times(0));
    assert!(close(&times(1), &[2.0]));
    assert!(close(&times(2), &[1.0, 3.0]));
    assert!(solution.events.iter().all(|e| e.u[0].abs() < 1e-9));
}

#[test]
fn a_terminating_event_ends_the_solve_at_its_time() {
    let pi = std::f64::consts::PI;
    let floor = || Event::new(|u: &[f64; 2], _t| u[0] + 0.5).terminating();
    let expected = pi * 7.0 / 6.0;
    for order in [false, true] {
        let options = SolveOptions::adaptive(1e-10, 1e-10)
            .save(Save::at([1.0, 2.0, 3.6, 4.0]))
            .event(floor());
        let solution = if order {
            solve(&oscillator(), &Dop853::new(), options).unwrap()
        } else {
            solve(&oscillator(), &Tsit5::new(), options).unwrap()
        };
        let Outcome::Terminated { event: 0, t } = solution.outcome else { panic!() };
        assert!((t - expected).abs() < 1e-6, "{t} instead of {expected}");
        assert_eq!(solution.t, [1.0, 2.0, 3.6]);
        assert!((solution.u_last[0] + 0.5).abs() < 1e-10 && solution.t_last == t);
        assert!((solution.u[2][0] - 3.6_f64.sin()).abs() < 1e-6);
    }
}

#[test]
fn dense_output_ends_at_a_terminating_event() {
    let options = SolveOptions::steps(7)
        .save(Save::dense())
        .event(Event::new(|u: &[f64; 2], _t| u[0] - 0.5).terminating());
    let solution = solve(&oscillator(), &Dop853::new(), options).unwrap();
    let end = solution.t_last;
    let state = solution.interpolate(end).unwrap();
    assert!((state[0] - 0.5).abs() < 1e-9);
    assert!(solution.interpolate(end + 0.1).is_err());
}

#[test]
fn callbacks_may_change_the_state_and_restart_cached_stages() {
    // A ball of height u[0]: a callback reflects it; energy tells whether the
    // cached last stage of the step before was used wrongly.
    for method in ode_methods() {
        let field: PlanarField = |du, u, _t| *du = [u[1], -u[0]];
        let problem = ode(field, [1.0, 0.0], (0.0, 1.0));
        let double = |step: &mut AcceptedStep<'_, [f64; 2]>| {
            if step.t == 0.5 {
                step.u_mut()[0] *= 2.0;
            }
            Flow::Continue
        };
        let options = SolveOptions::steps(2000).observer(double);
        let end = solve(&problem, &method, options).unwrap().u_last;
        let (sin, cos) = 0.5_f64.sin_cos();
        let middle = [2.0 * cos, -sin];
        let expected = [middle[0] * cos + middle[1] * sin, -middle[0] * sin + middle[1] * cos];
        for i in 0..2 {
            assert!((end[i] - expected[i]).abs() < 1e-3, "{}", method.info().name);
        }
    }
}

#[test]
fn a_changed_state_is_exactly_a_new_start() {
    let problem = oscillator();
    let change = |step: &mut AcceptedStep<'_, [f64; 2]>| {
        if step.statistics.accepted == 3 {
            step.u_mut()[1] = 0.25;
        }
        Flow::Continue
    };
    let changed = solve(&problem, &Tsit5::new(), SolveOptions::steps(5).observer(change)).unwrap();
    let method = Tsit5::new();
    let mut integrator = init(&problem, &method, SolveOptions::steps(5)).unwrap();
    while integrator.step() == Status::Stepped {
        if integrator.statistics().accepted == 3 {
            integrator.u_mut()[1] = 0.25;
        }
    }
    assert_eq!(changed.u_last, *integrator.u());
    assert_eq!(changed.statistics, integrator.statistics());
}

#[test]
fn records_sinks_and_progress_see_every_step_once() {
    let mut energy = Record::new(|u: &[f64; 2], _t: f64| u[0] * u[0] + u[1] * u[1]);
    let mut written = Vec::new();
    let mut fractions = Vec::new();
    let options = SolveOptions::steps(20)
        .observer(&mut energy)
        .observer(Sink::every(5, |u: &[f64; 2], t: f64| {
            written.push((t, *u));
            Ok::<(), String>(())
        }))
        .observer(Progress::new(4, |fraction| fractions.push(fraction)));
    let _ = solve(&oscillator(), &Rk4::new(), options).unwrap();
    assert_eq!(energy.values.len(), 20);
    assert!(energy.values.iter().all(|(_, e)| (e - 1.0).abs() < 1e-2));
    assert_eq!(written.iter().map(|w| w.0).collect::<Vec<_>>(), [2.5, 5.0, 7.5, 10.0]);
    assert_eq!(fractions, [0.25, 0.5, 0.75, 1.0]);
}

#[test]
fn a_failing_sink_stops_the_solve_and_keeps_the_rest() {
    let full =
        Sink::every(1, |_u: &[f64; 2], t: f64| if t > 4.9 { Err("disk full") } else { Ok(()) });
    let options = SolveOptions::steps(20).save(Save::all()).observer(full);
    let solution = solve(&oscillator(), &Euler::new(), options).unwrap();
    assert!(matches!(&solution.outcome, Outcome::Stopped { t, reason }
        if *t == 5.0 && reason.contains("disk full")));
    assert_eq!(solution.t.len(), 11);
}

#[test]
fn a_state_changed_by_hand_crosses_nothing() {
    let problem = oscillator();
    let method = Tsit5::new();
    let event = Event::new(|u: &[f64; 2], _t| u[0] - 2.0);
    let mut integrator = init(&problem, &method, SolveOptions::steps(100).event(event)).unwrap();
    integrator.step();
    // Lifted over the event's zero by hand: that is no crossing, falling back is.
    integrator.u_mut()[0] = 3.0;
    while integrator.step() == Status::Stepped {}
    let solution = integrator.finish();
    assert!(!solution.events.is_empty());
    assert!(solution.events[0].t > 0.5, "a crossing at {}", solution.events[0].t);
}

#[test]
fn the_first_reason_to_stop_is_the_outcome() {
    let stop = |_: &mut AcceptedStep<'_, [f64; 2]>| Flow::Stop("later".into());
    let event = Event::new(|u: &[f64; 2], _t| u[0] - 0.05).terminating();
    let options = SolveOptions::steps(10).event(event).observer(stop);
    let solution = solve(&oscillator(), &Rk4::new(), options).unwrap();
    assert!(matches!(solution.outcome, Outcome::Terminated { event: 0, .. }));
}
