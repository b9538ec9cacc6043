use std::sync::Arc;

use super::base::whole_intervals;
use super::piece::{Piece, add_all, copy_all};
use super::{Channels, Noise, NoiseError, NoiseRequest};
use crate::control::GridTimes;
use crate::state::State;

/// A Brownian path made of given increments on a base grid, and of space-time
/// Levy areas if they are given too: noise recorded elsewhere, so that a run of
/// another library can be repeated.
///
/// Steps may join several base intervals, as with
/// [`BrownianPath`](super::BrownianPath), and the path may be asked for in any order.
/// [`RecordedPath::coarsened`] joins intervals for good,
/// [`BrownianTree::through`](super::BrownianTree::through) refines them.
///
/// ```
/// use driftfield_solvers::{SdeProblem, SolveOptions, solve};
/// use driftfield_solvers::{method::EulerMaruyama, noise::RecordedPath};
/// let zero = |out: &mut f64, _u: &f64, _t: f64| *out = 0.0;
/// let one = |out: &mut f64, _u: &f64, _t: f64| *out = 1.0;
/// let problem = SdeProblem::new(zero, one, 0.0, (0.0, 1.0));
/// let path = RecordedPath::new(vec![0.0, 0.5, 1.0], vec![0.25, -1.0]).unwrap();
/// let options = SolveOptions::steps(2).noise(path);
/// let end = solve(&problem, &EulerMaruyama::new(), options).unwrap().complete();
/// assert_eq!(end.unwrap(), -0.75);
/// ```
#[derive(Debug, Clone)]
pub struct RecordedPath<S> {
    grid: Arc<[f64]>,
    channels: Channels,
    pieces: Vec<Piece<S>>,
    /// Whether the areas of the pieces mean anything.
    areas: bool,
    whole: Option<Piece<S>>,
    next: usize,
}

impl<S: State> RecordedPath<S> {
    /// The path whose increment over `[grid[k], grid[k + 1]]` is `increments[k]`,
    /// one Brownian motion per component.
    pub fn new(grid: Vec<f64>, increments: Vec<S>) -> Result<Self, NoiseError> {
        let increments = increments.into_iter().map(|increment| vec![increment]).collect();
        Self::with_channels(Channels::PerComponent, grid, increments)
    }

    /// The path whose increment over `[grid[k], grid[k + 1]]` is `increments[k]`,
    /// one state per channel.
    pub fn with_channels(
        channels: Channels,
        grid: Vec<f64>,
        increments: Vec<Vec<S>>,
    ) -> Result<Self, NoiseError> {
        check_length(&grid, increments.len())?;
        let mut pieces = Vec::with_capacity(increments.len());
        for (ends, w) in grid.windows(2).zip(increments) {
            channels.check(w.len())?;
            let h = w.iter().map(State::zeros_like).collect();
            pieces.push(Piece { length: (ends[1] - ends[0]).abs(), w, h });
        }
        let whole = pieces.first().cloned();
        let grid = grid.into();
        Ok(RecordedPath { grid, channels, pieces, areas: false, whole, next: 0 })
    }

    /// The path whose increment over `[grid[k], grid[k + 1]]` is
    /// `sqrt(|grid[k + 1] - grid[k]|)` times the standard normals `normals[k]`.
    pub fn from_normals(grid: Vec<f64>, normals: Vec<S>) -> Result<Self, NoiseError> {
        let mut path = Self::new(grid, normals)?;
        for piece in &mut path.pieces {
            let scale = piece.length.sqrt();
            piece.w[0].linear_combination(scale, &[])?;
        }
        Ok(path)
    }

    /// The same path with given space-time Levy areas, one state per channel for
    /// every interval.
    pub fn with_areas(mut self, areas: Vec<Vec<S>>) -> Result<Self, NoiseError> {
        check_length(&self.grid, areas.len())?;
        for (piece, h) in self.pieces.iter_mut().zip(areas) {
            self.channels.check(h.len())?;
            piece.h = h;
        }
        self.areas = true;
        Ok(self)
    }

    /// The path taken as linear between the times of its grid, so that the area of
    /// each interval is 0. It is then no Brownian path below that scale.
    #[must_use]
    pub fn piecewise_linear(mut self) -> Self {
        for piece in &mut self.pieces {
            piece.h = piece.w.iter().map(State::zeros_like).collect();
        }
        self.areas = true;
        self
    }

    /// Writes `noise` down over `grid`, with its areas if `request` has them;
    /// `state` gives the shape.
    pub fn record(
        noise: &mut impl Noise<S>,
        request: &NoiseRequest,
        state: &S,
        grid: Vec<f64>,
    ) -> Result<Self, NoiseError> {
        noise.provides(request)?;
        let mut pieces = Vec::with_capacity(grid.len());
        for ends in grid.windows(2) {
            let mut piece = Piece::zeros(state, request.channels.states());
            piece.length = (ends[1] - ends[0]).abs();
            if request.areas {
                noise.increments_and_areas(ends[0], ends[1], &mut piece.w, &mut piece.h)?;
            } else {
                noise.increments(ends[0], ends[1], &mut piece.w)?;
            }
            pieces.push(piece);
        }
        let whole = pieces.first().cloned();
        let (grid, channels, areas) = (grid.into(), request.channels, request.areas);
        Ok(RecordedPath { grid, channels, pieces, areas, whole, next: 0 })
    }

    /// The same path on every `factor`-th time of the grid; the last interval may
    /// join fewer. A `factor` of 0 counts as 1.
    #[must_use = "the coarser path is a new one"]
    pub fn coarsened(&self, factor: usize) -> Result<Self, NoiseError> {
        let factor = factor.max(1);
        let mut grid: Vec<f64> = self.grid.iter().copied().step_by(factor).collect();
        if !self.pieces.len().is_multiple_of(factor) {
            grid.extend(self.grid.last());
        }
        let mut pieces = Vec::with_capacity(grid.len());
        for group in self.pieces.chunks(factor) {
            let mut joined = group[0].clone();
            for piece in &group[1..] {
                joined.append(piece)?;
            }
            pieces.push(joined);
        }
        let (grid, whole) = (grid.into(), self.whole.clone());
        Ok(RecordedPath { grid, pieces, whole, next: 0, ..*self })
    }

    /// The times of the base grid.
    pub fn grid(&self) -> &[f64] {
        &self.grid
    }

    pub(super) fn into_parts(self) -> (Arc<[f64]>, Channels, Vec<Piece<S>>, bool) {
        (self.grid, self.channels, self.pieces, self.areas)
    }
}

fn check_length(grid: &[f64], increments: usize) -> Result<(), NoiseError> {
    if grid.len() == increments + 1 {
        return Ok(());
    }
    Err(NoiseError::RecordLength { times: grid.len(), increments })
}

impl<S: State> Noise<S> for RecordedPath<S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        let intervals = whole_intervals(&GridTimes::Listed(self.grid.clone()), self.next, a, b)?;
        self.next = intervals.end;
        copy_all(dw, &self.pieces[intervals.start].w)?;
        for piece in &self.pieces[intervals.start + 1..intervals.end] {
            add_all(dw, &piece.w)?;
        }
        Ok(())
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.channels.check(dw.len())?;
        let intervals = whole_intervals(&GridTimes::Listed(self.grid.clone()), self.next, a, b)?;
        self.next = intervals.end;
        let Some(whole) = self.whole.as_mut().filter(|_| self.areas) else {
            return Err(NoiseError::NoAreas);
        };
        let (first, rest) = (&self.pieces[intervals.start], intervals.start + 1..intervals.end);
        whole.copy_from(first)?;
        for piece in &self.pieces[rest] {
            whole.append(piece)?;
        }
        whole.write(dw, areas)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        super::provides_on_grid(self.channels, request)?;
        if request.areas && !self.areas {
            return Err(NoiseError::NoAreas);
        }
        Ok(())
    }
}
