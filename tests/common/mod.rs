//! What the system tests share: the reference files and their mixture, exact
//! fields on every process, and distances between batches.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod published;

use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::process::{self, SharedPath};
use driftfield_solvers::method::Method;
use driftfield_solvers::{Problem, Solution, SolveOptions, Status, init};
use ndarray::Array2;

/// A batch of points, one row each.
pub type Batch = Array2<f64>;

/// Points as a batch.
pub fn batch(rows: &[[f64; 2]]) -> Batch {
    Batch::from(rows.to_vec())
}

/// The mixture of all reference files.
pub fn mixture() -> GaussianMixture {
    GaussianMixture::isotropic(
        vec![0.5, 0.3, 0.2],
        vec![vec![-1.5, 0.5], vec![1.0, 1.2], vec![0.6, -1.4]],
        vec![0.3, 0.2, 0.4],
    )
    .unwrap()
}

/// The process of that name.
pub fn path(name: &str) -> SharedPath {
    process::parse(name).unwrap()
}

/// Every process of the registry, with its default parameters.
pub fn all_paths() -> Vec<SharedPath> {
    process::catalog().names().map(path).collect()
}

/// The exact probability flow of `mixture` on a path.
pub fn exact_flow(mixture: GaussianMixture, path: &SharedPath) -> PathField<Batch> {
    probability_flow(MixturePredictor::new(mixture, path.clone()))
}

/// The largest absolute difference; infinite where one is NaN.
pub fn gap(a: &Batch, b: &Batch) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).fold(0.0, |worst: f64, (a, b)| {
        let gap = (a - b).abs();
        if gap.is_nan() { f64::INFINITY } else { worst.max(gap) }
    })
}

/// Whether two batches have the same bits.
pub fn same_bits(a: &Batch, b: &Batch) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// A solve as far as it comes, one that makes no step included.
pub fn attempt<P, M>(
    problem: &P,
    method: &M,
    options: SolveOptions<'_, P::State>,
) -> Solution<P::State>
where
    P: Problem,
    M: Method<P::State, P::Field>,
{
    let mut integrator = init(problem, method, options).unwrap();
    while integrator.step() == Status::Stepped {}
    integrator.finish()
}
