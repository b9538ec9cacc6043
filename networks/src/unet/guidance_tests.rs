use std::ops::Range;

use driftfield_problems::predictor::{
    Network, NetworkPredictor, Prediction, Predictor, Pullback, Target, Times,
};
use driftfield_problems::process;
use driftfield_solvers::FieldError;
use ndarray::Array2;

use super::tests::{Case, case, with_gradient};
use crate::Plan;

fn evaluated(plan: &Plan, case: &Case, labels: &[u32]) -> Vec<f32> {
    let mut out = vec![0.0; case.images.len()];
    let plan = plan.with_labels(labels.to_vec()).unwrap();
    plan.evaluate(&mut out, &case.images, Times::Each(&case.times)).unwrap();
    out
}

fn gradient(plan: &Plan, case: &Case) -> Vec<f32> {
    let plan = plan.with_labels(case.labels.clone()).unwrap();
    let (out, gradient) = with_gradient(&plan, &case.images, &case.direction, &case.times);
    assert_eq!(out, evaluated(&plan, case, &case.labels));
    gradient
}

/// More images than a tile, so that the last tile is not full.
#[test]
fn guidance_mixes_the_network_with_and_without_labels_and_counts_its_passes() {
    let case = case(2, 6);
    let plan = Plan::new(&case.parameters);
    let none = vec![case.parameters.config().no_label(); 6];
    let (with, without) = (evaluated(&plan, &case, &case.labels), evaluated(&plan, &case, &none));
    assert_ne!(with, without);
    for (weight, passes) in [(0.0, 1), (1.0, 1), (1.5, 2), (-0.5, 2)] {
        let guided = plan.with_guidance(weight).unwrap();
        let mix = |(u, c): (&f32, &f32)| match weight {
            0.0 => *u,
            1.0 => *c,
            _ => u + weight as f32 * (c - u),
        };
        let expected: Vec<f32> = without.iter().zip(&with).map(mix).collect();
        assert_eq!(evaluated(&guided, &case, &case.labels), expected, "{weight}");
        assert_eq!(Network::<Array2<f32>>::forwards(&guided, 0.5.into()), passes);
    }
    assert!(plan.with_guidance(f64::NAN).is_err());
}

#[test]
fn the_gradient_under_guidance_is_that_of_the_mixture() {
    let case = case(2, 6);
    let plan = Plan::new(&case.parameters);
    let of = |weight: f64| gradient(&plan.with_guidance(weight).unwrap(), &case);
    let (with, without, guided) = (of(1.0), of(0.0), of(1.5));
    let largest = guided.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for ((with, without), guided) in with.iter().zip(&without).zip(&guided) {
        let expected = without + 1.5 * (with - without);
        assert!((guided - expected).abs() < 2e-6 * largest, "{guided} {expected}");
    }
}

/// Central differences of a function in single precision, with a step that balances their two
/// errors, have three digits; the gradient itself is tested to five in `f64`.
#[test]
fn the_predicted_data_is_differentiated_on_every_process_and_prediction() {
    let case = case(2, 5);
    let dimension = case.parameters.config().dimension();
    let x = Array2::from_shape_vec((5, dimension), case.images.clone()).unwrap();
    let along = Array2::from_shape_vec((5, dimension), case.direction.clone()).unwrap();
    let plan = Plan::new(&case.parameters).with_labels(vec![0, 1, 2, 0, 1]).unwrap();
    let plan = plan.with_guidance(1.3).unwrap();
    for (path, prediction) in [
        ("rectified-flow", Prediction::Velocity),
        ("vp", Prediction::Noise),
        ("brownian-bridge", Prediction::Data),
    ] {
        let path = process::parse(path).unwrap();
        let predictor = NetworkPredictor::new(plan.clone(), prediction, path);
        let (mut data, mut gradient) = (x.clone(), x.clone());
        // c = D itself: the gradient is that of |D|^2 / 2.
        let own = |_: Range<usize>, data: &Array2<f32>, c: &mut Array2<f32>| {
            c.assign(data);
            Ok(())
        };
        let pull = Pullback::new(&mut data, &own, &mut gradient);
        predictor.pull_back(Target::DATA.into(), pull, &x, 0.4.into()).unwrap();
        let predicted = |x: &Array2<f32>| {
            let mut data = x.clone();
            predictor.predict(Target::DATA.into(), &mut data, x, 0.4.into()).unwrap();
            data
        };
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5 * (1.0 + a.abs());
        assert!(data.iter().zip(&predicted(&x)).all(close));
        let half_square = |step: f32| {
            let data = predicted(&(&x + &(&along * step)));
            0.5 * data.iter().map(|&d| f64::from(d).powi(2)).sum::<f64>()
        };
        let step = 4e-3;
        let expected = (half_square(step) - half_square(-step)) / (2.0 * f64::from(step));
        let pairs = gradient.iter().zip(&along);
        let found: f64 = pairs.map(|(g, a)| f64::from(*g) * f64::from(*a)).sum();
        assert!((found - expected).abs() < 2e-3 * expected.abs().max(1.0), "{found} {expected}");
    }
}

#[test]
fn lanes_at_times_of_their_own_take_one_label() {
    let case = case(2, 5);
    let dimension = case.parameters.config().dimension();
    let x = Array2::from_shape_vec((5, dimension), case.images.clone()).unwrap();
    let plan = Plan::new(&case.parameters).with_label(2).unwrap();
    let mut out = x.clone();
    plan.forward(&mut out, &x, Times::Each(&case.times)).unwrap();
    assert_eq!(out.as_slice().unwrap(), evaluated(&plan, &case, &[2]));
    let several = plan.with_labels(vec![0, 1, 2, 0, 1]).unwrap();
    let error = several.forward(&mut out, &x, Times::Each(&case.times)).unwrap_err();
    assert!(matches!(error, FieldError::Other(_)) && error.to_string().contains("one label"));
}
