use super::base::{BaseStream, area_scale, increment_scale};
use super::descent::{Node, Scratch, Source};
use super::lane_rngs::LaneRngs;
use super::piece::{Piece, copy_all};
use super::{Channels, LaneRng, Noise, NoiseError, NoiseRequest, RecordedPath, Stream};
use crate::control::GridTimes;
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
    grid: GridTimes,
    base: Base<S>,
    channels: Channels,
    seed: u64,
    first_lane: u64,
    levels: u32,
    scratch: Scratch<S>,
}

/// The increments and areas of the base intervals.
#[derive(Debug, Clone)]
enum Base<S> {
    /// All of them, to be asked for in any order.
    Kept(Vec<Piece<S>>),
    /// One at a time, drawn as a solve passes them.
    Passed(Box<Passed<S>>),
}

#[derive(Debug, Clone)]
struct Passed<S> {
    increments: BaseStream<S>,
    areas: BaseStream<S>,
    /// Number of the interval that `piece` is.
    at: Option<usize>,
    piece: Piece<S>,
}

impl<S: State> Base<S> {
    /// Interval number `k` of `grid`. Going back draws what is not kept again, from the start.
    fn piece(&mut self, grid: &GridTimes, k: usize) -> Result<&Piece<S>, StateError> {
        match self {
            Base::Kept(pieces) => Ok(&pieces[k]),
            Base::Passed(passed) => {
                let Passed { increments, areas, at, piece } = &mut **passed;
                if *at != Some(k) {
                    *at = None;
                    piece.length = (grid.at(k + 1) - grid.at(k)).abs();
                    increments.draw(k, &mut piece.w)?;
                    areas.draw(k, &mut piece.h)?;
                    *at = Some(k);
                }
                Ok(piece)
            }
        }
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
        let like = Piece::zeros(state, channels.states());
        let grid = GridTimes::from(grid);
        let [mut increments, mut areas] = streams(channels, seed_and_lane, state, &grid);
        let mut base = Vec::with_capacity(grid.steps());
        for k in 0..grid.steps() {
            let mut piece = like.clone();
            piece.length = (grid.at(k + 1) - grid.at(k)).abs();
            increments.draw(k, &mut piece.w)?;
            areas.draw(k, &mut piece.h)?;
            base.push(piece);
        }
        Self::over(grid, channels, Base::Kept(base), like, seed_and_lane)
    }

    /// The path of the steps of a solve, of which one interval is held at a time.
    pub(crate) fn along(
        channels: Channels,
        seed_and_lane: (u64, u64),
        state: &S,
        grid: GridTimes,
    ) -> Result<Self, NoiseError> {
        let like = Piece::zeros(state, channels.states());
        let [increments, areas] = streams(channels, seed_and_lane, state, &grid);
        let passed = Passed { increments, areas, at: None, piece: like.clone() };
        Self::over(grid, channels, Base::Passed(Box::new(passed)), like, seed_and_lane)
    }

    /// A recorded path, refined inside its intervals. Areas that were not recorded
    /// are drawn, which is right because they are independent of the increments.
    pub fn through(
        recorded: RecordedPath<S>,
        seed: u64,
        first_lane: u64,
    ) -> Result<Self, NoiseError> {
        let (grid, channels, mut base, areas) = recorded.into_parts();
        let Some(like) = base.first().cloned() else { return Err(NoiseError::Grid) };
        let grid = GridTimes::Listed(grid);
        if let Some(state) = like.w.first().filter(|_| !areas) {
            let [_, mut areas] = streams(channels, (seed, first_lane), state, &grid);
            for (k, piece) in base.iter_mut().enumerate() {
                areas.draw(k, &mut piece.h)?;
            }
        }
        Self::over(grid, channels, Base::Kept(base), like, (seed, first_lane))
    }

    /// `like` gives the shape of a piece.
    fn over(
        grid: GridTimes,
        channels: Channels,
        base: Base<S>,
        like: Piece<S>,
        (seed, first_lane): (u64, u64),
    ) -> Result<Self, NoiseError> {
        let ordered = match &grid {
            GridTimes::Equidistant { steps, .. } => *steps > 0,
            GridTimes::Listed(times) => {
                let ordered = |ends: &[f64]| {
                    (ends[1] > ends[0]) == (times[1] > times[0]) && (ends[1] - ends[0]).abs() > 0.0
                };
                times.len() > 1 && times.windows(2).all(ordered)
            }
        };
        if !ordered {
            return Err(NoiseError::Grid);
        }
        let piece = || like.clone();
        let lane = |lane| LaneRng::node(seed, first_lane + lane, 0, 0);
        let scratch = Scratch {
            lanes: LaneRngs::new(like.w.first().map_or(0, State::lanes), lane),
            normals: (like.w.clone(), like.w.clone()),
            ones: vec![1.0; like.w.len()],
            node: piece(),
            left: piece(),
            right: piece(),
            other: piece(),
            part: piece(),
            sum: piece(),
        };
        Ok(BrownianTree { grid, base, channels, seed, first_lane, levels: LEVELS, scratch })
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
        let Self { grid, base, scratch, .. } = self;
        let steps = grid.steps();
        let (start, end) = (grid.at(0), grid.at(steps));
        let forwards = end > start;
        let inside = |t: f64| t >= start.min(end) && t <= start.max(end);
        if !(inside(a) && inside(b)) || a == b || (b > a) != forwards {
            return Err(NoiseError::OutsidePath { a, b });
        }
        let mut empty = true;
        for k in grid.interval_of(a)..steps {
            let (from, to) = (grid.at(k), grid.at(k + 1));
            let node = Node { interval: k as u64, number: 1, level: 0, from, to };
            if !node.before(node.from, b) {
                break;
            }
            let from = if node.before(node.from, a) { a } else { node.from };
            let to = if node.before(b, node.to) { b } else { node.to };
            let piece = base.piece(grid, k)?;
            if from == node.from && to == node.to {
                scratch.part.copy_from(piece)?;
            } else {
                scratch.node.copy_from(piece)?;
                let source = Source {
                    seed: self.seed,
                    first_lane: self.first_lane,
                    levels: self.levels,
                    channels: self.channels,
                };
                scratch.inside(&source, node, from, to)?;
            }
            let Scratch { part, sum, .. } = &mut *scratch;
            if empty {
                sum.copy_from(part)?
            } else {
                sum.append(part)?
            }
            empty = false;
        }
        Ok(())
    }
}

/// The numbers of the increments and of the areas.
fn streams<S: State>(
    channels: Channels,
    key: (u64, u64),
    state: &S,
    grid: &GridTimes,
) -> [BaseStream<S>; 2] {
    [(Stream::Increments, increment_scale as fn(f64, f64) -> f64), (Stream::Areas, area_scale)]
        .map(|(stream, scale)| BaseStream::new(key, state, stream, channels, (grid.clone(), scale)))
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
