//! Ensembles: many lanes solved in chunks over threads, and statistics of any
//! function of them without keeping the lanes.
//!
//! ```
//! use driftfield_solvers::ensemble::{Ensemble, Moments, Quantiles};
//! use driftfield_solvers::method::MilsteinDerivativeFree;
//! use driftfield_solvers::{SdeProblem, SolveOptions};
//! use ndarray::Array2;
//!
//! // 100,000 geometric Brownian motions du = 0.1 u dt + 0.3 u dW over a year.
//! let (a, b) = (0.1, 0.3);
//! let ensemble = Ensemble::new(100_000, |lanes| {
//!     let drift = move |f: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
//!         f.zip_mut_with(u, |f, u| *f = a * u);
//!     };
//!     let noise = move |g: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
//!         g.zip_mut_with(u, |g, u| *g = b * u);
//!     };
//!     Ok(SdeProblem::new(drift, noise, Array2::from_elem((lanes.count, 1), 1.0), (0.0, 1.0)))
//! });
//! let found = ensemble
//!     .solve(
//!         &MilsteinDerivativeFree::new(),
//!         |_lanes| SolveOptions::steps(20).seed(1),
//!         |lane, out| out[0] = lane.end()[0],
//!         (Moments::new(1), Quantiles::new(1)),
//!     )
//!     .unwrap();
//! assert!(found.is_success() && found.lane_nfe == 20 * 100_000);
//! let (moments, quantiles) = &found.statistics;
//! let mean = f64::exp(a);
//! assert!((moments.mean()[0] - mean).abs() < 5.0 * moments.standard_error(0));
//! assert!((moments.variance(0) - mean * mean * (f64::exp(b * b) - 1.0)).abs() < 0.01);
//! let median = quantiles.quantile(0, 0.5).unwrap();
//! assert!((median - f64::exp(a - 0.5 * b * b)).abs() < 0.01);
//! ```
//!
//! **What is reproducible.** Initial draws depend on (seed, lane), noise on (seed,
//! lane, base grid), and lanes are folded by a tree that depends on their numbers
//! alone, so that on a fixed grid statistics are equal to the bit for any number
//! of threads and any chunk size. Adaptive steps are shared by a chunk: they are
//! equal to the bit for any number of threads, and for any chunk size only to the
//! tolerance; with `chunk(1)` every lane has steps of its own.

mod extremes;
mod failure;
mod fold;
mod lane;
mod moments;
mod quantiles;
mod run;
mod sketch;
mod solution;
mod statistic;

use std::marker::PhantomData;

pub use extremes::Extremes;
pub use failure::{Failure, FailureCause};
pub use lane::{LaneSolution, Lanes};
pub use moments::Moments;
pub use quantiles::Quantiles;
pub use sketch::QuantileSketch;
pub use solution::EnsembleSolution;
pub use statistic::Statistic;

use crate::method::Method;
use crate::problem::Problem;
use crate::solve::{SolveError, SolveOptions};
use crate::state::HostState;
use run::Run;

/// Lanes that are folded one after the other, before merging: few, so that small
/// ensembles have work for all threads, and enough that merging costs little.
const BLOCK: usize = 64;

/// Most failures that an [`EnsembleSolution`] lists.
pub const LISTED_FAILURES: usize = 1000;

/// Why an ensemble could not be solved at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// No lanes.
    #[error("the ensemble has no lanes; ask for at least one")]
    Empty,
    /// Statistics folded together that are made for different functions.
    #[error(
        "a statistic of {found} number(s) per lane stands beside one of {expected}; give all the same width"
    )]
    Width {
        /// Of the first statistic.
        expected: usize,
        /// Of another.
        found: usize,
    },
    /// Lane numbers beyond what can be counted.
    #[error("the ensemble's lanes cannot be numbered from {first}; start lower")]
    LaneNumbers {
        /// First lane.
        first: u64,
    },
}

/// Many lanes of one problem, to be solved in chunks over the threads of the
/// current rayon pool; see the [module](self) for an example.
#[derive(Debug, Clone)]
pub struct Ensemble<Make> {
    lanes: usize,
    first_lane: u64,
    chunk: usize,
    make: Make,
}

impl<Make> Ensemble<Make> {
    /// An ensemble of `lanes` lanes. `make` is asked for the problem of any run of
    /// them, whose state is a batch of just these lanes; initial values and fields
    /// that differ between lanes go by [`Lanes::first`].
    pub fn new<P: Problem>(lanes: usize, make: Make) -> Self
    where
        Make: Fn(Lanes) -> Result<P, SolveError> + Sync,
    {
        Ensemble { lanes, first_lane: 0, chunk: 256, make }
    }

    /// Most lanes solved together (0 is read as 1), 256 unless set. Above 64,
    /// chunks hold a power of two of them if the ensemble does not fit into one.
    #[must_use]
    pub fn chunk(mut self, lanes: usize) -> Self {
        self.chunk = lanes.max(1);
        self
    }

    /// Number of the first lane: an ensemble continued where another one ended.
    #[must_use]
    pub fn first_lane(mut self, lane: u64) -> Self {
        self.first_lane = lane;
        self
    }

    /// Solves the ensemble and folds what `observe` writes about each lane into
    /// `statistics`, which may have seen other lanes before.
    ///
    /// `options` are those of one chunk, whose `first_lane` is set for it.
    /// `observe` is given numbers to write, as many as the statistics are wide,
    /// all 0 before; where it writes NaN the lane counts as failed.
    ///
    /// What goes wrong with some lanes is in [`EnsembleSolution::failures`] and
    /// leaves the others as they are: a chunk that fails is solved again by halves
    /// until the lanes are found that fail alone. A budget that is spent and a
    /// solve that an observer stops concern the chunk as a whole.
    pub fn solve<'a, P, M, A>(
        &self,
        method: &M,
        options: impl Fn(Lanes) -> SolveOptions<'a, P::State> + Sync,
        observe: impl Fn(&LaneSolution<'_, P::State>, &mut [f64]) + Sync,
        mut statistics: A,
    ) -> Result<EnsembleSolution<A>, EnsembleError>
    where
        Make: Fn(Lanes) -> Result<P, SolveError> + Sync,
        P: Problem,
        P::State: HostState,
        M: Method<P::State, P::Field> + Sync,
        A: Statistic,
    {
        self.check(&statistics)?;
        let run = Run {
            method,
            make: &self.make,
            options,
            observe,
            template: &statistics,
            chunk: self.chunk,
            problem: PhantomData,
        };
        let (folded, tally) = run.tree(Lanes { first: self.first_lane, count: self.lanes });
        drop(run);
        statistics.merge(folded);
        Ok(EnsembleSolution {
            statistics,
            evaluations: tally.evaluations,
            lane_nfe: tally.lane_nfe,
            succeeded: tally.succeeded,
            failed: tally.failed,
            failures: tally.failures,
        })
    }

    fn check<A: Statistic>(&self, statistics: &A) -> Result<(), EnsembleError> {
        if self.lanes == 0 {
            return Err(EnsembleError::Empty);
        }
        if let Some(found) = statistics.mismatch() {
            return Err(EnsembleError::Width { expected: statistics.width(), found });
        }
        match self.first_lane.checked_add(self.lanes as u64) {
            Some(_) => Ok(()),
            None => Err(EnsembleError::LaneNumbers { first: self.first_lane }),
        }
    }
}
