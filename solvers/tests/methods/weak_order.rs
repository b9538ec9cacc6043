//! Weak orders: on linear equations by the exact recursion of the scheme's moments,
//! on a nonlinear one by sampling with the exact solution on the same path.

use crate::common::moments::{affine_moments, factor_moments, nodes, one_step};
use crate::common::sde::{Batch, Hyperbolic};
use crate::common::slope;
use driftfield_solvers::field::{MatrixNoise, WithDerivative};
use driftfield_solvers::method::registry::{
    additive_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::stochastic::NoiseKind;
use driftfield_solvers::method::{
    BoxedMethod, EulerHeun, EulerMaruyama, Method, Milstein, StochasticHeun, WeakRungeKutta,
};
use driftfield_solvers::noise::{BrownianPath, Channels, Noise, NoiseError, NoiseRequest};
use driftfield_solvers::{
    Additive, FieldError, Ito, SdeProblem, SolveOptions, StochasticField, Stratonovich, Times,
    VectorField, solve,
};
use nalgebra::{Matrix2, Matrix3, SMatrix, Vector3};

const STEPS: [usize; 5] = [16, 32, 64, 128, 256];
/// Of a slope.
const TOLERANCE: f64 = 0.1;

fn weak<F: StochasticField<Batch>>(method: &impl Method<Batch, F>, noise: NoiseKind) -> f64 {
    method.stochastic().unwrap().orders_for(noise).unwrap().weak
}

/// The slope of an error. A half-integer order comes with a full series in `sqrt(h)`: the next
/// term of it is fitted too, on finer grids.
fn order_of(order: f64, error: impl Fn(usize) -> f64) -> f64 {
    let half = order.fract() != 0.0;
    let points = STEPS.map(|n| {
        let n = if half { 64 * n } else { n };
        (1.0 / n as f64, error(n))
    });
    if half {
        fitted_order(&points.map(|(h, error)| (h, error, error)), 0.5).0
    } else {
        slope(&points.map(|(h, error)| (h.ln(), error.ln())))
    }
}

/// Refuses a slope more than 0.1 from `order`.
fn check(name: &str, what: &str, order: f64, error: impl Fn(usize) -> f64) {
    let slope = order_of(order, error);
    println!("{name}, {what}: order {order}, slope {slope:.3}");
    assert!((slope - order).abs() < TOLERANCE, "{name}, {what}: order {order}, slope {slope}");
}

/// `c u` in every component.
#[derive(Debug, Clone, Copy)]
struct Multiple(f64);

impl VectorField<Batch> for Multiple {
    fn eval(&self, out: &mut Batch, u: &Batch, _t: Times<'_>) -> Result<(), FieldError> {
        out.zip_mut_with(u, |out, u| *out = self.0 * u);
        Ok(())
    }
}

/// The error of the first two moments of geometric Brownian motion at t = 1.
fn gbm_error<F: StochasticField<Batch>>(
    field: F,
    method: &impl Method<Batch, F>,
    (a, b): (f64, f64),
    n: usize,
) -> f64 {
    let [first, second, ..] = factor_moments(field, method, 1.0 / n as f64);
    let power = |x: f64| x.powi(n as i32);
    (power(first) - a.exp()).abs() + (power(second) - (2.0 * a + b * b).exp()).abs()
}

#[test]
fn geometric_brownian_motion() {
    for (a, b) in [(0.4, 0.6), (-0.7, 0.5), (0.1, 0.9)] {
        let ito = WithDerivative {
            field: Ito { drift: Multiple(a), diffusion: Multiple(b) },
            derivative: Multiple(b * b),
        };
        let mut methods = stochastic_methods();
        methods.push(BoxedMethod::new(Milstein::new()));
        for method in methods {
            let order = weak(&method, NoiseKind::Diagonal);
            let error = |n| gbm_error(ito, &method, (a, b), n);
            check(method.info().name, &format!("Ito {a} {b}"), order, error);
        }
        let stratonovich = WithDerivative {
            field: Stratonovich { drift: Multiple(a - 0.5 * b * b), diffusion: Multiple(b) },
            derivative: Multiple(b * b),
        };
        let mut methods = stratonovich_methods();
        methods.push(BoxedMethod::new(Milstein::new()));
        for method in methods {
            let order = weak(&method, NoiseKind::Diagonal);
            let error = |n| gbm_error(stratonovich, &method, (a, b), n);
            check(method.info().name, &format!("Stratonovich {a} {b}"), order, error);
        }
    }
}

/// A missing correction, a correction too many, and a diffusion a hundredth too large.
#[test]
fn mistakes_change_the_slope() {
    let (a, b) = (0.4, 0.6);
    let refuse = |name: &str, what: &str, order: f64, error: &dyn Fn(usize) -> f64| {
        let slope = order_of(order, error);
        println!("{name}, {what}: order {order}, slope {slope:.3}");
        assert!((slope - order).abs() >= TOLERANCE, "{name}, {what}: {slope} passes");
    };
    let corrected = a - 0.5 * b * b;
    for method in stochastic_methods() {
        let order = weak(&method, NoiseKind::Diagonal);
        for (what, drift, diffusion) in
            [("corrected drift", corrected, b), ("1 % more noise", a, 1.01 * b)]
        {
            let field = Ito { drift: Multiple(drift), diffusion: Multiple(diffusion) };
            let error = |n| gbm_error(field, &method, (a, b), n);
            refuse(method.info().name, what, order, &error);
        }
    }
    for method in stratonovich_methods() {
        let order = weak(&method, NoiseKind::Diagonal);
        let field = Stratonovich { drift: Multiple(a), diffusion: Multiple(b) };
        let error = |n| gbm_error(field, &method, (a, b), n);
        refuse(method.info().name, "the drift of Ito", order, &error);
    }
}

#[test]
fn ornstein_uhlenbeck() {
    let drift =
        |du: &mut Batch, u: &Batch, _t: f64| du.zip_mut_with(u, |du, u| *du = 1.5 * (0.3 - u));
    let diffusion = |g: &mut Batch, _t: f64| g.fill(0.7);
    let field = Additive { drift, diffusion };
    let (theta, mu, sigma, start) = (1.5_f64, 0.3, 0.7_f64, 1.0);
    let mean = mu + (start - mu) * (-theta).exp();
    let variance = sigma * sigma * (1.0 - (-2.0 * theta).exp()) / (2.0 * theta);
    let mut methods = stochastic_methods();
    methods.extend(stratonovich_methods());
    methods.extend(additive_methods());
    for method in methods {
        let error = |n: usize| {
            let (m, v) = affine_moments(field, &method, 1.0 / n as f64, n, start);
            (m - mean).abs() + (v - variance).abs()
        };
        check(method.info().name, "Ornstein-Uhlenbeck", weak(&method, NoiseKind::Additive), error);
    }
}

/// `du = A u dt + sum_k B_k u dW_k` with three matrices that do not commute.
fn matrices() -> (Matrix2<f64>, [Matrix2<f64>; 3]) {
    let b = [
        Matrix2::new(0.3, 0.2, -0.1, 0.1),
        Matrix2::new(0.0, 0.4, 0.1, -0.2),
        Matrix2::new(-0.2, 0.0, 0.5, 0.1),
    ];
    (Matrix2::new(-0.5, 0.6, -0.4, 0.2), b)
}

fn apply(matrix: &Matrix2<f64>, out: &mut Batch, u: &Batch) {
    for (mut out, u) in out.rows_mut().into_iter().zip(u.rows()) {
        out[0] = matrix[(0, 0)] * u[0] + matrix[(0, 1)] * u[1];
        out[1] = matrix[(1, 0)] * u[0] + matrix[(1, 1)] * u[1];
    }
}

/// The matrix of a linear map of symmetric matrices, on (m_11, m_12, m_22).
fn on_symmetric(map: impl Fn(&Matrix2<f64>) -> Matrix2<f64>) -> Matrix3<f64> {
    let basis = [
        Matrix2::new(1.0, 0.0, 0.0, 0.0),
        Matrix2::new(0.0, 1.0, 1.0, 0.0),
        Matrix2::new(0.0, 0.0, 0.0, 1.0),
    ];
    let columns = basis.map(|m| {
        let image = map(&m);
        Vector3::new(image[(0, 0)], image[(0, 1)], image[(1, 1)])
    });
    SMatrix::from_columns(&columns)
}

/// The largest error of the means and second moments at t = 1, for all starts.
fn matrix_error<F: StochasticField<Batch> + Copy>(
    field: F,
    method: &impl Method<Batch, F>,
    drift: &Matrix2<f64>,
    n: usize,
) -> f64 {
    let (_, b) = matrices();
    let h = 1.0 / n as f64;
    let nodes = nodes(3, 4, 3, h);
    let steps = [[1.0, 0.0], [0.0, 1.0]]
        .map(|start| one_step(field, method, (Channels::Shared(3), h), &start, &nodes));
    let expect = |value: &dyn Fn(usize) -> f64| -> f64 {
        nodes.iter().enumerate().map(|(i, (_, w))| w * value(i)).sum()
    };
    let step = |i: usize| {
        let column = |j: usize| [steps[j][[i, 0]], steps[j][[i, 1]]];
        let ([a, c], [b, d]) = (column(0), column(1));
        Matrix2::new(a, b, c, d)
    };
    let maps: Vec<Matrix2<f64>> = (0..nodes.len()).map(step).collect();
    let mean = Matrix2::from_fn(|r, c| expect(&|i| maps[i][(r, c)])).pow(n as u32);
    let second = on_symmetric(|m| {
        maps.iter().zip(&nodes).map(|(map, (_, w))| map * m * map.transpose() * *w).sum()
    });
    let generator = on_symmetric(|m| {
        let noise: Matrix2<f64> = b.iter().map(|b| b * m * b.transpose()).sum();
        drift * m + m * drift.transpose() + noise
    });
    let second = second.pow(n as u32) - generator.exp();
    (mean - drift.exp()).abs().max().max(second.abs().max())
}

#[test]
fn general_noise() {
    let (a, b) = matrices();
    let columns = move |k: usize, g: &mut Batch, u: &Batch, _t: f64| apply(&b[k], g, u);
    let drift = move |du: &mut Batch, u: &Batch, _t: f64| apply(&a, du, u);
    let ito = MatrixNoise::new(3, Ito { drift, diffusion: columns });
    check("euler-maruyama", "three channels", 1.0, |n| {
        matrix_error(ito, &EulerMaruyama::new(), &a, n)
    });
    check("weak-rk2", "three channels", 2.0, |n| matrix_error(ito, &WeakRungeKutta::new(), &a, n));
    // The same law in the sense of Stratonovich: the drift less 1/2 sum B_k B_k.
    let corrected = a - b.iter().map(|b| b * b).sum::<Matrix2<f64>>() * 0.5;
    let drift = move |du: &mut Batch, u: &Batch, _t: f64| apply(&corrected, du, u);
    let stratonovich = MatrixNoise::new(3, Stratonovich { drift, diffusion: columns });
    check("euler-heun", "three channels", 1.0, |n| {
        matrix_error(stratonovich, &EulerHeun::new(), &a, n)
    });
    check("stochastic-heun", "three channels", 1.0, |n| {
        matrix_error(stratonovich, &StochasticHeun::new(), &a, n)
    });
}

/// The path with all signs turned.
struct Antithetic(BrownianPath<Batch>);

impl Noise<Batch> for Antithetic {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [Batch]) -> Result<(), NoiseError> {
        self.0.increments(a, b, dw)?;
        dw.iter_mut().for_each(|dw| *dw *= -1.0);
        Ok(())
    }
    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [Batch],
        areas: &mut [Batch],
    ) -> Result<(), NoiseError> {
        self.0.increments_and_areas(a, b, dw, areas)?;
        dw.iter_mut().chain(areas).for_each(|state| *state *= -1.0);
        Ok(())
    }
    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.0.provides(request)
    }
}

const LANES: usize = 100_000;

/// Weak error in `E[u^2 / 2 + u]` of both components, with its standard error: the
/// mean over lanes of the difference from the exact solution on the same path, averaged
/// with that on the opposite path.
fn sampled_error<F: StochasticField<Batch> + Copy>(
    problem: &Hyperbolic,
    field: F,
    method: &impl Method<Batch, F>,
    steps: usize,
) -> (f64, f64) {
    let initial = problem.initial(LANES);
    let sde = SdeProblem::from_field(field, initial.clone(), (0.0, 1.0));
    let times: Vec<f64> = (0..=steps).map(|k| k as f64 / steps as f64).collect();
    let path = || BrownianPath::new(steps as u64, 0, &initial, times.clone());
    let mut w = initial.clone();
    path().increment(0.0, 1.0, &mut w).unwrap();
    let options = || SolveOptions::times(times.clone());
    let test = |u: &Batch| -> Vec<f64> {
        u.rows().into_iter().map(|u| u.iter().map(|u| u + 0.5 * u * u).sum()).collect()
    };
    let plus = test(&solve(&sde, method, options().noise(path())).unwrap().u_last);
    let minus = test(&solve(&sde, method, options().noise(Antithetic(path()))).unwrap().u_last);
    let exact_plus = test(&problem.exact(&w, 1.0));
    let exact_minus = test(&problem.exact(&-w, 1.0));
    let differences: Vec<f64> =
        (0..LANES).map(|i| 0.5 * (plus[i] + minus[i] - exact_plus[i] - exact_minus[i])).collect();
    let n = LANES as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Weighted least squares of `ln |e| = a + p ln h + d h^q`: the last term takes up
/// the next order of the expansion. Returns `p` and its standard error.
fn fitted_order(points: &[(f64, f64, f64)], q: f64) -> (f64, f64) {
    let mut normal = Matrix3::zeros();
    let mut right = Vector3::zeros();
    for &(h, error, deviation) in points {
        let weight = (error / deviation).powi(2);
        let row = Vector3::new(1.0, h.ln(), h.powf(q));
        normal += row * row.transpose() * weight;
        right += row * error.abs().ln() * weight;
    }
    let inverse = normal.try_inverse().unwrap();
    ((inverse * right)[1], inverse[(1, 1)].sqrt())
}

fn check_sampled<F: StochasticField<Batch> + Copy>(
    problem: &Hyperbolic,
    field: F,
    method: &impl Method<Batch, F>,
) {
    let order = weak(method, NoiseKind::Diagonal);
    let levels: &[usize] = if order == 1.0 { &[4, 8, 16, 32, 64] } else { &[1, 2, 3, 4, 6, 8] };
    let points: Vec<_> = levels
        .iter()
        .map(|&steps| {
            let (error, deviation) = sampled_error(problem, field, method, steps);
            (1.0 / steps as f64, error, deviation)
        })
        .collect();
    let (slope, deviation) = fitted_order(&points, if order == 1.5 { 0.5 } else { 1.0 });
    let half = 2.576 * deviation;
    let name = method.info().name;
    println!("{name}: order {order}, slope in {:.3}..{:.3} (99 %)", slope - half, slope + half);
    // A term of order 3/2 with a small constant stands out at steps whose error no
    // sample resolves; the exact recursion sees it.
    if order != 1.5 {
        assert!((slope - order).abs() < half, "{name}: {slope} +- {half}, {points:?}");
    }
    assert!(slope - half > order - 1.0, "{name}: {slope} +- {half}, {points:?}");
}

#[test]
fn a_nonlinear_equation() {
    let problem = Hyperbolic { a: [0.6, 0.8], c: [0.5, -0.4], start: [0.4, -0.3] };
    let derivative = problem.derivative();
    let ito = WithDerivative { field: problem.ito(), derivative };
    let mut methods = stochastic_methods();
    methods.push(BoxedMethod::new(Milstein::new()));
    for method in methods {
        check_sampled(&problem, ito, &method);
    }
    let stratonovich = WithDerivative { field: problem.stratonovich(), derivative };
    let mut methods = stratonovich_methods();
    methods.push(BoxedMethod::new(Milstein::new()));
    for method in methods {
        check_sampled(&problem, stratonovich, &method);
    }
}
