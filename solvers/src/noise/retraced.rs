use super::{Noise, NoiseError, NoiseRequest};
use crate::state::State;

/// A path run backwards: over `[b, a]` it gives minus the increment that the
/// path underneath has over `[a, b]`.
///
/// A problem from `t1` down to `t0` on the retraced path of a solve from `t0` to
/// `t1` follows that solve's own trajectories back to where they came from, up to
/// the error of the method, **if the equation is read in the sense of
/// Stratonovich** (additive noise included): ordinary calculus does not care which
/// way time runs. An Ito equation read along the new direction of time is a
/// different equation; convert it first.
///
/// This is not Anderson's reversal. A problem from `t1` to `t0` without this
/// wrapper draws noise of its own, independent of every forward path; with the
/// drift that Anderson derived from the score, it carries the *marginals*
/// back, and no trajectory. Generation needs that one.
///
/// The space-time Levy area of an interval is the same in both directions.
///
/// ```
/// use driftfield_solvers::noise::{BrownianTree, Retraced};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::StochasticHeun, solve};
/// let drift = |du: &mut f64, u: &f64, _t: f64| *du = u.sin();
/// let diffusion = |g: &mut f64, u: &f64, _t: f64| *g = 0.3 * u.cos();
/// let there = SdeProblem::stratonovich(drift, diffusion, 0.4, (0.0, 1.0));
/// let method = StochasticHeun::new();
/// let times: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 1000.0).collect();
/// let options = SolveOptions::times(times.clone()).seed(1);
/// let end = solve(&there, &method, options).unwrap().complete().unwrap();
/// let path = Retraced::new(BrownianTree::new(1, 0, &0.4, times.clone()).unwrap());
/// let back = SdeProblem::stratonovich(drift, diffusion, end, (1.0, 0.0));
/// let options = SolveOptions::times(times.into_iter().rev().collect::<Vec<_>>());
/// let start = solve(&back, &method, options.noise(path)).unwrap().complete().unwrap();
/// assert!((start - 0.4).abs() < 1e-3);
/// ```
#[derive(Debug, Clone)]
pub struct Retraced<N> {
    path: N,
}

impl<N> Retraced<N> {
    /// `path`, run backwards.
    pub fn new(path: N) -> Self {
        Retraced { path }
    }
}

impl<S: State, N: Noise<S>> Noise<S> for Retraced<N> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.path.increments(b, a, dw)?;
        negate(dw)
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.path.increments_and_areas(b, a, dw, areas)?;
        negate(dw)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.path.provides(request)
    }
}

fn negate<S: State>(dw: &mut [S]) -> Result<(), NoiseError> {
    for dw in dw {
        dw.linear_combination(-1.0, &[])?;
    }
    Ok(())
}
