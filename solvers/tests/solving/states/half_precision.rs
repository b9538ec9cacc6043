//! `f16` and `bf16`: sums are rounded once, and tolerances end where rounding begins.

use crate::common::ode;
use driftfield_solvers::field::{Diagonal, EachLane};
use driftfield_solvers::half::{bf16, f16};
use driftfield_solvers::method::{EulerMaruyama, Heun, Tsit5};
use driftfield_solvers::{
    Additive, Element, ErrorNorm, FieldError, HostState, Outcome, Save, Scalar, SdeProblem,
    SolveError, SolveOptions, State, StochasticField, solve,
};
use nalgebra::{DVector, SVector};
use ndarray::{Array1, Array2};

/// Half the distance from 1 to the next number.
fn unit_roundoff<T: Scalar>() -> f64 {
    0.5 * T::epsilon().into_f64()
}

fn decay<T: Scalar>(du: &mut T, u: &T, _t: f64) {
    *du = -*u;
}

#[test]
fn a_sum_is_accumulated_in_single_precision_and_rounded_once() {
    fn check<T: Scalar>() {
        let value = |i: usize, j: usize| T::from_f64(((3 * i + 7 * j) as f64).sin());
        for len in [1, 2, 5, 16, 17, 40] {
            let state = |j: usize| Array2::from_shape_fn((len, 1), |(i, _)| value(i, j));
            let terms: Vec<Array2<T>> = (1..8).map(state).collect();
            let coefficient = |j: usize| 0.01 * (j as f64 + 0.3);
            let list: Vec<(f64, &Array2<T>)> =
                terms.iter().enumerate().map(|(j, term)| (coefficient(j), term)).collect();
            let (a, b) = (state(20), state(21));
            let expected = |i: usize, product: bool| {
                let mut sum = 0.5 * value(i, 0).into_f64() as f32;
                for (j, term) in terms.iter().enumerate() {
                    sum += coefficient(j) as f32 * term[[i, 0]].into_f64() as f32;
                }
                if product {
                    sum += a[[i, 0]].into_f64() as f32 * b[[i, 0]].into_f64() as f32;
                }
                T::from_f64(sum.into())
            };
            let mut plain = state(0);
            plain.linear_combination(0.5, &list).unwrap();
            let mut with_product = state(0);
            with_product.linear_combination_and_product(0.5, &list, (&a, &b)).unwrap();
            let mut by_lane = state(0);
            let factors: Vec<Vec<f64>> = (0..7).map(|j| vec![coefficient(j); len]).collect();
            let lanes: Vec<(&[f64], &Array2<T>)> =
                factors.iter().zip(&terms).map(|(c, term)| (&c[..], term)).collect();
            by_lane.combine_lanes(&vec![0.5; len], &lanes).unwrap();
            for i in 0..len {
                assert_eq!(plain[[i, 0]], expected(i, false));
                assert_eq!(by_lane[[i, 0]], expected(i, false));
                assert_eq!(with_product[[i, 0]], expected(i, true));
            }
        }
        // Twelve terms of an eighth of the last place each.
        let tiny = [T::from_f64(0.25 * unit_roundoff::<T>())];
        let mut sum = [T::one()];
        sum.stage_sum(Some(&[T::one()]), 1.0, &[1.0; 12], &[tiny; 12]).unwrap();
        assert_eq!(sum[0].into_f64(), 1.0 + 4.0 * unit_roundoff::<T>());
        let one_by_one = (0..12).fold(T::one(), |sum, _| sum + tiny[0]);
        assert_eq!(one_by_one, T::one());
    }
    check::<f16>();
    check::<bf16>();
}

/// Heun's steps for `u' = -u`, rounded after every term.
fn heun_term_by_term<T: Scalar>(mut u: T, steps: usize) -> T {
    let h = T::from_f64(1.0 / steps as f64);
    let half = T::from_f64(0.5 / steps as f64);
    for _ in 0..steps {
        let first = -u;
        let second = -(u + h * first);
        u += half * first;
        u += half * second;
    }
    u
}

#[test]
fn a_decay_ends_within_its_rounding_and_nearer_than_with_a_rounding_for_each_term() {
    fn check<T: Scalar + HostState<Scalar = T>>() {
        let (mut ours, mut naive) = (0.0f64, 0.0f64);
        for i in 0..64 {
            let start = T::from_f64(1.0 + i as f64 / 64.0);
            let exact = start.into_f64() * (-1.0f64).exp();
            let problem = ode(decay::<T>, start, (0.0, 1.0));
            let end = solve(&problem, &Heun::new(), SolveOptions::steps(30)).unwrap().u_last;
            ours += (end.into_f64() / exact - 1.0).abs();
            naive += (heun_term_by_term(start, 30).into_f64() / exact - 1.0).abs();
        }
        let mean = ours / 64.0 / unit_roundoff::<T>();
        assert!(mean < 2.0, "{mean} times the rounding");
        assert!(ours < 0.5 * naive, "{ours} {naive}");
    }
    check::<f16>();
    check::<bf16>();
}

#[test]
fn every_container_of_half_precision_holds_the_same_numbers() {
    fn check<T: Element<Scalar = T> + Scalar + HostState<Scalar = T>>() {
        let starts = [0.5, -1.25].map(T::from_f64);
        let options = || SolveOptions::steps(9);
        let scalar = starts.map(|start| {
            let problem = ode(decay::<T>, start, (0.0, 1.0));
            solve(&problem, &Heun::new(), options()).unwrap().u_last
        });
        fn end<H: HostState<Scalar = T>, T: Scalar>(start: H) -> Vec<T> {
            let field = EachLane(|du: &mut [T], u: &[T], t| {
                (0..u.len()).for_each(|i| decay(&mut du[i], &u[i], t))
            });
            let problem = ode(field, start, (0.0, 1.0));
            let end = solve(&problem, &Heun::new(), SolveOptions::steps(9)).unwrap().u_last;
            end.values().unwrap().to_vec()
        }
        assert_eq!(end(starts), scalar);
        assert_eq!(end(SVector::from(starts)), scalar);
        assert_eq!(end(DVector::from_row_slice(&starts)), scalar);
        assert_eq!(end(Array1::from(starts.to_vec())), scalar);
        assert_eq!(end(Array2::from(vec![starts])), scalar);
    }
    check::<bf16>();
}

#[test]
fn errors_follow_tolerances_down_to_half_the_rounding_where_steps_are_refused() {
    fn check<T: Scalar + HostState<Scalar = T>>() {
        let problem = ode(decay::<T>, T::one(), (0.0, 1.0));
        let run = |tolerance: f64| {
            let options = SolveOptions::adaptive(0.0, tolerance).max_steps(1000);
            solve(&problem, &Tsit5::new(), options)
        };
        for factor in [1.0, 2.0, 4.0, 8.0] {
            let tolerance = factor * unit_roundoff::<T>();
            let solution = run(tolerance).unwrap();
            assert_eq!(solution.outcome, Outcome::Success);
            let error = (solution.u_last.into_f64() / (-1.0f64).exp() - 1.0).abs();
            assert!(error < tolerance + 3.0 * unit_roundoff::<T>(), "{tolerance} {error}");
        }
        for tolerance in [0.99 * unit_roundoff::<T>(), 1e-6, 1e-12] {
            let Err(SolveError::NoStep { outcome, statistics, .. }) = run(tolerance) else {
                panic!("{tolerance} is below the rounding")
            };
            assert!(matches!(*outcome, Outcome::StepTooSmall { .. }), "{outcome:?}");
            assert!(statistics.rejected < 40);
        }
    }
    check::<f16>();
    check::<bf16>();
}

#[test]
fn lanes_of_half_precision_have_steps_of_their_own_and_dense_output() {
    let field =
        EachLane(|du: &mut [f16], u: &[f16], _t| (du[0], du[1]) = (-u[1] * u[0], f16::ZERO));
    let rates = [0.1, 1.0, 4.0];
    let start =
        Array2::from_shape_fn((3, 2), |(i, j)| f16::from_f64(if j == 0 { 1.0 } else { rates[i] }));
    let problem = ode(field, start, (0.0, 1.0));
    let options = SolveOptions::adaptive(1e-3, 1e-3).norm(ErrorNorm::EachLane);
    let solution = solve(&problem, &Tsit5::new(), options.save(Save::dense())).unwrap();
    assert!(solution.lanes[0].nfe < solution.lanes[2].nfe);
    for t in [0.0, 0.37, 1.0] {
        let state = solution.interpolate(t).unwrap();
        for (row, rate) in state.rows().into_iter().zip(rates) {
            let exact = (-row[1].to_f64() * t).exp();
            assert!((row[1].to_f64() - rate).abs() < 1e-3);
            assert!((row[0].to_f64() - exact).abs() < 4e-3, "{} {exact}", row[0]);
        }
    }
}

/// `du = -u dt + 0.5 dW` in any precision.
struct OrnsteinUhlenbeck;

impl<T: Scalar> StochasticField<Array2<T>> for OrnsteinUhlenbeck {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut Array2<T>, u: &Array2<T>, _t: f64) -> Result<(), FieldError> {
        out.zip_mut_with(u, |out, &u| *out = -u);
        Ok(())
    }
    fn diffusion(
        &self,
        _: usize,
        out: &mut Array2<T>,
        _u: &Array2<T>,
        _t: f64,
    ) -> Result<(), FieldError> {
        out.fill(T::from_f64(0.5));
        Ok(())
    }
}

#[test]
fn a_path_in_half_precision_follows_the_same_path_in_double() {
    fn end<T: Scalar>() -> Vec<f64> {
        let problem = SdeProblem::from_field(
            OrnsteinUhlenbeck,
            Array2::<T>::from_elem((2000, 1), T::one()),
            (0.0, 1.0),
        );
        let options = SolveOptions::steps(32).seed(5);
        let end = solve(&problem, &EulerMaruyama::new(), options).unwrap().u_last;
        end.iter().map(|u| u.into_f64()).collect()
    }
    let double = end::<f64>();
    let distance = |half: Vec<f64>| {
        let squares = half.iter().zip(&double).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>() / double.len() as f64).sqrt()
    };
    // 32 roundings of states below 2, each forgotten at rate 1, add up to less than four of the
    // mean size.
    assert!(distance(end::<f16>()) < 2.0 * unit_roundoff::<f16>());
    assert!(distance(end::<bf16>()) < 2.0 * unit_roundoff::<bf16>());
}
