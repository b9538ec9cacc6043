use rayon::prelude::*;

use super::points::Points;

/// Above this dimension a tree visits most of its leaves and only costs.
const LARGEST_TREE_DIMENSION: usize = 8;
const LEAF: usize = 12;

/// Squared distance from each point of `from` to the nearest of `to`, exact:
/// the same floating-point sums as trying every pair.
pub(super) fn nearest_squared(from: &Points, to: &Points) -> Vec<f64> {
    let leaf = if to.dimension() <= LARGEST_TREE_DIMENSION { LEAF } else { to.count() };
    let tree = Tree::new(to, leaf);
    (0..from.count())
        .into_par_iter()
        .with_min_len(128)
        .map_init(
            || vec![0.0; from.dimension()],
            |query, point| {
                query.iter_mut().enumerate().for_each(|(axis, x)| *x = from.get(point, axis));
                let mut best = f64::INFINITY;
                tree.search(0, query, &mut best);
                best
            },
        )
        .collect()
}

/// A k-d tree over points stored leaf by leaf, row after row.
struct Tree {
    nodes: Vec<Node>,
    rows: Vec<f64>,
    dimension: usize,
}

enum Node {
    /// Rows `begin..end`.
    Leaf { begin: usize, end: usize },
    /// Points with `x[axis] <= split` below the next node, those with
    /// `x[axis] >= split` below node `above`.
    Split { axis: usize, split: f64, above: usize },
}

impl Tree {
    fn new(points: &Points, leaf: usize) -> Self {
        let dimension = points.dimension();
        let mut order: Vec<usize> = (0..points.count()).collect();
        let mut tree = Tree { nodes: Vec::new(), rows: Vec::new(), dimension };
        tree.grow(points, &mut order, leaf);
        tree
    }

    /// Halving keeps the depth, and so the recursion, at log2 of the count,
    /// whatever the points; equal coordinates may fall on both sides.
    fn grow(&mut self, points: &Points, order: &mut [usize], leaf: usize) {
        if order.len() <= leaf {
            let begin = self.rows.len() / self.dimension;
            for &point in order.iter() {
                self.rows.extend((0..self.dimension).map(|axis| points.get(point, axis)));
            }
            self.nodes.push(Node::Leaf { begin, end: begin + order.len() });
            return;
        }
        let axis = widest_axis(points, order);
        let half = order.len() / 2;
        let column = points.coordinate(axis);
        order.select_nth_unstable_by(half, |&a, &b| column[a].total_cmp(&column[b]));
        let split = column[order[half]];
        let here = self.nodes.len();
        self.nodes.push(Node::Split { axis, split, above: 0 });
        let (below, above) = order.split_at_mut(half);
        self.grow(points, below, leaf);
        let above_node = self.nodes.len();
        self.nodes[here] = Node::Split { axis, split, above: above_node };
        self.grow(points, above, leaf);
    }

    /// Lowers `best` to the smallest squared distance below `node`.
    ///
    /// A side is skipped where the gap in one coordinate alone reaches `best`;
    /// rounding is monotone, so no computed distance there could be smaller.
    fn search(&self, node: usize, query: &[f64], best: &mut f64) {
        match self.nodes[node] {
            Node::Leaf { begin, end } => {
                let rows = &self.rows[begin * self.dimension..end * self.dimension];
                for row in rows.chunks_exact(self.dimension) {
                    let mut squared = 0.0;
                    for (x, y) in query.iter().zip(row) {
                        squared += (x - y) * (x - y);
                    }
                    *best = best.min(squared);
                }
            }
            Node::Split { axis, split, above } => {
                let gap = query[axis] - split;
                let (near, far) = if gap < 0.0 { (node + 1, above) } else { (above, node + 1) };
                self.search(near, query, best);
                if gap * gap < *best {
                    self.search(far, query, best);
                }
            }
        }
    }
}

fn widest_axis(points: &Points, order: &[usize]) -> usize {
    let width = |axis: usize| {
        let column = points.coordinate(axis);
        let (low, high) =
            order.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &point| {
                (low.min(column[point]), high.max(column[point]))
            });
        high - low
    };
    (0..points.dimension()).max_by(|&a, &b| width(a).total_cmp(&width(b))).unwrap_or(0)
}
