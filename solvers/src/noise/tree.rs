use super::base::{BaseStream, area_scale, increment_scale};
use super::descent::{Node, Scratch, Source};
use super::lane_rngs::LaneRngs;
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
        let law = (&grid[..], increment_scale as fn(f64, f64) -> f64);
        let mut increments =
            BaseStream::new(seed_and_lane, state, Stream::Increments, channels, law);
        let mut base = Vec::with_capacity(grid.len());
        for (k, ends) in grid.windows(2).enumerate() {
            let mut piece = Piece::zeros(state, channels.states());
            piece.length = (ends[1] - ends[0]).abs();
            increments.draw(k, &mut piece.w)?;
            base.push(piece);
        }
        let mut tree = Self::over(grid, channels, base, seed_and_lane)?;
        tree.draw_areas(state)?;
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
        let like = base.first().and_then(|piece| piece.w.first()).map(S::zeros_like);
        let mut tree = Self::over(grid, channels, base, (seed, first_lane))?;
        if let Some(like) = like.filter(|_| !areas) {
            tree.draw_areas(&like)?;
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
            lanes: LaneRngs::new(first.w[0].lanes(), lane),
            normals: (first.w.clone(), first.w.clone()),
            ones: vec![1.0; first.w.len()],
            node: piece(),
            left: piece(),
            right: piece(),
            other: piece(),
            part: piece(),
            sum: piece(),
        };
        Ok(BrownianTree { grid, base, channels, seed, first_lane, levels: LEVELS, scratch })
    }

    fn draw_areas(&mut self, like: &S) -> Result<(), StateError> {
        let key = (self.seed, self.first_lane);
        let law = (&self.grid[..], area_scale as fn(f64, f64) -> f64);
        let mut areas = BaseStream::new(key, like, Stream::Areas, self.channels, law);
        for (k, piece) in self.base.iter_mut().enumerate() {
            areas.draw(k, &mut piece.h)?;
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
