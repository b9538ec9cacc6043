//! Exact moments of schemes on linear equations: a step is a polynomial in the
//! increment and the area, whose expectation Gauss-Hermite quadrature gives without
//! error. The quadrature's nodes are the lanes of one solve of one step.
#![allow(dead_code, reason = "every test file uses its own part")]

use driftfield_solvers::method::Method;
use driftfield_solvers::noise::{Channels, RecordedPath};
use driftfield_solvers::{Problem, SdeProblem, SolveOptions, StochasticField, solve};
use nalgebra::{DMatrix, SymmetricEigen};

use super::sde::Batch;

/// Nodes and weights for the standard normal law, exact up to degree `2 n - 1`
/// (Golub & Welsch, *Math. Comp.* 23, 1969).
pub fn gauss_hermite(n: usize) -> Vec<(f64, f64)> {
    let jacobi =
        DMatrix::from_fn(
            n,
            n,
            |i, j| {
                if i.abs_diff(j) == 1 { (i.max(j) as f64).sqrt() } else { 0.0 }
            },
        );
    let eigen = SymmetricEigen::new(jacobi);
    let weight = |j: usize| eigen.eigenvectors[(0, j)].powi(2);
    (0..n).map(|j| (eigen.eigenvalues[j], weight(j))).collect()
}

/// Nodes of increments and areas of `channels` Brownian motions over `[0, h]`:
/// rows `(W_1, .., H_1, ..)` with their weights.
pub fn nodes(channels: usize, increments: usize, areas: usize, h: f64) -> Vec<(Vec<f64>, f64)> {
    let mut all = vec![(Vec::new(), 1.0)];
    let scales = [(increments, h.sqrt()), (areas, (h / 12.0).sqrt())];
    for (count, scale) in scales {
        let line = gauss_hermite(count);
        for _ in 0..channels {
            let extend = |(point, weight): &(Vec<f64>, f64)| -> Vec<(Vec<f64>, f64)> {
                let longer = |&(x, w): &(f64, f64)| {
                    let mut point = point.clone();
                    point.push(scale * x);
                    (point, weight * w)
                };
                line.iter().map(longer).collect()
            };
            all = all.iter().flat_map(extend).collect();
        }
    }
    all
}

/// The states after one step of length `h` from `start` in every lane, one lane per
/// node.
pub fn one_step<F, M>(
    field: F,
    method: &M,
    (channels, h): (Channels, f64),
    start: &[f64],
    nodes: &[(Vec<f64>, f64)],
) -> Batch
where
    F: StochasticField<Batch>,
    M: Method<Batch, F>,
{
    let initial = Batch::from_shape_fn((nodes.len(), start.len()), |(_, i)| start[i]);
    let states = channels.states();
    let value = |at: usize| Batch::from_shape_fn(initial.dim(), |(lane, _)| nodes[lane].0[at]);
    let w = (0..states).map(value).collect();
    let areas = (states..2 * states).map(value).collect();
    let noise = RecordedPath::with_channels(channels, vec![0.0, h], vec![w])
        .and_then(|path| path.with_areas(vec![areas]))
        .unwrap();
    let problem = SdeProblem::from_field(field, initial, (0.0, h));
    assert_eq!(problem.span().1, h);
    solve(&problem, method, SolveOptions::steps(1).noise(noise)).unwrap().u_last
}

/// `E[R^k]`, k = 1..4, of the factor `R` by which one step multiplies the state of a
/// linear equation without constant terms.
pub fn factor_moments<F, M>(field: F, method: &M, h: f64) -> [f64; 4]
where
    F: StochasticField<Batch>,
    M: Method<Batch, F>,
{
    let nodes = nodes(1, 14, 6, h);
    let factors = one_step(field, method, (Channels::PerComponent, h), &[1.0], &nodes);
    let moment = |k: i32| nodes.iter().zip(&factors).map(|((_, w), r)| w * r.powi(k)).sum();
    [moment(1), moment(2), moment(3), moment(4)]
}

/// Mean and variance after `n` steps of a scheme that is affine in the state, from
/// a fixed start.
pub fn affine_moments<F, M>(field: F, method: &M, h: f64, n: usize, start: f64) -> (f64, f64)
where
    F: StochasticField<Batch> + Copy,
    M: Method<Batch, F>,
{
    let nodes = nodes(1, 6, 6, h);
    let from = |u: f64| one_step(field, method, (Channels::PerComponent, h), &[u], &nodes);
    let (zero, one) = (from(0.0), from(1.0));
    let expect = |values: &dyn Fn(usize) -> f64| -> f64 {
        nodes.iter().enumerate().map(|(i, (_, w))| w * values(i)).sum()
    };
    let factor = expect(&|i| one[[i, 0]] - zero[[i, 0]]);
    let shift = expect(&|i| zero[[i, 0]]);
    let spread = expect(&|i| (zero[[i, 0]] - shift).powi(2));
    let step = |(m, v): (f64, f64)| (factor * m + shift, factor * factor * v + spread);
    (0..n).fold((start, 0.0), |moments, _| step(moments))
}
