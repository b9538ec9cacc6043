use std::fmt;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pairwise::squared_distances;
use super::points::Points;
use super::tree::{Tree, smaller};

/// Queries of one unit of parallel work.
const CHUNK: usize = 512;
/// Columns whose distances are kept between computing and comparing them.
const RUN: usize = 512;

/// Answers nearest-neighbour queries exactly: with the same floating-point
/// numbers as trying every pair.
pub(super) trait Nearest: fmt::Debug + Send + Sync {
    /// All points in an order in which they are best queried.
    fn order(&self) -> &[usize];

    /// Squared distance from each of some `queries` among `from` to the
    /// nearest point here; `points` are those the index was made of.
    fn nearest_squared(&self, points: &Points, from: &Points, queries: &[usize], out: &mut [f64]);
}

/// An index of the points: a tree in few dimensions; in more than eight it
/// would visit most of its leaves and only cost.
pub(super) fn index(points: &Points) -> Box<dyn Nearest> {
    match points.dimension() {
        1 => Box::new(Tree::<1>::new(points)),
        2 => Box::new(Tree::<2>::new(points)),
        3 => Box::new(Tree::<3>::new(points)),
        4 => Box::new(Tree::<4>::new(points)),
        5 => Box::new(Tree::<5>::new(points)),
        6 => Box::new(Tree::<6>::new(points)),
        7 => Box::new(Tree::<7>::new(points)),
        8 => Box::new(Tree::<8>::new(points)),
        _ => Box::new(EveryPair { order: (0..points.count()).collect() }),
    }
}

/// Squared distance from each point of `from`, in the order of its own index,
/// to the nearest of `to`.
pub(super) fn nearest_squared(
    (from, from_index): (&Points, &dyn Nearest),
    (to, to_index): (&Points, &dyn Nearest),
) -> Vec<f64> {
    let order = from_index.order();
    let mut ordered = vec![0.0; order.len()];
    let chunks = ordered.par_chunks_mut(CHUNK).zip(order.par_chunks(CHUNK));
    chunks.for_each(|(squares, queries)| to_index.nearest_squared(to, from, queries, squares));
    let mut squares = vec![0.0; order.len()];
    for (&point, square) in order.iter().zip(ordered) {
        squares[point] = square;
    }
    squares
}

impl<const D: usize> Nearest for Tree<D> {
    fn order(&self) -> &[usize] {
        Tree::order(self)
    }

    fn nearest_squared(&self, _: &Points, from: &Points, queries: &[usize], out: &mut [f64]) {
        Tree::nearest_squared(self, from, queries, out);
    }
}

/// No index at all.
#[derive(Debug)]
struct EveryPair {
    order: Vec<usize>,
}

impl Nearest for EveryPair {
    fn order(&self) -> &[usize] {
        &self.order
    }

    fn nearest_squared(&self, points: &Points, from: &Points, queries: &[usize], out: &mut [f64]) {
        Arch::new().dispatch(Scan { points, from, queries, squares: out });
    }
}

struct Scan<'a> {
    points: &'a Points,
    from: &'a Points,
    queries: &'a [usize],
    squares: &'a mut [f64],
}

impl WithSimd for Scan<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Scan { points, from, queries, squares: nearest } = self;
        nearest.fill(f64::INFINITY);
        let mut squares = [0.0; RUN];
        // A run of columns stays in the cache while all queries pass over it.
        for begin in (0..points.count()).step_by(RUN) {
            let squares = &mut squares[..RUN.min(points.count() - begin)];
            for (nearest, &query) in nearest.iter_mut().zip(queries) {
                squared_distances(from, query, points, begin, squares);
                *nearest = smallest(squares, *nearest);
            }
        }
    }
}

/// The smallest of the values and of `first`, in independent partial minima.
#[inline(always)]
fn smallest(values: &[f64], first: f64) -> f64 {
    let mut lanes = [first; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (least, &value) in lanes.iter_mut().zip(chunk) {
            *least = smaller(value, *least);
        }
    }
    rest.iter().chain(&lanes).fold(first, |least, &value| smaller(value, least))
}
