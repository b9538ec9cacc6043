//! Pullbacks of the data that a network predicts against finite differences.

use std::ops::Range;

use driftfield_networks::{MlpConfig, Parameters, Plan};
use driftfield_problems::predictor::{NetworkPredictor, Prediction, Predictor, Pullback, Target};
use driftfield_problems::process::{self, GaussianPath};
use driftfield_solvers::FieldError;
use ndarray::Array2;

type Batch = Array2<f64>;

/// `n` points spread over a few units.
fn points(n: usize, dimension: usize) -> Batch {
    Batch::from_shape_fn((n, dimension), |(i, j)| {
        2.5 * ((1 + i * dimension + j) as f64 * 12.9898).sin()
    })
}

/// A cotangent that depends on the lane and on the data.
fn cotangent(lanes: Range<usize>, data: &Batch, c: &mut Batch) -> Result<(), FieldError> {
    for ((row, j), c) in c.indexed_iter_mut() {
        let lane = (lanes.start + row) as f64;
        *c = (1.0 + lane + 2.0 * j as f64).sin() + 0.3 * data[[row, j]];
    }
    Ok(())
}

/// Data and pullback.
fn pull<P: Predictor<Batch>>(predictor: &P, x: &Batch, t: f64) -> (Batch, Batch) {
    let (mut data, mut gradient) = (x.clone(), x.clone());
    let pull = Pullback::new(&mut data, &cotangent, &mut gradient);
    predictor.pull_back(Target::DATA.into(), pull, x, t.into()).unwrap();
    (data, gradient)
}

fn predicted<P: Predictor<Batch>>(predictor: &P, x: &Batch, t: f64) -> Batch {
    let mut out = x.clone();
    predictor.predict(Target::DATA.into(), &mut out, x, t.into()).unwrap();
    out
}

/// `J^T c` by central differences of fourth order, with steps of `h`.
fn differences<P: Predictor<Batch>>(predictor: &P, x: &Batch, t: f64, h: f64) -> Batch {
    let (mut c, mut gradient) = (x.clone(), x.clone());
    cotangent(0..x.nrows(), &predicted(predictor, x, t), &mut c).unwrap();
    for axis in 0..x.ncols() {
        let moved = |steps: f64| {
            let mut moved = x.clone();
            moved.column_mut(axis).mapv_inplace(|value| value + steps * h);
            predicted(predictor, &moved, t)
        };
        let slope = (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * h);
        for lane in 0..x.nrows() {
            gradient[[lane, axis]] = (&slope.row(lane) * &c.row(lane)).sum();
        }
    }
    gradient
}

/// Gradients below this size are not resolved by differences of numbers of order 1.
const RESOLVED: f64 = 1e-3;

/// The largest error, relative to the largest entry of each lane.
fn worst(found: &Batch, expected: &Batch) -> f64 {
    let rows = found.rows().into_iter().zip(expected.rows());
    rows.map(|(found, expected)| {
        let size = expected.iter().fold(RESOLVED, |size, value| size.max(value.abs()));
        let gaps = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        gaps.fold(0.0f64, f64::max) / size
    })
    .fold(0.0, f64::max)
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
            let (data, gradient) = pull(&predictor, &x, t);
            assert!(worst(&data, &predicted(&predictor, &x, t)) < 1e-5, "{spec} {prediction:?}");
            // The network is in single precision: what a difference of its values resolves.
            let error = worst(&gradient, &differences(&predictor, &x, t, 0.05));
            assert!(error < 1e-3, "{spec} {prediction:?}: {error:e}");
        }
    }
    let flow = process::parse("rectified-flow").unwrap();
    let predictor = NetworkPredictor::new(mlp(&config), Prediction::Noise, flow);
    let x = points(5, 2);
    let (mut data, mut gradient) = (x.clone(), x.clone());
    let pull = Pullback::new(&mut data, &cotangent, &mut gradient);
    let refused = predictor.pull_back(Target::DATA.into(), pull, &x, 1.0.into());
    assert!(matches!(refused, Err(FieldError::Domain { .. })));
}
