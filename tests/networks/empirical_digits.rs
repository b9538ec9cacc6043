//! Solvers on real images with no model error: the exact denoiser of 64 digits.

use driftfield::generate::{Budget, EmpiricalModel, Initial, Model, Precision, Settings, generate};
use driftfield::problems::method::Solver;
use driftfield::problems::method::path_methods;
use driftfield::problems::process;
use driftfield::problems::spacing::Spacing;
use driftfield::solvers::Scalar;
use driftfield::solvers::method::{Kind, Method, MethodInfo};
use ndarray::ArrayD;
use rayon::prelude::*;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");
const LANES: usize = 3;

fn model() -> EmpiricalModel {
    EmpiricalModel::digits(DIGITS, 0.0).unwrap()
}

fn solved<T: Precision>(model: &dyn Model, settings: Settings) -> ArrayD<f64> {
    let path = process::parse("rectified-flow").unwrap();
    let settings = Settings { t_start: Some(0.999), t_end: Some(0.05), seed: 1, ..settings };
    let initial = Initial::<T>::Noise { lanes: LANES };
    let generated = generate(&path, model, initial, &settings).unwrap();
    assert!(generated.outcome.is_success(), "{}: {}", settings.solver, generated.outcome);
    generated.samples.mapv(Scalar::into_f64)
}

/// Exponential integrators on a grid uniform in their own clock, the log-SNR: where nearly all is
/// noise the predicted data does not change, and multistep methods are started at no cost. On one
/// uniform in t their first step, at first order, spans a good part of that clock, and its error
/// falls with h^2 whatever the method's order.
fn on_grid<T: Precision>(model: &dyn Model, info: &MethodInfo, steps: usize) -> ArrayD<f64> {
    let exponential = info.kind == Kind::Exponential;
    let spacing = exponential.then(|| "logsnr".parse::<Spacing>().unwrap());
    solved::<T>(
        model,
        Settings {
            spacing,
            ..Settings::new(Solver::parse(info.name).unwrap(), Budget::Steps(steps))
        },
    )
}

fn truth(model: &EmpiricalModel) -> ArrayD<f64> {
    let budget = Budget::Adaptive { abstol: 1e-12, reltol: 1e-12, max_nfe: None };
    solved::<f64>(model, Settings::new(Solver::parse("dop853").unwrap(), budget))
}

/// Root of the mean over lanes of the squared distance, in which images of 784 pixels differ by
/// about 9.
fn distance(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / LANES as f64).sqrt()
}

/// Slope of `ln error` against `ln h` by least squares.
fn slope(errors: &[(usize, f64)]) -> f64 {
    let points: Vec<(f64, f64)> =
        errors.iter().map(|&(steps, error)| (-(steps as f64).ln(), error.ln())).collect();
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    covariance / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

fn deterministic() -> impl Iterator<Item = MethodInfo> {
    let methods = path_methods::<ArrayD<f64>>().into_iter().map(|method| method.info());
    methods.filter(|info| !info.draws_noise)
}

/// Three grids, each of half the step of the one before, on which the method is in its regime and
/// above the rounding of the truth.
fn grids(info: &MethodInfo) -> [usize; 3] {
    match info.kind {
        Kind::Exponential => [320, 640, 1280],
        _ if info.order > 5 => [20, 40, 80],
        _ => [40, 80, 160],
    }
}

#[test]
fn every_deterministic_method_converges_at_its_order_on_real_digits() {
    let model = model();
    let truth = truth(&model);
    let methods: Vec<MethodInfo> = deterministic().collect();
    assert!(methods.len() > 40);
    methods.par_iter().for_each(|info| {
        let error = |steps| (steps, distance(&on_grid::<f64>(&model, info, steps), &truth));
        let errors = grids(info).map(error);
        let (found, order) = (slope(&errors), f64::from(info.order));
        println!("{} order {order}: slope {found:.2}, {errors:?}", info.name);
        assert!(found > order - 0.4, "{}: {found:.2} of {order}, {errors:?}", info.name);
    });
}

/// Single precision leaves double where the error of the steps falls below that of rounding. A step
/// rounds every pixel to multiples of 6e-8, and the changes of a pixel that hardly moves always
/// in the same direction, so that the floor rises with the number of steps, by less than
/// 5e-8 a step in the norm of an image; on a log-SNR grid, whose steps are long where the image
/// still moves, it hardly does.
#[test]
fn single_precision_follows_double_down_to_a_floor_that_rises_with_the_steps() {
    let model = model();
    let truth = truth(&model);
    let followed = ["euler", "heun", "rk4", "dpm-solver++2m", "unipc-2"];
    for info in deterministic().filter(|info| followed.contains(&info.name)) {
        for steps in [10, 40, 160, 640] {
            let single = on_grid::<f32>(&model, &info, steps);
            let double = on_grid::<f64>(&model, &info, steps);
            let (gap, error) = (distance(&single, &double), distance(&single, &truth));
            let label = format!("{}, {steps} steps: {gap:.1e} from double", info.name);
            println!("{label}, {error:.1e} from the truth");
            assert!(gap < 2e-6 + 5e-8 * steps as f64, "{label}");
            assert!(error < distance(&double, &truth) + 1.001 * gap, "{label}");
        }
    }
    // The floor is there: more steps make single precision worse.
    let rk4 = deterministic().find(|info| info.name == "rk4").unwrap();
    let [few, many] =
        [160, 640].map(|steps| distance(&on_grid::<f32>(&model, &rk4, steps), &truth));
    assert!(many > 2.0 * few, "{few:e} {many:e}");
}

/// A smoothing is in the units of the pixels, which the process runs on doubled.
#[test]
fn smoothing_widens_the_data_by_as_many_pixel_units() {
    let variance = |smoothing: f64| {
        let model = EmpiricalModel::digits(DIGITS, smoothing).unwrap();
        model.data_std().unwrap().powi(2)
    };
    let widened = (variance(0.1) - variance(0.0)).sqrt();
    assert!((widened - 0.2).abs() < 1e-12, "{widened}");
}
