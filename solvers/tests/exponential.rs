//! Exponential integrators on a classical stiff problem: they are not about
//! diffusion models.

use driftfield_solvers::method::exponential::{
    Ddim, Multistep, Nodes, Singlestep, Start, ThirdOrder, UniPc, Variant, exponential_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method, Rk4};
use driftfield_solvers::{
    Decay, FieldError, NonlinearPart, OdeProblem, Save, SolveOptions, Status, VectorField, init,
    solve,
};
use std::sync::Arc;

const PARTS: [NonlinearPart; 2] = [NonlinearPart::Noise, NonlinearPart::Data];

/// `u' = -k (u - g) + g' + (u^2 - g^2)` with `g = cos t + 2`: the solution through `g(0)`
/// is `g`, whatever the stiffness.
#[derive(Debug, Clone, Copy)]
struct Forcing {
    k: f64,
}

fn g(t: f64) -> f64 {
    t.cos() + 2.0
}

impl VectorField<f64> for Forcing {
    fn eval(&self, du: &mut f64, u: &f64, t: f64) -> Result<(), FieldError> {
        *du = self.k * g(t) - t.sin() + 0.3 * (u * u - g(t) * g(t));
        Ok(())
    }
}

type Stiff = Decay<Forcing>;

fn problem(k: f64) -> OdeProblem<f64, Stiff> {
    OdeProblem::new(Decay::new(k, Forcing { k }).unwrap(), g(0.0), (0.0, 2.0))
}

fn error<M: Method<f64, Stiff>>(k: f64, method: &M, steps: usize) -> f64 {
    let solution = solve(&problem(k), method, SolveOptions::steps(steps)).unwrap();
    assert!(solution.outcome.is_success(), "{:?}", solution.outcome);
    (solution.u_last - g(2.0)).abs()
}

/// Slope between two grids so fine that the leading term rules: at 100 steps the second-order
/// term of some methods is still as small as the third-order one.
fn slope<M: Method<f64, Stiff>>(k: f64, method: &M) -> f64 {
    (error(k, method, 640) / error(k, method, 1280)).log2()
}

fn boxed(method: impl Method<f64, Stiff> + Send + Sync + 'static) -> BoxedMethod<f64, Stiff> {
    BoxedMethod::new(method)
}

#[test]
fn orders_on_a_problem_that_is_no_diffusion() {
    for part in PARTS {
        let third = || Multistep::third(part).start(Start::Matching);
        let cases = [
            (1.0, boxed(Singlestep::first(part))),
            (2.0, boxed(Singlestep::second(part))),
            (2.0, boxed(Singlestep::second(part).variant(Variant::Taylor))),
            (3.0, boxed(Singlestep::third(part))),
            (3.0, boxed(Singlestep::third(part).variant(Variant::Taylor))),
            (2.0, boxed(Multistep::second(part))),
            (2.0, boxed(Multistep::second(part).variant(Variant::Taylor))),
            (2.0, boxed(Multistep::second(part).start(Start::Matching))),
            (3.0, boxed(third())),
            (2.0, boxed(third().third_order(ThirdOrder::Reference))),
            (2.0, boxed(UniPc::new(1, part))),
        ];
        for (order, method) in cases {
            let found = slope(2.0, &method);
            assert!((found - order).abs() < 0.2, "{}: {found}, not {order}", method.info().name);
        }
    }
}

#[test]
fn stiffness_costs_data_prediction_nothing() {
    let steps = 20;
    for method in [
        boxed(Singlestep::second(NonlinearPart::Data).variant(Variant::Taylor)),
        boxed(Singlestep::third(NonlinearPart::Data)),
        boxed(Multistep::second(NonlinearPart::Data).variant(Variant::Taylor)),
        boxed(Multistep::third(NonlinearPart::Data)),
    ] {
        for k in [1e2, 1e4, 1e8] {
            let error = error(k, &method, steps);
            assert!(error < 1e-2, "{} at k = {k}: {error}", method.info().name);
        }
    }
    // Half of w_1 in place of w_2: in the stiff limit the step ends at the value of its inner
    // node, half a step behind.
    let behind = error(1e8, &Singlestep::second(NonlinearPart::Data), steps);
    assert!((behind - (g(1.95) - g(2.0)).abs()).abs() < 1e-3, "{behind}");
    let rk4 = solve(&problem(1e4), &Rk4::new(), SolveOptions::steps(steps)).unwrap();
    assert!(!rk4.outcome.is_success() || (rk4.u_last - g(2.0)).abs() > 1e3);
}

/// With a nonlinear part that does not depend on `u` and is constant, every method is
/// exact, also backwards in time and for growth.
#[test]
fn the_linear_part_is_exact() {
    for k in [0.7, -0.7, 3.0] {
        let field = Decay::new(k, |n: &mut f64, _u: &f64, _t: f64| *n = 2.0).unwrap();
        let exact = |t: f64| 2.0 / k + (5.0 - 2.0 / k) * (-k * t).exp();
        for span in [(0.0, 1.5), (1.5, 0.0)] {
            let problem = OdeProblem::new(field, exact(span.0), span);
            for method in exponential_methods() {
                let solution = solve(&problem, &method, SolveOptions::steps(7)).unwrap();
                let info = method.info();
                assert_eq!(solution.statistics.nfe, info.evaluations(7), "{}", info.name);
                // In noise prediction it is not the noise that is constant.
                if !info.name.contains('+') && info.name != "ddim" {
                    continue;
                }
                let error = (solution.u_last / exact(span.1) - 1.0).abs();
                assert!(error < 1e-13, "{}, k = {k}, {span:?}: {error:e}", info.name);
            }
        }
    }
    assert!(Decay::new(0.0, |_: &mut f64, _: &f64, _: f64| ()).is_err());
    assert!(Decay::new(f64::NAN, |_: &mut f64, _: &f64, _: f64| ()).is_err());
}

#[test]
fn order_one_has_one_form() {
    let run = |method: &BoxedMethod<f64, Stiff>| {
        solve(&problem(2.0), method, SolveOptions::steps(9)).unwrap().u_last
    };
    let ddim = run(&boxed(Ddim));
    for part in PARTS {
        assert!((run(&boxed(Singlestep::first(part))) - ddim).abs() < 1e-13);
    }
}

#[test]
fn evaluations_are_as_declared() {
    for part in PARTS {
        for steps in [1, 2, 3, 12] {
            for method in [
                boxed(Multistep::second(part).start(Start::Matching)),
                boxed(Multistep::third(part).start(Start::Matching)),
                boxed(Multistep::third(part)),
                boxed(Singlestep::third(part)),
            ] {
                let solution = solve(&problem(2.0), &method, SolveOptions::steps(steps)).unwrap();
                assert_eq!(solution.statistics.nfe, method.info().evaluations(steps as u64));
            }
        }
    }
}

#[test]
fn order_lists_use_up_their_evaluations() {
    assert_eq!(Singlestep::order_list(3, 5), [3, 2]);
    assert_eq!(Singlestep::order_list(3, 9), [3, 3, 2, 1]);
    assert_eq!(Singlestep::order_list(3, 10), [3, 3, 3, 1]);
    assert_eq!(Singlestep::order_list(3, 3), [2, 1]);
    assert_eq!(Singlestep::order_list(2, 5), [2, 2, 1]);
    assert_eq!(Singlestep::order_list(2, 4), [2, 2]);
    assert_eq!(Singlestep::order_list(1, 3), [1, 1, 1]);
    assert!(Singlestep::order_list(3, 0).is_empty());
    for evaluations in 1..40 {
        for order in 1..=3 {
            let list = Singlestep::order_list(order, evaluations);
            assert_eq!(list.iter().sum::<usize>(), evaluations);
            let method = Singlestep::third(NonlinearPart::Data).orders(list.clone());
            let options = SolveOptions::steps(list.len());
            let solution = solve(&problem(2.0), &method, options).unwrap();
            assert_eq!(solution.statistics.nfe, evaluations as u64);
        }
    }
}

/// Few steps end with lower orders; many, or on request all, do not.
#[test]
fn lower_orders_at_the_end() {
    let last = |steps: usize, lower: bool, method: Multistep| {
        let method = method.lower_order_final(lower);
        let options = SolveOptions::steps(steps).save(Save::all());
        solve(&problem(2.0), &method, options).unwrap().u
    };
    for part in PARTS {
        let (lower, full) =
            (last(9, true, Multistep::third(part)), last(9, false, Multistep::third(part)));
        // Values 8 and 9 are the ends of steps of order 2 and 1.
        assert_eq!(lower[..8], full[..8]);
        assert!(lower[8] != full[8] && lower[9] != full[9]);
        let method = Multistep::second(part);
        assert_eq!(last(10, true, method.clone()), last(10, false, method));
    }
}

/// A state changed from outside has no past: what follows is a new solve.
#[test]
fn history_is_dropped_when_the_state_changes() {
    let times: Vec<f64> = (0..=12).map(|i| 2.0 * f64::from(i) / 12.0).collect();
    let data = NonlinearPart::Data;
    for method in [
        boxed(Ddim),
        boxed(Singlestep::third(data)),
        boxed(Multistep::second(data).lower_order_final(false)),
        boxed(Multistep::third(data).lower_order_final(false)),
        boxed(Multistep::third(data).lower_order_final(false).start(Start::Matching)),
    ] {
        let full = problem(2.0);
        let mut integrator = init(&full, &method, SolveOptions::times(times.clone())).unwrap();
        for _ in 0..5 {
            assert_eq!(integrator.step(), Status::Stepped);
        }
        *integrator.u_mut() = 1.0;
        while integrator.step() == Status::Stepped {}
        let rest = OdeProblem::new(full.field, 1.0, (times[5], times[12]));
        let again = solve(&rest, &method, SolveOptions::times(times[5..].to_vec())).unwrap();
        assert_eq!(*integrator.u(), again.u_last, "{}", method.info().name);
    }
}

#[test]
fn a_step_too_short_to_divide_is_reported() {
    let nodes = Nodes::Rule(Arc::new(|t, _t_next, _i, _n| Ok(t)));
    let method = Singlestep::second(NonlinearPart::Data).nodes(nodes);
    let solution = solve(&problem(2.0), &method, SolveOptions::steps(3)).unwrap();
    assert!(!solution.outcome.is_success());
    assert!(solution.outcome.to_string().contains("too short"), "{}", solution.outcome);
}
