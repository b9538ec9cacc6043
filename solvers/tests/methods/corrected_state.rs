//! A state that is corrected after a step: what a method had cached at it is evaluated anew, and
//! its history is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftfield_solvers::method::exponential::{
    DpmSolverM, Multistep, exponential_methods, stochastic_exponential_methods,
};
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::observer::{AcceptedStep, Flow};
use driftfield_solvers::{
    Decay, FieldError, NonlinearPart, OdeProblem, Save, SolveOptions, Status, Times, VectorField,
    init, solve,
};

/// Counts its own calls.
#[derive(Clone)]
struct Forcing(Arc<AtomicU64>);

impl VectorField<f64> for Forcing {
    fn eval(&self, du: &mut f64, u: &f64, t: Times<'_>) -> Result<(), FieldError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let t = t.one()?;
        *du = 2.0 * t.cos() + 0.3 * (u * u).sin();
        Ok(())
    }
}

type Field = Decay<Forcing>;

fn problem() -> (OdeProblem<f64, Field>, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let field = Decay::new(1.5, Forcing(calls.clone())).unwrap();
    (OdeProblem::new(field, 0.7, (0.0, 2.0)), calls)
}

fn every_method() -> Vec<BoxedMethod<f64, Field>> {
    let mut methods = runge_kutta_methods();
    methods.extend(exponential_methods());
    methods.extend(stochastic_exponential_methods());
    methods
}

fn touch(step: &mut AcceptedStep<'_, f64>) -> Flow {
    let _ = step.correct();
    Flow::Continue
}

fn replace(step: &mut AcceptedStep<'_, f64>) -> Flow {
    let _ = step.u_mut();
    Flow::Continue
}

#[test]
fn a_correction_of_size_zero_changes_nothing_but_what_was_cached() {
    const STEPS: u64 = 12;
    let mut cached = 0;
    for method in every_method() {
        let name = method.info().name;
        let run = |options| {
            let (problem, calls) = problem();
            let solution = solve(&problem, &method, options).unwrap();
            assert!(solution.outcome.is_success(), "{name}");
            assert_eq!(solution.statistics.nfe, calls.load(Ordering::Relaxed), "{name}");
            (solution.u_last, solution.statistics.nfe)
        };
        let options = || SolveOptions::steps(STEPS as usize).seed(3);
        let (plain, nfe) = run(options());
        let (corrected, nfe_corrected) = run(options().observer(touch));
        // A last stage or a value at the end is evaluated again after every step but the last.
        assert!([nfe, nfe + STEPS - 1].contains(&nfe_corrected), "{name}: {nfe_corrected}");
        cached += u64::from(nfe_corrected > nfe);
        if name.starts_with("unipc") {
            // The value kept was that of the predicted state, not of the corrected one.
            let change = (corrected - plain).abs();
            assert!(change > 0.0 && change < 1e-2, "{name}: {change}");
            assert!(nfe_corrected > nfe);
        } else {
            assert_eq!(corrected.to_bits(), plain.to_bits(), "{name}");
        }
    }
    // Three Runge-Kutta methods whose first stage is the last, and UniPC of four orders.
    assert!(cached >= 7, "{cached}");
}

#[test]
fn a_replaced_state_is_a_new_start_for_every_multistep_method() {
    for method in every_method() {
        let info = method.info();
        let (problem, _) = problem();
        let end = |options| solve(&problem, &method, options).unwrap().u_last;
        let options = || SolveOptions::steps(12).seed(3);
        let (replaced, plain) = (end(options().observer(replace)), end(options()));
        // A corrector of order 1 looks back to no step, and holds the value at its end.
        let holds = info.history > 0 || info.name == "unipc-1";
        assert_eq!(holds, replaced != plain, "{}", info.name);
    }
}

/// The steps after a correction are those of a solve that is given the states before it.
#[test]
fn the_history_kept_is_that_of_the_states_before() {
    let methods: [BoxedMethod<f64, Field>; 2] = [
        BoxedMethod::new(Multistep::new(DpmSolverM::second(NonlinearPart::Data))),
        BoxedMethod::new(Multistep::new(DpmSolverM::third(NonlinearPart::Noise))),
    ];
    for method in methods {
        let (whole, _) = problem();
        let times: Vec<f64> = (0..=30).map(|i| f64::from(i) / 15.0).collect();
        let correct = |step: &mut AcceptedStep<'_, f64>| {
            if step.statistics.accepted == 5 {
                *step.correct() += 0.1;
            }
            Flow::Continue
        };
        let options = SolveOptions::times(times.clone()).save(Save::all());
        let corrected = solve(&whole, &method, options.observer(correct)).unwrap();
        let past = method.info().history as usize;
        let before = 5 - past..5;
        let history: Vec<(f64, f64)> = before.map(|i| (corrected.t[i], corrected.u[i])).collect();
        let (after, _) = problem();
        // Saving comes before observers.
        let after = OdeProblem::new(after.field.clone(), corrected.u[5] + 0.1, (times[5], 2.0));
        let options = SolveOptions::times(&times[5..]).history(history);
        let end = solve(&after, &method, options).unwrap().u_last;
        assert!((end - corrected.u_last).abs() < 1e-14, "{}", method.info().name);
    }
}

#[test]
fn a_state_corrected_by_hand_is_the_same_as_by_an_observer() {
    for method in every_method() {
        let (problem, _) = problem();
        let shift = |step: &mut AcceptedStep<'_, f64>| {
            *step.correct() += 0.01;
            Flow::Continue
        };
        let observed =
            solve(&problem, &method, SolveOptions::steps(6).seed(1).observer(shift)).unwrap();
        let mut integrator = init(&problem, &method, SolveOptions::steps(6).seed(1)).unwrap();
        loop {
            let status = integrator.step();
            *integrator.correct() += 0.01;
            if status == Status::Finished {
                break;
            }
        }
        assert_eq!(observed.u_last, *integrator.u(), "{}", method.info().name);
        assert_eq!(observed.statistics.nfe, integrator.statistics().nfe);
    }
}
