//! How far a generation is, told while it goes on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftfield_problems::predictor::Times;

use super::Span;
use super::plan::{Plan, Steps};

/// How far a generation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Lanes that have arrived.
    pub arrived: usize,
    /// Lanes on their way.
    pub moving: usize,
    /// All lanes.
    pub lanes: usize,
    /// Evaluations asked for by those on their way.
    pub evaluations: u64,
    /// Steps begun of a fixed grid, and how many it has.
    pub step: Option<(usize, usize)>,
    /// Share of the way that those on their way have behind them, from 0 to 1: of the steps, or,
    /// where they adapt, of the span.
    pub share: f64,
}

impl Progress {
    /// Share of the whole that is done, from 0 to 1.
    pub fn done(&self) -> f64 {
        let done = self.arrived as f64 + self.share * self.moving as f64;
        (done / self.lanes.max(1) as f64).min(1.0)
    }
}

type Tell = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Who is told how far a generation is, at every evaluation.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use driftfield::generate::{Budget, Initial, Settings, Watch, generate, model};
/// use driftfield::problems::{method::Solver, process};
///
/// static SEEN: AtomicU64 = AtomicU64::new(0);
/// let watch = Watch::new(|progress| SEEN.store(progress.evaluations, Ordering::Relaxed));
/// let (path, model) = (process::parse("vp")?, model::parse("cat-vp")?);
/// let settings = Settings::new(Solver::parse("heun")?, Budget::Steps(5));
/// let settings = Settings { watch: Some(watch), ..settings };
/// let made = generate::<f32>(&path, &*model, Initial::Noise { lanes: 2 }, &settings)?;
/// assert_eq!(SEEN.load(Ordering::Relaxed), made.statistics.nfe);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Watch {
    tell: Tell,
    arrived: usize,
    lanes: Option<usize>,
}

impl Watch {
    /// `tell` is called from whatever thread asks for an evaluation.
    pub fn new(tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Watch { tell: Arc::new(tell), arrived: 0, lanes: None }
    }

    /// The same once `arrived` of so many lanes have.
    pub(super) fn after(&self, arrived: usize, lanes: usize) -> Self {
        Watch { tell: self.tell.clone(), arrived, lanes: Some(lanes) }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("arrived", &self.arrived).finish_non_exhaustive()
    }
}

/// A solve that is watched.
pub(super) struct Watched {
    watch: Watch,
    moving: usize,
    span: Span,
    /// Of a fixed grid.
    times: Option<Vec<f64>>,
    evaluations: AtomicU64,
}

impl Plan {
    /// The solve of so many lanes, watched.
    pub(super) fn watched(&self, watch: Watch, moving: usize) -> Watched {
        let times = match &self.steps {
            Steps::Grid(times) => Some(times.clone()),
            Steps::Fixed(_) | Steps::Adaptive { .. } => None,
        };
        Watched { watch, moving, span: self.span, times, evaluations: AtomicU64::new(0) }
    }
}

impl Watched {
    /// Tells of an evaluation at `t`: of lanes at times of their own, at that of the last of them.
    pub(super) fn evaluated(&self, t: Times<'_>) {
        let evaluations = self.evaluations.fetch_add(1, Ordering::Relaxed) + 1;
        let Span { start, end } = self.span;
        let way = |t: f64| ((t - start) / (end - start)).clamp(0.0, 1.0);
        let last = match t {
            Times::One(t) => way(t),
            Times::Each(times) => times.iter().map(|&t| way(t)).fold(1.0, f64::min),
        };
        let step = self.times.as_ref().map(|times| {
            let steps = times.len() - 1;
            (times.partition_point(|&t| way(t) <= last).clamp(1, steps.max(1)), steps)
        });
        let share = match step {
            Some((begun, steps @ 1..)) => (begun - 1) as f64 / steps as f64,
            _ => last,
        };
        let Watch { tell, arrived, lanes } = &self.watch;
        let lanes = lanes.unwrap_or(self.moving);
        tell(&Progress { arrived: *arrived, moving: self.moving, lanes, evaluations, step, share });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use driftfield_problems::exact::GaussianMixture;
    use driftfield_problems::method::Solver;
    use driftfield_problems::process;

    use super::*;
    use crate::generate::{
        Budget, GenerateError, Initial, MixtureModel, Settings, generate_in_chunks,
    };

    /// What is told of 10 000 lanes of 20 numbers, which are two chunks.
    fn told(solver: &str, budget: Budget) -> (Vec<Progress>, u64) {
        let mixture = GaussianMixture::isotropic(vec![1.0], vec![vec![0.5; 20]], vec![0.3]);
        let model = MixtureModel::new(mixture.unwrap());
        let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let keep = seen.clone();
        let watch = Some(Watch::new(move |progress| keep.lock().unwrap().push(*progress)));
        let settings = Settings::new(Solver::parse(solver).unwrap(), budget);
        let settings = Settings { watch, ..settings };
        let path = process::parse("vp").unwrap();
        let noise = Initial::<f32>::Noise { lanes: 10_000 };
        let made =
            generate_in_chunks(&path, &model, noise, &settings, |_| Ok::<(), GenerateError>(()));
        let seen = seen.lock().unwrap().clone();
        (seen, made.unwrap().statistics.nfe)
    }

    #[test]
    fn every_evaluation_of_every_chunk_is_told_of() {
        let (seen, nfe) = told("heun", Budget::Steps(4));
        assert_eq!((nfe, seen.len()), (8, 16));
        let steps: Vec<usize> = seen.iter().map(|progress| progress.step.unwrap().0).collect();
        assert_eq!(steps[..8], [1, 2, 2, 3, 3, 4, 4, 4]);
        assert!(seen.windows(2).all(|pair| pair[0].done() <= pair[1].done()));
        let last = seen[15];
        assert_eq!((last.arrived + last.moving, last.lanes, last.evaluations), (10_000, 10_000, 8));
        assert!(last.done() > 0.9 && last.arrived == 6553);
    }

    #[test]
    fn adaptive_steps_tell_their_share_of_the_span() {
        let budget = Budget::Adaptive { abstol: 1e-4, reltol: 1e-4, max_nfe: None };
        let (seen, nfe) = told("tsit5", budget);
        assert_eq!(seen.len() as u64, nfe);
        assert!(seen.iter().all(|progress| progress.step.is_none()));
        assert!(seen[0].share < 0.01 && seen[seen.len() - 1].share > 0.99);
    }
}
