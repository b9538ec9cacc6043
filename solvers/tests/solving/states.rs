//! Every container solves the same problem to the same numbers.

mod complex;
mod half_precision;
mod with_numbers;

use crate::common::ode;
use driftfield_solvers::method::{Euler, EulerMaruyama, Heun, Tsit5};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{OdeProblem, Save, SdeProblem, SolveOptions, State, Tolerance, solve};
use nalgebra::{DVector, SVector, Vector3};
use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, array};
use proptest::prelude::*;

/// Solves `u' = cos(t) - u` from the given state and returns the end.
fn solve_decay<S: State>(initial: S, field: impl Fn(&mut S, &S, f64)) -> S {
    let problem = OdeProblem::new(field, initial, (0.0, 1.0));
    let solution = solve(&problem, &Tsit5::new(), SolveOptions::steps(7)).unwrap();
    solution.u_last
}

#[test]
fn containers_agree_to_the_bit() {
    let scalar = |u0: f64| solve_decay(u0, |du: &mut f64, u: &f64, t: f64| *du = t.cos() - u);
    let expected = [scalar(0.5), scalar(-1.25), scalar(2.0)];
    let values = [0.5, -1.25, 2.0];

    let fixed = solve_decay(values, |du: &mut [f64; 3], u: &[f64; 3], t: f64| {
        for i in 0..3 {
            du[i] = t.cos() - u[i];
        }
    });
    assert_eq!(fixed, expected);
    let svector =
        solve_decay(Vector3::from(values), |du: &mut Vector3<f64>, u: &Vector3<f64>, t| {
            *du = Vector3::repeat(t.cos()) - u;
        });
    assert_eq!(svector, Vector3::from(expected));
    let dvector = DVector::from_row_slice(&values);
    let dvector = solve_decay(dvector, |du: &mut DVector<f64>, u: &DVector<f64>, t| {
        du.zip_apply(u, |du, u| *du = t.cos() - u);
    });
    assert_eq!(dvector.as_slice(), expected);
    let array1 = solve_decay(Array1::from(values.to_vec()), |du: &mut Array1<f64>, u, t| {
        du.zip_mut_with(u, |du, u| *du = t.cos() - u);
    });
    assert_eq!(array1.to_vec(), expected);
    let array3 = Array3::from_shape_vec((1, 3, 1), values.to_vec()).unwrap();
    let array3 = solve_decay(array3, |du: &mut Array3<f64>, u, t| {
        du.zip_mut_with(u, |du, u| *du = t.cos() - u);
    });
    assert_eq!(array3.as_slice().unwrap(), expected);
    let dynamic = ArrayD::from_shape_vec(IxDyn(&[3, 1]), values.to_vec()).unwrap();
    let dynamic = solve_decay(dynamic, |du: &mut ArrayD<f64>, u, t| {
        du.zip_mut_with(u, |du, u| *du = t.cos() - u);
    });
    assert_eq!(dynamic.as_slice().unwrap(), expected);
}

#[test]
fn single_precision_follows_double_to_its_rounding() {
    let double = solve_decay(0.5, |du: &mut f64, u: &f64, t: f64| *du = t.cos() - u);
    let single = solve_decay(0.5f32, |du: &mut f32, u: &f32, t: f64| *du = t.cos() as f32 - u);
    assert!((f64::from(single) - double).abs() < 1e-6);
    let vector = solve_decay(
        SVector::<f32, 2>::repeat(0.5),
        |du: &mut SVector<f32, 2>, u: &SVector<f32, 2>, t| {
            *du = SVector::repeat(t.cos() as f32) - u;
        },
    );
    assert_eq!(vector[1], single);
}

#[test]
fn lanes_are_the_first_axis() {
    assert_eq!(Array2::<f32>::zeros((5, 3)).lanes(), 5);
    assert_eq!(Array2::<f32>::zeros((5, 3)).lane_len(), 3);
    assert_eq!(ArrayD::<f64>::zeros(IxDyn(&[4, 1, 28, 28])).lane_len(), 784);
    assert_eq!((Array1::<f64>::zeros(6).lanes(), Array1::<f64>::zeros(6).lane_len()), (6, 1));
    assert_eq!((DVector::<f64>::zeros(6).lanes(), [0.0f32; 6].lanes(), 1.0f64.lanes()), (1, 1, 1));
}

proptest! {
    #[test]
    fn a_linear_combination_is_the_sum_of_its_terms(
        values in prop::collection::vec(-10.0..10.0f64, 1..200),
        coefficients in prop::collection::vec(-2.0..2.0f64, 0..6),
        own in prop::sample::select(vec![0.0, 1.0, -0.5]),
    ) {
        let n = values.len();
        let u = Array1::from(values);
        let terms: Vec<Array1<f64>> =
            (0..coefficients.len()).map(|k| u.mapv(|x| (x * (k + 2) as f64).sin())).collect();
        let mut combined = u.clone();
        let pairs: Vec<(f64, &Array1<f64>)> =
            coefficients.iter().copied().zip(terms.iter()).collect();
        combined.linear_combination(own, &pairs).unwrap();
        for i in 0..n {
            let expected: f64 =
                own * u[i] + pairs.iter().map(|(c, k)| c * k[i]).sum::<f64>();
            prop_assert!((combined[i] - expected).abs() <= 1e-13 * (1.0 + expected.abs()));
        }
    }
}

#[test]
fn old_content_that_is_not_finite_is_overwritten() {
    let mut u = [f64::NAN, f64::INFINITY];
    u.linear_combination(0.0, &[(2.0, &[1.0, 3.0])]).unwrap();
    assert_eq!(u, [2.0, 6.0]);
}

#[test]
fn weighted_errors_are_per_lane_and_never_hide_infinity() {
    let error = array![[1e-3, 2e-3], [0.0, 0.0]];
    let before = array![[1.0, -2.0], [1.0, 1.0]];
    let after = array![[0.5, 1.0], [f64::INFINITY, 1.0]];
    let mut lanes = Vec::new();
    let tolerance = Tolerance::new(vec![1e-3, 1e-2], 1e-3);
    error.weighted_mean_squares(&before, &after, &tolerance, &mut lanes).unwrap();
    let expected = ((1e-3 / 2e-3_f64).powi(2) + (2e-3 / 1.2e-2_f64).powi(2)) / 2.0;
    assert!((lanes[0] - expected).abs() < 1e-15);
    assert!(lanes[1].is_nan());
    assert_eq!(after.first_non_finite_lane().unwrap(), Some(1));
}

#[test]
fn a_lane_draws_the_same_whatever_the_batch() {
    let mut whole = Array2::<f64>::zeros((10, 150));
    fill_initial_normals(&mut whole, 2.0, 7, 0).unwrap();
    let mut part = Array2::<f64>::zeros((3, 150));
    fill_initial_normals(&mut part, 2.0, 7, 4).unwrap();
    assert_eq!(part, whole.slice(ndarray::s![4..7, ..]));
    let mut single = Array2::<f32>::zeros((10, 150));
    fill_initial_normals(&mut single, 2.0, 7, 0).unwrap();
    assert!(single.iter().zip(&whole).all(|(a, b)| *a == *b as f32));
    let mut other = Array2::<f64>::zeros((10, 150));
    fill_initial_normals(&mut other, 2.0, 8, 0).unwrap();
    assert!(whole.iter().zip(&other).all(|(a, b)| a != b));
}

#[test]
fn no_allocation_free_container_loses_its_values_in_a_solve() {
    // Fields see the same addresses step after step: buffers are reused.
    let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let field = |du: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
        seen.borrow_mut().insert((du.as_ptr() as usize, u.as_ptr() as usize));
        du.zip_mut_with(u, |du, u| *du = -u);
    };
    let problem = OdeProblem::new(field, Array2::ones((100, 3)), (0.0, 1.0));
    let _ = solve(&problem, &Heun::new(), SolveOptions::steps(100)).unwrap();
    assert!(
        seen.borrow().len() <= 4,
        "{} different buffers in 200 evaluations",
        seen.borrow().len()
    );
}

#[test]
fn noise_of_a_lane_depends_on_seed_lane_and_grid_alone() {
    let run = |lanes: usize, first_lane: u64, seed: u64, steps: usize| {
        let drift = |du: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
            du.zip_mut_with(u, |du, u| *du = -u);
        };
        let diffusion = |g: &mut Array2<f64>, _u: &Array2<f64>, t: f64| g.fill(0.5 + t);
        let problem = SdeProblem::new(drift, diffusion, Array2::ones((lanes, 2)), (0.0, 1.0));
        let options = SolveOptions::steps(steps).seed(seed).first_lane(first_lane);
        solve(&problem, &EulerMaruyama::new(), options).unwrap().u_last
    };
    let whole = run(3000, 0, 5, 20);
    for first in [0, 1, 1234] {
        for lanes in [1, 7] {
            let chunk = run(lanes, first as u64, 5, 20);
            assert_eq!(chunk, whole.slice(ndarray::s![first..first + lanes, ..]));
        }
    }
    assert_ne!(run(1, 0, 6, 20), run(1, 0, 5, 20));
}

#[test]
fn saving_copies_nothing_that_was_not_asked_for() {
    let problem = ode(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
    let solution = solve(&problem, &Euler::new(), SolveOptions::steps(1000)).unwrap();
    assert!(solution.u.is_empty() && solution.dense.is_empty());
    let solution =
        solve(&problem, &Euler::new(), SolveOptions::steps(1000).save(Save::every(100))).unwrap();
    assert_eq!(solution.u.len(), 10);
}
