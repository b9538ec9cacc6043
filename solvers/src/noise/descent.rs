//! The descent from a base interval to a part of it.

use super::bridge::split;
use super::lane_rngs::LaneRngs;
use super::piece::Piece;
use super::{Channels, LaneRng};
use crate::state::{State, StateError};

/// What a query works in.
#[derive(Debug, Clone)]
pub(super) struct Scratch<S> {
    pub(super) lanes: LaneRngs,
    pub(super) normals: (Vec<S>, Vec<S>),
    /// What the normals are scaled by.
    pub(super) ones: Vec<f64>,
    pub(super) node: Piece<S>,
    pub(super) left: Piece<S>,
    pub(super) right: Piece<S>,
    /// The right half of the node at which a query parts.
    pub(super) other: Piece<S>,
    pub(super) part: Piece<S>,
    pub(super) sum: Piece<S>,
}

/// A node of the tree of one base interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) interval: u64,
    /// Heap number, the root 1.
    pub(super) number: u64,
    pub(super) level: u32,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Node {
    fn middle(&self) -> f64 {
        self.from + 0.5 * (self.to - self.from)
    }

    /// Whether `t` comes before `limit` in the direction of the node.
    pub(super) fn before(&self, t: f64, limit: f64) -> bool {
        if self.to > self.from { t < limit } else { t > limit }
    }

    fn left(self) -> Self {
        Node { number: 2 * self.number, level: self.level + 1, to: self.middle(), ..self }
    }

    fn right(self) -> Self {
        let (number, from) = (2 * self.number + 1, self.middle());
        Node { number, level: self.level + 1, from, ..self }
    }

    fn is_leaf(&self, levels: u32) -> bool {
        let middle = self.middle();
        self.level >= levels || middle == self.from || middle == self.to
    }
}

/// What the numbers of a tree are functions of.
pub(super) struct Source {
    pub(super) seed: u64,
    pub(super) first_lane: u64,
    pub(super) levels: u32,
    pub(super) channels: Channels,
}

impl<S: State> Scratch<S> {
    /// Splits `self.node` at `t` into `self.left` and `self.right`.
    fn split(&mut self, source: &Source, node: &Node, t: f64) -> Result<(), StateError> {
        self.lanes.restart(|lane| {
            LaneRng::node(source.seed, source.first_lane + lane, node.interval, node.number)
        });
        let (each, ones) = (source.channels.per_lane(), &self.ones[..]);
        S::draw_lanes(&mut self.normals.0, each, ones, &mut self.lanes)?;
        S::draw_lanes(&mut self.normals.1, each, ones, &mut self.lanes)?;
        let normals = (&self.normals.0[..], &self.normals.1[..]);
        split(&self.node, (t - node.from).abs(), normals, &mut self.left, &mut self.right)
    }

    /// Writes the path over `[a, b]`, a proper part of `node`, into `self.part`;
    /// `self.node` holds the path over the node.
    pub(super) fn inside(
        &mut self,
        source: &Source,
        mut node: Node,
        a: f64,
        b: f64,
    ) -> Result<(), StateError> {
        loop {
            if a == node.from {
                return self.beginning(source, node, b);
            }
            if b == node.to {
                return self.rest(source, node, a);
            }
            if node.is_leaf(source.levels) {
                return self.within_leaf(source, &node, a, b);
            }
            let middle = node.middle();
            self.split(source, &node, middle)?;
            if !node.before(middle, b) {
                std::mem::swap(&mut self.node, &mut self.left);
                node = node.left();
            } else if !node.before(a, middle) {
                std::mem::swap(&mut self.node, &mut self.right);
                node = node.right();
            } else {
                std::mem::swap(&mut self.other, &mut self.right);
                std::mem::swap(&mut self.node, &mut self.left);
                self.rest(source, node.left(), a)?;
                std::mem::swap(&mut self.node, &mut self.other);
                std::mem::swap(&mut self.other, &mut self.part);
                self.beginning(source, node.right(), b)?;
                let Scratch { other, part, .. } = self;
                return part.prepend(other);
            }
        }
    }

    /// Writes the path from the node's start to `b` into `self.part`.
    fn beginning(&mut self, source: &Source, mut node: Node, b: f64) -> Result<(), StateError> {
        let mut empty = true;
        while b != node.to {
            let leaf = node.is_leaf(source.levels);
            let at = if leaf { b } else { node.middle() };
            self.split(source, &node, at)?;
            if leaf || !node.before(b, at) {
                let Scratch { part, left, .. } = self;
                if empty {
                    part.copy_from(left)?
                } else {
                    part.append(left)?
                }
                empty = false;
                if at == b {
                    return Ok(());
                }
                std::mem::swap(&mut self.node, &mut self.right);
                node = node.right();
            } else {
                std::mem::swap(&mut self.node, &mut self.left);
                node = node.left();
            }
        }
        let Scratch { part, node, .. } = self;
        if empty { part.copy_from(node) } else { part.append(node) }
    }

    /// Writes the path from `a` to the node's end into `self.part`.
    fn rest(&mut self, source: &Source, mut node: Node, a: f64) -> Result<(), StateError> {
        let mut empty = true;
        while a != node.from {
            let leaf = node.is_leaf(source.levels);
            let at = if leaf { a } else { node.middle() };
            self.split(source, &node, at)?;
            if leaf || !node.before(at, a) {
                let Scratch { part, right, .. } = self;
                if empty {
                    part.copy_from(right)?
                } else {
                    part.prepend(right)?
                }
                empty = false;
                if at == a {
                    return Ok(());
                }
                std::mem::swap(&mut self.node, &mut self.left);
                node = node.left();
            } else {
                std::mem::swap(&mut self.node, &mut self.right);
                node = node.right();
            }
        }
        let Scratch { part, node, .. } = self;
        if empty { part.copy_from(node) } else { part.prepend(node) }
    }

    /// Both ends inside one leaf: what its bridge gives up to `b` less what it
    /// gives up to `a`.
    fn within_leaf(
        &mut self,
        source: &Source,
        node: &Node,
        a: f64,
        b: f64,
    ) -> Result<(), StateError> {
        self.split(source, node, b)?;
        self.part.copy_from(&self.left)?;
        self.split(source, node, a)?;
        let Scratch { part, left, .. } = self;
        part.remove_start(left)
    }
}
