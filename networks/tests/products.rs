//! Products with the Jacobians of networks, and of the data that they predict against finite
//! differences.

#[path = "../../problems/tests/common/products.rs"]
#[allow(dead_code, reason = "the tests of exact fields need more of it")]
mod common;

use std::ops::Range;

use candle_core::{Device, Tensor, Var};
use driftfield_networks::{Architecture, Mlp, MlpConfig, OnTensors, Parameters, Plan, UNetConfig};
use driftfield_problems::flow::probability_flow;
use driftfield_problems::predictor::{
    Inputs, Network, NetworkPredictor, Prediction, Pullback, Pushforward, Target, Times,
};
use driftfield_problems::process::{self, GaussianPath};
use driftfield_solvers::{FieldError, TrackedTensor};
use ndarray::Axis;

use common::{
    At, Batch, Flow, Smooth, cotangent, cotangents, direction, gradient, pull, push, slope, worst,
};

/// `n` points spread over a few units.
fn points(n: usize, dimension: usize) -> Batch {
    Batch::from_shape_fn((n, dimension), |(i, j)| {
        2.5 * ((1 + i * dimension + j) as f64 * 12.9898).sin()
    })
}

/// With weights for which no output vanishes, as a network starts with.
fn mlp(config: &MlpConfig) -> Plan {
    let start = Parameters::initialise(config, 3).unwrap();
    let values = start.values().iter().enumerate();
    let values = values.map(|(i, &w)| if w == 0.0 { 0.2 * (i as f32).sin() } else { w }).collect();
    Plan::new(&Parameters::from_values(config, values).unwrap())
}

#[test]
fn networks_of_every_prediction() {
    let config = MlpConfig { width: 16, layers: 2, ..MlpConfig::new(2) };
    for spec in ["vp", "rectified-flow", "edm"] {
        let path = process::parse(spec).unwrap();
        for prediction in Prediction::ALL {
            let predictor = NetworkPredictor::new(mlp(&config), prediction, path.clone());
            let t = path.time_at_log_snr(0.3);
            let x = points(5, 2);
            let smooth = At(&predictor, Target::DATA.into(), t.into());
            let (data, state) = pull(&smooth, &x).unwrap();
            let value = smooth.value(&x).unwrap();
            assert!(worst(&data, &value) < 1e-5, "{spec} {prediction:?}");
            // The network is in single precision: what a difference of its values resolves.
            let error = worst(&state, &gradient(&smooth, &cotangents(&value), &x, 0.05));
            assert!(error < 1e-3, "{spec} {prediction:?}: {error:e}");
            let flow = probability_flow(predictor);
            let at = |t: f64| Flow(&flow, t.into()).value(&x).unwrap();
            let (_, rate) = push(&Flow(&flow, t.into()), &x, &Batch::zeros(x.dim()), 1.0).unwrap();
            let error = worst(&rate, &slope(|s| at(t + s), 0.004 * t));
            assert!(error < 3e-3, "{spec} {prediction:?} in time: {error:e}");
        }
    }
    let flow = process::parse("rectified-flow").unwrap();
    let predictor = NetworkPredictor::new(mlp(&config), Prediction::Noise, flow);
    let x = points(5, 2);
    let refused = pull(&At(&predictor, Target::DATA.into(), 1.0.into()), &x);
    assert!(matches!(refused, Err(FieldError::Domain { .. })));
}

/// Networks whose weights are all at work, so that no product vanishes.
fn plans() -> [(Plan, usize); 2] {
    let mlp = MlpConfig { width: 16, layers: 2, ..MlpConfig::new(2) };
    let unet = UNetConfig { side: 8, channels: vec![16, 16], groups: 2, ..UNetConfig::default() };
    [(Plan::new(&at_work(&mlp)), 2), (Plan::new(&at_work(&unet)), 64)]
}

fn at_work<A: Architecture>(config: &A) -> Parameters<A> {
    let start = Parameters::initialise(config, 3).unwrap();
    let values = start.values().iter().enumerate();
    let values = values.map(|(i, &w)| if w == 0.0 { 0.1 * (i as f32).sin() } else { w }).collect();
    Parameters::from_values(config, values).unwrap()
}

/// Where the products of a network go.
struct Products {
    state: Batch,
    time: Vec<f64>,
    parameters: Vec<f64>,
    tangent: Batch,
}

fn products(plan: &Plan, (x, v): (&Batch, &Batch), (t, tau): (Times<'_>, f64)) -> Products {
    let (mut value, mut state, mut tangent) = (x.clone(), x.clone(), x.clone());
    let (mut time, mut parameters) = (vec![f64::NAN; x.nrows()], vec![0.0; plan.weights()]);
    let pull = Pullback {
        value: &mut value,
        cotangent: &cotangent,
        state: &mut state,
        time: Some(&mut time),
        inputs: Inputs { parameters: Some(&mut parameters), ..Inputs::default() },
    };
    Network::pull_back(plan, pull, x, t).unwrap();
    let push =
        Pushforward { value: &mut value, direction: v, time: tau.into(), tangent: &mut tangent };
    Network::push_forward(plan, push, x, t).unwrap();
    Products { state, time, parameters, tangent }
}

/// `<c, J v + f_t tau> = <J^T c, v> + (c . f_t) tau`, lane by lane, in single precision; lanes at
/// times of their own; what is given back in the parameters is added to what there is.
#[test]
fn both_products_of_every_network_agree() {
    for (plan, dimension) in plans() {
        let x = points(6, dimension);
        let v = direction(&x);
        let times = [0.1, 0.3, 0.3, 0.5, 0.7, 0.9];
        let (at, tau) = (Times::Each(&times), 0.3);
        let together = products(&plan, (&x, &v), (at, tau));
        let mut value = x.clone();
        Network::forward(&plan, &mut value, &x, at).unwrap();
        let c = cotangents(&value);
        let mut parameters = vec![0.0; plan.weights()];
        for (lane, &t) in times.iter().enumerate() {
            let row = |batch: &Batch| batch.select(Axis(0), &[lane]);
            let left = (&c.row(lane) * &together.tangent.row(lane)).sum();
            let right =
                (&together.state.row(lane) * &v.row(lane)).sum() + tau * together.time[lane];
            let size = (&c.row(lane) * &together.tangent.row(lane)).mapv(f64::abs).sum();
            assert!((left - right).abs() < 2e-5 * size.max(1.0), "{left} {right} {size}");
            let own = |_: Range<usize>, _: &Batch, to: &mut Batch| {
                to.assign(&row(&c));
                Ok(())
            };
            let (mut value, mut state) = (row(&x), row(&x));
            let mut pull = Pullback::new(&mut value, &own, &mut state);
            pull.inputs.parameters = Some(&mut parameters);
            Network::pull_back(&plan, pull, &row(&x), t.into()).unwrap();
            assert!(worst(&state, &row(&together.state)) < 1e-5);
        }
        let size = parameters.iter().fold(0.0, |size: f64, p| size.max(p.abs()));
        let mut pairs = parameters.iter().zip(&together.parameters);
        assert!(pairs.all(|(alone, sum)| (alone - sum).abs() < 1e-4 * size));
    }
}

/// The same network as a plan, behind tensors, and as candle's operations.
#[test]
fn tensors_have_the_same_products() {
    let config = MlpConfig { width: 16, layers: 2, ..MlpConfig::new(2) };
    let plan = Plan::new(&at_work(&config));
    let x = points(5, 2);
    let v = x.mapv(f64::cos);
    let expected = products(&plan, (&x, &v), (0.4.into(), 0.0));
    let tensor = |batch: &Batch| {
        Tensor::from_slice(batch.as_slice().unwrap(), batch.dim(), &Device::Cpu).unwrap()
    };
    let batch = |tensor: &Tensor| {
        let values = tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        Batch::from_shape_vec((5, 2), values).unwrap()
    };
    let of_tensor = |lanes: Range<usize>, value: &Tensor, c: &mut Tensor| {
        let count = lanes.len();
        let values = value.flatten_all().and_then(|v| v.to_vec1::<f64>()).unwrap();
        let value = Batch::from_shape_vec((count, 2), values).unwrap();
        let mut own = value.clone();
        cotangent(lanes, &value, &mut own)?;
        *c = tensor(&own);
        Ok(())
    };
    let mlp = Mlp::new(&at_work(&config), candle_core::DType::F32, &Device::Cpu).unwrap();
    let behind = OnTensors(plan);
    for network in [&mlp as &dyn Network<Tensor>, &behind] {
        let (mut value, mut state) = (tensor(&x), tensor(&x));
        let pull = Pullback::new(&mut value, &of_tensor, &mut state);
        network.pull_back(pull, &tensor(&x), 0.4.into()).unwrap();
        assert!(worst(&batch(&state), &expected.state) < 1e-4);
    }
    let (mut value, mut tangent) = (tensor(&x), tensor(&x));
    let push = Pushforward {
        value: &mut value,
        direction: &tensor(&v),
        time: 0.0.into(),
        tangent: &mut tangent,
    };
    Network::<Tensor>::push_forward(&behind, push, &tensor(&x), 0.4.into()).unwrap();
    assert!(worst(&batch(&tangent), &expected.tangent) < 1e-4);
    // A tracked state keeps its graph: the gradient of a sum is J^T 1.
    for network in [&mlp as &dyn Network<TrackedTensor>, &behind] {
        let start = Var::from_tensor(&tensor(&x)).unwrap();
        let state = TrackedTensor(start.as_tensor().clone());
        let mut out = state.clone();
        network.forward(&mut out, &state, 0.4.into()).unwrap();
        let gradients = out.0.sum_all().unwrap().backward().unwrap();
        let found = batch(gradients.get(&start).unwrap());
        let ones = |_: Range<usize>, _: &Batch, c: &mut Batch| {
            c.fill(1.0);
            Ok(())
        };
        let (mut value, mut state) = (x.clone(), x.clone());
        let pull = Pullback::new(&mut value, &ones, &mut state);
        Network::pull_back(&behind.0, pull, &x, 0.4.into()).unwrap();
        assert!(worst(&found, &state) < 1e-4);
    }
}
