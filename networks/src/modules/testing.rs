//! What the tests of all architectures share: outputs of the original's code, and differences.

use std::path::PathBuf;

use candle_core::{DType, Device, Tensor, Var};
use driftfield_problems::spec::Spec;
use serde_json::Value;

use super::{Conditions, ModuleEntry, ModuleError, TensorNetwork};
use crate::tensors::NamedTensors;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// What an original gave, recorded by the script beside it.
pub(super) fn recorded(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data(name)).unwrap()).unwrap()
}

/// Nested lists of numbers.
pub(super) fn tensor(value: &Value, dtype: DType) -> Tensor {
    let (mut shape, mut inner) = (Vec::new(), value);
    while let Value::Array(values) = inner {
        shape.push(values.len());
        inner = &values[0];
    }
    let mut numbers = Vec::new();
    flatten(value, &mut numbers);
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn flatten(value: &Value, out: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, out)),
        number => out.push(number.as_f64().unwrap()),
    }
}

/// The architecture's network of these tensors, its configuration that of their shapes and the
/// keys.
pub(super) fn inferred(
    name: &str,
    keys: &str,
    tensors: &NamedTensors,
    dtype: DType,
) -> Result<Box<dyn TensorNetwork>, ModuleError> {
    let module = ModuleEntry::named(name).unwrap();
    let spec: Spec = format!("{name}{keys}").parse().unwrap();
    built(module, tensors, &module.configuration(tensors, &spec)?, dtype)
}

/// The architecture's network of these tensors as `config` says.
pub(super) fn built(
    module: &ModuleEntry,
    tensors: &NamedTensors,
    config: &Value,
    dtype: DType,
) -> Result<Box<dyn TensorNetwork>, ModuleError> {
    module.build(tensors, config, dtype, &Device::Cpu)
}

/// The tensors of a file of the test data.
pub(super) fn tensors(name: &str) -> NamedTensors {
    NamedTensors::read(data(name)).unwrap()
}

/// The same with one tensor left out, or another in its place.
pub(super) fn changed(
    tensors: &NamedTensors,
    name: &str,
    to: impl Fn(&Tensor) -> Option<Tensor>,
) -> NamedTensors {
    let mut changed = NamedTensors::new();
    for (other, tensor) in tensors.iter() {
        let kept = if other == name { to(tensor) } else { Some(tensor.clone()) };
        if let Some(tensor) = kept {
            changed.insert(other, tensor).unwrap();
        }
    }
    changed
}

/// The largest difference between two tensors of one shape.
pub(super) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let difference = (a.to_dtype(DType::F64).unwrap() - b.to_dtype(DType::F64).unwrap()).unwrap();
    difference.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

/// Holds candle's gradient in the state to differences of a network in `f64`, along a direction
/// in which no two coordinates are alike.
pub(super) fn assert_differentiable(
    network: &dyn TensorNetwork,
    x: &Tensor,
    t: &Tensor,
    conditions: &Conditions,
) {
    let wave = |frequency: f64| -> Tensor {
        let values: Vec<f64> = (0..x.elem_count()).map(|i| (frequency * i as f64).sin()).collect();
        Tensor::from_vec(values, x.dims(), &Device::Cpu).unwrap()
    };
    let (direction, cotangent) = (wave(1.3), wave(0.7));
    let value = |x: &Tensor| {
        let out = network.forward(x, t, conditions).unwrap();
        (out * &cotangent).unwrap().sum_all().unwrap()
    };
    let at = |step: f64| -> f64 {
        value(&(x + (&direction * step).unwrap()).unwrap()).to_scalar().unwrap()
    };
    let h = 1e-4;
    // The error of these differences is of order h^4.
    let expected = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
    let var = Var::from_tensor(x).unwrap();
    let gradients = value(var.as_tensor()).backward().unwrap();
    let along = (gradients.get(var.as_tensor()).unwrap() * &direction).unwrap();
    let found: f64 = along.sum_all().unwrap().to_scalar().unwrap();
    assert!(expected.abs() > 1e-3, "{expected}");
    assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} {expected}");
}
