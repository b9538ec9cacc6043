//! Exponential integrators on a classical stiff problem: they are not about
//! diffusion models.

use driftfield_solvers::method::exponential::{
    Bh, Ddim, DpmSolverM, FinalOrders, Multistep, Nodes, Singlestep, Start, ThirdOrder, UniC,
    UniPc, Variant, exponential_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method, Rk4, StepError};
use driftfield_solvers::{
    Decay, FieldError, NonlinearPart, OdeProblem, Pullback, Pushforward, Save, SemilinearField,
    SolveError, SolveOptions, Status, Target, Times, VectorField, init, solve,
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
    fn eval(&self, du: &mut f64, u: &f64, t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
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
        let third = || DpmSolverM::third(part);
        let cases = [
            (1.0, boxed(Singlestep::first(part))),
            (2.0, boxed(Singlestep::second(part))),
            (2.0, boxed(Singlestep::second(part).variant(Variant::Taylor))),
            (3.0, boxed(Singlestep::third(part))),
            (3.0, boxed(Singlestep::third(part).variant(Variant::Taylor))),
            (2.0, boxed(Multistep::new(DpmSolverM::second(part)))),
            (2.0, boxed(Multistep::new(DpmSolverM::second(part).variant(Variant::Taylor)))),
            (2.0, boxed(Multistep::new(DpmSolverM::second(part)).start(Start::Matching))),
            (3.0, boxed(Multistep::new(third()).start(Start::Matching))),
            (3.0, boxed(Multistep::new(third()).start(Start::Heun))),
            (2.0, boxed(Multistep::new(third().third_order(ThirdOrder::Reference)))),
            (2.0, boxed(Multistep::new(UniPc::new(1, part)))),
            (3.0, {
                let method = Multistep::new(UniPc::new(2, part).bh(Bh::Bh1)).start(Start::Matching);
                boxed(method.final_orders(FinalOrders::Full))
            }),
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
        boxed(Multistep::new(DpmSolverM::second(NonlinearPart::Data).variant(Variant::Taylor))),
        boxed(Multistep::new(DpmSolverM::third(NonlinearPart::Data))),
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
            let problem = OdeProblem::new(field.clone(), exact(span.0), span);
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
    let ddim = run(&boxed(Ddim::default()));
    for part in PARTS {
        assert!((run(&boxed(Singlestep::first(part))) - ddim).abs() < 1e-13);
    }
}

#[test]
fn evaluations_are_as_declared() {
    for part in PARTS {
        for steps in [1, 2, 3, 12] {
            for method in [
                boxed(Multistep::new(DpmSolverM::second(part)).start(Start::Matching)),
                boxed(Multistep::new(DpmSolverM::third(part)).start(Start::Matching)),
                boxed(Multistep::new(DpmSolverM::third(part))),
                boxed(Multistep::new(DpmSolverM::first(part)).start(Start::Heun)),
                boxed(Multistep::new(DpmSolverM::third(part)).start(Start::Heun)),
                boxed(Multistep::new(UniPc::new(3, part).bh(Bh::VaryCoeff)).start(Start::Heun)),
                boxed(Multistep::new(UniPc::new(4, part)).start(Start::Matching)),
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
    let last = |steps: usize, lower: bool, rule: DpmSolverM| {
        let mut method = Multistep::new(rule);
        if !lower {
            method = method.final_orders(FinalOrders::Full);
        }
        let options = SolveOptions::steps(steps).save(Save::all());
        solve(&problem(2.0), &method, options).unwrap().u
    };
    for part in PARTS {
        let (lower, full) =
            (last(9, true, DpmSolverM::third(part)), last(9, false, DpmSolverM::third(part)));
        // Values 8 and 9 are the ends of steps of order 2 and 1.
        assert_eq!(lower[..8], full[..8]);
        assert!(lower[8] != full[8] && lower[9] != full[9]);
        let rule = DpmSolverM::second(part);
        assert_eq!(last(10, true, rule.clone()), last(10, false, rule));
    }
}

/// The values before the start that a method of this many needs, on a grid of `steps`.
fn exact_history(steps: usize, needed: u32) -> Vec<(f64, f64)> {
    let h = 2.0 / steps as f64;
    (1..=needed).rev().map(|i| -h * f64::from(i)).map(|t| (t, g(t))).collect()
}

/// With the exact solution before the start, every step has the full order, and the corrector
/// raises it by one.
#[test]
fn orders_from_an_exact_history() {
    let slope = |method: &BoxedMethod<f64, Stiff>| {
        let error = |steps| {
            let history = exact_history(steps, method.info().history);
            let nfe = steps + history.len();
            let options = SolveOptions::steps(steps);
            let options = if history.is_empty() { options } else { options.history(history) };
            let solution = solve(&problem(2.0), method, options).unwrap();
            assert_eq!(solution.statistics.nfe, nfe as u64);
            (solution.u_last - g(2.0)).abs()
        };
        (error(80) / error(160)).log2()
    };
    for part in PARTS {
        let full = |rule| Multistep::new(rule).final_orders(FinalOrders::Full);
        let unipc = |order| Multistep::new(UniPc::new(order, part)).final_orders(FinalOrders::Full);
        let second = || DpmSolverM::second(part).variant(Variant::Taylor);
        let cases = [
            (2.0, boxed(full(second()))),
            (3.0, boxed(full(DpmSolverM::third(part)))),
            (3.0, boxed(full(second()).corrector(UniC(Bh::Bh2)))),
            (4.0, boxed(full(DpmSolverM::third(part)).corrector(UniC(Bh::Bh2)))),
            (2.0, boxed(unipc(1))),
            (3.0, boxed(unipc(2))),
            (4.0, boxed(unipc(3))),
            (5.0, boxed(unipc(4))),
        ];
        for (order, method) in cases {
            let (found, name) = (slope(&method), method.info().name);
            assert_eq!(f64::from(method.info().order), order, "{name}");
            assert!((found - order).abs() < 0.25, "{name}, {part:?}: {found}, not {order}");
        }
    }
}

#[test]
fn histories_that_cannot_be_used() {
    let method = Multistep::new(DpmSolverM::third(NonlinearPart::Data));
    let refusal = |history: Vec<(f64, f64)>| {
        let options = SolveOptions::steps(4).history(history);
        solve(&problem(2.0), &method, options).unwrap_err()
    };
    let short = SolveError::ShortHistory { method: "dpm-solver++3m", needed: 2, given: 1 };
    assert_eq!(refusal(exact_history(4, 1)), short);
    let after = vec![(-0.5, 1.0), (0.5, 1.0)];
    assert!(matches!(refusal(after), SolveError::HistoryTimes { index: 1, .. }));
    let backwards = vec![(-0.5, 1.0), (-1.0, 1.0)];
    assert!(matches!(refusal(backwards), SolveError::HistoryTimes { index: 0, .. }));
    let nan = vec![(-1.0, f64::NAN), (-0.5, 1.0)];
    assert!(matches!(refusal(nan), SolveError::NonFiniteInitial { lane: 0 }));
    let one_step =
        solve(&problem(2.0), &Ddim::default(), SolveOptions::steps(4).history([(-0.5, 1.0)]));
    assert_eq!(one_step.unwrap_err(), SolveError::NoHistory { method: "ddim" });
    // More than is needed: the newest count.
    let run = |needed| {
        let options = SolveOptions::steps(4).history(exact_history(4, needed));
        solve(&problem(2.0), &method, options).unwrap()
    };
    assert_eq!((run(2).u_last, run(2).statistics), (run(5).u_last, run(5).statistics));
    // Its evaluations are counted, and the budget holds for them too.
    let options = SolveOptions::steps(4).history(exact_history(4, 2)).nfe_budget(1);
    let spent = solve(&problem(2.0), &method, options).unwrap();
    assert_eq!((spent.outcome.name(), spent.statistics.nfe), ("budget_spent", 1));
}

/// A state changed from outside has no past: what follows is a new solve.
#[test]
fn history_is_dropped_when_the_state_changes() {
    let times: Vec<f64> = (0..=12).map(|i| 2.0 * f64::from(i) / 12.0).collect();
    let data = NonlinearPart::Data;
    for method in [
        boxed(Ddim::default()),
        boxed(Singlestep::third(data)),
        boxed(Multistep::new(DpmSolverM::second(data)).final_orders(FinalOrders::Full)),
        boxed(Multistep::new(DpmSolverM::third(data)).final_orders(FinalOrders::Full)),
        boxed(
            Multistep::new(DpmSolverM::third(data))
                .final_orders(FinalOrders::Full)
                .start(Start::Matching),
        ),
        boxed(
            Multistep::new(DpmSolverM::third(data))
                .final_orders(FinalOrders::Full)
                .start(Start::Heun),
        ),
    ] {
        let full = problem(2.0);
        let mut integrator = init(&full, &method, SolveOptions::times(times.clone())).unwrap();
        for _ in 0..5 {
            assert_eq!(integrator.step(), Status::Stepped);
        }
        *integrator.u_mut() = 1.0;
        while integrator.step() == Status::Stepped {}
        let rest = OdeProblem::new(full.field.clone(), 1.0, (times[5], times[12]));
        let again = solve(&rest, &method, SolveOptions::times(times[5..].to_vec())).unwrap();
        assert_eq!(*integrator.u(), again.u_last, "{}", method.info().name);
    }
}

#[test]
fn a_rule_that_places_a_node_outside_the_step_is_named() {
    type Rule = fn(f64, f64) -> f64;
    let rules: [(Rule, f64); 5] = [
        (|t, _| t, 0.0),
        (|_, t_next| t_next, 0.5),
        (|t, t_next| 2.0 * t_next - t, 1.0),
        (|t, t_next| 2.0 * t - t_next, -0.5),
        (|_, _| f64::NAN, f64::NAN),
    ];
    for (rule, expected) in rules {
        let nodes = Nodes::Rule(Arc::new(move |t, t_next, _i, _n| Ok(rule(t, t_next))));
        let method = Singlestep::second(NonlinearPart::Data).nodes(nodes);
        let options = SolveOptions::times(vec![0.0, 0.5, 2.0]);
        let none = solve(&problem(2.0), &method, options).unwrap_err();
        let SolveError::NoStep { source: Some(StepError::Node { t, t_next, node }), .. } = &none
        else {
            panic!("{none}")
        };
        assert_eq!((*t, *t_next), (0.0, 0.5));
        assert!(*node == expected || node.is_nan() && expected.is_nan(), "{none}");
        assert!(none.to_string().contains("strictly between"), "{none}");
    }
}

#[test]
fn a_step_too_short_to_divide_is_reported() {
    let start = 1.0_f64;
    let middle = Nodes::Rule(Arc::new(|t, t_next, _i, _n| Ok(0.5 * (t + t_next))));
    for nodes in [Nodes::LogSnr, middle] {
        let method = Singlestep::second(NonlinearPart::Data).nodes(nodes);
        let short = OdeProblem::new(problem(2.0).field, 1.0, (start, start.next_up()));
        let none = solve(&short, &method, SolveOptions::steps(1)).unwrap_err();
        assert!(none.to_string().contains("too short"), "{none}");
    }
}

/// `N(u, t) = k (t sin u_1, u_0 u_1)` with its products; `k` is its parameter.
struct Coupled(f64);

impl Coupled {
    /// `df/du` by rows, and `df/dt`.
    fn derivatives(&self, u: &[f64; 2], t: f64) -> ([[f64; 2]; 2], [f64; 2]) {
        let k = self.0;
        ([[0.0, k * t * u[1].cos()], [k * u[1], k * u[0]]], [k * u[1].sin(), 0.0])
    }
}

impl VectorField<[f64; 2]> for Coupled {
    fn eval(&self, du: &mut [f64; 2], u: &[f64; 2], t: Times<'_>) -> Result<(), FieldError> {
        *du = [self.0 * t.one()? * u[1].sin(), self.0 * u[0] * u[1]];
        Ok(())
    }
    fn pull_back(
        &self,
        pull: Pullback<'_, [f64; 2]>,
        u: &[f64; 2],
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let (of_state, of_time) = self.derivatives(u, t.one()?);
        self.eval(pull.value, u, t)?;
        let mut c = [0.0; 2];
        (pull.cotangent)(0..1, pull.value, &mut c)?;
        *pull.state = [0, 1].map(|j| c[0] * of_state[0][j] + c[1] * of_state[1][j]);
        if let Some(time) = pull.time {
            time[0] = c[0] * of_time[0] + c[1] * of_time[1];
        }
        if let Some(sums) = pull.inputs.parameters {
            sums[0] += (c[0] * pull.value[0] + c[1] * pull.value[1]) / self.0;
        }
        Ok(())
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, [f64; 2]>,
        u: &[f64; 2],
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let (of_state, of_time) = self.derivatives(u, t.one()?);
        let (v, s) = (push.direction, push.time.of(0));
        self.eval(push.value, u, t)?;
        *push.tangent =
            [0, 1].map(|i| of_state[i][0] * v[0] + of_state[i][1] * v[1] + s * of_time[i]);
        Ok(())
    }
}

#[test]
fn the_products_of_a_decay_are_those_of_its_right_hand_side_and_predictions() {
    const U: [f64; 2] = [0.6, -1.1];
    const T: f64 = 0.4;
    const K: f64 = 0.9;
    let decay = |k: f64| Decay::new(1.7, Coupled(k)).unwrap();
    // The right-hand side, then predictions.
    let targets = [None, Some(Target::DATA), Some(Target::NOISE)];
    let both = Some(Target { data: -0.7, noise: 0.4 });
    for target in targets.into_iter().chain([both]) {
        let value = |u: [f64; 2], t: f64, k: f64| {
            let mut out = [0.0; 2];
            match target {
                None => decay(k).eval(&mut out, &u, t.into()),
                Some(target) => decay(k).predict(target, &mut out, &u, t.into()),
            }
            .unwrap();
            out
        };
        let slope = |moved: &dyn Fn(f64) -> [f64; 2]| {
            let (ahead, behind) = (moved(1e-5), moved(-1e-5));
            [0, 1].map(|i| (ahead[i] - behind[i]) / 2e-5)
        };
        let c = [0.8, -0.3];
        let dot = |a: [f64; 2]| a[0] * c[0] + a[1] * c[1];
        let cotangent = |_: std::ops::Range<usize>, _: &[f64; 2], to: &mut [f64; 2]| {
            *to = c;
            Ok(())
        };
        let along = |v: [f64; 2], s: f64| {
            let (mut out, mut tangent) = ([0.0; 2], [0.0; 2]);
            let time = s.into();
            let push = Pushforward { value: &mut out, direction: &v, time, tangent: &mut tangent };
            match target {
                None => decay(K).push_forward(push, &U, T.into()),
                Some(target) => decay(K).push_forward_prediction(target, push, &U, T.into()),
            }
            .unwrap();
            assert_eq!(out, value(U, T, K), "{target:?}");
            tangent
        };
        let (mut out, mut state, mut time, mut sums) = ([0.0; 2], [0.0; 2], [0.0], [5.0]);
        let mut pull = Pullback::new(&mut out, &cotangent, &mut state);
        pull.time = Some(&mut time);
        pull.inputs.parameters = Some(&mut sums);
        match target {
            None => decay(K).pull_back(pull, &U, T.into()),
            Some(target) => decay(K).pull_back_prediction(target, pull, &U, T.into()),
        }
        .unwrap();
        assert_eq!(out, value(U, T, K), "{target:?}");
        let of_axis = |axis: usize| {
            slope(&|s| {
                let mut u = U;
                u[axis] += s;
                value(u, T, K)
            })
        };
        let in_time = slope(&|s| value(U, T + s, K));
        let changes = [
            (along([1.0, 0.0], 0.0), of_axis(0), state[0]),
            (along([0.0, 1.0], 0.0), of_axis(1), state[1]),
            (along([0.0, 0.0], 1.0), in_time, time[0]),
        ];
        for (pushed, expected, pulled) in changes {
            for (found, expected) in pushed.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-8, "{target:?}: {found} {expected}");
            }
            let expected = dot(expected);
            assert!((pulled - expected).abs() < 1e-8, "{target:?}: {pulled} {expected}");
        }
        // Added to what there is.
        let expected = dot(slope(&|s| value(U, T, K + s)));
        assert!((sums[0] - 5.0 - expected).abs() < 1e-8, "{target:?}: {sums:?} {expected}");
    }
}
