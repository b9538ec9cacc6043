//! Where events are found, over all methods and in both directions of time.

use crate::common::{AnyField, AnyOde, every_stochastic_method, ode, ode_methods};
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::{BoxedMethod, Dopri5, Euler, Heun, Method, Midpoint, Rk4};
use driftfield_solvers::observer::{AcceptedStep, Crossing, Event, Flow};
use driftfield_solvers::{
    FieldError, OdeProblem, Outcome, Problem, SdeProblem, Solution, SolveOptions, Status,
    StochasticField, Times, VectorField, init, solve,
};
use ndarray::array;

/// `(x, y)` with `x` decaying along the direction of time, `y = t`.
#[derive(Clone, Copy)]
struct Decay(f64);

impl VectorField<[f64; 2]> for Decay {
    fn eval(&self, du: &mut [f64; 2], u: &[f64; 2], _t: Times<'_>) -> Result<(), FieldError> {
        *du = [-self.0 * u[0], 1.0];
        Ok(())
    }
}

type Function = fn(&[f64; 2], f64) -> f64;

/// Functions that leave their side where `x` falls to 1/2, and what comes after that for some of
/// them.
const AT_A_HALF: [Function; 8] = [
    |u, _| u[0] - 0.5,
    |u, _| 0.5 - u[0],
    |u, _| (u[0] - 0.5).max(0.0),
    |u, _| (0.5 - u[0]).min(0.0),
    |u, _| f64::from(u8::from(u[0] > 0.5)),
    |u, _| if u[0] > 0.5 { -1.0 } else { 1.0 },
    |u, _| (2.0 * u[0]).ceil() - 1.0,
    // A dead zone: -1, 0, 1.
    |u, _| if u[0] > 0.5 { -1.0 } else { f64::from(u8::from(u[0] < 0.4)) },
];

fn controls<'a, S>(method: &impl Named) -> Vec<SolveOptions<'a, S>> {
    let mut controls = vec![SolveOptions::steps(200)];
    if method.adapts() {
        controls.push(SolveOptions::adaptive(1e-3, 1e-3));
        controls.push(SolveOptions::adaptive(1e-8, 1e-8));
    }
    controls
}

/// What the tests ask of a method, whatever its fields.
trait Named {
    fn named(&self) -> &'static str;
    fn adapts(&self) -> bool;
}

impl<F: 'static> Named for BoxedMethod<[f64; 2], F> {
    fn named(&self) -> &'static str {
        self.info().name
    }
    fn adapts(&self) -> bool {
        self.info().adaptive()
    }
}

#[test]
fn the_first_point_of_the_far_side_is_the_event() {
    for method in ode_methods() {
        for direction in [1.0, -1.0] {
            let problem = ode(Decay(direction), [1.0, 0.0], (0.0, 2.0 * direction));
            for control in 0..controls::<[f64; 2]>(&method).len() {
                let options = || controls(&method).swap_remove(control);
                let ends = AT_A_HALF.map(|function| {
                    let event = Event::new(function).terminating();
                    let solution = solve(&problem, &method, options().event(event)).unwrap();
                    assert!(matches!(solution.outcome, Outcome::Terminated { event: 0, t }
                        if t == solution.t_last));
                    solution
                });
                for end in &ends {
                    let name = method.named();
                    let far = direction * end.t_last - 2.0_f64.ln();
                    assert!(far.abs() < 1e-2, "{name}: {far}");
                    let apart = (end.t_last - ends[0].t_last).abs();
                    assert!(apart < 4e-15, "{name}: {apart:e}");
                    assert!(end.u_last[0] <= 0.5 && end.u_last[0] > 0.5 - 1e-14, "{name}");
                }
                continued(&method, &problem, &ends);
            }
        }
    }
}

/// Solves on from the events, which are not met again.
fn continued(
    method: &BoxedMethod<[f64; 2], AnyField<[f64; 2]>>,
    problem: &AnyOde<[f64; 2]>,
    ends: &[Solution<[f64; 2]>],
) {
    for (end, function) in ends.iter().zip(AT_A_HALF) {
        let rest = (end.t_last, problem.span().1);
        let on = OdeProblem::new(problem.field().clone(), end.u_last, rest);
        let options = SolveOptions::steps(20).event(Event::new(function));
        let solution = solve(&on, method, options).unwrap();
        assert_eq!(solution.outcome, Outcome::Success);
        assert!(solution.events.is_empty(), "{}: met again", method.named());
    }
}

/// `u' = (1, 1)` without noise, for methods of either kind.
#[derive(Clone, Copy)]
struct Clock;

impl VectorField<[f64; 2]> for Clock {
    fn eval(&self, du: &mut [f64; 2], _u: &[f64; 2], _t: Times<'_>) -> Result<(), FieldError> {
        *du = [1.0; 2];
        Ok(())
    }
}

impl StochasticField<[f64; 2]> for Clock {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut [f64; 2], u: &[f64; 2], t: f64) -> Result<(), FieldError> {
        self.eval(out, u, t.into())
    }
    fn diffusion(
        &self,
        _channel: usize,
        out: &mut [f64; 2],
        _u: &[f64; 2],
        _t: f64,
    ) -> Result<(), FieldError> {
        *out = [0.0; 2];
        Ok(())
    }
}

/// Times at which events cross on the span from 0 to 1, or back, in steps of `dt`.
fn crossings<P: Problem<State = [f64; 2], Field: 'static>>(
    problem: &P,
    method: &BoxedMethod<[f64; 2], P::Field>,
    dt: f64,
    events: &[(Function, Crossing, usize)],
) -> Vec<Vec<f64>> {
    let mut options = SolveOptions::dt(dt);
    for &(function, crossing, probes) in events {
        options = options.event(Event::new(function).crossing(crossing).probes(probes));
    }
    let solution = solve(problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    let of = |index| solution.events.iter().filter(move |e| e.event == index).map(|e| e.t);
    (0..events.len()).map(|index| of(index).collect()).collect()
}

fn zeros_and_touches<P: Problem<State = [f64; 2], Field: 'static>>(
    problem: impl Fn((f64, f64)) -> P,
    methods: Vec<BoxedMethod<[f64; 2], P::Field>>,
) {
    let twice: Function = |_, t| (t - 0.5) * (t - 0.6);
    let twice_by_state: Function = |u, _| (u[0] - 0.5) * (u[0] - 0.6);
    let touch: Function = |_, t| (t - 0.5).powi(2);
    let touch_by_state: Function = |u, _| -(u[0] - 0.5).powi(2);
    let every = Crossing::Any;
    for method in methods {
        let name = method.named();
        let interpolates = method.info().interpolant_order.is_some();
        for (span, expected) in [((0.0, 1.0), [0.5, 0.6]), ((1.0, 0.0), [0.6, 0.5])] {
            let problem = problem(span);
            for probes in [0, 1, 4, 9] {
                // A state is 0.5 and 0.6 up to rounding, so that both may fall into one step.
                let sees_both = interpolates && probes > 0;
                let events = [
                    (twice, every, probes),
                    (if sees_both { twice_by_state } else { twice }, every, probes),
                    (twice, Crossing::Falling, probes),
                    (twice, Crossing::Rising, probes),
                ];
                let found = crossings(&problem, &method, 0.1, &events);
                // Without a continuous extension the step's end is what is reported.
                let near = if interpolates { 1e-12 } else { 0.1 + 1e-12 };
                for (found, expected) in
                    found.iter().zip([&expected[..], &expected, &expected[..1], &expected[1..]])
                {
                    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
                    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < near));
                }
                for dt in [0.5, 0.25, 0.2, 0.125, 0.1, 0.05] {
                    let events = [(touch, every, probes), (touch_by_state, every, probes)];
                    let found = crossings(&problem, &method, dt, &events);
                    assert!(found.iter().all(Vec::is_empty), "{name}, {dt}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn every_zero_is_one_crossing_and_a_touch_is_none() {
    zeros_and_touches(|span| ode(Clock, [span.0; 2], span), ode_methods());
    zeros_and_touches(
        |span| SdeProblem::from_field(Clock, [span.0; 2], span),
        every_stochastic_method(),
    );
}

#[test]
fn an_even_number_of_crossings_in_a_step_is_found() {
    let field = |du: &mut [f64; 2], _u: &[f64; 2], t: f64| {
        *du = [3.0 * t * t + 12.0 * t - 4.0, 0.0];
    };
    for method in ode_methods() {
        if !method.info().adaptive() {
            continue;
        }
        for (start, span, expected) in
            [(-120.0, (-8.0, 4.0), [-6.0, -2.0, 2.0]), (120.0, (4.0, -8.0), [2.0, -2.0, -6.0])]
        {
            let problem = ode(field, [start, 0.0], span);
            let root = || Event::new(|u: &[f64; 2], _t| u[0]);
            let found = |event| {
                let options = SolveOptions::adaptive(1e-3, 1e-3).event(event);
                let solution = solve(&problem, &method, options).unwrap();
                solution.events.iter().map(|event| event.t).collect::<Vec<_>>()
            };
            let times = found(root());
            assert_eq!(times.len(), 3, "{}: {times:?}", method.info().name);
            assert!(times.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{times:?}");
            // The first of several ends the solve.
            assert_eq!(found(root().terminating()), times[..1]);
        }
    }
    // One step, four crossings: as many as the probes tell apart.
    let problem = ode(Clock, [0.0; 2], (0.0, 1.0));
    let wave = |_: &[f64; 2], t: f64| (t * 4.0 * std::f64::consts::PI + 0.3).sin();
    for (probes, expected) in [(0, 0), (1, 0), (3, 4), (9, 4), (99, 4)] {
        let options = SolveOptions::steps(1).event(Event::new(wave).probes(probes));
        let solution = solve(&problem, &Rk4::new(), options).unwrap();
        assert_eq!(solution.events.len(), expected, "{probes} probes");
    }
}

#[test]
fn a_zero_at_the_start_is_no_crossing_and_hides_none() {
    for method in ode_methods() {
        for (span, end) in [((0.0, 1.0), 0.01), ((0.0, -1.0), -0.01)] {
            let problem = ode(Clock, [0.0; 2], span);
            let zero = Event::new(|u: &[f64; 2], _t| u[0]);
            let and_back = Event::new(move |u: &[f64; 2], _t| u[0] * (u[0] - end)).probes(0);
            let options = SolveOptions::steps(4).event(zero).event(and_back);
            let events = solve(&problem, &method, options).unwrap().events;
            assert_eq!(events.len(), 1, "{}", method.named());
            assert!(events[0].event == 1 && (events[0].t - end).abs() < 1e-12);
        }
    }
}

/// A function that is NaN where `bad` says so.
fn nan_where(bad: impl Fn(f64) -> bool) -> impl Fn(&[f64; 2], f64) -> f64 {
    move |_, t| if bad(t) { f64::NAN } else { 1.0 }
}

#[test]
fn a_nan_ends_the_solve_wherever_it_is_seen() {
    let at = |t: f64| matches_near(t, 0.25);
    for method in ode_methods() {
        let name = method.named();
        let attempt = |event: Event<'static, [f64; 2]>| {
            let problem = ode(Clock, [0.0; 2], (0.0, 1.0));
            let plain = Event::new(|u: &[f64; 2], _t| u[0] + 1.0);
            solve(&problem, &method, SolveOptions::steps(4).event(plain).event(event))
        };
        let run = |event: Event<'static, [f64; 2]>| attempt(event).unwrap();
        let ended = |solution: &Solution<[f64; 2]>, when: f64| {
            let Outcome::EventNan { t, event: 1, lane: Some(0) } = solution.outcome else {
                panic!("{name}: {:?}", solution.outcome)
            };
            assert!(matches_near(t, when), "{name}: {t} instead of {when}");
            assert_eq!(solution.outcome.name(), "event_nan");
        };
        // At the start, at a step's end, at a probe, and where a crossing is looked for.
        let start = attempt(Event::new(nan_where(|t| t == 0.0))).unwrap_err();
        let at_once = Outcome::EventNan { t: 0.0, event: 1, lane: Some(0) };
        assert_eq!(start.outcome(), Some(&at_once), "{name}");
        ended(&run(Event::new(nan_where(at))), 0.25);
        ended(&run(Event::new(nan_where(at)).probes(0)), 0.25);
        let inside = run(Event::new(nan_where(|t| matches_near(t, 0.275))));
        ended(&inside, 0.275);
        assert_eq!((inside.statistics.accepted, inside.t_last), (2, 0.5));
        let gap = |_: &[f64; 2], t: f64| match t {
            t if t < 0.3 => -1.0,
            t if t < 0.45 => f64::NAN,
            _ => 1.0,
        };
        let gap = run(Event::new(gap).probes(0));
        assert!(
            matches!(gap.outcome, Outcome::EventNan { t, event: 1, .. } if t > 0.3 && t < 0.45)
        );
        // What ends the solve before comes first.
        let logarithm = |u: &[f64; 2], _t: f64| (0.8 - u[0]).ln() - 0.5_f64.ln();
        let solution = run(Event::new(logarithm).terminating());
        assert!(matches!(solution.outcome, Outcome::Terminated { event: 1, .. }), "{name}");
        assert!((solution.t_last - 0.3).abs() < 1e-12);
    }
}

fn matches_near(t: f64, when: f64) -> bool {
    (t - when).abs() < 1e-9
}

#[test]
fn a_nan_names_the_lane_where_it_can_be_known() {
    let field = |du: &mut ndarray::Array2<f64>, _u: &ndarray::Array2<f64>, _t: f64| du.fill(1.0);
    let problem = ode(field, array![[0.0], [0.0]], (0.0, 1.0));
    let event = Event::new(|u: &ndarray::Array2<f64>, _t| (0.5 - u[[1, 0]]).sqrt());
    let options = SolveOptions::steps(3).event(event.crossing(Crossing::Rising));
    let solution = solve(&problem, &Dopri5::new(), options).unwrap();
    // Its zero is a crossing, so that it is the next that is NaN.
    assert!(matches!(solution.outcome, Outcome::EventNan { event: 0, lane: None, .. }));
    let words = solution.outcome.to_string();
    assert!(words.contains("event 0") && words.contains("NaN") && !words.contains("lane"));
}

#[test]
fn a_nan_after_a_change_by_hand_is_seen() {
    let problem = ode(Clock, [0.0; 2], (0.0, 1.0));
    let event = || Event::new(|u: &[f64; 2], _t| (2.0 - u[0]).sqrt());
    let expected = |outcome: Option<&Outcome>| {
        assert!(matches!(outcome, Some(Outcome::EventNan { t: 0.25, event: 0, lane: Some(0) })));
    };
    let change = |step: &mut AcceptedStep<'_, [f64; 2]>| {
        step.u_mut()[0] = 3.0;
        Flow::Continue
    };
    let options = SolveOptions::steps(4).event(event()).observer(change);
    expected(Some(&solve(&problem, &Rk4::new(), options).unwrap().outcome));
    let method = Rk4::new();
    let mut integrator = init(&problem, &method, SolveOptions::steps(4).event(event())).unwrap();
    assert_eq!(integrator.step(), Status::Stepped);
    integrator.u_mut()[0] = 3.0;
    assert_eq!(integrator.step(), Status::Finished);
    expected(integrator.outcome());
}

/// A state that touches: near its lowest point it moves less than it is rounded to.
#[test]
fn a_state_that_touches_crosses_nothing() {
    for power in 2..=10 {
        let dt = 0.5_f64.powi(power);
        let field = |du: &mut f64, _u: &f64, t: f64| *du = 2.0 * (t - 0.5);
        let problem = ode(field, 1.25, (0.0, 1.0));
        let event = Event::new(|u: &f64, _t| u - 1.0).terminating();
        let solution = solve(&problem, &Heun::new(), SolveOptions::dt(dt).event(event)).unwrap();
        assert!(solution.events.is_empty() && solution.outcome == Outcome::Success, "{dt}");
        if power > 5 {
            continue;
        }
        for (start, level) in [(1.25_f32, 1.0), (0.25, 0.0)] {
            let field = |du: &mut f32, _u: &f32, t: f64| *du = 2.0 * (t as f32 - 0.5);
            let problem = ode(field, start, (0.0, 1.0));
            let event = Event::new(|u: &f32, _t| f64::from(*u) - level);
            let options = SolveOptions::dt(dt).event(event);
            let solution = solve(&problem, &Heun::new(), options).unwrap();
            assert!(solution.events.is_empty(), "{dt} {start}");
        }
    }
}

/// The end of a span at which the field is not defined is no matter of an event's.
#[test]
fn a_field_that_ends_with_the_span_is_watched_to_there() {
    let field = |du: &mut f64, _u: &f64, t: f64| {
        if t >= 1.0 {
            return Err(FieldError::Domain { t, advice: "it ends here".to_owned() });
        }
        *du = 1.0;
        Ok(())
    };
    let problem = ode(field, 0.0, (0.0, 1.0));
    for method in [BoxedMethod::new(Euler::new()), BoxedMethod::new(Midpoint::new())] {
        let event = Event::new(|u: &f64, _t| u - 0.625);
        let solution = solve(&problem, &method, SolveOptions::steps(4).event(event)).unwrap();
        assert!(solution.outcome.is_success(), "{}", solution.outcome);
        assert!((solution.events[0].t - 0.625).abs() < 1e-12);
    }
}
