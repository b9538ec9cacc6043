//! Products of every network against differences of its definition in double precision.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use driftfield_solvers::FieldError;

use super::*;
use crate::classifier::tests::Definition;
use crate::seeded::{Purpose, SeededRng};
use crate::{ClassifierConfig, Mlp, MlpConfig, ParameterEntry, UNet, UNetConfig};

/// Outputs at weights, states and times, row after row.
type Defined = Box<dyn Fn(&[f64], &[f64], &[f64]) -> Vec<f64> + Send + Sync>;

struct Case {
    name: String,
    plan: Plan,
    weights: Vec<f64>,
    states: Vec<f32>,
    times: Vec<f64>,
    defined: Defined,
}

fn normals(count: usize, seed: u64) -> Vec<f64> {
    let mut rng = SeededRng::new(seed, Purpose::Batch, 21);
    (0..count).map(|_| rng.normal()).collect()
}

fn single_precision(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Weights none of which is at the zero or one it starts from.
fn random<A: Architecture>(config: &A) -> Parameters<A> {
    let mut values = config.initial_values(3);
    for entry in config.entries() {
        let fan = entry.shape[..entry.shape.len() - 1].iter().product::<usize>().max(16);
        let noise = normals(entry.range.len(), entry.range.start as u64);
        for (value, noise) in values[entry.range].iter_mut().zip(noise) {
            *value += (0.5 * noise / (fan as f64).sqrt()) as f32;
        }
    }
    Parameters::from_values(config, values).unwrap()
}

fn tensors(entries: &[ParameterEntry], weights: &[f64]) -> HashMap<String, Tensor> {
    let tensor = |entry: &ParameterEntry| {
        let values = &weights[entry.range.clone()];
        Tensor::from_slice(values, entry.shape.clone(), &Device::Cpu).unwrap()
    };
    entries.iter().map(|entry| (entry.name.clone(), tensor(entry))).collect()
}

fn case<A: Architecture>(
    name: &str,
    config: &A,
    rows: usize,
    plan: impl Fn(Plan) -> Plan,
    defined: impl Fn(HashMap<String, Tensor>, Tensor, &[f64]) -> Vec<f64> + Send + Sync + 'static,
) -> Case {
    let parameters = random(config);
    let (entries, shape) = (parameters.entries(), config.row_shape());
    Case {
        name: name.to_owned(),
        plan: plan(Plan::new(&parameters)),
        weights: double(parameters.values()),
        states: single_precision(&normals(rows * config.dimension(), 1)),
        times: (0..rows).map(|row| 0.1 + 0.8 * row as f64 / rows as f64).collect(),
        defined: Box::new(move |weights, states, times| {
            let shape = [&[times.len()], &shape[..]].concat();
            let x = Tensor::from_slice(states, shape, &Device::Cpu).unwrap();
            defined(tensors(&entries, weights), x, times)
        }),
    }
}

fn mlp(residual: bool, rows: usize) -> Case {
    let base = MlpConfig { time_features: 8, frequency_max: 20.0, ..MlpConfig::new(3) };
    let config = MlpConfig { width: 20, layers: 3, residual, ..base };
    let own = config.clone();
    case(
        "mlp",
        &config,
        rows,
        |plan| plan,
        move |tensors, x, times| {
            let vars = VarBuilder::from_tensors(tensors, DType::F64, &Device::Cpu);
            flat(&Mlp::from_vars(&own, vars).unwrap().forward_rows(&x, times).unwrap())
        },
    )
}

fn unet(weight: f64, rows: usize) -> Case {
    let config = UNetConfig {
        side: 8,
        channels: vec![16, 32],
        groups: 4,
        heads: 2,
        condition: 16,
        time_features: 8,
        frequency_max: 20.0,
        labels: 3,
        ..UNetConfig::default()
    };
    let labels: Vec<u32> = (0..rows).map(|row| (row % 4) as u32).collect();
    let (own, given) = (config.clone(), labels.clone());
    let guided =
        move |plan: Plan| plan.with_labels(labels.clone()).unwrap().with_guidance(weight).unwrap();
    case(&format!("unet, guidance {weight}"), &config, rows, guided, move |tensors, x, times| {
        let vars = VarBuilder::from_tensors(tensors, DType::F64, &Device::Cpu);
        let net = UNet::from_vars(&own, vars).unwrap();
        let none = vec![own.no_label(); given.len()];
        let with = flat(&net.forward(&x, times, &given).unwrap());
        let without = flat(&net.forward(&x, times, &none).unwrap());
        with.iter()
            .zip(without)
            .map(|(with, without)| without + weight * (with - without))
            .collect()
    })
}

fn classifier(rows: usize) -> Case {
    let config =
        ClassifierConfig { side: 12, channels: vec![16, 32], groups: 4, features: 16, classes: 3 };
    case(
        "classifier",
        &config,
        rows,
        |plan| plan,
        |tensors, x, _| {
            let rows = x.dim(0).unwrap();
            flat(&Definition { tensors }.forward(&x.reshape((rows, 12, 12, 1)).unwrap()).1)
        },
    )
}

/// More rows than a chunk has, so that sums are of several, the last one not full.
fn cases() -> Vec<Case> {
    vec![mlp(false, 150), mlp(true, 1), unet(1.0, 9), unet(0.0, 2), unet(1.5, 5), classifier(9)]
}

#[derive(Debug, PartialEq)]
struct Found {
    output: Vec<f64>,
    states: Vec<f64>,
    times: Vec<f64>,
    parameters: Vec<f32>,
}

impl Case {
    fn outputs(&self) -> usize {
        self.times.len() * self.plan.outputs()
    }

    fn pull_back(&self, c: &[f64]) -> Found {
        let x = double(&self.states);
        let (mut output, asked) = (vec![0.0; c.len()], Mutex::new(vec![0.0; c.len()]));
        let (mut states, mut times) = (vec![0.0; x.len()], vec![0.0; self.times.len()]);
        let mut parameters = vec![f32::NAN; self.plan.weights()];
        let results = Pulled {
            output: &mut output,
            states: Some(&mut states),
            times: Some(&mut times),
            parameters: Some(&mut parameters),
        };
        let given = |rows: Range<usize>, output: &[f64], to: &mut [f64]| {
            assert_eq!((to.len(), to.iter().any(|&c| c != 0.0)), (output.len(), false));
            let first = rows.start * output.len() / rows.len();
            let places = first..first + output.len();
            to.copy_from_slice(&c[places.clone()]);
            asked.lock().unwrap()[places].copy_from_slice(to);
            Ok(())
        };
        self.plan.pull_back(results, &x, Times::Each(&self.times), &given).unwrap();
        // All rows were asked for.
        assert_eq!(asked.into_inner().unwrap(), c);
        Found { output, states, times, parameters }
    }

    fn push_forward(&self, v: &[f64], tau: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let x = double(&self.states);
        let (mut output, mut product) = (vec![0.0; self.outputs()], vec![0.0; self.outputs()]);
        let results = Pushed { output: &mut output, product: &mut product };
        self.plan.push_forward(results, (&x, v), (Times::Each(&self.times), tau)).unwrap();
        (output, product)
    }

    /// The change of the definition along a direction of weights, states and times: a difference
    /// of fourth order, whose error is far below what single precision leaves.
    fn change(&self, weights: &[f64], states: &[f64], times: &[f64]) -> Vec<f64> {
        let h = 5e-4;
        let moved = |values: &[f64], along: &[f64], step: f64| -> Vec<f64> {
            values.iter().zip(along).map(|(value, along)| value + step * h * along).collect()
        };
        let at = |step: f64| {
            (self.defined)(
                &moved(&self.weights, weights, step),
                &moved(&double(&self.states), states, step),
                &moved(&self.times, times, step),
            )
        };
        let [far_below, below, above, far_above] = [-2.0, -1.0, 1.0, 2.0].map(at);
        let slope =
            |i: usize| (8.0 * (above[i] - below[i]) - (far_above[i] - far_below[i])) / (12.0 * h);
        (0..above.len()).map(slope).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn size(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Some fifty roundings of single precision, relative to `scale`.
fn close(found: f64, expected: f64, scale: f64, what: &str) {
    assert!((found - expected).abs() < 3e-6 * scale.max(1.0), "{what}: {found} {expected} {scale}");
}

fn all_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |scale, value| scale.max(value.abs()));
    for (&found, &expected) in found.iter().zip(expected) {
        close(found, expected, 3.0 * scale, what);
    }
}

#[test]
fn the_changes_along_directions_are_those_of_the_definition() {
    for case in cases() {
        let (x, rows) = (double(&case.states), case.times.len());
        let still = vec![0.0; case.weights.len()];
        let (v, tau) = (double(&single_precision(&normals(x.len(), 5))), normals(rows, 6));
        let (no_v, no_tau) = (vec![0.0; x.len()], vec![0.0; rows]);
        for (v, tau) in [(&v, &tau), (&v, &no_tau), (&no_v, &tau)] {
            let (output, product) = case.push_forward(v, tau);
            all_close(&output, &(case.defined)(&case.weights, &x, &case.times), &case.name);
            all_close(&product, &case.change(&still, v, tau), &case.name);
        }
    }
}

#[test]
fn the_ways_back_are_the_adjoints_of_the_definitions_changes() {
    for case in cases() {
        let (x, rows) = (double(&case.states), case.times.len());
        let c = double(&single_precision(&normals(case.outputs(), 7)));
        let found = case.pull_back(&c);
        all_close(&found.output, &(case.defined)(&case.weights, &x, &case.times), &case.name);
        let (still, no_v) = (vec![0.0; case.weights.len()], vec![0.0; x.len()]);
        // Every row's time by itself: rows are independent, so one difference has all.
        let of_times = case.change(&still, &no_v, &vec![1.0; rows]);
        let width = case.plan.outputs();
        let of_times: Vec<f64> = of_times
            .chunks_exact(width)
            .zip(c.chunks_exact(width))
            .map(|(change, c)| dot(change, c))
            .collect();
        all_close(&found.times, &of_times, &case.name);
        for seed in 10..13 {
            let v = normals(x.len(), seed);
            let expected = dot(&case.change(&still, &v, &vec![0.0; rows]), &c);
            close(dot(&found.states, &v), expected, 3.0 * size(&found.states), &case.name);
            let along = normals(case.weights.len(), seed);
            let length = size(&along);
            let along: Vec<f64> = along.iter().map(|along| along / length).collect();
            let expected = dot(&case.change(&along, &no_v, &vec![0.0; rows]), &c);
            let of_weights = double(&found.parameters);
            // A sum over rows, of a gradient whose every part has its rounding.
            close(dot(&of_weights, &along), expected, size(&of_weights), &case.name);
        }
    }
}

#[test]
fn back_and_along_are_adjoint() {
    for case in cases() {
        let (len, rows) = (case.states.len(), case.times.len());
        let c = double(&single_precision(&normals(case.outputs(), 7)));
        let found = case.pull_back(&c);
        for seed in 30..35 {
            let v = double(&single_precision(&normals(len, seed)));
            let tau = normals(rows, seed + 100);
            let (output, product) = case.push_forward(&v, &tau);
            assert_eq!(output, found.output, "{}", case.name);
            let (here, there) =
                (dot(&product, &c), dot(&found.states, &v) + dot(&found.times, &tau));
            close(here, there, size(&product) * size(&c), &case.name);
        }
    }
}

#[test]
fn products_have_the_same_bits_on_any_number_of_threads_and_alone() {
    for case in cases() {
        let c = double(&single_precision(&normals(case.outputs(), 7)));
        let found = case.pull_back(&c);
        let (v, tau) = (normals(case.states.len(), 5), normals(case.times.len(), 6));
        let pushed = case.push_forward(&v, &tau);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                assert_eq!(case.pull_back(&c), found);
                assert_eq!(case.push_forward(&v, &tau), pushed);
            });
        }
    }
    let case = mlp(true, 40);
    let (c, v) = (normals(120, 7), normals(120, 5));
    let (found, pushed) = (case.pull_back(&c), case.push_forward(&v, &[0.3; 40]));
    for row in [0, 17, 39] {
        let places = 3 * row..3 * row + 3;
        let alone = Case {
            states: case.states[places.clone()].to_vec(),
            times: vec![case.times[row]],
            ..mlp(true, 1)
        };
        let back = alone.pull_back(&c[places.clone()]);
        assert_eq!(
            (&back.states[..], back.times[0]),
            (&found.states[places.clone()], found.times[row])
        );
        assert_eq!(alone.push_forward(&v[places.clone()], &[0.3]).1, pushed.1[places]);
    }
}

#[test]
fn one_time_for_all_is_as_good_as_one_each() {
    for case in cases() {
        let c = normals(case.outputs(), 7);
        let case = Case { times: vec![0.4; case.times.len()], ..case };
        let each = case.pull_back(&c);
        let x = double(&case.states);
        let (mut output, mut times) = (vec![0.0; c.len()], vec![0.0; case.times.len()]);
        let results =
            Pulled { output: &mut output, states: None, times: Some(&mut times), parameters: None };
        let given = |rows: Range<usize>, output: &[f64], to: &mut [f64]| {
            to.copy_from_slice(&c[rows.start * output.len() / rows.len()..][..output.len()]);
            Ok(())
        };
        case.plan.pull_back(results, &x, Times::One(0.4), &given).unwrap();
        all_close(&output, &each.output, &case.name);
        all_close(&times, &each.times, &case.name);
    }
}

#[test]
fn results_and_directions_that_do_not_fit_are_typed_errors() {
    let case = mlp(false, 4);
    let x = double(&case.states);
    let (mut output, mut kept, mut short) = (vec![0.0; 12], vec![0.0; 12], vec![0.0; 11]);
    let zero = |_: Range<usize>, _: &[f64], c: &mut [f64]| {
        c.fill(0.0);
        Ok(())
    };
    let results =
        Pulled { output: &mut output, states: Some(&mut short), times: None, parameters: None };
    let refused = case.plan.pull_back(results, &x, Times::One(0.5), &zero);
    assert!(matches!(refused, Err(FieldError::Shape { .. })));
    for (v, tau) in [(&x[..11], &[0.0; 4][..]), (&x, &[0.0; 3])] {
        let results = Pushed { output: &mut output, product: &mut kept };
        let refused = case.plan.push_forward(results, (&x, v), (Times::One(0.5), tau));
        assert!(matches!(refused, Err(FieldError::Shape { .. })));
    }
    assert!(case.plan.with_label(0).is_err() && case.plan.with_guidance(1.5).is_err());
}
