//! Solvers on real images with no model error: the exact denoiser of 64 digits.

use driftfield::generate::{Budget, EmpiricalField, Field, Initial, Settings, generate};
use driftfield::problems::method::path_methods;
use driftfield::problems::process;
use driftfield::solvers::Scalar;
use driftfield::solvers::method::{Method, MethodInfo};
use ndarray::ArrayD;
use std::sync::Arc;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");
const LANES: usize = 3;

fn field() -> Field {
    Field::Empirical(Arc::new(EmpiricalField::digits(DIGITS, 0.0).unwrap()))
}

fn solved<T: Scalar>(field: &Field, solver: &str, budget: Budget) -> ArrayD<f64> {
    let path = process::parse("rectified-flow").unwrap();
    let (t_start, t_end) = (Some(0.999), Some(0.05));
    let settings = Settings { t_start, t_end, ..Settings::new(solver, budget) };
    let initial = Initial::<T>::Noise { lanes: LANES, seed: 1 };
    let generated = generate(&path, field, initial, &settings).unwrap();
    assert!(generated.outcome.is_success(), "{solver}: {}", generated.outcome);
    generated.samples.mapv(Scalar::into_f64)
}

fn distance(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / LANES as f64).sqrt()
}

fn truth(field: &Field) -> ArrayD<f64> {
    solved::<f64>(field, "dop853", Budget::Adaptive { abstol: 1e-11, reltol: 1e-11, max_nfe: None })
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

/// Errors of a method on grids refined by 2 until they meet the truth's own.
fn errors(field: &Field, info: &MethodInfo, truth: &ArrayD<f64>) -> Vec<(usize, f64)> {
    (4..=9)
        .map(|level| 10 << level)
        .map(|steps| {
            (steps, distance(&solved::<f64>(field, info.name, Budget::Steps(steps)), truth))
        })
        .take_while(|(_, error)| *error > 1e-8)
        .collect()
}

#[test]
fn every_deterministic_method_converges_at_its_order_on_real_digits() {
    let field = field();
    let truth = truth(&field);
    for method in path_methods::<ArrayD<f64>>() {
        let info = method.info();
        if info.draws_noise {
            continue;
        }
        let found = errors(&field, &info, &truth);
        eprintln!("{} order {}: {found:?}", info.name, info.order);
        let last = &found[found.len().saturating_sub(3)..];
        eprintln!("   slope {:.2}", slope(last));
    }
}
