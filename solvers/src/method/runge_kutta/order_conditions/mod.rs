//! Order conditions of Runge-Kutta methods, for whoever adds a tableau.
//!
//! A method has order `p` when `sum_i w_i Phi_i(t) = 1 / gamma(t)` for every
//! rooted tree `t` of at most `p` nodes; a continuous extension has it when
//! `sum_i w_i(theta) Phi_i(t) = theta^|t| / gamma(t)`. For a tree with subtrees
//! `t_1 .. t_m` at its root, `Phi_i(t) = prod_k sum_j a_ij Phi_j(t_k)` and
//! `gamma(t) = |t| prod_k gamma(t_k)`; for the single node both are 1.
//!
//! J. C. Butcher, "Coefficients for the study of Runge-Kutta integration
//! processes", *Journal of the Australian Mathematical Society* 3 (1963), 185-201;
//! E. Hairer, S. P. Nørsett and G. Wanner, *Solving Ordinary Differential
//! Equations I*, 2nd edition, Springer, 1993, II.2 and II.6.

mod check;
mod trees;

pub use check::{MAX_CHECKED_ORDER, TOLERANCE, TableauError, check};
pub use trees::{RootedTree, rooted_trees};

/// The elementary weights `Phi_i(t)` of given stages.
#[derive(Debug, Clone)]
pub struct ElementaryWeights {
    max_order: u32,
    trees: Vec<RootedTree>,
    phi: Vec<Vec<f64>>,
}

impl ElementaryWeights {
    /// For stages with rows `a` (strictly lower triangular) and nodes `c`, over
    /// all trees of at most `max_order` nodes. `sum_j a_ij` is taken from `c`, so
    /// that a wrong node spoils the conditions; [`check()`] compares the two.
    ///
    /// # Panics
    /// If a row of `a` is longer than its index, or `a` and `c` differ in length.
    pub fn new<R: AsRef<[f64]>>(a: &[R], c: &[f64], max_order: u32) -> Self {
        assert_eq!(a.len(), c.len(), "a and c must have one entry per stage");
        for (i, row) in a.iter().enumerate() {
            assert!(row.as_ref().len() <= i, "row {i} of a is not that of an explicit method");
        }
        let trees = rooted_trees(max_order);
        let mut phi: Vec<Vec<f64>> = Vec::with_capacity(trees.len());
        let mut a_phi: Vec<Vec<f64>> = Vec::with_capacity(trees.len());
        for tree in &trees {
            let values: Vec<f64> = (0..a.len())
                .map(|i| tree.children.iter().map(|&k| a_phi[k][i]).product())
                .collect();
            a_phi.push(if tree.order == 1 {
                c.to_vec()
            } else {
                a.iter().enumerate().map(|(i, row)| dot(row.as_ref(), &values[..i])).collect()
            });
            phi.push(values);
        }
        Self { max_order, trees, phi }
    }

    /// `max |sum_i w_i Phi_i(t) - theta^|t| / gamma(t)|` over the trees of at most
    /// `order` nodes; NaN if any of them is NaN. With `theta = 1` the target is
    /// that of a solution, with `theta = 0` that of an error estimate.
    ///
    /// # Panics
    /// If there is not one weight per stage, or `order` exceeds `max_order`.
    pub fn residual(&self, weights: &[f64], theta: f64, order: u32) -> f64 {
        let stages = self.phi.first().map_or(weights.len(), Vec::len);
        assert_eq!(weights.len(), stages, "there must be one weight per stage");
        assert!(order <= self.max_order, "made for trees of at most {} nodes", self.max_order);
        let residuals =
            self.trees.iter().zip(&self.phi).take_while(|(tree, _)| tree.order <= order);
        residuals.fold(0.0, |worst: f64, (tree, phi)| {
            let target = theta.powi(tree.order as i32) / tree.density as f64;
            let residual = (dot(weights, phi) - target).abs();
            if residual.is_nan() || residual > worst { residual } else { worst }
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// By how much `weights` miss the conditions of a solution of order `order`:
/// `max |sum_i w_i Phi_i(t) - 1 / gamma(t)|` over the trees of at most `order` nodes.
///
/// # Panics
/// If a row of `a` is longer than its index, or the lengths differ.
pub fn residual<R: AsRef<[f64]>>(a: &[R], c: &[f64], weights: &[f64], order: u32) -> f64 {
    ElementaryWeights::new(a, c, order).residual(weights, 1.0, order)
}
