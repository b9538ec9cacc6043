use std::collections::HashMap;
use std::sync::Mutex;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use driftfield_problems::predictor::Network;
use driftfield_solvers::FieldError;

use super::*;
use crate::seeded::{Purpose, SeededRng};
use crate::{Gradients, Layers, OnTensors, Parameters, PassInputs, Plan, Pulled, Times};

/// Two or three levels, none of whose sizes is another's.
fn small(levels: usize) -> UNetConfig {
    UNetConfig {
        side: 4 << levels,
        channels: [16, 32, 48][..levels].to_vec(),
        groups: 4,
        heads: 2,
        condition: 16,
        time_features: 8,
        labels: 3,
        ..UNetConfig::default()
    }
}

fn normals(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = SeededRng::new(seed, Purpose::Batch, 7);
    (0..count).map(|_| rng.normal() as f32).collect()
}

/// No parameter is at the zero or the one it starts from.
fn random_parameters(config: &UNetConfig) -> Parameters<UNetConfig> {
    let mut values = config.initial_values(3);
    for entry in config.entries() {
        let fan = entry.shape[..entry.shape.len() - 1].iter().product::<usize>().max(16);
        let noise = normals(entry.range.len(), entry.range.start as u64);
        for (value, noise) in values[entry.range].iter_mut().zip(noise) {
            *value += 0.5 * noise / (fan as f32).sqrt();
        }
    }
    Parameters::from_values(config, values).unwrap()
}

pub(super) struct Case {
    pub(super) parameters: Parameters<UNetConfig>,
    pub(super) images: Vec<f32>,
    pub(super) direction: Vec<f32>,
    pub(super) times: Vec<f64>,
    pub(super) labels: Vec<u32>,
}

pub(super) fn case(levels: usize, images: usize) -> Case {
    let config = small(levels);
    let len = images * config.dimension();
    Case {
        images: normals(len, 1),
        direction: normals(len, 2),
        times: (0..images).map(|i| 0.1 + 0.8 * i as f64 / images as f64).collect(),
        labels: (0..images).map(|i| (i % 4) as u32).collect(),
        parameters: random_parameters(&config),
    }
}

impl Case {
    /// Result, and gradients of its inner product with the direction in the images and in all
    /// weights, by candle in double precision.
    fn by_candle(&self) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (config, device) = (self.parameters.config(), &Device::Cpu);
        let shape = (self.times.len(), 1, config.side, config.side);
        let double = |values: &[f32], shape: Vec<usize>| {
            Tensor::from_slice(values, shape, device).unwrap().to_dtype(DType::F64).unwrap()
        };
        let entries = self.parameters.entries();
        let vars: HashMap<String, Var> = entries
            .iter()
            .map(|entry| {
                let values = &self.parameters.values()[entry.range.clone()];
                let tensor = double(values, entry.shape.clone());
                (entry.name.clone(), Var::from_tensor(&tensor).unwrap())
            })
            .collect();
        let tensors = vars.iter().map(|(n, v)| (n.clone(), v.as_tensor().clone())).collect();
        let net =
            UNet::from_vars(config, VarBuilder::from_tensors(tensors, DType::F64, device)).unwrap();
        let dims = vec![shape.0, 1, shape.2, shape.3];
        let x = Var::from_tensor(&double(&self.images, dims.clone())).unwrap();
        let out = net.forward(&x, &self.times, &self.labels).unwrap();
        let product = (&out * double(&self.direction, dims)).unwrap().sum_all().unwrap();
        let grads = product.backward().unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let weights =
            entries.iter().flat_map(|entry| flat(grads.get(&vars[&entry.name]).unwrap())).collect();
        (flat(&out), flat(grads.get(&x).unwrap()), weights)
    }

    fn by_plan(&self) -> (Vec<f32>, Vec<f32>) {
        let plan = Plan::new(&self.parameters).with_labels(self.labels.clone()).unwrap();
        let (out, of_x) = with_gradient(&plan, &self.images, &self.direction, &self.times);
        let mut again = self.images.clone();
        plan.evaluate(&mut again, &self.images, Times::Each(&self.times)).unwrap();
        assert_eq!(out, again);
        (out, of_x)
    }

    fn of_weights(&self) -> Vec<f32> {
        let mut layers = self.parameters.config().layers();
        layers.fill(self.parameters.values());
        let mut tape = layers.tape(self.times.len());
        let mut out = self.images.clone();
        let mut gradient = vec![0.0; layers.count()];
        let (states, times) = (&self.images[..], Times::Each(&self.times));
        let inputs = PassInputs { states, times, labels: &self.labels };
        // Twice: nothing of the first pass may be left over.
        for _ in 0..2 {
            gradient.fill(0.0);
            layers.forward(&mut tape, inputs, &mut out);
            let gradients = Gradients { parameters: Some(&mut gradient), ..Gradients::default() };
            layers.backward(&mut tape, inputs, &self.direction, gradients);
        }
        gradient
    }
}

/// Result, and the gradient in the images of its product with `direction`.
pub(super) fn with_gradient(
    plan: &Plan,
    images: &[f32],
    direction: &[f32],
    times: &[f64],
) -> (Vec<f32>, Vec<f32>) {
    let (mut out, mut of_x) = (images.to_vec(), images.to_vec());
    let asked = Mutex::new(vec![0.0; images.len()]);
    let results =
        Pulled { output: &mut out, states: Some(&mut of_x), times: None, parameters: None };
    let given = |rows: std::ops::Range<usize>, _: &[f32], c: &mut [f32]| {
        let image = c.len() / rows.len();
        let places = rows.start * image..rows.end * image;
        c.copy_from_slice(&direction[places.clone()]);
        asked.lock().unwrap()[places].copy_from_slice(c);
        Ok(())
    };
    plan.pull_back(results, images, Times::Each(times), &given).unwrap();
    // All images were asked for.
    assert_eq!(asked.into_inner().unwrap(), direction);
    (out, of_x)
}

/// Largest difference relative to the largest value.
fn apart(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-3f64, |scale, value| scale.max(value.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |worst: f64, (&f, &e)| worst.max((f64::from(f) - e).abs())) / scale
}

#[test]
fn the_plan_and_its_gradients_are_those_of_the_definition() {
    for levels in 1..=3 {
        let case = case(levels, 5);
        let (out, of_x, of_weights) = case.by_candle();
        let (found, found_of_x) = case.by_plan();
        let worst = apart(&found, &out);
        assert!(worst < 1e-5, "{levels}: {worst}");
        let worst = apart(&found_of_x, &of_x);
        assert!(worst < 1e-5, "{levels}: gradient in the images {worst}");
        let found = case.of_weights();
        for entry in case.parameters.entries() {
            let worst = apart(&found[entry.range.clone()], &of_weights[entry.range]);
            assert!(worst < 2e-5, "{levels}: gradient in {} {worst}", entry.name);
        }
    }
}

/// The definition's result times the direction, in double precision, with the images moved by
/// `step` along `along` and the weights along `along_weights`.
fn product_at(case: &Case, step: f64, along: Option<&[f64]>, along_weights: &[f64]) -> f64 {
    let (config, device) = (case.parameters.config(), &Device::Cpu);
    let moved = |values: &[f32], along: Option<&[f64]>, shape: Vec<usize>| {
        let values = values.iter().enumerate();
        let values: Vec<f64> = values
            .map(|(i, &v)| f64::from(v) + step * along.map_or(0.0, |along| along[i]))
            .collect();
        Tensor::from_vec(values, shape, device).unwrap()
    };
    let tensors = case
        .parameters
        .entries()
        .into_iter()
        .map(|entry| {
            let along = (!along_weights.is_empty()).then(|| &along_weights[entry.range.clone()]);
            let values = &case.parameters.values()[entry.range];
            (entry.name, moved(values, along, entry.shape))
        })
        .collect();
    let net =
        UNet::from_vars(config, VarBuilder::from_tensors(tensors, DType::F64, device)).unwrap();
    let shape = vec![case.times.len(), 1, config.side, config.side];
    let x = moved(&case.images, along, shape.clone());
    let out = net.forward(&x, &case.times, &case.labels).unwrap();
    let direction = moved(&case.direction, None, shape);
    (out * direction).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
}

fn dot(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * b).sum()
}

/// Fourth-order central difference: the truncation is far below what single precision leaves.
fn slope(value: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3;
    (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * h)
}

#[test]
fn the_gradients_are_the_slopes_of_the_definition_in_double_precision() {
    let case = case(2, 3);
    let (_, of_x) = case.by_plan();
    let of_weights = case.of_weights();
    let size = |g: &[f32]| g.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    for seed in 10..14 {
        let along: Vec<f64> = normals(of_x.len(), seed).iter().map(|&v| v.into()).collect();
        let expected = slope(|step| product_at(&case, step, Some(&along), &[]));
        let found = dot(&of_x, &along);
        assert!((found - expected).abs() < 1e-5 * size(&of_x), "images: {found} {expected}");
    }
    for entry in case.parameters.entries() {
        let mut along = vec![0.0; of_weights.len()];
        let noise = normals(entry.range.len(), entry.range.end as u64);
        for (along, noise) in along[entry.range.clone()].iter_mut().zip(noise) {
            *along = f64::from(noise) / (entry.range.len() as f64).sqrt();
        }
        let expected = slope(|step| product_at(&case, step, None, &along));
        let found = dot(&of_weights, &along);
        let scale = size(&of_weights[entry.range]).max(1e-2);
        assert!((found - expected).abs() < 1e-5 * scale, "{}: {found} {expected}", entry.name);
    }
}

#[test]
fn an_image_has_the_same_bits_alone_and_among_others() {
    let case = case(2, 11);
    let dimension = case.parameters.config().dimension();
    let (out, of_x) = case.by_plan();
    let plan = Plan::new(&case.parameters);
    for i in [0, 3, 4, 10] {
        let pixels = i * dimension..(i + 1) * dimension;
        let plan = plan.with_label(case.labels[i]).unwrap();
        let (images, direction) = (&case.images[pixels.clone()], &case.direction[pixels.clone()]);
        let (alone, gradient) = with_gradient(&plan, images, direction, &case.times[i..i + 1]);
        assert_eq!(alone, out[pixels.clone()]);
        assert_eq!(gradient, of_x[pixels]);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| case.by_plan()), (out, of_x));
}

#[test]
fn as_a_network_it_takes_states_of_any_container_with_a_label_each() {
    let case = case(2, 4);
    let plan = Plan::new(&case.parameters);
    let side = case.parameters.config().side;
    let shape = [4, 1, side, side];
    let x = ndarray::ArrayD::from_shape_vec(&shape[..], case.images.clone()).unwrap();
    let mut out = x.clone();
    let mut expected = case.images.clone();
    for (labels, network) in [
        (vec![3], plan.clone()),
        (vec![2], plan.with_label(2).unwrap()),
        (vec![0, 1, 3, 2], plan.with_labels(vec![0, 1, 3, 2]).unwrap()),
    ] {
        network.forward(&mut out, &x, 0.3.into()).unwrap();
        let labelled = plan.with_labels(labels).unwrap();
        labelled.evaluate(&mut expected, &case.images, Times::One(0.3)).unwrap();
        assert_eq!(out.as_slice().unwrap(), expected);
        let tensor = Tensor::from_slice(&case.images, &shape, &Device::Cpu).unwrap();
        let mut result = tensor.clone();
        OnTensors(network.clone()).forward(&mut result, &tensor, 0.3.into()).unwrap();
        assert_eq!(result.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
        let wide = x.mapv(f64::from);
        let mut result = wide.clone();
        network.forward(&mut result, &wide, 0.3.into()).unwrap();
        assert_eq!(result, out.mapv(f64::from));
    }
    assert_ne!(expected[..side], out.as_slice().unwrap()[side..2 * side]);
}

#[test]
fn a_tensor_of_the_network_is_differentiable() {
    let case = case(2, 3);
    let (out, of_x) = case.by_plan();
    let plan = Plan::new(&case.parameters).with_labels(case.labels.clone()).unwrap();
    let side = case.parameters.config().side;
    let tensor = |v: &[f32]| Tensor::from_slice(v, (3, 1, side, side), &Device::Cpu).unwrap();
    let x = Var::from_tensor(&tensor(&case.images)).unwrap();
    let result = plan.forward_tensor(&x, Times::Each(&case.times)).unwrap();
    assert_eq!(result.flatten_all().unwrap().to_vec1::<f32>().unwrap(), out);
    let grads = (result * tensor(&case.direction)).unwrap().sum_all().unwrap().backward().unwrap();
    let found = grads.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(found, of_x);
}

#[test]
fn bad_labels_times_and_shapes_are_typed_errors() {
    let case = case(1, 2);
    let plan = Plan::new(&case.parameters);
    let mut out = case.images.clone();
    let mut evaluate = |images: &[f32], times: &[f64], labels: &[u32]| {
        let times = if let [t] = times { Times::One(*t) } else { Times::Each(times) };
        let plan = plan.with_labels(labels.to_vec())?;
        plan.evaluate(&mut out[..images.len()], images, times)
    };
    let x = &case.images;
    assert!(matches!(evaluate(x, &[f64::NAN], &[0]), Err(FieldError::Domain { .. })));
    let message = evaluate(x, &[0.5], &[4]).unwrap_err().to_string();
    assert!(message.contains("label 4") && message.contains("3 for none"), "{message}");
    assert!(matches!(evaluate(x, &[0.5], &[0, 1, 2]), Err(FieldError::Shape { .. })));
    assert!(matches!(evaluate(x, &[0.5; 3], &[0]), Err(FieldError::Shape { .. })));
    assert!(matches!(evaluate(&x[1..], &[0.5], &[0]), Err(FieldError::Shape { .. })));
    assert!(matches!(evaluate(&[], &[0.5], &[0]), Err(FieldError::Shape { .. })));
    assert!(plan.with_labels(vec![0, 9]).is_err());
    let three = plan.with_labels(vec![0, 1, 2]).unwrap();
    let x = ndarray::Array2::<f32>::zeros((2, 64));
    assert!(matches!(three.forward(&mut x.clone(), &x, 0.5.into()), Err(FieldError::Shape { .. })));
}

#[test]
fn bad_architectures_are_named_and_the_reference_one_is_of_a_million_weights() {
    let base = UNetConfig::default();
    base.validate().unwrap();
    let count = base.entries().last().unwrap().range.end;
    assert!((1_050_000..1_150_000).contains(&count), "{count}");
    for (field, config) in [
        ("channels", UNetConfig { channels: vec![], ..base.clone() }),
        ("channels", UNetConfig { channels: vec![48, 50], ..base.clone() }),
        ("side", UNetConfig { side: 30, ..base.clone() }),
        ("side", UNetConfig { side: 0, ..base.clone() }),
        ("groups", UNetConfig { groups: 7, ..base.clone() }),
        ("heads", UNetConfig { heads: 0, ..base.clone() }),
        ("condition", UNetConfig { condition: 100, ..base.clone() }),
        ("time_features", UNetConfig { time_features: 3, ..base.clone() }),
        ("frequency_max", UNetConfig { frequency_max: f64::NAN, ..base.clone() }),
        ("labels", UNetConfig { labels: 0, ..base.clone() }),
    ] {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
}
