//! Strong orders: one recorded path, coarsened for every level.
#![allow(dead_code, reason = "every test file uses its own part")]

use driftfield_solvers::method::Method;
use driftfield_solvers::method::stochastic::NoiseKind;
use driftfield_solvers::noise::{
    BrownianPath, Channels, Noise, NoiseError, NoiseRequest, RecordedPath,
};
use driftfield_solvers::{Problem, SolveOptions, StochasticField, solve};

use super::sde::{Batch, squared_errors, strong_slope};

pub const PATHS: usize = 2_000;
/// Of a slope.
pub const TOLERANCE: f64 = 0.15;
/// Steps of the levels; the finest is the grid of the shared path.
pub const LEVELS: [usize; 6] = [16, 32, 64, 128, 256, 512];

pub fn grid(steps: usize, (t0, t1): (f64, f64)) -> Vec<f64> {
    // Powers of two: every coarser grid is exactly a part of the finer.
    (0..=steps).map(|k| t0 + (t1 - t0) * k as f64 / steps as f64).collect()
}

/// Levels where errors of order 2 must not hide those of order 3/2.
pub const FINE_LEVELS: [usize; 6] = [32, 64, 128, 256, 512, 1024];

/// The levels above, and the steps of a solution much finer.
pub const AGAINST_FINER: ([usize; 6], usize) = (FINE_LEVELS, 8 * FINE_LEVELS[5]);

/// The path that all levels share, over the finest grid.
pub struct Setting {
    pub path: RecordedPath<Batch>,
    pub levels: [usize; 6],
    channels: Channels,
    span: (f64, f64),
}

impl Setting {
    /// `base` is the number of intervals drawn, of which the recorded ones are sums.
    pub fn new(
        channels: Channels,
        like: &Batch,
        span: (f64, f64),
        levels: [usize; 6],
        base: usize,
    ) -> Self {
        let mut drawn = Self::drawn(channels, like, span, base);
        let request = NoiseRequest { channels, areas: true, ..NoiseRequest::default() };
        let path = RecordedPath::record(&mut drawn, &request, like, grid(levels[5], span)).unwrap();
        Setting { path, levels, channels, span }
    }

    fn drawn(
        channels: Channels,
        like: &Batch,
        span: (f64, f64),
        base: usize,
    ) -> BrownianPath<Batch> {
        BrownianPath::with_channels(channels, (31, 0), like, grid(base, span))
    }

    /// Where no solution is known: the path, and what `precise` makes of it in `base` steps.
    pub fn with_finer_solution<P: Problem<State = Batch>>(
        channels: Channels,
        problem: &P,
        precise: &impl Method<Batch, P::Field>,
        (levels, base): ([usize; 6], usize),
    ) -> (Self, Batch) {
        let (initial, span) = (problem.initial(), problem.span());
        let setting = Self::new(channels, initial, span, levels, base);
        let exact = run(problem, precise, Self::drawn(channels, initial, span, base), base);
        (setting, exact)
    }

    /// The path at the end of the span, one state per channel.
    pub fn end(&self, like: &Batch) -> Vec<Batch> {
        let mut w = vec![like.clone(); self.channels.states()];
        self.path.clone().increments(self.span.0, self.span.1, &mut w).unwrap();
        w
    }

    /// The slope of the RMS error, with its standard deviation; `met` is what the method meets of
    /// the path.
    pub fn slope<P: Problem<State = Batch>, N: Noise<Batch>>(
        &self,
        problem: &P,
        method: &impl Method<Batch, P::Field>,
        exact: &Batch,
        met: impl Fn(RecordedPath<Batch>) -> N,
    ) -> (f64, f64) {
        let squares = self.levels.map(|steps| {
            let noise = met(self.path.coarsened(self.levels[5] / steps).unwrap());
            squared_errors(&run(problem, method, noise, steps), exact)
        });
        strong_slope(&self.levels.map(|steps| 1.0 / steps as f64), &squares)
    }

    /// Refuses a slope more than 0.15 from `order`, or one not known to 0.02.
    pub fn check<P: Problem<State = Batch>>(
        &self,
        problem: &P,
        method: &impl Method<Batch, P::Field>,
        exact: &Batch,
        order: f64,
    ) {
        let (slope, deviation) = self.slope(problem, method, exact, |path| path);
        let name = method.info().name;
        println!("{name}: order {order}, slope {slope:.3} +- {deviation:.3}");
        assert!(deviation <= 0.02, "{name}: {deviation}");
        assert!(
            (slope - order).abs() < TOLERANCE,
            "{name}: order {order}, slope {slope} +- {deviation}"
        );
    }
}

pub fn run<P: Problem<State = Batch>>(
    problem: &P,
    method: &impl Method<Batch, P::Field>,
    noise: impl Noise<Batch>,
    steps: usize,
) -> Batch {
    let options = SolveOptions::times(grid(steps, problem.span())).noise(noise);
    let solution = solve(problem, method, options).unwrap();
    assert!(solution.outcome.is_success(), "{:?}", solution.outcome);
    solution.u_last
}

pub fn strong<F: StochasticField<Batch>>(method: &impl Method<Batch, F>, noise: NoiseKind) -> f64 {
    method.stochastic().unwrap().orders_for(noise).unwrap().strong
}

/// A path with a mistake.
pub struct Mistaken {
    path: RecordedPath<Batch>,
    mistake: Mistake,
    last: Option<Vec<Batch>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mistake {
    /// Every second step meets the increments of the step before.
    Reused,
    /// Areas are left out.
    NoAreas,
    /// Areas have the wrong sign.
    TurnedAreas,
}

impl Mistaken {
    pub fn new(path: RecordedPath<Batch>, mistake: Mistake) -> Self {
        Mistaken { path, mistake, last: None }
    }

    fn reuse(&mut self, dw: &mut [Batch]) {
        if self.mistake != Mistake::Reused {
            return;
        }
        match self.last.take() {
            Some(last) => dw.iter_mut().zip(last).for_each(|(dw, last)| *dw = last),
            None => self.last = Some(dw.to_vec()),
        }
    }
}

impl Noise<Batch> for Mistaken {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [Batch]) -> Result<(), NoiseError> {
        self.path.increments(a, b, dw)?;
        self.reuse(dw);
        Ok(())
    }
    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [Batch],
        areas: &mut [Batch],
    ) -> Result<(), NoiseError> {
        self.path.increments_and_areas(a, b, dw, areas)?;
        self.reuse(dw);
        let factor = match self.mistake {
            Mistake::Reused => 1.0,
            Mistake::NoAreas => 0.0,
            Mistake::TurnedAreas => -1.0,
        };
        areas.iter_mut().for_each(|area| *area *= factor);
        Ok(())
    }
    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.path.provides(request)
    }
}
