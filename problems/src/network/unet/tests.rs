use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};

use super::pass::Tape;
use super::*;
use crate::network::Parameters;
use crate::network::seeded::{Purpose, SeededRng};

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

struct Case {
    parameters: Parameters<UNetConfig>,
    images: Vec<f32>,
    direction: Vec<f32>,
    times: Vec<f64>,
    labels: Vec<u32>,
}

fn case(levels: usize, images: usize) -> Case {
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
        let net = UNet::from_tensors(config, tensors, DType::F64, device);
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
        let plan = UNetPlan::new(&self.parameters);
        let (mut out, mut of_x) = (self.images.clone(), self.images.clone());
        plan.evaluate_with_gradient(
            (&mut out, &mut of_x),
            &self.images,
            &self.direction,
            &self.times,
            &self.labels,
        )
        .unwrap();
        let mut again = self.images.clone();
        plan.evaluate(&mut again, &self.images, &self.times, &self.labels).unwrap();
        assert_eq!(out, again);
        (out, of_x)
    }

    fn of_weights(&self) -> Vec<f32> {
        let mut weights = Weights::new(self.parameters.config(), true);
        weights.fill(self.parameters.values());
        let mut tape = Tape::new(&weights, self.times.len());
        let mut out = self.images.clone();
        let mut gradient = vec![0.0; weights.count()];
        // Twice: nothing of the first pass may be left over.
        for _ in 0..2 {
            gradient.fill(0.0);
            tape.forward(&weights, &self.images, &self.times, &self.labels, &mut out);
            tape.backward(&weights, &self.labels, &self.direction, None, Some(&mut gradient));
        }
        gradient
    }
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

#[test]
fn timing_temporary() {
    let config = UNetConfig::default();
    let parameters = random_parameters(&config);
    println!("parameters {}", parameters.values().len());
    let n = 8;
    let images = normals(n * 784, 1);
    let times = vec![0.5; n];
    let labels = vec![1u32; n];
    let mut weights = Weights::new(&config, true);
    let mut tape = Tape::new(&weights, n);
    let mut out = images.clone();
    let mut gradient = vec![0.0; weights.count()];
    for _ in 0..3 {
        let clock = std::time::Instant::now();
        weights.fill(parameters.values());
        let fill = clock.elapsed();
        let clock = std::time::Instant::now();
        for _ in 0..5 {
            tape.forward(&weights, &images, &times, &labels, &mut out);
        }
        let forward = clock.elapsed() / 5;
        let clock = std::time::Instant::now();
        for _ in 0..5 {
            tape.backward(&weights, &labels, &images, None, Some(&mut gradient));
        }
        println!("fill {fill:?} forward8 {forward:?} backward8 {:?}", clock.elapsed() / 5);
        let plan = UNetPlan::new(&parameters);
        let images = normals(16 * 784, 1);
        let mut out = images.clone();
        let clock = std::time::Instant::now();
        for _ in 0..5 {
            plan.evaluate(&mut out, &images, &[0.5], &[1]).unwrap();
        }
        println!("plan 16: {:?}", clock.elapsed() / 5);
    }
}
