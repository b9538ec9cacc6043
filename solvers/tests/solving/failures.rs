//! What goes wrong is said: typed errors before a solve, outcomes with time and
//! lane during one, and never a NaN returned as success.

mod empty_span;
mod long_grids;

use std::cell::Cell;
use std::rc::Rc;

use crate::common::{Oscillator, Zero, attempt, every_stochastic_method, ode, ode_methods};
use driftfield_solvers::control::ControlError;
use driftfield_solvers::field::{Additive, Diagonal, EachLane};
use driftfield_solvers::method::registry::{runge_kutta_methods, stochastic_methods};
use driftfield_solvers::method::{
    BoxedMethod, Dopri5, Euler, EulerMaruyama, Heun, Method, Rk4, Tsit5,
};
use driftfield_solvers::state::Components;
use driftfield_solvers::{
    ErrorNorm, FieldError, Grid, Ito, OdeProblem, Outcome, PidController, Save, SdeProblem,
    SolveError, SolveOptions, State, StateError, StochasticField, Times, VectorField,
};
use nalgebra::DVector;
use ndarray::{Array2, array};

/// A batch in which lane 2 turns bad at t = 0.5.
#[derive(Clone, Copy)]
struct BreaksAtHalf(f64);

impl VectorField<Array2<f64>> for BreaksAtHalf {
    fn eval(&self, du: &mut Array2<f64>, u: &Array2<f64>, t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
        du.zip_mut_with(u, |du, u| *du = -u);
        if t > 0.5 {
            du[[2, 1]] = self.0;
        }
        Ok(())
    }
}

fn batch() -> Array2<f64> {
    array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]
}

#[test]
fn non_finite_fields_are_reported_with_time_and_lane_by_every_method() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let problem = OdeProblem::new(BreaksAtHalf(bad), batch(), (0.0, 1.0));
        let methods: Vec<BoxedMethod<_, BreaksAtHalf>> = runge_kutta_methods();
        for method in methods {
            let mut runs = vec![SolveOptions::steps(16)];
            if method.info().adaptive() {
                runs.push(SolveOptions::adaptive(1e-6, 1e-6));
                runs.push(SolveOptions::adaptive(1e-6, 1e-6).norm(ErrorNorm::WorstLane));
            }
            for (run, options) in runs.into_iter().enumerate() {
                let solution = attempt(&problem, &method, options).unwrap();
                let Outcome::NonFinite { t, lane } = solution.outcome else {
                    panic!("{}: {:?}", method.info().name, solution.outcome);
                };
                assert_eq!(lane, 2);
                assert!(t <= 0.5 + 1.0 / 16.0 && solution.t_last == t);
                assert!(solution.u_last.iter().all(|value| value.is_finite()));
                // Adaptive steps come up to the bad time as closely as they can.
                if run > 0 {
                    assert!((t - 0.5).abs() < 1e-9, "{}: t = {t}", method.info().name);
                    assert!(solution.statistics.rejected > 0);
                }
            }
        }
    }
}

#[test]
fn a_pole_that_smaller_steps_avoid_is_no_failure() {
    // NaN beyond u = 2, where too long a first step lands.
    let field = |du: &mut f64, u: &f64, _t: f64| *du = if *u > 2.0 { f64::NAN } else { 1.0 - u };
    let problem = ode(field, 0.0, (0.0, 5.0));
    let options = SolveOptions::adaptive(1e-8, 1e-8).initial_step(5.0);
    let solution = attempt(&problem, &Tsit5::new(), options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    assert!(solution.statistics.rejected > 0);
    assert!((solution.u_last - (1.0 - (-5.0_f64).exp())).abs() < 1e-6);
}

#[test]
fn non_finite_noise_free_and_noisy_steps_are_reported() {
    let problem = SdeProblem::new(BreaksAtHalf(f64::NAN), Zero, batch(), (0.0, 1.0));
    let methods: Vec<BoxedMethod<_, Ito<BreaksAtHalf, Zero>>> = stochastic_methods();
    for method in methods {
        let solution = attempt(&problem, &method, SolveOptions::steps(16)).unwrap();
        assert!(matches!(solution.outcome, Outcome::NonFinite { lane: 2, .. }));
    }
}

#[test]
fn a_failing_field_ends_the_solve_with_what_was_computed() {
    let field = |du: &mut f64, u: &f64, t: f64| {
        *du = -u;
        if t > 0.65 {
            return Err(FieldError::Domain { t, advice: "stay below 0.65".into() });
        }
        Ok(())
    };
    let problem = ode(field, 1.0, (0.0, 1.0));
    let solution =
        attempt(&problem, &Rk4::new(), SolveOptions::steps(10).save(Save::all())).unwrap();
    let Outcome::Failed { t, error } = &solution.outcome else { panic!() };
    assert!((t - 0.6).abs() < 1e-12 && error.to_string().contains("stay below 0.65"));
    assert_eq!(solution.u.len(), 7);
}

#[test]
fn a_field_that_changes_the_shape_is_refused() {
    let field = |du: &mut Array2<f64>, _u: &Array2<f64>, _t: f64| *du = Array2::zeros((3, 2));
    let problem = ode(field, batch(), (0.0, 1.0));
    let solution = attempt(&problem, &Heun::new(), SolveOptions::steps(4)).unwrap();
    let Outcome::Failed { error, .. } = solution.outcome else { panic!() };
    let reason = error.to_string();
    assert!(reason.contains("expected 4 lane(s) and 8 value(s), found 3 and 6"), "{reason}");
}

#[test]
fn a_drift_of_another_shape_is_refused_by_what_the_state_has() {
    let outcome = |drift: fn(&mut Array2<f64>, &Array2<f64>, f64)| {
        let diffusion = |g: &mut Array2<f64>, _u: &Array2<f64>, _t: f64| g.fill(1.0);
        let problem = SdeProblem::new(drift, diffusion, batch(), (0.0, 1.0));
        let solution = attempt(&problem, &EulerMaruyama::new(), SolveOptions::steps(4)).unwrap();
        let Outcome::Failed { error, .. } = solution.outcome else { panic!() };
        error.to_string()
    };
    let reason = outcome(|f, _, _| *f = Array2::zeros((3, 2)));
    assert!(reason.contains("expected 4 lane(s) and 8 value(s), found 3 and 6"), "{reason}");
    let reason = outcome(|f, _, _| *f = Array2::zeros((4, 3)));
    assert!(reason.contains("expected 4 lane(s) and 8 value(s), found 4 and 12"), "{reason}");
    let reason = outcome(|f, _, _| *f = Array2::zeros((2, 4)).reversed_axes());
    assert!(reason.contains("as_standard_layout"), "{reason}");
}

#[test]
fn a_transposed_array_is_refused_with_advice() {
    let field = |du: &mut Array2<f64>, u: &Array2<f64>, _t: f64| du.assign(u);
    let problem = ode(field, batch().reversed_axes(), (0.0, 1.0));
    let error = attempt(&problem, &Heun::new(), SolveOptions::steps(4)).unwrap_err();
    assert!(error.to_string().contains("as_standard_layout"), "{error}");
}

fn solve_decay(options: SolveOptions<'_, f64>) -> Result<f64, SolveError> {
    let field = |du: &mut f64, u: &f64, _t: f64| *du = -u;
    let problem = ode(field, 1.0, (0.0, 1.0));
    Ok(attempt(&problem, &Tsit5::new(), options)?.u_last)
}

#[test]
fn bad_settings_are_refused_by_name() {
    let control = |options| match solve_decay(options) {
        Err(SolveError::Control(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(control(SolveOptions::steps(0)), ControlError::NoSteps);
    assert_eq!(control(SolveOptions::dt(0.0)), ControlError::StepLength(0.0));
    assert!(matches!(control(SolveOptions::times([0.0, 0.5])), ControlError::Times { .. }));
    for bad in [-1e-3, f64::NAN, f64::INFINITY] {
        for options in [SolveOptions::adaptive(bad, 1e-3), SolveOptions::adaptive(1e-3, bad)] {
            assert!(matches!(control(options), ControlError::Tolerance { .. }));
        }
        assert!(matches!(
            control(SolveOptions::adaptive(1e-3, 1e-3).dtmax(bad)),
            ControlError::Setting { name: "dtmax", .. }
        ));
    }
    assert!(matches!(
        control(SolveOptions::adaptive(0.0, 0.0)),
        ControlError::Tolerance { name: "abstol", .. }
    ));
    let controller = PidController { safety: 1.5, ..PidController::default() };
    assert!(matches!(
        control(SolveOptions::adaptive(1e-3, 1e-3).controller(controller)),
        ControlError::Setting { name: "safety", .. }
    ));
    assert!(matches!(
        solve_decay(SolveOptions::adaptive(vec![1e-3, 1e-3], 1e-3)),
        Err(SolveError::State(StateError::ToleranceLength { expected: 1, found: 2 }))
    ));
}

#[test]
fn bad_problems_are_refused() {
    let field = |du: &mut f64, u: &f64, _t: f64| *du = -u;
    let refused = |initial: f64, span| {
        let problem = ode(field, initial, span);
        attempt(&problem, &Euler::new(), SolveOptions::steps(3)).unwrap_err()
    };
    assert_eq!(refused(1.0, (1.0, f64::INFINITY)), SolveError::Span(1.0, f64::INFINITY));
    assert!(matches!(refused(1.0, (0.0, f64::NAN)), SolveError::Span(..)));
    assert_eq!(refused(f64::NAN, (0.0, 1.0)), SolveError::NonFiniteInitial { lane: 0 });
    let field = |du: &mut Array2<f64>, u: &Array2<f64>, _t: f64| du.assign(u);
    let empty = ode(field, Array2::zeros((0, 2)), (0.0, 1.0));
    let error = attempt(&empty, &Euler::new(), SolveOptions::steps(3)).unwrap_err();
    assert_eq!(error, SolveError::EmptyState);
}

#[test]
fn methods_without_what_is_asked_are_refused() {
    for method in ode_methods() {
        let info = method.info();
        let problem = Oscillator::EXAMPLE.problem((0.0, 1.0));
        let result = attempt(&problem, &method, SolveOptions::adaptive(1e-3, 1e-3));
        assert_eq!(result.is_ok(), info.adaptive(), "{}", info.name);
        if let Err(error) = result {
            assert!(error.to_string().contains(info.name) && error.to_string().contains("tsit5"));
        }
    }
    let noisy = SdeProblem::new(Oscillator::EXAMPLE, Zero, [0.1, 0.2], (0.0, 1.0));
    let save_off_grid = SolveOptions::steps(4).save(Save::at([0.3]));
    assert!(matches!(
        attempt(&noisy, &EulerMaruyama::new(), save_off_grid),
        Err(SolveError::NoInterpolant { method: "euler-maruyama", .. })
    ));
    let save_on_grid = SolveOptions::steps(4).save(Save::at([0.25, 1.0]));
    assert_eq!(attempt(&noisy, &EulerMaruyama::new(), save_on_grid).unwrap().t, [0.25, 1.0]);
}

#[test]
fn limits_end_the_solve_with_the_partial_solution() {
    let stiff = |du: &mut f64, u: &f64, t: f64| *du = -1e6 * (u - t.cos());
    let problem = ode(stiff, 0.0, (0.0, 10.0));
    let options = SolveOptions::adaptive(1e-6, 1e-6).max_steps(50);
    let solution = attempt(&problem, &Dopri5::new(), options).unwrap();
    assert!(matches!(solution.outcome, Outcome::MaxSteps { steps: 50, .. }));
    assert!(solution.t_last > 0.0 && solution.u_last.is_finite());
    let options = SolveOptions::adaptive(1e-6, 1e-6).dtmin(1e-2);
    let solution = attempt(&problem, &Dopri5::new(), options).unwrap();
    assert!(matches!(solution.outcome, Outcome::StepTooSmall { .. }));
}

#[test]
fn dtmax_is_kept_and_grids_may_be_given_directly() {
    let mut longest: f64 = 0.0;
    let field = |du: &mut f64, _u: &f64, _t: f64| *du = 1.0;
    let problem = ode(field, 0.0, (1.0, 0.0));
    let watch = |step: &mut driftfield_solvers::observer::AcceptedStep<'_, f64>| {
        longest = longest.max((step.t - step.t_previous).abs());
        driftfield_solvers::observer::Flow::Continue
    };
    let options = SolveOptions::adaptive(1e-3, 1e-3).dtmax(0.05).observer(watch);
    let _ = attempt(&problem, &Tsit5::new(), options).unwrap();
    assert!(longest <= 0.05 + 1e-15 && longest > 0.049);
    assert_eq!(Grid::Times(vec![1.0, 0.0]).times(1.0, 0.0).unwrap(), [1.0, 0.0]);
}

#[test]
fn an_exact_zero_is_within_a_tolerance_of_zero() {
    // abstol = 0 is allowed beside a relative tolerance; a component that
    // stays 0 has no error, and 0 / 0 is not one.
    let field = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = [-u[0], 0.0 * u[1]];
    let problem = ode(field, [1.0, 0.0], (0.0, 1.0));
    let solution = attempt(&problem, &Tsit5::new(), SolveOptions::adaptive(0.0, 1e-6)).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    assert!((solution.u_last[0] - (-1.0_f64).exp()).abs() < 1e-6);
}

#[test]
fn a_field_that_fails_at_the_start_is_an_outcome_whatever_the_steps() {
    let field = |_du: &mut f64, _u: &f64, t: f64| -> Result<(), FieldError> {
        Err(FieldError::Domain { t, advice: "nowhere".into() })
    };
    let problem = ode(field, 1.0, (0.0, 1.0));
    for options in [SolveOptions::steps(4), SolveOptions::adaptive(1e-3, 1e-3)] {
        let solution = attempt(&problem, &Tsit5::new(), options).unwrap();
        assert!(matches!(solution.outcome, Outcome::Failed { t: 0.0, .. }));
        assert_eq!((solution.t_last, solution.u_last, solution.statistics.nfe), (0.0, 1.0, 1));
    }
}

#[test]
fn a_field_that_ends_before_the_probe_is_solved_up_to_its_end() {
    // Slow at the start, so that the probe of the automatic first step goes far.
    let field = |du: &mut f64, _u: &f64, t: f64| {
        *du = 1e-9;
        if t > 0.004 {
            return Err(FieldError::Domain { t, advice: "stay below 0.004".into() });
        }
        Ok(())
    };
    let problem = ode(field, 1.0, (0.0, 0.004));
    let options = SolveOptions::adaptive(1e-3, 1e-3);
    assert_eq!(attempt(&problem, &Tsit5::new(), options).unwrap().outcome, Outcome::Success);
}

#[test]
fn the_last_rejection_is_counted_too() {
    let field = |du: &mut f64, _u: &f64, t: f64| *du = if t > 0.0 { f64::NAN } else { 1.0 };
    let problem = ode(field, 1.0, (0.0, 1.0));
    let options = SolveOptions::adaptive(1e-3, 1e-3).initial_step(0.5);
    let solution = attempt(&problem, &Tsit5::new(), options).unwrap();
    assert!(matches!(solution.outcome, Outcome::NonFinite { t: 0.0, lane: 0 }));
    // One first stage, then six evaluations an attempt, all rejected.
    assert_eq!(solution.statistics.accepted, 0);
    assert_eq!(solution.statistics.nfe, 1 + 6 * solution.statistics.rejected);
}

#[test]
fn a_solve_that_fails_saves_its_last_step() {
    let problem = ode(BreaksAtHalf(f64::NAN), batch(), (0.0, 1.0));
    let options = SolveOptions::steps(100).save(Save::every(7));
    let solution = attempt(&problem, &Euler::new(), options).unwrap();
    assert!(!solution.outcome.is_success());
    assert_eq!(solution.t.last(), Some(&solution.t_last));
    assert_eq!(solution.u.last(), Some(&solution.u_last));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for options in [
        SolveOptions::adaptive(1e-3, 1e-3).dtmin(0.1).dtmax(0.01),
        SolveOptions::adaptive(1e-3, 1e-3).dtmin(0.1).initial_step(0.01),
        SolveOptions::adaptive(1e-3, 1e-3)
            .controller(PidController { safety: 1.0, ..PidController::default() }),
    ] {
        assert!(matches!(
            solve_decay(options),
            Err(SolveError::Control(ControlError::Setting { .. }))
        ));
    }
    assert!(matches!(
        solve_decay(SolveOptions::steps(usize::MAX)),
        Err(SolveError::Control(ControlError::TooManySteps { .. }))
    ));
}

#[test]
fn the_worst_of_one_lane_is_that_lane() {
    for method in ode_methods().iter().filter(|method| method.info().adaptive()) {
        let problem = Oscillator::EXAMPLE.problem((0.0, 10.0));
        let run = |norm| {
            let options = SolveOptions::adaptive(1e-8, 1e-8).norm(norm);
            attempt(&problem, method, options).unwrap()
        };
        let (batch, worst) = (run(ErrorNorm::Batch), run(ErrorNorm::WorstLane));
        assert_eq!(worst.u_last, batch.u_last, "{}", method.info().name);
        assert_eq!(worst.statistics, batch.statistics, "{}", method.info().name);
        assert!(Oscillator::EXAMPLE.error(&worst.u_last, 10.0) < 1e-5, "{}", method.info().name);
    }
}

/// `u' = sin(1e6 t) u` on any state: so fast that no step is without error, not even by rounding,
/// but one near the smallest.
fn shaken<S: State>(du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
    Ok(du.linear_combination(0.0, &[((1e6 * t).sin(), u)])?)
}

type Shaken<S> = fn(&mut S, &S, f64) -> Result<(), FieldError>;

/// Tolerances in whose units an error of any step is too large to be squared, or to be had at all.
fn vanishing_tolerances(components: usize) -> Vec<(Components, Components)> {
    let each = |value: f64| Components::Each(vec![value; components]);
    vec![
        (1e-200.into(), 1e-200.into()),
        (0.0.into(), 1e-200.into()),
        (1e-320.into(), 0.0.into()),
        (each(1e-200), 0.0.into()),
        (1e-310.into(), each(1e-300)),
    ]
}

/// Outcome and message say how the steps would go on.
fn check_too_small(outcome: &Outcome, (t0, t1): (f64, f64), context: &str) {
    let Outcome::StepTooSmall { t, h } = *outcome else { panic!("{context}: {outcome:?}") };
    assert!(t >= t0.min(t1) && t <= t0.max(t1), "{context}: t = {t}");
    assert!(h != 0.0 && h.signum() == (t1 - t0).signum(), "{context}: h = {h}");
    let message = outcome.to_string();
    assert_eq!(message.contains("a step of -"), t1 < t0, "{message}");
}

/// Both spans, the smallest step by default and one below the rounding of `t`.
const SPANS: [(f64, f64); 2] = [(1.0, 2.0), (2.0, 1.0)];
const SMALLEST: [Option<f64>; 2] = [None, Some(1e-300)];

fn vanishing_tolerances_make_steps_too_small<S: State>(initial: &S) {
    let methods: Vec<BoxedMethod<S, Shaken<S>>> = runge_kutta_methods();
    for method in methods.iter().filter(|method| method.info().adaptive()) {
        for span in SPANS {
            let problem = OdeProblem::new(shaken as Shaken<S>, initial.clone(), span);
            for (abstol, reltol) in vanishing_tolerances(initial.lane_len()) {
                for norm in [ErrorNorm::Batch, ErrorNorm::WorstLane] {
                    for dtmin in SMALLEST {
                        let options = SolveOptions::adaptive(abstol.clone(), reltol.clone());
                        let mut options = options.norm(norm.clone());
                        if let Some(length) = dtmin {
                            options = options.dtmin(length);
                        }
                        let solution = attempt(&problem, method, options).unwrap();
                        let context = format!(
                            "{} on {}, {abstol:?}, {reltol:?}",
                            method.info().name,
                            std::any::type_name::<S>()
                        );
                        check_too_small(&solution.outcome, span, &context);
                        assert_eq!(solution.u_last.first_non_finite_lane(), Ok(None));
                    }
                }
            }
        }
    }
}

#[test]
fn tolerances_too_small_for_the_norm_do_not_blame_the_field() {
    vanishing_tolerances_make_steps_too_small(&0.7_f64);
    vanishing_tolerances_make_steps_too_small(&0.7_f32);
    vanishing_tolerances_make_steps_too_small(&[0.7, -0.3, 1.1]);
    vanishing_tolerances_make_steps_too_small(&[0.7_f32, -0.3, 1.1]);
    vanishing_tolerances_make_steps_too_small(&DVector::from_fn(20, |i, _| (1.0 + i as f64).sin()));
    vanishing_tolerances_make_steps_too_small(&batch());
    vanishing_tolerances_make_steps_too_small(&batch().mapv(|value| value as f32));
}

#[test]
fn tolerances_too_small_for_the_norm_leave_a_bad_field_to_blame() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let problem = OdeProblem::new(BreaksAtHalf(bad), batch(), (0.75, 1.0));
        let methods: Vec<BoxedMethod<_, BreaksAtHalf>> = runge_kutta_methods();
        for method in methods.iter().filter(|method| method.info().adaptive()) {
            for norm in [ErrorNorm::Batch, ErrorNorm::WorstLane] {
                for dtmin in [1e-9, 1e-300] {
                    let options =
                        SolveOptions::adaptive(1e-200, 1e-200).norm(norm.clone()).dtmin(dtmin);
                    let solution = attempt(&problem, method, options).unwrap();
                    assert_eq!(solution.outcome, Outcome::NonFinite { t: 0.75, lane: 2 });
                }
            }
        }
    }
}

type Rows = fn(&mut [f64], &[f64], f64);

#[test]
fn each_lane_of_its_own_pace_says_what_ended_it() {
    // The second lane is bad at once; the others are held to what no step can keep.
    let rows: Rows = |du, u, t| {
        du.iter_mut().zip(u).for_each(|(du, u)| *du = (1e6 * t).sin() * u);
        if u[0] > 2.0 {
            du[1] = f64::NAN;
        }
    };
    let initial = array![[0.7, 0.4], [3.0, 1.0], [-0.3, 1.1]];
    let methods: Vec<BoxedMethod<Array2<f64>, EachLane<Rows>>> = runge_kutta_methods();
    for method in methods.iter().filter(|method| method.info().adaptive()) {
        for span in SPANS {
            let problem = OdeProblem::new(EachLane(rows), initial.clone(), span);
            for (abstol, reltol) in vanishing_tolerances(2) {
                for dtmin in SMALLEST {
                    let mut options = SolveOptions::adaptive(abstol.clone(), reltol.clone())
                        .norm(ErrorNorm::EachLane);
                    if let Some(length) = dtmin {
                        options = options.dtmin(length);
                    }
                    let solution = attempt(&problem, method, options).unwrap();
                    let name = method.info().name;
                    for lane in [0, 2] {
                        check_too_small(&solution.lanes[lane].outcome, span, name);
                    }
                    let bad = Outcome::NonFinite { t: span.0, lane: 1 };
                    assert_eq!(solution.lanes[1].outcome, bad, "{name}");
                }
            }
        }
    }
}

/// What [`BrokenNoise`] does once.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Error,
    Value(f64),
}

/// Additive noise whose drift or diffusion, counted together, fails at one evaluation.
#[derive(Clone)]
struct BrokenNoise {
    fault: Fault,
    at: u64,
    calls: Rc<Cell<u64>>,
}

impl BrokenNoise {
    fn once(&self, out: &mut Array2<f64>) -> Result<(), FieldError> {
        self.calls.set(self.calls.get() + 1);
        match self.fault {
            _ if self.calls.get() != self.at => {}
            Fault::Error => return Err(FieldError::other("the field broke")),
            Fault::Value(value) => out[[2, 1]] = value,
        }
        Ok(())
    }
}

impl StochasticField<Array2<f64>> for BrokenNoise {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut Array2<f64>, u: &Array2<f64>, t: f64) -> Result<(), FieldError> {
        out.zip_mut_with(u, |du, u| *du = (u + t).sin());
        self.once(out)
    }
    fn diffusion(
        &self,
        _channel: usize,
        out: &mut Array2<f64>,
        _u: &Array2<f64>,
        t: f64,
    ) -> Result<(), FieldError> {
        out.fill(0.3 / (1.0 + t));
        self.once(out)
    }
}

#[test]
fn drift_and_diffusion_that_break_once_are_never_a_wrong_success() {
    let methods: Vec<BoxedMethod<_, BrokenNoise>> = every_stochastic_method();
    for method in &methods {
        let info = method.info();
        for adaptive in [false, true] {
            if adaptive && !info.adaptive() {
                continue;
            }
            let run = |fault: Fault, at: u64| {
                let calls = Rc::new(Cell::new(0));
                let field = BrokenNoise { fault, at, calls: calls.clone() };
                let options = match adaptive {
                    false => SolveOptions::steps(5),
                    true => SolveOptions::adaptive(1e-2, 1e-2),
                };
                let problem = SdeProblem::from_field(field, batch(), (0.0, 1.0));
                (attempt(&problem, method, options.seed(2)).unwrap(), calls.get())
            };
            let (sound, calls) = run(Fault::Error, u64::MAX);
            assert_eq!(sound.outcome, Outcome::Success);
            let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Fault::Value);
            for at in 1..=calls.min(30) {
                let (failed, calls) = run(Fault::Error, at);
                assert_eq!(calls, at, "{}", info.name);
                let Outcome::Failed { error, .. } = failed.outcome else {
                    panic!("{} at {at}: {:?}", info.name, failed.outcome)
                };
                assert_eq!(error.to_string(), "the field broke");
                for fault in values {
                    let (solution, _) = run(fault, at);
                    let context = format!("{}, {fault:?} at evaluation {at}", info.name);
                    match solution.outcome {
                        Outcome::NonFinite { lane: 2, .. } => {}
                        Outcome::Success => {
                            let gap = (&solution.u_last - &sound.u_last).mapv(f64::abs);
                            let allowed = if adaptive { 0.1 } else { 0.0 };
                            assert!(gap.iter().all(|&gap| gap <= allowed), "{context}: {gap}");
                        }
                        other => panic!("{context}: {other:?}"),
                    }
                }
            }
        }
    }
}
