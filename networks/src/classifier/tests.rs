use candle_core::{DType, Device, Tensor, Var};
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;

use super::*;
use crate::seeded::{Purpose, SeededRng};
use crate::{ParameterEntry, Parameters, Plan, Pulled, Times};

fn small() -> ClassifierConfig {
    ClassifierConfig { side: 12, channels: vec![16, 32], groups: 4, features: 16, classes: 3 }
}

fn images(count: usize, pixels: usize) -> Array2<f32> {
    let mut rng = SeededRng::new(5, Purpose::Batch, 7);
    Array2::from_shape_simple_fn((count, pixels), || rng.uniform() as f32)
}

fn parameters() -> Parameters<ClassifierConfig> {
    let mut values = small().initial_values(3);
    let mut rng = SeededRng::new(4, Purpose::Batch, 8);
    values.iter_mut().for_each(|value| *value += (0.1 * rng.normal()) as f32);
    Parameters::from_values(&small(), values).unwrap()
}

/// The documented layers by candle's own operations, in double precision.
pub(crate) struct Definition {
    pub(crate) tensors: std::collections::HashMap<String, Tensor>,
}

impl Definition {
    fn get(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }

    fn linear(&self, name: &str, x: &Tensor) -> Tensor {
        let y = x.broadcast_matmul(self.get(&format!("{name}.weight"))).unwrap();
        y.broadcast_add(self.get(&format!("{name}.bias"))).unwrap()
    }

    fn convolution(&self, name: &str, x: &Tensor) -> Tensor {
        let weight = self.get(&format!("{name}.weight")).permute((3, 2, 0, 1)).unwrap();
        let x = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let y = x.conv2d(&weight.contiguous().unwrap(), 1, 1, 1, 1).unwrap();
        let y = y.permute((0, 2, 3, 1)).unwrap();
        y.broadcast_add(self.get(&format!("{name}.bias"))).unwrap()
    }

    fn norm(&self, name: &str, x: &Tensor) -> Tensor {
        let (n, h, w, c) = x.dims4().unwrap();
        let x = x.reshape((n, h * w, 4, c / 4)).unwrap();
        let x = x.broadcast_sub(&x.mean_keepdim((1, 3)).unwrap()).unwrap();
        let variance = x.sqr().unwrap().mean_keepdim((1, 3)).unwrap();
        let x = x.broadcast_div(&(variance + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        let x = x.reshape((n, h, w, c)).unwrap();
        let x = x.broadcast_mul(self.get(&format!("{name}.scale"))).unwrap();
        x.broadcast_add(self.get(&format!("{name}.shift"))).unwrap().silu().unwrap()
    }

    fn block(&self, level: usize, x: &Tensor) -> Tensor {
        let part = |part: &str| format!("block.{level}.{part}");
        let h = self.convolution(&part("conv1"), &self.norm(&part("norm1"), x));
        (x + self.convolution(&part("conv2"), &self.norm(&part("norm2"), &h))).unwrap()
    }

    /// Features and logits of images `[n, s, s, 1]`.
    pub(crate) fn forward(&self, x: &Tensor) -> (Tensor, Tensor) {
        let shrunk = |x: &Tensor| {
            let (n, h, w, c) = x.dims4().unwrap();
            let x = x.reshape(vec![n, h / 2, 2, w / 2, 2, c]).unwrap();
            let x = x.permute(vec![0, 1, 3, 2, 4, 5]).unwrap();
            x.reshape((n, h / 2, w / 2, 4 * c)).unwrap()
        };
        let h = self.block(0, &self.convolution("stem", &shrunk(x)));
        let h = self.block(1, &self.linear("shrink.0", &shrunk(&h)));
        let mean = self.norm("norm", &h).mean((1, 2)).unwrap();
        let features = self.linear("features", &mean).silu().unwrap();
        let logits = self.linear("output", &features);
        (features, logits)
    }
}

#[test]
fn the_classifier_and_its_gradient_are_those_of_the_definition() {
    let (parameters, images) = (parameters(), images(5, 144));
    let device = &Device::Cpu;
    let vars: Vec<(ParameterEntry, Var)> = parameters
        .entries()
        .into_iter()
        .map(|entry| {
            let values = &parameters.values()[entry.range.clone()];
            let tensor = Tensor::from_slice(values, entry.shape.clone(), device).unwrap();
            let var = Var::from_tensor(&tensor.to_dtype(DType::F64).unwrap()).unwrap();
            (entry, var)
        })
        .collect();
    let tensors =
        vars.iter().map(|(entry, var)| (entry.name.clone(), var.as_tensor().clone())).collect();
    let definition = Definition { tensors };
    let x = Tensor::from_slice(images.as_slice().unwrap(), (5, 12, 12, 1), device).unwrap();
    let x = Var::from_tensor(&x.to_dtype(DType::F64).unwrap()).unwrap();
    let (features, logits) = definition.forward(&x);

    let classifier = Classifier::new(&parameters, Standardisation::identity(144));
    let found = classifier.classify(images.view()).unwrap();
    let close = |found: &[f32], expected: &Tensor, bound: f64, what: &str| {
        let expected = expected.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let scale = expected.iter().fold(1e-3f64, |scale, value| scale.max(value.abs()));
        assert_eq!(found.len(), expected.len());
        for (&found, expected) in found.iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < bound * scale, "{what}");
        }
    };
    close(found.features.as_slice().unwrap(), &features, 1e-5, "features");
    close(found.logits.as_slice().unwrap(), &logits, 1e-5, "logits");
    // Alone, an image has the same bits.
    let alone = classifier.classify(images.slice(ndarray::s![3..4, ..])).unwrap();
    assert_eq!(alone.logits.row(0), found.logits.row(3));

    let direction: Vec<f32> = (0..15).map(|i| (i as f32).sin()).collect();
    let product = Tensor::from_slice(&direction, (5, 3), device).unwrap();
    let product = (product.to_dtype(DType::F64).unwrap() * &logits).unwrap().sum_all().unwrap();
    let grads = product.backward().unwrap();
    let plan = Plan::new(&parameters);
    let mut gradient = vec![0.0; plan.weights()];
    let (mut of_x, mut output) = (vec![0.0; 5 * 144], vec![0.0; 15]);
    let results = Pulled {
        output: &mut output,
        states: Some(&mut of_x),
        times: None,
        parameters: Some(&mut gradient),
    };
    let given = |rows: std::ops::Range<usize>, _: &[f32], c: &mut [f32]| {
        c.copy_from_slice(&direction[3 * rows.start..3 * rows.end]);
        Ok(())
    };
    plan.pull_back(results, images.as_slice().unwrap(), Times::One(0.0), &given).unwrap();
    assert_eq!(output, found.logits.as_slice().unwrap());
    close(&of_x, grads.get(&x).unwrap(), 1e-5, "images");
    for (entry, var) in &vars {
        close(&gradient[entry.range.clone()], grads.get(var).unwrap(), 2e-5, &entry.name);
    }
}

#[test]
fn bad_images_and_labels_are_typed_errors() {
    let classifier = Classifier::new(&parameters(), Standardisation::identity(144));
    let classify = |images: &Array2<f32>| classifier.classify(images.view()).unwrap_err();
    assert_eq!(classify(&images(2, 100)), ClassifierError::Pixels { expected: 144, found: 100 });
    let mut bad = images(2, 144);
    bad[[1, 7]] = f32::NAN;
    assert!(matches!(classify(&bad), ClassifierError::NonFinite { image: 1, pixel: 7, .. }));
    let given = images(2, 144);
    assert_eq!(
        classifier.accuracy(given.view(), &[0]),
        Err(ClassifierError::Labels { images: 2, labels: 1 })
    );
    let labels = classifier.classify(given.view()).unwrap().labels().to_vec();
    assert_eq!(classifier.accuracy(given.view(), &labels), Ok(1.0));
    let wrong = [labels[0], (labels[1] + 1) % 3];
    assert_eq!(classifier.accuracy(given.view(), &wrong), Ok(0.5));
}

#[test]
fn bad_architectures_are_named() {
    let base = ClassifierConfig::default();
    base.validate().unwrap();
    for (field, config) in [
        ("channels", ClassifierConfig { channels: vec![], ..base.clone() }),
        ("channels", ClassifierConfig { channels: vec![32, 20], ..base.clone() }),
        ("side", ClassifierConfig { side: 30, ..base.clone() }),
        ("groups", ClassifierConfig { groups: 5, ..base.clone() }),
        ("features", ClassifierConfig { features: 10, ..base.clone() }),
        ("classes", ClassifierConfig { classes: 0, ..base.clone() }),
    ] {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
}
