//! Complex states: the real state of their parts, but for the norm.

use crate::common::ode;
use driftfield_solvers::field::{EachLane, Ito, ScalarNoise};
use driftfield_solvers::method::{EulerMaruyama, Heun, Method, MilsteinDerivativeFree, Rk4, Tsit5};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::num_complex::Complex;
use driftfield_solvers::{
    ErrorNorm, HostState, OdeProblem, Outcome, Save, SdeProblem, SolveOptions, State, StateError,
    Tolerance, solve,
};
use nalgebra::{DVector, SVector};
use ndarray::{Array1, Array2, ArrayD, IxDyn, array};

type C = Complex<f64>;

const W: f64 = 2.5;

/// `u' = i w u`, on parts.
fn turn(du: &mut [f64], u: &[f64], _t: f64) {
    for (du, u) in du.chunks_exact_mut(2).zip(u.chunks_exact(2)) {
        (du[0], du[1]) = (-W * u[1], W * u[0]);
    }
}

/// The same on complex numbers.
fn turn_one(du: &mut C, u: &C, _t: f64) {
    *du = C::new(0.0, W) * u;
}

#[test]
fn every_container_is_the_real_state_of_its_parts_to_the_bit() {
    let numbers = [C::new(0.5, 1.0), C::new(-1.25, 0.3), C::new(2.0, -0.7)];
    let parts = [0.5, 1.0, -1.25, 0.3, 2.0, -0.7];
    type Turn = fn(&mut [f64], &[f64], f64);
    fn end<H: HostState<Scalar = f64>>(start: H) -> Vec<f64> {
        let problem = ode(EachLane(turn as Turn), start, (0.0, 1.0));
        let end = solve(&problem, &Heun::new(), SolveOptions::steps(7)).unwrap().u_last;
        end.values().unwrap().to_vec()
    }
    let expected = end(parts);
    assert_eq!(end(numbers), expected);
    assert_eq!(end(SVector::from(numbers)), expected);
    assert_eq!(end(DVector::from_row_slice(&numbers)), expected);
    assert_eq!(end(Array1::from(numbers.to_vec())), expected);
    assert_eq!(end(Array2::from(vec![numbers])), expected);
    let dynamic = ArrayD::from_shape_vec(IxDyn(&[3, 1]), numbers.to_vec()).unwrap();
    assert_eq!(end(dynamic), expected);
    assert_eq!(end(numbers[0]), expected[..2]);
}

#[test]
fn lanes_and_components_count_complex_numbers() {
    let state = Array2::<C>::zeros((5, 3));
    assert_eq!((state.lanes(), state.lane_len(), state.lane_reals()), (5, 3, 6));
    let number = Complex::<f32>::new(1.0, 2.0);
    assert_eq!((number.lanes(), number.lane_len(), number.lane_reals()), (1, 1, 2));
}

#[test]
fn lanes_meet_part_by_part() {
    let a = array![[C::new(1.0, 2.0), C::new(-0.5, 3.0)], [C::new(0.0, 1.0), C::new(4.0, 0.0)]];
    let b = array![[C::new(3.0, -1.0), C::new(2.0, 0.5)], [C::new(7.0, 2.0), C::new(0.25, 9.0)]];
    assert_eq!(a.dot_lanes(&b).unwrap(), [3.0 - 2.0 - 1.0 + 1.5, 2.0 + 1.0]);
}

#[test]
fn a_rotation_is_solved_with_the_order_of_the_method() {
    let problem = ode(turn_one, C::new(1.0, 0.0), (0.0, 2.0));
    fn order<M: Method<C, F>, F>(problem: &OdeProblem<C, F>, method: M) -> f64 {
        let exact = C::from_polar(1.0, 2.0 * W);
        let error = |steps| {
            (solve(problem, &method, SolveOptions::steps(steps)).unwrap().u_last - exact).norm()
        };
        (error(60) / error(120)).log2()
    }
    assert!((order(&problem, Rk4::new()) - 4.0).abs() < 0.1);
    assert!((order(&problem, Tsit5::new()) - 5.0).abs() < 0.25);
    for tolerance in [1e-4, 1e-6, 1e-8, 1e-10] {
        let options = SolveOptions::adaptive(tolerance, tolerance).save(Save::dense());
        let solution = solve(&problem, &Tsit5::new(), options).unwrap();
        for t in [0.7, 2.0] {
            let error = (solution.interpolate(t).unwrap() - C::from_polar(1.0, W * t)).norm();
            assert!(error < 10.0 * tolerance && error > 1e-3 * tolerance, "{tolerance} {error}");
        }
    }
    let single = |du: &mut Complex<f32>, u: &Complex<f32>, _t: f64| {
        *du = Complex::new(0.0, W as f32) * u;
    };
    let problem = ode(single, Complex::new(1.0f32, 0.0), (0.0, 2.0));
    let end = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-5, 1e-5)).unwrap().u_last;
    assert!((end - Complex::from_polar(1.0, 2.0 * W as f32)).norm() < 1e-4);
}

#[test]
fn steps_are_those_of_the_real_state_where_the_norms_agree() {
    // With an absolute tolerance alone, `|e|^2` is twice the mean over the parts.
    let abstol = 1e-7;
    let problem = ode(turn_one, C::new(0.3, 0.8), (0.0, 5.0));
    let complex = SolveOptions::adaptive(abstol, 0.0);
    let complex = solve(&problem, &Tsit5::new(), complex).unwrap();
    let problem = ode(EachLane(turn), [0.3, 0.8], (0.0, 5.0));
    let real = SolveOptions::adaptive(abstol / 2.0f64.sqrt(), 0.0);
    let real = solve(&problem, &Tsit5::new(), real).unwrap();
    assert_eq!(complex.statistics, real.statistics);
    assert!((complex.u_last.re - real.u_last[0]).abs() < 1e-12);
    assert!((complex.u_last.im - real.u_last[1]).abs() < 1e-12);
}

#[test]
fn errors_are_measured_by_modulus() {
    let error = array![[C::new(3e-3, 4e-3), C::new(0.0, 1e-3)], [C::default(), C::default()]];
    let before = array![[C::new(0.6, 0.8), C::new(0.0, -2.0)], [C::default(), C::default()]];
    let after = array![[C::new(0.0, 0.5), C::new(1.0, 0.0)], [C::default(), C::new(0.0, 1.0)]];
    let tolerance = Tolerance::new(vec![1e-3, 1e-2], 1e-2);
    let mut lanes = Vec::new();
    error.weighted_mean_squares(&before, &after, &tolerance, &mut lanes).unwrap();
    let expected = ((5e-3 / 1.1e-2_f64).powi(2) + (1e-3 / 3e-2_f64).powi(2)) / 2.0;
    assert!((lanes[0] / expected - 1.0).abs() < 1e-14 && lanes[1] == 0.0);
    let by_parts = Tolerance::new(vec![1e-3; 4], 1e-2);
    let refused = error.weighted_mean_squares(&before, &after, &by_parts, &mut lanes);
    assert_eq!(refused, Err(StateError::ToleranceLength { expected: 2, found: 4 }));
    for bad in [C::new(f64::NAN, 0.0), C::new(0.0, f64::INFINITY)] {
        let mut after = after.clone();
        after[[1, 0]] = bad;
        assert_eq!(after.first_non_finite_lane().unwrap(), Some(1));
        error.weighted_mean_squares(&before, &after, &tolerance, &mut lanes).unwrap();
        assert!(lanes[0].is_finite() && lanes[1].is_nan());
        // One lane, by the short cut.
        let (no_error, state) = ([C::default(); 2], [C::default(), bad]);
        let one = Tolerance::new(1e-3, 1e-3);
        let square = no_error.weighted_mean_square_of_one_lane(&state, &state, &one);
        assert!(!square.unwrap().unwrap().is_finite());
    }
}

#[test]
fn complex_lanes_have_steps_of_their_own() {
    let field = EachLane(|du: &mut [f64], u: &[f64], _t| {
        // The second number is the frequency.
        (du[0], du[1], du[2], du[3]) = (-u[2] * u[1], u[2] * u[0], 0.0, 0.0);
    });
    let start = Array2::from_shape_fn((4, 2), |(i, j)| match j {
        0 => C::new(1.0, 0.0),
        _ => C::new(1.0 + 3.0 * i as f64, 0.0),
    });
    let options = || SolveOptions::adaptive(1e-8, 1e-8).norm(ErrorNorm::EachLane);
    let solve_from =
        |start: Array2<C>| solve(&ode(field, start, (0.0, 3.0)), &Tsit5::new(), options()).unwrap();
    let all = solve_from(start.clone());
    assert!(all.lanes.iter().all(|lane| lane.outcome == Outcome::Success));
    assert!(all.lanes[0].nfe < all.lanes[3].nfe / 2);
    for lane in 0..4 {
        let alone = solve_from(start.select(ndarray::Axis(0), &[lane]));
        assert_eq!(alone.u_last.row(0), all.u_last.row(lane));
        let exact = C::from_polar(1.0, 3.0 * start[[lane, 1]].re);
        assert!((alone.u_last[[0, 0]] - exact).norm() < 1e-6);
    }
}

#[test]
fn noise_is_that_of_the_real_state_of_the_parts() {
    let mut complex = Array2::<C>::zeros((70, 40));
    fill_initial_normals(&mut complex, 2.0, 7, 3).unwrap();
    let mut real = Array2::<f64>::zeros((70, 80));
    fill_initial_normals(&mut real, 2.0, 7, 3).unwrap();
    assert_eq!(complex.values(), real.values());

    // Diagonal noise moves the parts apart, scalar noise multiplies by a real increment.
    let drift = EachLane(turn);
    let swirl = |g: &mut [f64], u: &[f64], _t: f64| {
        for (g, u) in g.chunks_exact_mut(2).zip(u.chunks_exact(2)) {
            (g[0], g[1]) = (-0.3 * u[1], 0.3 * u[0]);
        }
    };
    let each = |g: &mut [f64], u: &[f64], _t: f64| {
        g.iter_mut().zip(u).for_each(|(g, u)| *g = 0.2 + 0.1 * u);
    };
    fn ends<H, F>(field: F, start: H) -> [Vec<f64>; 2]
    where
        H: HostState<Scalar = f64>,
        F: driftfield_solvers::StochasticField<H, Interpretation = Ito> + Copy + 'static,
        F::Noise: driftfield_solvers::field::OneColumn,
    {
        let problem = SdeProblem::from_field(field, start, (0.0, 1.0));
        let options = || SolveOptions::steps(20).seed(3);
        let euler = solve(&problem, &EulerMaruyama::new(), options()).unwrap().u_last;
        let milstein = solve(&problem, &MilsteinDerivativeFree::new(), options()).unwrap().u_last;
        [euler, milstein].map(|end| end.values().unwrap().to_vec())
    }
    let complex = Array2::from_shape_fn((3, 2), |(i, j)| C::new(i as f64, 1.0 + j as f64));
    let parts = complex.values().unwrap().to_vec();
    let real = Array2::from_shape_vec((3, 4), parts).unwrap();
    let diagonal = Ito { drift, diffusion: EachLane(each) };
    assert_eq!(ends(diagonal, complex.clone()), ends(diagonal, real.clone()));
    let scalar = ScalarNoise(Ito { drift, diffusion: EachLane(swirl) });
    assert_eq!(ends(scalar, complex), ends(scalar, real));
}
