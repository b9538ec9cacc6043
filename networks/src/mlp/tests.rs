use candle_core::{DType, Device, Tensor};
use driftfield_problems::predictor::{Network, Times};
use driftfield_solvers::{FieldError, StateError};
use ndarray::{Array2, s};
use proptest::prelude::*;

use super::{Mlp, MlpConfig};
use crate::parameters::tests::random_parameters;
use crate::seeded::{Purpose, SeededRng};
use crate::{Parameters, Plan};

fn rows(n: usize, dimension: usize, seed: u64) -> Array2<f32> {
    let mut rng = SeededRng::new(seed, Purpose::Batch, 0);
    Array2::from_shape_simple_fn((n, dimension), || (1.5 * rng.normal()) as f32)
}

fn evaluate(plan: &Plan, x: &Array2<f32>, t: f64) -> Array2<f32> {
    let mut out = Array2::from_elem(x.raw_dim(), f32::NAN);
    plan.forward(&mut out, x, t.into()).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_plan_computes_what_candle_computes(
        n in 1usize..200,
        dimension in 1usize..9,
        width in 1usize..150,
        layers in 1usize..5,
        half_features in 1usize..40,
        residual: bool,
        seed: u64,
        t in 0.0f64..1.0,
    ) {
        let time_features = 2 * half_features;
        let config = MlpConfig { width, layers, time_features, residual, ..MlpConfig::new(dimension) };
        let parameters = random_parameters(&config, seed);
        let x = rows(n, dimension, seed);
        let found = evaluate(&Plan::new(&parameters), &x, t);
        let tensor = Tensor::from_slice(x.as_slice().unwrap(), (n, dimension), &Device::Cpu).unwrap();
        let mut out = tensor.clone();
        Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap().forward(&mut out, &tensor, t.into()).unwrap();
        let expected = out.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let scale = expected.iter().fold(1.0f32, |scale, value| scale.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((found - expected).abs() <= 1e-5 * scale, "{found} {expected} {scale}");
        }
    }

    /// Whatever tiles and blocks the rows fall into: whole, cut in two anywhere
    /// (so that both parts end raggedly), and one alone.
    #[test]
    fn a_row_has_the_same_bits_wherever_the_batch_is_cut(
        n in 2usize..500,
        cut in 0.0f64..1.0,
        dimension in 1usize..20,
        width in 1usize..150,
        layers in 1usize..3,
        seed: u64,
    ) {
        let config = MlpConfig { width, layers, ..MlpConfig::new(dimension) };
        let plan = Plan::new(&random_parameters(&config, seed));
        let x = rows(n, dimension, seed);
        let whole = evaluate(&plan, &x, 0.7);
        let cut = 1 + (cut * (n - 1) as f64) as usize;
        for range in [0..cut, cut..n, cut - 1..cut] {
            let part = evaluate(&plan, &x.slice(s![range.clone(), ..]).to_owned(), 0.7);
            prop_assert_eq!(part, whole.slice(s![range, ..]));
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_batch_chunk_and_thread_pool() {
    for (dimension, width) in [(2, 128), (3, 40), (5, 17)] {
        let config = MlpConfig { width, ..MlpConfig::new(dimension) };
        let plan = Plan::new(&random_parameters(&config, 3));
        let x = rows(3000, dimension, 9);
        let whole = evaluate(&plan, &x, 0.4);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                assert_eq!(whole, evaluate(&plan, &x, 0.4), "{threads} threads");
                // 7 rows each, so that rows meet every place of a tile; then alone.
                for (size, count) in [(7, 3000 / 7), (1, 300)] {
                    for chunk in 0..count {
                        let range = s![chunk * size..(chunk + 1) * size, ..];
                        let part = evaluate(&plan, &x.slice(range).to_owned(), 0.4);
                        assert_eq!(part, whole.slice(range), "rows of {size}, chunk {chunk}");
                    }
                }
            });
        }
    }
}

/// Every row at a time of its own is the row at that time.
#[test]
fn a_time_per_row_is_that_rows_time_whatever_its_neighbours() {
    for (dimension, width, residual) in [(2, 128, false), (3, 40, true), (5, 17, false)] {
        let config = MlpConfig { width, residual, ..MlpConfig::new(dimension) };
        let parameters = random_parameters(&config, 3);
        let plan = Plan::new(&parameters);
        let n = 700;
        let x = rows(n, dimension, 9);
        let times: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).fract()).collect();
        let each = |x: &Array2<f32>, times: &[f64]| {
            let mut out = Array2::from_elem(x.raw_dim(), f32::NAN);
            plan.forward(&mut out, x, Times::Each(times)).unwrap();
            out
        };
        let whole = each(&x, &times);
        let scale = whole.iter().fold(1.0f32, |scale, value| scale.max(value.abs()));
        for row in (0..n).step_by(13) {
            let alone = x.slice(s![row..row + 1, ..]).to_owned();
            let shared = evaluate(&plan, &alone, times[row]);
            let gap = &shared - &whole.slice(s![row..row + 1, ..]);
            assert!(gap.iter().all(|gap| gap.abs() <= 1e-5 * scale), "{gap} {scale}");
            assert_eq!(each(&alone, &times[row..=row]), whole.slice(s![row..row + 1, ..]));
        }
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                assert_eq!(each(&x, &times), whole);
                let tail = x.slice(s![333.., ..]).to_owned();
                assert_eq!(each(&tail, &times[333..]), whole.slice(s![333.., ..]));
            });
        }
        let tensor = Tensor::from_slice(x.as_slice().unwrap(), (n, dimension), &Device::Cpu);
        let tensor = tensor.unwrap();
        let mut out = tensor.clone();
        Mlp::new(&parameters, DType::F32, &Device::Cpu)
            .unwrap()
            .forward(&mut out, &tensor, Times::Each(&times))
            .unwrap();
        let expected = out.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in whole.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-5 * scale);
        }
        let mut out = x.clone();
        for bad in [&times[1..], &[]] {
            let refused = plan.forward(&mut out, &x, Times::Each(bad));
            let expected = StateError::LaneCoefficients { lanes: n, found: bad.len() };
            assert_eq!(refused, Err(expected.into()));
        }
        let refused = plan.forward(&mut out, &x, Times::Each(&vec![f64::NAN; n]));
        assert!(matches!(refused, Err(FieldError::Domain { .. })));
    }
}

#[test]
fn double_precision_states_are_rounded_and_widened() {
    let plan = Plan::new(&random_parameters(&MlpConfig::new(2), 3));
    let x = rows(70, 2, 1);
    let single = evaluate(&plan, &x, 0.1);
    let mut double = Array2::<f64>::zeros((70, 2));
    plan.forward(&mut double, &x.mapv(f64::from), 0.1.into()).unwrap();
    assert_eq!(single.mapv(f64::from), double);
    // One lane without a batch axis is one row.
    let mut lane = [0.0f32; 2];
    plan.forward(&mut lane, &[x[[4, 0]], x[[4, 1]]], 0.1.into()).unwrap();
    assert_eq!(lane, [single[[4, 0]], single[[4, 1]]]);
}

#[test]
fn bad_states_and_times_are_typed_errors() {
    let plan = Plan::new(&Parameters::initialise(&MlpConfig::new(2), 0).unwrap());
    let x = Array2::<f32>::zeros((3, 2));
    let mut out = x.clone();
    for bad in [Array2::<f32>::zeros((0, 2)), Array2::zeros((3, 3)), Array2::zeros((3, 0))] {
        let mut out = bad.clone();
        assert!(matches!(plan.forward(&mut out, &bad, 0.5.into()), Err(FieldError::Shape { .. })));
    }
    let strided = Array2::<f32>::zeros((2, 3)).reversed_axes();
    assert_eq!(
        plan.forward(&mut out, &strided, 0.5.into()),
        Err(FieldError::State(StateError::NotContiguous))
    );
    let mut short = Array2::<f32>::zeros((2, 2));
    assert!(matches!(
        plan.forward(&mut short, &x, 0.5.into()),
        Err(FieldError::State(StateError::ShapeMismatch { .. }))
    ));
    assert!(matches!(
        plan.forward(&mut out, &x, f64::INFINITY.into()),
        Err(FieldError::Domain { .. })
    ));
}

#[test]
fn a_non_finite_row_stays_its_own_problem() {
    let plan = Plan::new(&random_parameters(&MlpConfig::new(2), 3));
    let mut x = rows(10, 2, 1);
    let before = evaluate(&plan, &x, 0.3);
    x[[4, 0]] = f32::NAN;
    let after = evaluate(&plan, &x, 0.3);
    assert!(after.row(4).iter().all(|value| value.is_nan()));
    for row in (0..10).filter(|&row| row != 4) {
        assert_eq!(before.row(row), after.row(row));
    }
}
