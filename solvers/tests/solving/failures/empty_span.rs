//! Over an empty span there is nothing to solve: the initial state is the solution.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::{Oscillator, every_stochastic_method, ode, ode_methods};
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::exponential::{
    exponential_methods, stochastic_exponential_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::observer::Event;
use driftfield_solvers::{
    ErrorNorm, FieldError, Level, OdeProblem, Outcome, Problem, Save, Schedule, SdeProblem,
    SemilinearField, SolveOptions, Status, StochasticField, Target, Times, VectorField, init,
    solve,
};
use ndarray::{Array2, array};

/// Any field; it counts whoever asks it.
#[derive(Clone)]
struct Asked(Arc<AtomicU64>);

impl Asked {
    fn count(&self) -> Result<(), FieldError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl<S> VectorField<S> for Asked {
    fn eval(&self, _du: &mut S, _u: &S, _t: Times<'_>) -> Result<(), FieldError> {
        self.count()
    }
}

impl StochasticField<[f64; 2]> for Asked {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, _out: &mut [f64; 2], _u: &[f64; 2], _t: f64) -> Result<(), FieldError> {
        self.count()
    }
    fn diffusion(
        &self,
        _channel: usize,
        _out: &mut [f64; 2],
        _u: &[f64; 2],
        _t: f64,
    ) -> Result<(), FieldError> {
        self.count()
    }
}

/// `alpha = 1`, `sigma = exp(-t)`.
struct Plain;

impl Schedule for Plain {
    fn at(&self, t: f64) -> Result<Level, FieldError> {
        Ok(Level { alpha: 1.0, sigma: (-t).exp(), log_snr: t })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(log_snr)
    }
}

static PLAIN: std::sync::LazyLock<Arc<dyn Schedule>> = std::sync::LazyLock::new(|| Arc::new(Plain));

impl SemilinearField<[f64; 2]> for Asked {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        &PLAIN
    }
    fn predict(
        &self,
        _target: Target,
        _out: &mut [f64; 2],
        _u: &[f64; 2],
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.count()
    }
}

const T: f64 = 0.3;
const START: [f64; 2] = [0.25, -4.0];

fn stays<P: Problem<State = [f64; 2], Field: 'static>>(
    problem: impl Fn(Asked) -> P,
    methods: Vec<BoxedMethod<[f64; 2], P::Field>>,
) {
    for method in methods {
        let info = method.info();
        let adaptive = info.adaptive();
        let controls = || {
            let fixed = [
                SolveOptions::steps(3),
                SolveOptions::dt(0.1),
                SolveOptions::times([T]),
                SolveOptions::times([T, T]),
            ];
            fixed.into_iter().chain(adaptive.then(|| SolveOptions::adaptive(1e-6, 1e-6)))
        };
        for control in 0..controls().count() {
            let calls = Arc::new(AtomicU64::new(0));
            let problem = problem(Asked(calls.clone()));
            let run = |save: Save, kept: usize| {
                let options = controls().nth(control).unwrap().save(save);
                let event = Event::new(|u: &[f64; 2], _t| u[0] - START[0]).terminating();
                let solution = solve(&problem, &method, options.event(event)).unwrap();
                assert_eq!(solution.outcome, Outcome::Success, "{}", info.name);
                assert_eq!((solution.t_last, solution.u_last), (T, START), "{}", info.name);
                assert_eq!(solution.statistics, Default::default(), "{}", info.name);
                assert!(solution.events.is_empty());
                assert_eq!((solution.t.len(), solution.u.len()), (kept, kept), "{}", info.name);
                assert!(
                    solution.t.iter().all(|&t| t == T) && solution.u.iter().all(|u| *u == START)
                );
                solution
            };
            let _ = run(Save::last(), 0);
            let _ = run(Save::all(), 1);
            let _ = run(Save::every(2), 1);
            let _ = run(Save::at([T]), 1);
            let _ = run(Save::at([T, T]).with_start(), 1);
            let dense = run(Save::dense(), 0);
            assert_eq!(dense.interpolate(T).unwrap(), START, "{}", info.name);
            assert!(dense.interpolate(T + 0.1).is_err() && dense.interpolate(f64::NAN).is_err());
            let outside = controls().nth(control).unwrap().save(Save::at([T + 0.1]));
            assert!(solve(&problem, &method, outside).is_err());
            let by_hand = controls().nth(control).unwrap();
            let mut integrator = init(&problem, &method, by_hand).unwrap();
            assert_eq!(integrator.step(), Status::Finished);
            assert_eq!(calls.load(Ordering::Relaxed), 0, "{}", info.name);
        }
    }
}

#[test]
fn the_initial_state_is_returned_by_every_method() {
    let flow = |field| OdeProblem::new(field, START, (T, T));
    stays(|field| ode(field, START, (T, T)), ode_methods());
    stays(flow, exponential_methods());
    stays(flow, stochastic_exponential_methods());
    stays(|field| SdeProblem::from_field(field, START, (T, T)), every_stochastic_method());
}

#[test]
fn what_is_wrong_with_the_call_is_still_refused() {
    let problem = Oscillator::EXAMPLE.problem((T, T));
    for method in ode_methods() {
        let run = |options| solve(&problem, &method, options);
        assert!(run(SolveOptions::steps(0)).is_err());
        assert!(run(SolveOptions::dt(-1.0)).is_err());
        assert!(run(SolveOptions::times([T, 1.0])).is_err());
        assert!(run(SolveOptions::adaptive(-1.0, 0.0)).is_err());
        let adapts = run(SolveOptions::adaptive(1e-3, 1e-3)).is_ok();
        assert_eq!(adapts, method.info().adaptive());
    }
}

#[test]
fn lanes_stay_too() {
    let calls = Arc::new(AtomicU64::new(0));
    let initial = array![[1.0, 2.0], [3.0, 4.0]];
    let problem = OdeProblem::new(Asked(calls.clone()), initial.clone(), (T, T));
    for method in driftfield_solvers::method::registry::runge_kutta_methods::<Array2<f64>, _>() {
        if !method.info().adaptive() {
            continue;
        }
        let options = SolveOptions::adaptive(1e-6, 1e-6).norm(ErrorNorm::EachLane);
        let solution = solve(&problem, &method, options.save(Save::at([T]))).unwrap();
        assert_eq!(solution.outcome, Outcome::Success);
        assert_eq!((&solution.u_last, &solution.u[0]), (&initial, &initial));
        assert_eq!(solution.lanes.len(), 2);
        assert!(solution.lanes.iter().all(|lane| lane.t == T && lane.nfe + lane.accepted == 0));
        assert_eq!((solution.statistics.nfe, calls.load(Ordering::Relaxed)), (0, 0));
    }
}
