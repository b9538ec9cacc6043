use super::base::{BaseStream, area_scale, increment_scale};
use super::bridge::split;
use super::piece::{Piece, copy_all};
use super::{Channels, LaneRng, Noise, NoiseError, NoiseRequest, RecordedPath, Stream};
use crate::state::{State, StateError};

/// Bisections of a base interval unless another resolution is set.
const LEVELS: u32 = 24;

/// A Brownian path at any time: the increments and areas of a base grid, refined
/// inside every base interval by a virtual tree.
///
/// `W` is a pure function of (seed, lane, base grid, t): a base interval is
/// bisected conditionally on its increment and area, the normals of every node
/// being seeded by (seed, lane, interval, node), so that neither the order of the
/// queries nor the batch matters, and a rejected step is retried on the same path.
/// Over whole base intervals the increments are, to the bit, those of
/// [`BrownianPath`](super::BrownianPath) on the same grid.
///
/// Below a resolution of `2^-24` of the base interval, or what
/// [`BrownianTree::resolution`] sets, the path is bridged by one smooth curve:
/// its law at any single time is right there, that of increments much shorter is
/// not.
///
/// The virtual tree goes back to Li et al. (*AISTATS* 2020), its use with
/// space-time areas to Jelincic, Foster & Kidger (2024).
///
/// ```
/// use driftfield_solvers::noise::{BrownianTree, Noise};
/// let mut path = BrownianTree::new(7, 0, &0.0_f64, vec![0.0, 1.0]).unwrap();
/// let (mut late, mut early, mut whole) = (0.0, 0.0, 0.0);
/// path.increment(0.3, 1.0, &mut late).unwrap();
/// path.increment(0.0, 0.3, &mut early).unwrap();
/// path.increment(0.0, 1.0, &mut whole).unwrap();
/// assert!((early + late - whole).abs() < 1e-15);
/// ```
#[derive(Debug, Clone)]
pub struct BrownianTree<S> {
    grid: Vec<f64>,
    base: Vec<Piece<S>>,
    channels: Channels,
    seed: u64,
    first_lane: u64,
    levels: u32,
    scratch: Scratch<S>,
}

/// What a query works in.
#[derive(Debug, Clone)]
struct Scratch<S> {
    lanes: Vec<LaneRng>,
    normals: (Vec<S>, Vec<S>),
    node: Piece<S>,
    left: Piece<S>,
    right: Piece<S>,
    /// The right half of the node at which a query parts.
    other: Piece<S>,
    part: Piece<S>,
    sum: Piece<S>,
}

/// A node of the tree of one base interval.
#[derive(Debug, Clone, Copy)]
struct Node {
    interval: u64,
    /// Heap number, the root 1.
    number: u64,
    level: u32,
    from: f64,
    to: f64,
}

impl Node {
    fn middle(&self) -> f64 {
        self.from + 0.5 * (self.to - self.from)
    }

    /// Whether `t` comes before `limit` in the direction of the node.
    fn before(&self, t: f64, limit: f64) -> bool {
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

impl<S: State> BrownianTree<S> {
    /// The path over `grid`, one Brownian motion per component, of a batch shaped
    /// like `state` whose first lane is lane number `first_lane` of the ensemble.
    pub fn new(seed: u64, first_lane: u64, state: &S, grid: Vec<f64>) -> Result<Self, NoiseError> {
        Self::with_channels(Channels::PerComponent, (seed, first_lane), state, grid)
    }

    /// The path with Brownian motions laid out as `channels`;
    /// `seed_and_lane` are those of [`BrownianTree::new`].
    pub fn with_channels(
        channels: Channels,
        seed_and_lane: (u64, u64),
        state: &S,
        grid: Vec<f64>,
    ) -> Result<Self, NoiseError> {
        let mut increments =
            BaseStream::new(seed_and_lane, state.lanes(), Stream::Increments, channels);
        let mut base = Vec::with_capacity(grid.len());
        for (k, ends) in grid.windows(2).enumerate() {
            let mut piece = Piece::zeros(state, channels.states());
            piece.length = (ends[1] - ends[0]).abs();
            increments.draw(k, increment_scale(ends[0], ends[1]), &mut piece.w)?;
            base.push(piece);
        }
        let mut tree = Self::over(grid, channels, base, seed_and_lane)?;
        tree.draw_areas(state.lanes())?;
        Ok(tree)
    }

    /// A recorded path, refined inside its intervals. Areas that were not recorded
    /// are drawn, which is right because they are independent of the increments.
    pub fn through(
        recorded: RecordedPath<S>,
        seed: u64,
        first_lane: u64,
    ) -> Result<Self, NoiseError> {
        let (grid, channels, base, areas) = recorded.into_parts();
        let mut tree = Self::over(grid, channels, base, (seed, first_lane))?;
        if !areas {
            tree.draw_areas(tree.scratch.lanes.len())?;
        }
        Ok(tree)
    }

    fn over(
        grid: Vec<f64>,
        channels: Channels,
        base: Vec<Piece<S>>,
        (seed, first_lane): (u64, u64),
    ) -> Result<Self, NoiseError> {
        let ordered = |ends: &[f64]| {
            (ends[1] > ends[0]) == (grid[1] > grid[0]) && (ends[1] - ends[0]).abs() > 0.0
        };
        let Some(first) = base.first().filter(|_| grid.windows(2).all(ordered)) else {
            return Err(NoiseError::Grid);
        };
        let piece = || first.clone();
        let lane = |lane| LaneRng::node(seed, first_lane + lane, 0, 0);
        let scratch = Scratch {
            lanes: (0..first.w[0].lanes() as u64).map(lane).collect(),
            normals: (first.w.clone(), first.w.clone()),
            node: piece(),
            left: piece(),
            right: piece(),
            other: piece(),
            part: piece(),
            sum: piece(),
        };
        Ok(BrownianTree { grid, base, channels, seed, first_lane, levels: LEVELS, scratch })
    }

    fn draw_areas(&mut self, lanes: usize) -> Result<(), StateError> {
        let key = (self.seed, self.first_lane);
        let mut areas = BaseStream::new(key, lanes, Stream::Areas, self.channels);
        for (k, piece) in self.base.iter_mut().enumerate() {
            areas.draw(k, area_scale(self.grid[k], self.grid[k + 1]), &mut piece.h)?;
        }
        Ok(())
    }

    /// The same path bisected `levels` times (at most 52) inside base intervals,
    /// instead of 24.
    #[must_use]
    pub fn resolution(mut self, levels: u32) -> Self {
        self.levels = levels.min(52);
        self
    }

    /// Writes the path over `[a, b]` into `scratch.sum`: base intervals from left
    /// to right, the first and the last in part.
    fn query(&mut self, a: f64, b: f64) -> Result<(), NoiseError> {
        let root = |k: usize| Node {
            interval: k as u64,
            number: 1,
            level: 0,
            from: self.grid[k],
            to: self.grid[k + 1],
        };
        let (start, end) = (self.grid[0], self.grid[self.base.len()]);
        let forwards = end > start;
        let inside = |t: f64| t >= start.min(end) && t <= start.max(end);
        if !(inside(a) && inside(b)) || a == b || (b > a) != forwards {
            return Err(NoiseError::OutsidePath { a, b });
        }
        let first = self.interval_of(a);
        let mut empty = true;
        for k in first..self.base.len() {
            let node = root(k);
            if !node.before(node.from, b) {
                break;
            }
            let from = if node.before(node.from, a) { a } else { node.from };
            let to = if node.before(b, node.to) { b } else { node.to };
            if from == node.from && to == node.to {
                self.scratch.part.copy_from(&self.base[k])?;
            } else {
                self.scratch.node.copy_from(&self.base[k])?;
                let source = Source {
                    seed: self.seed,
                    first_lane: self.first_lane,
                    levels: self.levels,
                    channels: self.channels,
                };
                self.scratch.inside(&source, node, from, to)?;
            }
            let Scratch { part, sum, .. } = &mut self.scratch;
            if empty {
                sum.copy_from(part)?
            } else {
                sum.append(part)?
            }
            empty = false;
        }
        Ok(())
    }

    /// The base interval in which time goes on after `a`.
    fn interval_of(&self, a: f64) -> usize {
        let forwards = self.grid[1] > self.grid[0];
        let after = self.grid.partition_point(|&t| if forwards { t <= a } else { t >= a });
        after.saturating_sub(1)
    }
}

/// What the numbers of a tree are functions of.
struct Source {
    seed: u64,
    first_lane: u64,
    levels: u32,
    channels: Channels,
}

impl<S: State> Scratch<S> {
    /// Splits `self.node` at `t` into `self.left` and `self.right`.
    fn split(&mut self, source: &Source, node: &Node, t: f64) -> Result<(), StateError> {
        for (lane, rng) in self.lanes.iter_mut().enumerate() {
            let lane = source.first_lane + lane as u64;
            *rng = LaneRng::node(source.seed, lane, node.interval, node.number);
        }
        source.channels.fill(&mut self.lanes, 1.0, &mut self.normals.0)?;
        source.channels.fill(&mut self.lanes, 1.0, &mut self.normals.1)?;
        let normals = (&self.normals.0[..], &self.normals.1[..]);
        split(&self.node, (t - node.from).abs(), normals, &mut self.left, &mut self.right)
    }

    /// Writes the path over `[a, b]`, a proper part of `node`, into `self.part`;
    /// `self.node` holds the path over the node.
    fn inside(
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

impl<S: State> Noise<S> for BrownianTree<S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        self.query(a, b)?;
        Ok(copy_all(dw, &self.scratch.sum.w)?)
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        self.query(a, b)?;
        self.scratch.sum.write(dw, areas)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.channels.matches(request)
    }
}
