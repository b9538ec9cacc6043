//! The order in which lanes are folded, which depends on their numbers alone.

use super::{BLOCK, Failure, LISTED_FAILURES, Statistic};
use crate::solution::Statistics;

/// The lanes in order, block by block: blocks are merged as the digits of a
/// binary counter carry, so that two complete trees of equal size become one.
/// That is the tree of [`split`], walked with one open block.
#[derive(Debug)]
pub(super) struct Fold<A> {
    /// Complete trees and the logarithms of their sizes, largest first.
    trees: Vec<(u32, A)>,
    open: A,
    lanes_in_open: usize,
    pub(super) tally: Tally,
}

impl<A: Statistic> Fold<A> {
    pub(super) fn new(template: &A) -> Self {
        Fold {
            trees: Vec::new(),
            open: template.empty(),
            lanes_in_open: 0,
            tally: Tally::default(),
        }
    }

    /// The next lane's numbers, `None` if it failed.
    pub(super) fn lane(&mut self, values: Option<&[f64]>) {
        if let Some(values) = values {
            self.open.push(values);
        }
        self.lanes_in_open += 1;
        if self.lanes_in_open == BLOCK {
            self.close_block();
        }
    }

    fn close_block(&mut self) {
        let empty = self.open.empty();
        let mut tree = std::mem::replace(&mut self.open, empty);
        let mut size = 0;
        while let Some((_, mut before)) = self.trees.pop_if(|(other, _)| *other == size) {
            before.merge(tree);
            tree = before;
            size += 1;
        }
        self.trees.push((size, tree));
        self.lanes_in_open = 0;
    }

    pub(super) fn finish(mut self) -> (A, Tally) {
        let mut whole = self.open;
        while let Some((_, mut before)) = self.trees.pop() {
            before.merge(whole);
            whole = before;
        }
        (whole, self.tally)
    }
}

/// Blocks of the left part of a tree of `blocks` blocks, two or more: the largest
/// power of two that leaves some for the right.
pub(super) fn split(blocks: usize) -> usize {
    blocks.next_power_of_two() / 2
}

/// What is counted, not computed: exact in any order.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) evaluations: Statistics,
    pub(super) lane_nfe: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) failures: Vec<Failure>,
}

impl Tally {
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failed += failure.lanes.count as u64;
        if self.failures.len() < LISTED_FAILURES {
            self.failures.push(failure);
        }
    }

    pub(super) fn merge(&mut self, later: Tally) {
        self.evaluations += later.evaluations;
        self.lane_nfe += later.lane_nfe;
        self.succeeded += later.succeeded;
        self.failed += later.failed;
        let room = LISTED_FAILURES - self.failures.len();
        self.failures.extend(later.failures.into_iter().take(room));
    }
}
