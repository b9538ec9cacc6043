//! Candle tensors as states: the numbers of host arrays, no graph, typed errors.

use candle_core::{DType, Device, Tensor, Var};
use driftfield_solvers::field::LaneTimes;
use driftfield_solvers::method::{EulerMaruyama, Heun, Method, Tsit5};
use driftfield_solvers::{
    ErrorNorm, FieldError, OdeProblem, Outcome, Problem, Save, SdeProblem, Solution, SolveError,
    SolveOptions, State, StateError, Status, TrackedTensor, init, solve,
};
use ndarray::Array2;

/// A solve as far as it comes, one that makes no step included.
fn attempt<P, M>(problem: &P, method: &M, options: SolveOptions<'_, P::State>) -> Solution<P::State>
where
    P: Problem,
    M: Method<P::State, P::Field>,
{
    let mut integrator = init(problem, method, options).unwrap();
    while integrator.step() == Status::Stepped {}
    integrator.finish()
}

/// Steps of the lanes' own.
fn own<'a, S>(tolerance: f64) -> SolveOptions<'a, S> {
    SolveOptions::adaptive(tolerance, tolerance).norm(ErrorNorm::EachLane)
}

fn array() -> Array2<f64> {
    Array2::from_shape_fn((5, 3), |(i, j)| 0.3 * (3 * i + j) as f64 - 1.0)
}

fn tensor(dtype: DType) -> Tensor {
    let values = array().into_raw_vec_and_offset().0;
    Tensor::from_vec(values, (5, 3), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// `f(u, t) = sin(3 t) - u^2 / 4`, for both containers.
fn array_field(du: &mut Array2<f64>, u: &Array2<f64>, t: f64) {
    du.zip_mut_with(u, |du, u| *du = (3.0 * t).sin() - 0.25 * u * u);
}

fn tensor_field(du: &mut Tensor, u: &Tensor, t: f64) {
    *du = (u.sqr().unwrap() * -0.25).unwrap().affine(1.0, (3.0 * t).sin()).unwrap();
}

fn close(found: &Tensor, expected: &Array2<f64>, tolerance: f64) {
    let found = values(found);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }
}

#[test]
fn deterministic_solves_agree_with_arrays() {
    let on_array = OdeProblem::new(array_field, array(), (0.0, 1.0));
    let heun = solve(&on_array, &Heun::new(), SolveOptions::steps(30)).unwrap();
    let tsit5 = solve(&on_array, &Tsit5::new(), SolveOptions::adaptive(1e-5, 1e-5)).unwrap();
    for (dtype, rounding) in [(DType::F64, 1e-13), (DType::F32, 3e-6)] {
        let problem = OdeProblem::new(tensor_field, tensor(dtype), (0.0, 1.0));
        let solution = solve(&problem, &Heun::new(), SolveOptions::steps(30)).unwrap();
        assert_eq!(solution.u_last.dtype(), dtype);
        close(&solution.u_last, &heun.u_last, rounding);
        let solution = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-5, 1e-5)).unwrap();
        if dtype == DType::F64 {
            close(&solution.u_last, &tsit5.u_last, rounding);
            assert_eq!(solution.statistics, tsit5.statistics);
        } else {
            // Rounding moves the error estimate, hence the steps: the two agree
            // to the tolerance of the few steps.
            close(&solution.u_last, &tsit5.u_last, 5e-5);
        }
    }
}

/// Options that draw the same noise for any container.
fn noisy<'a, S>() -> SolveOptions<'a, S> {
    SolveOptions::steps(30).seed(9).first_lane(4)
}

#[test]
fn stochastic_solves_agree_with_arrays() {
    let fill = |out: &mut Array2<f64>, _u: &Array2<f64>, t: f64| out.fill(0.5 + t);
    let on_array = SdeProblem::new(array_field, fill, array(), (0.0, 1.0));
    let expected = solve(&on_array, &EulerMaruyama::new(), noisy()).unwrap().u_last;
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 3e-6)] {
        let fill = |out: &mut Tensor, u: &Tensor, t: f64| {
            *out = u.zeros_like().unwrap().affine(1.0, 0.5 + t).unwrap();
        };
        let problem = SdeProblem::new(tensor_field, fill, tensor(dtype), (0.0, 1.0));
        let solution = solve(&problem, &EulerMaruyama::new(), noisy()).unwrap();
        assert_eq!(solution.outcome, Outcome::Success);
        close(&solution.u_last, &expected, tolerance);
    }
}

#[test]
fn no_graph_is_kept() {
    // A field with trainable weights gives derivatives that carry a graph.
    let weight = Var::from_tensor(&tensor(DType::F64)).unwrap();
    let field = |du: &mut Tensor, u: &Tensor, _t: f64| {
        *du = (u * weight.as_tensor()).unwrap();
        assert!(du.track_op());
        assert!(!u.track_op(), "a stage state carries the graph of the stages before it");
    };
    let problem = OdeProblem::new(field, tensor(DType::F64), (0.0, 0.3));
    for solution in [
        solve(&problem, &Heun::new(), SolveOptions::steps(5)).unwrap(),
        solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-6, 1e-6)).unwrap(),
    ] {
        assert_eq!(solution.outcome, Outcome::Success);
        assert!(!solution.u_last.track_op() && !solution.u_last.is_variable());
    }
    let drift = |du: &mut Tensor, u: &Tensor, _t: f64| {
        assert!(!u.track_op());
        *du = (u * weight.as_tensor()).unwrap();
    };
    let diffusion = |g: &mut Tensor, _u: &Tensor, _t: f64| *g = weight.as_tensor().clone();
    let problem = SdeProblem::new(drift, diffusion, tensor(DType::F64), (0.0, 0.3));
    let solution = solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(5)).unwrap();
    assert!(!solution.u_last.track_op());
}

#[test]
fn a_state_of_integers_is_refused() {
    let problem = OdeProblem::new(tensor_field, tensor(DType::I64), (0.0, 1.0));
    let error = solve(&problem, &Heun::new(), SolveOptions::steps(3)).unwrap_err();
    assert!(matches!(error, SolveError::State(StateError::Backend(_))), "{error}");
    assert!(error.to_string().contains("I64"), "{error}");
}

/// The reason a solve failed with, at its first step.
fn failure(field: impl Fn(&mut Tensor, &Tensor, f64)) -> String {
    let problem = OdeProblem::new(field, tensor(DType::F64), (0.0, 1.0));
    let none = solve(&problem, &Heun::new(), SolveOptions::steps(3)).unwrap_err();
    match none.outcome() {
        Some(Outcome::Failed { t: 0.0, error }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn derivatives_of_another_dtype_or_shape_are_refused() {
    let reason = failure(|du, u, _| *du = u.to_dtype(DType::F32).unwrap());
    assert!(reason.contains("dtype"), "{reason}");
    let reason = failure(|du, u, _| *du = u.narrow(0, 0, 2).unwrap());
    assert!(reason.contains("differ in shape"), "{reason}");

    let mut state = tensor(DType::F64);
    let other = state.narrow(0, 0, 2).unwrap();
    let expected = StateError::ShapeMismatch {
        expected_lanes: 5,
        expected_len: 15,
        found_lanes: 2,
        found_len: 6,
    };
    assert_eq!(state.linear_combination(1.0, &[(1.0, &other)]), Err(expected.clone()));
    assert_eq!(state.copy_from(&other), Err(expected.clone()));
    let same = state.clone();
    assert_eq!(state.add_product(&same, &other), Err(expected));
    let single = state.to_dtype(DType::F32).unwrap();
    let refused = state.linear_combination(1.0, &[(1.0, &single)]);
    assert!(matches!(refused, Err(StateError::Backend(_))));
}

#[test]
fn lanes_of_a_tensor_run_at_their_own_pace() {
    let slope = |u: &Tensor, t: &[f64]| {
        let t = Tensor::new(t, u.device())?.to_dtype(u.dtype())?.reshape(((), 1))?;
        (u.sqr()? * -0.25)?.broadcast_add(&(t * 3.0)?.sin()?)
    };
    let by_tensor = LaneTimes(move |du: &mut Tensor, u: &Tensor, t: &[f64]| {
        *du = slope(u, t).map_err(|error: candle_core::Error| FieldError::other(error))?;
        Ok(())
    });
    let by_array = LaneTimes(|du: &mut Array2<f64>, u: &Array2<f64>, t: &[f64]| {
        for (lane, &t) in t.iter().enumerate() {
            for j in 0..3 {
                du[[lane, j]] = (3.0 * t).sin() - 0.25 * u[[lane, j]] * u[[lane, j]];
            }
        }
        Ok::<(), FieldError>(())
    });
    let save = Save::at([0.7]);
    let tensors = OdeProblem::new(by_tensor, tensor(DType::F64), (0.0, 2.0));
    let tensors = solve(&tensors, &Tsit5::new(), own(1e-6).save(save.clone())).unwrap();
    let arrays = OdeProblem::new(by_array, array(), (0.0, 2.0));
    let arrays = solve(&arrays, &Tsit5::new(), own(1e-6).save(save)).unwrap();
    assert!(tensors.outcome.is_success());
    close(&tensors.u_last, &arrays.u_last, 1e-12);
    close(&tensors.u[0], &arrays.u[0], 1e-12);
    let nfe = |lanes: &[driftfield_solvers::LaneReport]| {
        lanes.iter().map(|lane| lane.nfe).collect::<Vec<_>>()
    };
    assert_eq!(nfe(&tensors.lanes), nfe(&arrays.lanes));
    // A tensor that keeps its graph is not taken apart; neither is one without axes.
    let tracked = TrackedTensor(tensor(DType::F64));
    assert_eq!(tracked.select_lanes(&[0]).err(), Some(StateError::LanesInseparable));
    let number = Tensor::new(1.0f64, &Device::Cpu).unwrap();
    assert!(number.select_lanes(&[0]).is_ok());
    assert_eq!(number.select_lanes(&[0, 0]).err(), Some(StateError::LanesInseparable));
    let lane = StateError::NoSuchLane { lane: 5, lanes: 5 };
    assert_eq!(tensor(DType::F32).select_lanes(&[5]).err(), Some(lane));
}

#[test]
fn tolerances_too_small_for_the_norm_do_not_blame_the_field() {
    for dtype in [DType::F64, DType::F32] {
        for (span, bad) in [((1.0, 2.0), false), ((2.0, 1.0), false), ((1.0, 2.0), true)] {
            let mut initial = tensor(dtype);
            if bad {
                // Beyond the square root of the largest number.
                let huge = Tensor::full(1e30, (1, 3), &Device::Cpu).unwrap();
                let rows = [initial.narrow(0, 0, 4).unwrap(), huge.to_dtype(dtype).unwrap()];
                initial = Tensor::cat(&rows, 0).unwrap();
            }
            let power = if dtype == DType::F64 { 11.0 } else { 2.0 };
            let field = |du: &mut Tensor, u: &Tensor, _t: f64| {
                *du = if bad { u.powf(power).unwrap() } else { u.neg().unwrap() };
            };
            let lanes = LaneTimes(|du: &mut Tensor, u: &Tensor, _t: &[f64]| {
                field(du, u, 0.0);
                Ok(())
            });
            let problem = OdeProblem::new(field, initial.clone(), span);
            let options = SolveOptions::adaptive(1e-200, 1e-200);
            let together = attempt(&problem, &Tsit5::new(), options).outcome;
            let problem = OdeProblem::new(lanes, initial, span);
            let alone = attempt(&problem, &Tsit5::new(), own(1e-200)).lanes;
            for outcome in [&together, &alone[4].outcome] {
                match outcome {
                    Outcome::NonFinite { t: 1.0, lane: 4 } if bad => {}
                    Outcome::StepTooSmall { h, .. } if !bad => {
                        assert_eq!(h.signum(), span.1 - span.0);
                    }
                    other => panic!("{dtype:?}, {span:?}: {other:?}"),
                }
            }
        }
    }
}
