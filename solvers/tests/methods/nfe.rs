//! The reported NFE is the number of times the field was called, for every
//! method, with rejections, FSAL reuse, the first-step probe and interpolation.

use crate::common::{AnyOde, Oscillator, every_stochastic_method, ode, ode_methods};
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::{Dop853, Heun, Method, Tsit5};
use driftfield_solvers::observer::Event;
use driftfield_solvers::{
    FieldError, Outcome, PidController, Save, SdeProblem, SolveOptions, StochasticField, Times,
    VectorField, init, solve,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts its own calls.
#[derive(Clone)]
struct SelfCounting(Oscillator, Arc<AtomicU64>);

impl VectorField<[f64; 2]> for SelfCounting {
    fn eval(&self, du: &mut [f64; 2], u: &[f64; 2], t: Times<'_>) -> Result<(), FieldError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.eval(du, u, t)
    }
    fn forwards(&self, _t: Times<'_>) -> u64 {
        2
    }
}

fn counting_problem(span: (f64, f64)) -> (AnyOde<[f64; 2]>, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let oscillator = Oscillator::EXAMPLE;
    let problem = ode(SelfCounting(oscillator, calls.clone()), oscillator.exact(span.0), span);
    (problem, calls)
}

#[test]
fn fixed_grids_cost_what_the_method_says() {
    for method in ode_methods() {
        for steps in [1, 2, 10] {
            let (problem, calls) = counting_problem((0.0, 1.0));
            let solution = solve(&problem, &method, SolveOptions::steps(steps)).unwrap();
            let info = method.info();
            assert_eq!(solution.statistics.nfe, calls.load(Ordering::Relaxed), "{}", info.name);
            assert_eq!(solution.statistics.nfe, info.evaluations(steps as u64), "{}", info.name);
            assert_eq!(solution.statistics.network_forwards, 2 * solution.statistics.nfe);
            assert_eq!(info.steps_within(solution.statistics.nfe), steps as u64);
            assert_eq!(info.steps_within(solution.statistics.nfe - 1), steps as u64 - 1);
        }
    }
}

#[test]
fn the_published_costs() {
    let (problem, _) = counting_problem((1.0, 0.0));
    let nfe = |solution: driftfield_solvers::Solution<[f64; 2]>| solution.statistics.nfe;
    assert_eq!(nfe(solve(&problem, &Heun::new(), SolveOptions::steps(10)).unwrap()), 20);
    assert_eq!(nfe(solve(&problem, &Tsit5::new(), SolveOptions::steps(10)).unwrap()), 61);
    assert_eq!(nfe(solve(&problem, &Dop853::new(), SolveOptions::steps(10)).unwrap()), 120);
}

#[test]
fn adaptive_counts_include_rejections_and_the_probe() {
    let mut rejections = 0;
    for method in ode_methods() {
        let info = method.info();
        if !info.adaptive() {
            continue;
        }
        for controller in [
            PidController::integral(),
            PidController::proportional_integral(),
            PidController::h312(),
        ] {
            // An optimistic first step is rejected.
            for first in [None, Some(5.0)] {
                let (problem, calls) = counting_problem((0.0, 5.0));
                let options = SolveOptions::adaptive(1e-7, 1e-7).controller(controller);
                let options = match first {
                    Some(length) => options.initial_step(length),
                    None => options,
                };
                let solution = solve(&problem, &method, options).unwrap();
                let statistics = solution.statistics;
                assert_eq!(statistics.nfe, calls.load(Ordering::Relaxed), "{}", info.name);
                // The first stage survives a rejection, and the probe's first
                // evaluation is the first stage.
                let attempts = statistics.accepted + statistics.rejected;
                let probe = u64::from(first.is_none());
                let per_attempt = info.evaluations_per_step + info.evaluations_at_start - 1;
                let first_stages =
                    if info.evaluations_at_start == 1 { 1 } else { statistics.accepted };
                assert_eq!(statistics.nfe, per_attempt * attempts + first_stages + probe);
                rejections += statistics.rejected;
            }
        }
    }
    assert!(rejections > 0, "the test must exercise rejections");
}

#[test]
fn saving_between_steps_costs_what_is_counted() {
    for method in ode_methods() {
        let info = method.info();
        for save in [Save::at([0.123, 0.5, 0.77, 1.0]), Save::dense(), Save::all()] {
            let (problem, calls) = counting_problem((0.0, 1.0));
            let plain = matches!(&save, save if *save == Save::all());
            let solution = solve(&problem, &method, SolveOptions::steps(10).save(save)).unwrap();
            let nfe = solution.statistics.nfe;
            assert_eq!(nfe, calls.load(Ordering::Relaxed), "{}", info.name);
            if plain {
                assert_eq!(nfe, info.evaluations(10));
            }
            // Hermite data at the end of a step is the next step's first stage.
            if info.interpolant_order <= Some(4) {
                assert!(nfe <= info.evaluations(10) + 1, "{}: {nfe}", info.name);
            }
        }
    }
}

#[test]
fn events_cost_what_the_continuous_extension_lacks() {
    for method in ode_methods() {
        let info = method.info();
        let nfe = |probes: Option<usize>| {
            let (problem, calls) = counting_problem((0.0, 1.0));
            let event = Event::new(|u: &[f64; 2], _t| u[0] + 10.0);
            let event = match probes {
                Some(probes) => event.probes(probes),
                None => event,
            };
            let solution = solve(&problem, &method, SolveOptions::steps(10).event(event)).unwrap();
            assert_eq!(solution.statistics.nfe, calls.load(Ordering::Relaxed), "{}", info.name);
            solution.statistics.nfe
        };
        let plain = info.evaluations(10);
        assert_eq!(nfe(Some(0)), plain, "{}", info.name);
        let at_end = 1 - info.evaluations_at_start;
        let own = if info.name == "dop853" { 3 * 10 } else { 0 };
        assert_eq!(nfe(None), plain + own + at_end, "{}", info.name);
        assert_eq!(nfe(Some(50)), nfe(None), "{}", info.name);
        // A budget that pays for the steps is enough: the last one is not lost to its extension.
        if own == 0 {
            let (problem, _) = counting_problem((0.0, 1.0));
            let event = Event::new(|u: &[f64; 2], _t| u[0] + 10.0);
            let options = SolveOptions::steps(10).event(event).nfe_budget(plain);
            let solution = solve(&problem, &method, options).unwrap();
            assert!(solution.outcome.is_success(), "{}: {}", info.name, solution.outcome);
            assert_eq!(solution.statistics.nfe, plain, "{}", info.name);
        }
    }
    for method in every_stochastic_method::<[f64; 2], BothCounting>() {
        let counting = || SelfCounting(Oscillator::EXAMPLE, Arc::new(AtomicU64::new(0)));
        let field = BothCounting(counting(), counting());
        let problem = SdeProblem::from_field(field, [0.3, 0.2], (0.0, 1.0));
        let event = Event::new(|u: &[f64; 2], _t| u[0] + 10.0);
        let solution = solve(&problem, &method, SolveOptions::steps(10).event(event)).unwrap();
        assert_eq!(solution.statistics.nfe, method.info().evaluations(10));
    }
}

#[test]
fn a_budget_is_never_exceeded_and_the_partial_solution_is_returned() {
    for method in ode_methods() {
        let adaptive = method.info().adaptive();
        for budget in [0, 1, 2, 5, 17] {
            let (problem, calls) = counting_problem((0.0, 20.0));
            let options = || {
                if adaptive {
                    SolveOptions::adaptive(1e-9, 1e-9)
                } else {
                    SolveOptions::steps(2000)
                }
            };
            let solution = solve(&problem, &method, options().nfe_budget(budget)).unwrap();
            assert!(calls.load(Ordering::Relaxed) <= budget);
            assert_eq!(solution.statistics.nfe, calls.load(Ordering::Relaxed));
            assert!(
                matches!(solution.outcome, Outcome::BudgetSpent { nfe, .. } if nfe == budget),
                "{}: {:?}",
                method.info().name,
                solution.outcome
            );
            assert!(solution.t_last < 20.0);
            assert!(Oscillator::EXAMPLE.error(&solution.u_last, solution.t_last) < 0.3);
        }
    }
}

#[test]
fn stepping_by_hand_counts_alike_and_pays_for_a_changed_state() {
    let (problem, calls) = counting_problem((0.0, 1.0));
    let tsit5 = Tsit5::new();
    let mut integrator = init(&problem, &tsit5, SolveOptions::steps(4)).unwrap();
    integrator.step();
    integrator.step();
    assert_eq!(integrator.statistics().nfe, 13);
    integrator.u_mut()[0] += 0.1;
    integrator.step();
    assert_eq!(integrator.statistics().nfe, 20, "the cached last stage is void");
    assert_eq!(calls.load(Ordering::Relaxed), 20);
}

#[test]
fn stochastic_methods_count_drift_and_diffusion_apart() {
    for method in every_stochastic_method::<[f64; 2], BothCounting>() {
        let [drift, diffusion] = [(), ()].map(|()| Arc::new(AtomicU64::new(0)));
        let field = BothCounting(
            SelfCounting(Oscillator::EXAMPLE, drift.clone()),
            SelfCounting(Oscillator::EXAMPLE, diffusion.clone()),
        );
        let problem = SdeProblem::from_field(field, [0.3, 0.2], (0.0, 1.0));
        let mut controls = vec![SolveOptions::steps(10)];
        if method.info().adaptive() {
            controls.push(SolveOptions::adaptive(1e-3, 1e-3).initial_step(1.0));
        }
        for (i, options) in controls.into_iter().enumerate() {
            drift.store(0, Ordering::Relaxed);
            diffusion.store(0, Ordering::Relaxed);
            let statistics = solve(&problem, &method, options).unwrap().statistics;
            let name = method.info().name;
            assert_eq!(statistics.nfe, drift.load(Ordering::Relaxed), "{name}");
            assert_eq!(statistics.diffusion_evaluations, diffusion.load(Ordering::Relaxed));
            assert!(statistics.diffusion_evaluations >= statistics.accepted);
            if i == 0 {
                assert_eq!(statistics.nfe, method.info().evaluations(10), "{name}");
            }
        }
    }
}

/// Drift and diffusion that count their own calls.
struct BothCounting(SelfCounting, SelfCounting);

impl StochasticField<[f64; 2]> for BothCounting {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut [f64; 2], u: &[f64; 2], t: f64) -> Result<(), FieldError> {
        self.0.eval(out, u, t.into())
    }
    fn diffusion(
        &self,
        _channel: usize,
        out: &mut [f64; 2],
        _u: &[f64; 2],
        t: f64,
    ) -> Result<(), FieldError> {
        self.1.eval(out, &[0.1, 0.2], t.into())
    }
}
