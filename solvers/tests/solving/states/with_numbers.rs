//! A number for each lane goes with its lane, and changes nothing for it.

use crate::common::{AnyOde, ode};
use driftfield_solvers::field::{Additive, Diagonal, EachLane, Ito, LaneTimes, ScalarNoise, Times};
use driftfield_solvers::half::bf16;
use driftfield_solvers::method::{
    BoxedMethod, Dop853, Euler, EulerMaruyama, Heun, MilsteinDerivativeFree, Rk4, Sra1, Sriw1,
    Tsit5,
};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::observer::{AcceptedStep, Event, Flow, Moved};
use driftfield_solvers::{
    ErrorNorm, FieldError, Outcome, Save, SdeProblem, SolveError, SolveOptions, State, StateError,
    StochasticField, Tolerance, VectorField, WithNumbers, solve,
};
use ndarray::{Array1, Array2, array};

type Batch = Array2<f64>;
type Pair = WithNumbers<Batch>;

/// `u' = u (1 - u)` at one pace for each component, and the divergence in the number.
///
/// `u(t) = u0 / (u0 + (1 - u0) exp(-a t))`, whose derivative by `u0` is
/// `exp(-a t) / (u0 + (1 - u0) exp(-a t))^2`; the log-density changes by minus its log.
const PACES: [f64; 2] = [1.0, 0.6];

fn logistic(du: &mut Batch, u: &Batch) {
    for (mut du, u) in du.rows_mut().into_iter().zip(u.rows()) {
        (0..2).for_each(|j| du[j] = PACES[j] * u[j] * (1.0 - u[j]));
    }
}

/// [`logistic`] with minus its divergence as the rate of the numbers, at any times.
fn flow() -> impl VectorField<Pair> + Copy {
    LaneTimes(|du: &mut Pair, u: &Pair, _t: &[f64]| {
        logistic(&mut du.state, &u.state);
        for (number, u) in du.numbers.iter_mut().zip(u.state.rows()) {
            *number = -(0..2).map(|j| PACES[j] * (1.0 - 2.0 * u[j])).sum::<f64>();
        }
        Ok::<(), FieldError>(())
    })
}

fn starts() -> Batch {
    Array2::from_shape_fn((4, 2), |(i, j)| [[0.01, 0.5], [0.2, 0.3], [0.45, 0.6], [0.9, 1.3]][i][j])
}

/// State and number of a lane after the time `t`.
fn exact(start: ndarray::ArrayView1<'_, f64>, t: f64) -> ([f64; 2], f64) {
    let decay = PACES.map(|pace| (-pace * t).exp());
    let below: [f64; 2] = std::array::from_fn(|j| start[j] + (1.0 - start[j]) * decay[j]);
    let number = (0..2).map(|j| 2.0 * below[j].ln() - decay[j].ln()).sum();
    (std::array::from_fn(|j| start[j] / below[j]), number)
}

#[track_caller]
fn assert_exact(pair: &Pair, lane: usize, start: usize, t: f64, within: f64) {
    let (state, number) = exact(starts().row(start), t);
    for (found, expected) in pair.state.row(lane).iter().zip(state) {
        assert!((found - expected).abs() < within, "{found} {expected}");
    }
    let found = pair.numbers[lane];
    assert!((found - number).abs() < within, "number {found} {number}");
}

fn problem(span: (f64, f64)) -> AnyOde<Pair> {
    ode(flow(), WithNumbers::new(starts()), span)
}

#[test]
fn log_densities_follow_their_closed_form_with_shared_and_with_own_steps() {
    for norm in [ErrorNorm::Batch, ErrorNorm::EachLane] {
        for start in [WithNumbers::new(starts()), WithNumbers::new(starts()).outside_error_norm()] {
            let problem = ode(flow(), start, (0.0, 3.0));
            let options = SolveOptions::adaptive(1e-9, 1e-9).norm(norm.clone());
            let options = options.save(Save::dense().and_at([0.7, 2.0]));
            let solution = solve(&problem, &Tsit5::new(), options).unwrap();
            for lane in 0..4 {
                assert_exact(&solution.u_last, lane, lane, 3.0, 1e-7);
                assert_exact(&solution.u[0], lane, lane, 0.7, 1e-7);
                assert_exact(&solution.u[1], lane, lane, 2.0, 1e-7);
                assert_exact(&solution.interpolate(1.3).unwrap(), lane, lane, 1.3, 1e-7);
            }
        }
    }
}

#[test]
fn numbers_end_with_their_lanes() {
    for norm in [ErrorNorm::Batch, ErrorNorm::EachLane] {
        // A lane ends where its log-density has changed by 1/2 from that at the start.
        let end = Event::new(|u: &Pair, _t| u.numbers[0] + 0.5).per_lane().terminating();
        let options = SolveOptions::adaptive(1e-9, 1e-9).norm(norm).event(end);
        let solution =
            solve(&problem((0.0, 1.0)), &Tsit5::new(), options.save(Save::at([0.9]))).unwrap();
        let mut ended = 0;
        for (lane, report) in solution.lanes.iter().enumerate() {
            assert_exact(&solution.u_last, lane, lane, report.t, 1e-7);
            if let Outcome::Terminated { .. } = report.outcome {
                ended += 1;
                assert!((solution.u_last.numbers[lane] + 0.5).abs() < 1e-7);
                assert!(solution.u[0].numbers[lane].is_nan());
            } else {
                assert_exact(&solution.u[0], lane, lane, 0.9, 1e-7);
            }
        }
        assert_eq!(ended, 2, "{:?}", solution.lanes);
    }
}

#[test]
fn numbers_move_with_their_lanes() {
    for norm in [ErrorNorm::Batch, ErrorNorm::EachLane] {
        let turn = |step: &mut AcceptedStep<'_, Pair>| {
            // Those that are done have left.
            let from: Vec<usize> = (0..step.u().lanes()).rev().collect();
            step.move_lanes(&from, Moved::Renumbered).unwrap();
            Flow::Continue
        };
        let options = SolveOptions::adaptive(1e-9, 1e-9).norm(norm).observer(turn);
        let solution = solve(&problem((0.0, 2.0)), &Tsit5::new(), options).unwrap();
        (0..4).for_each(|lane| assert_exact(&solution.u_last, lane, lane, 2.0, 1e-7));
    }
    let mut once = true;
    let resample = |step: &mut AcceptedStep<'_, Pair>| {
        if std::mem::take(&mut once) {
            step.move_lanes(&[1, 1, 0, 1], Moved::Resampled).unwrap();
        }
        Flow::Continue
    };
    let options = SolveOptions::adaptive(1e-9, 1e-9).observer(resample);
    let solution = solve(&problem((0.0, 2.0)), &Tsit5::new(), options).unwrap();
    for (lane, from) in [1, 1, 0, 1].into_iter().enumerate() {
        assert_exact(&solution.u_last, lane, from, 2.0, 1e-7);
    }
}

#[test]
fn noise_stays_with_renumbered_lanes_and_their_numbers() {
    let field = || {
        ScalarNoise(Ito {
            drift: flow(),
            diffusion: |g: &mut Pair, u: &Pair, _t: f64| {
                g.state.assign(&u.state);
                g.numbers.fill(0.3);
            },
        })
    };
    let problem = SdeProblem::from_field(field(), WithNumbers::new(starts()), (0.0, 1.0));
    let options = || SolveOptions::steps(16).seed(4);
    let plain = solve(&problem, &EulerMaruyama::new(), options()).unwrap();
    let turn = |step: &mut AcceptedStep<'_, Pair>| {
        step.move_lanes(&[1, 2, 3, 0], Moved::Renumbered).unwrap();
        Flow::Continue
    };
    let turned = solve(&problem, &EulerMaruyama::new(), options().observer(turn)).unwrap();
    assert_eq!(plain.u_last, turned.u_last);
}

/// What every method asks of a state is among what these do.
fn five_methods<S: State, F: VectorField<S> + 'static>() -> [BoxedMethod<S, F>; 5] {
    [
        BoxedMethod::new(Euler::new()),
        BoxedMethod::new(Heun::new()),
        BoxedMethod::new(Rk4::new()),
        BoxedMethod::new(Tsit5::new()),
        BoxedMethod::new(Dop853::new()),
    ]
}

#[test]
fn the_state_is_to_the_bit_that_of_the_solve_without_numbers() {
    let alone = ode(
        LaneTimes(|du: &mut Batch, u: &Batch, _t: &[f64]| {
            logistic(du, u);
            Ok::<(), FieldError>(())
        }),
        starts(),
        (0.0, 2.0),
    );
    let pair = problem((0.0, 2.0));
    for (of_pair, of_state) in five_methods().iter().zip(&five_methods()) {
        let with = solve(&pair, of_pair, SolveOptions::steps(9)).unwrap();
        let without = solve(&alone, of_state, SolveOptions::steps(9)).unwrap();
        assert_eq!(with.u_last.state, without.u_last);
        assert_eq!(with.statistics, without.statistics);
    }
    // Outside of the norm, the steps too.
    let pair = WithNumbers::new(starts()).outside_error_norm();
    let pair = ode(flow(), pair, (0.0, 2.0));
    for norm in [ErrorNorm::Batch, ErrorNorm::EachLane] {
        let tolerance = || SolveOptions::adaptive(1e-6, vec![1e-6, 1e-7]).norm(norm.clone());
        let with = solve(&pair, &Tsit5::new(), tolerance()).unwrap();
        let tolerance = SolveOptions::adaptive(1e-6, vec![1e-6, 1e-7]).norm(norm);
        let without = solve(&alone, &Tsit5::new(), tolerance).unwrap();
        assert_eq!(with.u_last.state, without.u_last);
        assert_eq!((with.statistics, with.lanes), (without.statistics, without.lanes));
    }
}

fn four_methods<S, F>() -> [BoxedMethod<S, F>; 4]
where
    S: State,
    F: StochasticField<S, Interpretation = Additive, Noise = Diagonal> + 'static,
{
    [
        BoxedMethod::new(EulerMaruyama::new()),
        BoxedMethod::new(MilsteinDerivativeFree::new()),
        BoxedMethod::new(Sriw1::new()),
        BoxedMethod::new(Sra1::new()),
    ]
}

#[test]
fn paths_are_to_the_bit_those_of_the_solve_without_numbers() {
    let drift = |du: &mut Batch, u: &Batch, t: Times<'_>| {
        EachLane(|du: &mut [f64], u: &[f64], _t| {
            (du[0], du[1]) = (-u[0], u[0] - 0.5 * u[1]);
        })
        .eval(du, u, t)
    };
    let of_state = move |du: &mut Batch, u: &Batch, t: f64| drift(du, u, t.into());
    let of_pair = move |du: &mut Pair, u: &Pair, t: f64| {
        du.numbers.assign(&u.state.column(0));
        drift(&mut du.state, &u.state, t.into())
    };
    let spread = |g: &mut Batch, t: f64| g.fill(0.3 + 0.1 * t);
    let spread_pair = move |g: &mut Pair, t: f64| {
        spread(&mut g.state, t);
        g.numbers.fill(0.0);
    };
    let pair = Additive { drift: of_pair, diffusion: spread_pair };
    let state = Additive { drift: of_state, diffusion: spread };
    let of_pair = SdeProblem::from_field(pair, WithNumbers::new(starts()), (0.0, 1.0));
    let of_state = SdeProblem::from_field(state, starts(), (0.0, 1.0));
    fn options<'a, S: State>() -> SolveOptions<'a, S> {
        SolveOptions::steps(12).seed(9)
    }
    let with_numbers = four_methods().into_iter();
    let alone = four_methods().into_iter();
    for (of_pair_method, of_state_method) in with_numbers.zip(alone) {
        let with = solve(&of_pair, &of_pair_method, options()).unwrap().u_last;
        let without = solve(&of_state, &of_state_method, options()).unwrap().u_last;
        assert_eq!(with.state, without);
        assert!(with.numbers.iter().all(|number| *number != 0.0));
    }
    let start = WithNumbers::new(starts());
    let of_pair = SdeProblem::from_field(ScalarNoise(pair), start, (0.0, 1.0));
    let of_state = SdeProblem::from_field(ScalarNoise(state), starts(), (0.0, 1.0));
    let with = solve(&of_pair, &EulerMaruyama::new(), options()).unwrap().u_last;
    assert_eq!(with.state, solve(&of_state, &EulerMaruyama::new(), options()).unwrap().u_last);
    let (mut with, mut without) = (WithNumbers::new(starts()), starts());
    fill_initial_normals(&mut with, 2.0, 7, 0).unwrap();
    fill_initial_normals(&mut without, 2.0, 7, 0).unwrap();
    assert_eq!((with.state, with.numbers), (without, Array1::zeros(4)));
}

/// The weight of paths of `dx = dW` towards `dx = c dt + dW`, in the number.
#[test]
fn girsanov_weights_have_mean_one_and_move_the_mean() {
    const C: f64 = 0.6;
    let lanes = 40_000;
    let field = ScalarNoise(Ito {
        drift: |du: &mut WithNumbers<Batch>, _u: &Pair, _t: f64| {
            du.state.fill(0.0);
            du.numbers.fill(-0.5 * C * C);
        },
        diffusion: |g: &mut Pair, _u: &Pair, _t: f64| {
            g.state.fill(1.0);
            g.numbers.fill(C);
        },
    });
    let start = WithNumbers::new(Batch::zeros((lanes, 1)));
    let problem = SdeProblem::from_field(field, start, (0.0, 1.0));
    let end =
        solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(8).seed(11)).unwrap().u_last;
    let mean = |of: fn(f64, f64) -> f64| {
        let lanes = end.state.iter().zip(&end.numbers).map(|(&x, &log_w)| of(x, log_w.exp()));
        lanes.sum::<f64>() / end.numbers.len() as f64
    };
    // The variances of `w` and of `w x`, x being N(0, 1) and w = exp(c x - c^2 / 2). Off by 5.5
    // standard errors, a normal mean is once in 2.6e7.
    let most = |variance: f64| 5.5 * (variance / lanes as f64).sqrt();
    let growth = (C * C).exp();
    assert!((mean(|_, w| w) - 1.0).abs() < most(growth - 1.0));
    let variance = growth * (1.0 + 4.0 * C * C) - C * C;
    assert!((mean(|x, w| w * x) - C).abs() < most(variance));
    // Euler-Maruyama is exact here: every lane has the weight of its own path.
    for (x, number) in end.state.iter().zip(&end.numbers) {
        assert!((number - (C * x - 0.5 * C * C)).abs() < 1e-13);
    }
}

#[test]
fn lanes_meet_with_their_numbers() {
    let pair = |state, numbers| {
        let mut pair = WithNumbers::<Array2<f32>>::new(state);
        pair.numbers = numbers;
        pair
    };
    let a = pair(array![[1.0, 2.0], [0.5, -1.0]], array![10.0, -3.0]);
    let b = pair(array![[4.0, 0.5], [2.0, 2.0]], array![0.1, 2.0]);
    assert_eq!(a.dot_lanes(&b).unwrap(), [5.0 + 1.0, -1.0 - 6.0]);
}

#[test]
fn numbers_stay_in_double_precision() {
    let field = |du: &mut WithNumbers<Array2<bf16>>, u: &WithNumbers<Array2<bf16>>, _t: f64| {
        du.state.zip_mut_with(&u.state, |du, u| *du = -*u);
        du.numbers.fill(1.0 / 3.0);
    };
    let start = WithNumbers::new(Array2::from_elem((3, 2), bf16::ONE));
    let problem = ode(field, start, (0.0, 1.0));
    let end = solve(&problem, &Tsit5::new(), SolveOptions::steps(10)).unwrap().u_last;
    assert!(end.numbers.iter().all(|number| (number - 1.0 / 3.0).abs() < 1e-15));
}

#[test]
fn a_number_is_the_last_component_of_its_lane() {
    let pair = |state: Batch, numbers: Array1<f64>| {
        let mut pair = WithNumbers::new(state);
        pair.numbers = numbers;
        pair
    };
    let error = pair(array![[1e-3, 2e-3], [0.0, 0.0]], array![3e-3, 1e-3]);
    let state = pair(array![[1.0, -2.0], [1.0, 1.0]], array![-4.0, 0.0]);
    assert_eq!((error.lanes(), error.lane_len(), error.lane_reals()), (2, 3, 3));
    let tolerance = Tolerance::new(vec![1e-3, 1e-2, 1e-1], 1e-3);
    let mut lanes = Vec::new();
    error.weighted_mean_squares(&state, &state, &tolerance, &mut lanes).unwrap();
    let ratios = [1e-3 / 2e-3, 2e-3 / 1.2e-2, 3e-3 / 1.04e-1_f64];
    let expected = ratios.map(|ratio| ratio * ratio).iter().sum::<f64>() / 3.0;
    assert!((lanes[0] - expected).abs() < 1e-15);
    assert!((lanes[1] - 1e-4 / 3.0).abs() < 1e-15);
    let of_state = Tolerance::new(vec![1e-3, 1e-2], 1e-3);
    let refused = error.weighted_mean_squares(&state, &state, &of_state, &mut lanes);
    assert_eq!(refused, Err(StateError::ToleranceLength { expected: 3, found: 2 }));
    let outside = error.outside_error_norm();
    outside.weighted_mean_squares(&state, &state, &of_state, &mut lanes).unwrap();
    let expected = ratios[..2].iter().map(|ratio| ratio * ratio).sum::<f64>() / 2.0;
    assert!((lanes[0] - expected).abs() < 1e-15 && lanes[1] == 0.0);

    for bad in [f64::NAN, f64::INFINITY] {
        let after = pair(state.state.clone(), array![0.0, bad]);
        assert_eq!(after.first_non_finite_lane().unwrap(), Some(1));
        for error in [WithNumbers::new(array![[0.0, 0.0], [0.0, 0.0]]), outside.clone()] {
            let one = Tolerance::new(1.0, 1.0);
            error.weighted_mean_squares(&state, &after, &one, &mut lanes).unwrap();
            assert!(lanes[0].is_finite() && lanes[1].is_nan());
        }
    }
    let mut filled = WithNumbers::new(Batch::zeros((2, 70)));
    let mut count = 0.0;
    filled
        .fill_lanes(|_, block| {
            for value in block {
                count += 1.0;
                *value = count;
            }
        })
        .unwrap();
    assert_eq!((filled.state[[0, 69]], filled.numbers[0]), (70.0, 71.0));
    assert_eq!((filled.state[[1, 0]], filled.numbers[1]), (72.0, 142.0));
}

#[test]
fn a_number_too_few_is_refused() {
    let mut start = WithNumbers::new(starts());
    start.numbers = Array1::zeros(3);
    let problem = ode(flow(), start, (0.0, 1.0));
    let refused = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-6, 1e-6));
    let lanes = StateError::LaneCoefficients { lanes: 4, found: 3 };
    assert!(matches!(refused, Err(SolveError::State(error)) if error == lanes));
    let cut = |du: &mut Pair, _u: &Pair, _t: f64| du.numbers = Array1::zeros(3);
    let problem = ode(cut, WithNumbers::new(starts()), (0.0, 1.0));
    assert!(solve(&problem, &Tsit5::new(), SolveOptions::steps(3)).is_err());
}

#[test]
fn tensors_carry_numbers() {
    use driftfield_solvers::TrackedTensor;
    use driftfield_solvers::candle_core::{Device, Tensor, Var};
    let start = Var::new(&[[0.5f64, 1.0], [1.5, 2.0], [-1.0, 0.0]], &Device::Cpu).unwrap();
    let alone = |du: &mut Tensor, u: &Tensor, _t: f64| *du = u.neg().unwrap();
    let problem = ode(alone, start.as_tensor().clone(), (0.0, 1.0));
    let expected = solve(&problem, &Tsit5::new(), SolveOptions::steps(6)).unwrap().u_last;
    let values = |tensor: &Tensor| tensor.to_vec2::<f64>().unwrap();
    let field = |du: &mut WithNumbers<Tensor>, u: &WithNumbers<Tensor>, _t: f64| {
        du.state = u.state.neg().unwrap();
        du.numbers.fill(2.0);
    };
    let pair = WithNumbers::new(start.as_tensor().clone());
    let problem = ode(field, pair, (0.0, 1.0));
    let turn = |step: &mut AcceptedStep<'_, WithNumbers<Tensor>>| {
        step.move_lanes(&[2, 0, 1], Moved::Renumbered).unwrap();
        Flow::Continue
    };
    let options = SolveOptions::steps(6).observer(turn);
    let end = solve(&problem, &Tsit5::new(), options).unwrap().u_last;
    assert_eq!(values(&end.state), values(&expected));
    assert!(end.numbers.iter().all(|number| (number - 2.0).abs() < 1e-14));

    let field = |du: &mut WithNumbers<TrackedTensor>, u: &WithNumbers<TrackedTensor>, _t: f64| {
        du.state.0 = u.state.0.neg().unwrap();
        du.numbers.fill(2.0);
    };
    let pair = WithNumbers::new(TrackedTensor(start.as_tensor().clone()));
    let problem = ode(field, pair, (0.0, 1.0));
    let end = solve(&problem, &Tsit5::new(), SolveOptions::steps(6)).unwrap().u_last;
    let gradient = end.state.0.backward().unwrap().get(&start).unwrap().clone();
    assert!((values(&gradient)[1][1] - (-1.0f64).exp()).abs() < 1e-6);
}
