//! The same lane from the same seed, bit for bit, whatever the batch, the
//! chunks and the threads.

use crate::common::{exact_flow, mixture, path};
use candle_core::{DType, Device, Tensor};
use driftfield_networks::{Mlp, MlpConfig, Parameters, Plan};
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::{PathField, probability_flow, reverse_sde};
use driftfield_problems::predictor::{NetworkPredictor, Prediction, Predictor};
use driftfield_solvers::method::registry::stochastic_exponential_methods;
use driftfield_solvers::method::{EulerMaruyama, Heun, Tsit5};
use driftfield_solvers::noise::{LaneRng, Stream, fill_initial_normals};
use driftfield_solvers::{Outcome, Scalar, SolveOptions, State, solve};
use ndarray::{Array2, s};

/// An untrained network, its last layer (which starts at zero) random too.
fn network() -> Parameters {
    let config = MlpConfig::new(2);
    let parameters = Parameters::initialise(&config, 3).unwrap();
    let mut values = parameters.values().to_vec();
    for entry in parameters.entries().iter().filter(|entry| entry.name.starts_with("output")) {
        let mut normals = vec![0.0; entry.range.len()];
        LaneRng::new(8, 0, Stream::Initial).fill_normal(&mut normals);
        for (value, normal) in values[entry.range.clone()].iter_mut().zip(normals) {
            *value = 0.1 * normal as f32;
        }
    }
    Parameters::from_values(&config, values).unwrap()
}

fn initial<T: Scalar>(lanes: usize, first_lane: u64) -> Array2<T> {
    let mut state = Array2::zeros((lanes, 2));
    fill_initial_normals(&mut state, 1.0, 17, first_lane).unwrap();
    state
}

/// One way of solving: lanes `first_lane ..` of the whole ensemble to their end.
type Run<'a, T> = &'a (dyn Fn(usize, u64) -> Array2<T> + Sync);

/// Solves the lanes whole, in parts, alone, and on one thread and two.
fn lanes_are_reproducible<T: Scalar>(run: Run<T>) {
    let whole = run(3000, 0);
    assert!(whole.iter().all(|value| value.is_finite()));
    assert_ne!(whole.row(0), whole.row(1));
    for (lanes, first_lane) in [(1, 0), (1, 2999), (7, 0), (7, 1500), (1001, 1999)] {
        let part = run(lanes, first_lane as u64);
        assert_eq!(part, whole.slice(s![first_lane..first_lane + lanes, ..]), "{lanes} lanes");
    }
    on_pools(|| assert_eq!(run(3000, 0), whole));
}

fn on_pools(check: impl Fn() + Sync) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&check);
    }
}

fn ode_end<S: State>(field: PathField<S>, initial: S, span: (f64, f64)) -> S {
    let solution = solve(&field.problem(initial, span), &Heun::new(), SolveOptions::steps(6));
    let solution = solution.unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution.u_last
}

fn sde_end<S: State>(field: PathField<S>, initial: S, seed: u64, first_lane: u64) -> S {
    let options = SolveOptions::steps(6).seed(seed).first_lane(first_lane);
    let problem = field.sde_problem(initial, (0.99, 1e-3));
    let solution = solve(&problem, &EulerMaruyama::new(), options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution.u_last
}

fn trained<S: State>(plan: Plan) -> impl Predictor<S> + 'static
where
    Plan: driftfield_problems::predictor::Network<S>,
{
    NetworkPredictor::new(plan, Prediction::Velocity, path("rectified-flow"))
}

#[test]
fn exact_fields_on_fixed_grids() {
    for name in ["vp", "rectified-flow"] {
        lanes_are_reproducible::<f64>(&|lanes, first_lane| {
            let field = exact_flow(mixture(), &path(name));
            ode_end(field, initial(lanes, first_lane), (1.0, 1e-3))
        });
    }
}

#[test]
fn exact_fields_with_noise() {
    lanes_are_reproducible::<f64>(&|lanes, first_lane| {
        let vp = path("vp");
        let exact = MixturePredictor::new(mixture(), vp.clone());
        sde_end(reverse_sde(exact, 1.0), initial(lanes, first_lane), 5, first_lane)
    });
}

/// Steps that divide their noise too (`sde-dpm-solver++2s`).
#[test]
fn exponential_integrators_with_noise() {
    for at in 0..stochastic_exponential_methods::<Array2<f64>, PathField<_>>().len() {
        lanes_are_reproducible::<f64>(&|lanes, first_lane| {
            let field = exact_flow(mixture(), &path("vp"));
            let method = stochastic_exponential_methods().swap_remove(at);
            let options = SolveOptions::steps(6).seed(5).first_lane(first_lane);
            let problem = field.problem(initial(lanes, first_lane), (0.99, 1e-3));
            let solution = solve(&problem, &method, options).unwrap();
            assert_eq!(solution.outcome, Outcome::Success);
            solution.u_last
        });
    }
}

#[test]
fn networks_on_fixed_grids() {
    let plan = Plan::new(&network());
    lanes_are_reproducible::<f32>(&|lanes, first_lane| {
        let field = probability_flow(trained(plan.clone()));
        ode_end(field, initial(lanes, first_lane), (1.0, 1e-3))
    });
    lanes_are_reproducible::<f32>(&|lanes, first_lane| {
        let field = reverse_sde(trained(plan.clone()), 1.0);
        sde_end(field, initial(lanes, first_lane), 5, first_lane)
    });
}

#[test]
fn another_seed_is_another_path() {
    let end = |seed| {
        let vp = path("vp");
        let exact = MixturePredictor::new(mixture(), vp.clone());
        sde_end(reverse_sde(exact, 1.0), initial::<f64>(5, 0), seed, 0)
    };
    assert_eq!(end(1), end(1));
    assert!(end(1).iter().zip(&end(2)).all(|(a, b)| a != b));
}

#[test]
fn adaptive_steps_in_lock_step_repeat_with_the_batch() {
    let plan = Plan::new(&network());
    let exact = || {
        let field = exact_flow(mixture(), &path("vp"));
        let problem = field.problem(initial::<f64>(3000, 0), (1.0, 1e-3));
        let solution = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-6, 1e-6)).unwrap();
        (solution.u_last, solution.statistics)
    };
    let network = || {
        let field = probability_flow(trained(plan.clone()));
        let problem = field.problem(initial::<f32>(500, 0), (1.0, 1e-3));
        let solution = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-2, 1e-2)).unwrap();
        (solution.u_last, solution.statistics)
    };
    let expected = (exact(), network());
    assert!(expected.0.1.accepted > 5 && expected.1.1.accepted > 5);
    assert_eq!((exact(), network()), expected);
    on_pools(|| assert_eq!((exact(), network()), expected));
}

#[test]
fn candle_networks_repeat_with_the_batch() {
    let parameters = network();
    let end = || {
        let host = initial::<f32>(300, 0).into_raw_vec_and_offset().0;
        let state = Tensor::from_vec(host, (300, 2), &Device::Cpu).unwrap();
        let flow = path("rectified-flow");
        let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
        let predictor = NetworkPredictor::new(mlp, Prediction::Velocity, flow.clone());
        let ode = ode_end(probability_flow(predictor.clone()), state, (1.0, 1e-3));
        let sde = sde_end(reverse_sde(predictor, 1.0), ode.clone(), 5, 0);
        [ode, sde].map(|end| end.flatten_all().unwrap().to_vec1::<f32>().unwrap())
    };
    let expected = end();
    assert!(expected[0].iter().all(|value| value.is_finite()));
    assert_eq!(end(), expected);
    on_pools(|| assert_eq!(end(), expected));
}
