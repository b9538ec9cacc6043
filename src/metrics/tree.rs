use pulp::{Arch, Simd, WithSimd};

use super::points::Points;

/// Points of a leaf: two or more whole vector registers of one coordinate.
const LEAF: usize = 8;
/// Levels of a tree, more than any number of points has that memory holds.
const DEEPEST: usize = 60;

/// A balanced k-d tree of `D` dimensions (Bentley: Multidimensional binary
/// search trees, 1975), stored as a heap: node `i` has the children `2i + 1`
/// and `2i + 2`, and all leaves lie on one level.
#[derive(Debug)]
pub(super) struct Tree<const D: usize> {
    splits: Vec<Split>,
    leaves: Vec<Leaf<D>>,
    order: Vec<usize>,
}

/// Points with `x[axis] <= at` are below, those with `x[axis] >= at` above.
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    at: f64,
    axis: usize,
}

/// Coordinate by coordinate; what is not filled is infinitely far away.
type Leaf<const D: usize> = [[f64; LEAF]; D];

/// A subtree put off: its node, the query's distance to its cell along each
/// axis, and the sum of their squares.
#[derive(Clone, Copy)]
struct Postponed<const D: usize> {
    node: usize,
    gaps: [f64; D],
    bound: f64,
}

impl<const D: usize> Postponed<D> {
    const ROOT: Self = Postponed { node: 0, gaps: [0.0; D], bound: 0.0 };
}

impl<const D: usize> Tree<D> {
    pub fn new(points: &Points) -> Self {
        let mut entries: Vec<([f64; D], usize)> = (0..points.count())
            .map(|point| (std::array::from_fn(|axis| points.get(point, axis)), point))
            .collect();
        let leaves = entries.len().div_ceil(LEAF).next_power_of_two();
        let mut tree = Tree {
            splits: vec![Split::default(); leaves - 1],
            leaves: Vec::with_capacity(leaves),
            order: Vec::with_capacity(entries.len()),
        };
        tree.grow(0, &mut entries);
        tree
    }

    /// The points, leaf after leaf: neighbours in space are near each other.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Halving keeps all leaves within one point of each other in size, whatever
    /// the points; equal coordinates may fall on both sides.
    fn grow(&mut self, node: usize, entries: &mut [([f64; D], usize)]) {
        if node >= self.splits.len() {
            let mut leaf = [[f64::INFINITY; LEAF]; D];
            for (slot, (point, _)) in entries.iter().enumerate() {
                for axis in 0..D {
                    leaf[axis][slot] = point[axis];
                }
            }
            self.leaves.push(leaf);
            self.order.extend(entries.iter().map(|(_, index)| index));
            return;
        }
        let axis = widest_axis(entries);
        let half = entries.len() / 2;
        let at = match entries.is_empty() {
            true => 0.0,
            false => {
                let by_axis =
                    |a: &([f64; D], usize), b: &([f64; D], usize)| a.0[axis].total_cmp(&b.0[axis]);
                entries.select_nth_unstable_by(half, by_axis).1.0[axis]
            }
        };
        self.splits[node] = Split { at, axis };
        let (below, above) = entries.split_at_mut(half);
        self.grow(2 * node + 1, below);
        self.grow(2 * node + 2, above);
    }

    /// Squared distance from each of some points to the nearest in the tree.
    ///
    /// Those points should be in an order that keeps neighbours together: the
    /// leaf that answered the last query gives the first bound for the next.
    pub fn nearest_squared(&self, from: &Points, queries: &[usize], squares: &mut [f64]) {
        Arch::new().dispatch(Queries { tree: self, from, queries, squares });
    }

    /// The smallest squared distance, and the leaf it was found in.
    ///
    /// A cell is skipped where the squared gaps to it add up to the best found
    /// so far. They are added in the order of the axes, as in a distance, and
    /// rounding is monotone: no computed distance in the cell could be smaller.
    #[inline(always)]
    fn nearest(
        &self,
        query: &[f64; D],
        first_leaf: usize,
        stack: &mut [Postponed<D>; DEEPEST],
    ) -> (f64, usize) {
        let mut best = leaf_distance(&self.leaves[first_leaf], query);
        let mut best_leaf = first_leaf;
        stack[0] = Postponed::ROOT;
        let mut height = 1;
        while height > 0 {
            height -= 1;
            let Postponed { mut node, gaps, bound } = stack[height];
            if bound >= best {
                continue;
            }
            while let Some(split) = self.splits.get(node) {
                let gap = query[split.axis] - split.at;
                let above = usize::from(gap >= 0.0);
                let mut far_gaps = gaps;
                far_gaps[split.axis] = gap;
                let far_bound = sum_of_squares(&far_gaps);
                if far_bound < best {
                    stack[height] =
                        Postponed { node: 2 * node + 2 - above, gaps: far_gaps, bound: far_bound };
                    height += 1;
                }
                node = 2 * node + 1 + above;
            }
            let leaf = node - self.splits.len();
            let found = leaf_distance(&self.leaves[leaf], query);
            if found < best {
                (best, best_leaf) = (found, leaf);
            }
        }
        (best, best_leaf)
    }
}

/// A type rather than a closure: only a method is compiled reliably with the
/// vector instructions found at run time.
struct Queries<'a, const D: usize> {
    tree: &'a Tree<D>,
    from: &'a Points,
    queries: &'a [usize],
    squares: &'a mut [f64],
}

impl<const D: usize> WithSimd for Queries<'_, D> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut leaf = 0;
        let mut stack = [Postponed::ROOT; DEEPEST];
        for (square, &point) in self.squares.iter_mut().zip(self.queries) {
            let query = std::array::from_fn(|axis| self.from.get(point, axis));
            (*square, leaf) = self.tree.nearest(&query, leaf, &mut stack);
        }
    }
}

#[inline(always)]
fn sum_of_squares<const D: usize>(gaps: &[f64; D]) -> f64 {
    gaps.iter().fold(0.0, |sum, gap| sum + gap * gap)
}

#[inline(always)]
fn leaf_distance<const D: usize>(leaf: &Leaf<D>, query: &[f64; D]) -> f64 {
    let mut squares = [0.0; LEAF];
    for (coordinate, x) in leaf.iter().zip(query) {
        for (square, y) in squares.iter_mut().zip(coordinate) {
            *square += (x - y) * (x - y);
        }
    }
    let smaller = |a: f64, b: f64| if a < b { a } else { b };
    let four: [f64; 4] = std::array::from_fn(|i| smaller(squares[i], squares[i + 4]));
    smaller(smaller(four[0], four[2]), smaller(four[1], four[3]))
}

fn widest_axis<const D: usize>(entries: &[([f64; D], usize)]) -> usize {
    let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
    for (point, _) in entries {
        for axis in 0..D {
            low[axis] = if point[axis] < low[axis] { point[axis] } else { low[axis] };
            high[axis] = if point[axis] > high[axis] { point[axis] } else { high[axis] };
        }
    }
    let width = |axis: usize| high[axis] - low[axis];
    (0..D).max_by(|&a, &b| width(a).total_cmp(&width(b))).unwrap_or(0)
}
