//! The law that a reverse diffusion ends with, to a fraction of a percent: 1,000 steps of
//! Euler-Maruyama on every process with the exact field of a mixture.
//!
//! What is compared is the mean over lanes of `|x - a m_k|^2 / (d v_k)`, `k` the most
//! responsible component of the exact marginal at the end: noise `c` times too large makes it
//! about `c^2` times too large, whatever the process. The steps' own bias is of the first order
//! in `h`: twice the difference that halving `h` makes on the same Brownian path.
//!
//! False alarms: the comparisons, one per process, each allow 5.7 standard errors (those of the
//! lanes, of the bias, and of the exact draws that say what to expect), exceeded by a normal
//! estimate with probability 1.2e-8; 10 processes or so make 1.2e-7. Over 100,000 lanes means of
//! squares are normal to that accuracy. What is left of the bias is of order `h^2`, some 1e-4 by
//! the biases that are printed, a thirtieth of the standard error.

use crate::common::{Batch, all_paths, mixture};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, reverse_sde};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::EulerMaruyama;
use driftfield_solvers::noise::BrownianPath;
use driftfield_solvers::{FieldError, SdeProblem, SolveOptions, StochasticField, solve};
use ndarray::s;
use rayon::prelude::*;

const LANES: usize = 100_000;
/// Lanes that measure the bias, which on shared paths varies less.
const BIAS_LANES: usize = 20_000;
/// Lanes that fit in a core's cache together.
const CHUNK: usize = 1_000;
const EXACT_DRAWS: usize = 1_000_000;
const STEPS: usize = 1_000;
const STANDARD_ERRORS: f64 = 5.7;

/// A reverse diffusion whose noise is too large by a factor.
struct Scaled {
    right: PathField<Batch>,
    noise: f64,
}

impl StochasticField<Batch> for Scaled {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        self.right.drift(out, u, t)
    }
    fn diffusion(&self, k: usize, out: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        self.right.diffusion(k, out, u, t)?;
        *out *= self.noise;
        Ok(())
    }
}

/// Mean and variance of the mean.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    mean: f64,
    variance: f64,
}

impl Estimate {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Estimate { mean, variance: squares / (n * (n - 1.0)) }
    }

    fn less(self, other: Estimate) -> Self {
        Estimate { mean: self.mean - other.mean, variance: self.variance + other.variance }
    }

    /// In units of what is allowed of something that should be 0.
    fn misfit(self) -> f64 {
        let misfit = self.mean.abs() / (STANDARD_ERRORS * self.variance.sqrt());
        if misfit.is_nan() { f64::INFINITY } else { misfit }
    }
}

struct Law {
    path: SharedPath,
    times: Vec<f64>,
    end: GaussianMixture,
    start: Batch,
}

impl Law {
    /// Over the process's own span, from exact draws of its marginal.
    fn of(path: SharedPath) -> Self {
        let span = (path.start_with_finite_log_snr(), path.default_span().1);
        let times = Spacing::LogSnr.times(&*path, span.0, span.1, STEPS).unwrap();
        let marginal = |t| MixturePredictor::new(mixture(), path.clone()).marginal(t).unwrap();
        let (start, end) = (marginal(span.0).draw(LANES, 31), marginal(span.1));
        Law { path, times, end, start }
    }

    /// Times of half steps; every second one is a time of the steps.
    fn half_steps(&self) -> Vec<f64> {
        let span = (self.times[0], self.times[STEPS]);
        let halved = Spacing::LogSnr.times(&*self.path, span.0, span.1, 2 * STEPS).unwrap();
        let given = |(k, time): (usize, f64)| if k % 2 == 0 { self.times[k / 2] } else { time };
        halved.into_iter().enumerate().map(given).collect()
    }

    /// `|x - a m_k|^2 / (d v_k)` of so many lanes after steps over `times`, on paths known on
    /// `grid`.
    fn squares(&self, lanes: usize, noise: f64, grid: &[f64], times: &[f64]) -> Vec<f64> {
        let chunks = (0..lanes).into_par_iter().step_by(CHUNK);
        let solved = chunks.map(|first| self.squares_of(&self.solved(noise, grid, times, first)));
        solved.collect::<Vec<_>>().concat()
    }

    /// The lanes of a chunk, which do not know that there are others.
    fn solved(&self, noise: f64, grid: &[f64], times: &[f64], first: usize) -> Batch {
        let exact = MixturePredictor::new(mixture(), self.path.clone());
        let right = reverse_sde(exact, 1.0);
        let start = self.start.slice(s![first..first + CHUNK, ..]).to_owned();
        let brownian = BrownianPath::new(47, first as u64, &start, grid.to_vec());
        let span = (self.times[0], self.times[STEPS]);
        let problem = SdeProblem::from_field(Scaled { right, noise }, start, span);
        let options = SolveOptions::times(times.to_vec()).noise(brownian);
        let solution = solve(&problem, &EulerMaruyama::new(), options).unwrap();
        assert!(solution.outcome.is_success(), "{}", self.path.spec());
        solution.u_last
    }

    /// What the steps add to the mean.
    fn bias(&self) -> Estimate {
        let grid = self.half_steps();
        let long = self.squares(BIAS_LANES, 1.0, &grid, &self.times);
        let short = self.squares(BIAS_LANES, 1.0, &grid, &grid);
        let twice = long.iter().zip(&short).map(|(long, short)| 2.0 * (long - short));
        Estimate::of(&twice.collect::<Vec<_>>())
    }

    fn squares_of(&self, batch: &Batch) -> Vec<f64> {
        let square = |row: ndarray::ArrayView1<'_, f64>| {
            self.end.standardised_square(row.as_slice().unwrap()).unwrap()
        };
        batch.rows().into_iter().map(square).collect()
    }
}

#[test]
fn reverse_diffusions_end_with_the_marginal_law() {
    for path in all_paths() {
        let law = Law::of(path);
        let exact = Estimate::of(&law.squares_of(&law.end.draw(EXACT_DRAWS, 5)));
        let bias = law.bias();
        let excess = |noise: f64| {
            let squares = law.squares(LANES, noise, &law.times, &law.times);
            Estimate::of(&squares).less(exact)
        };
        let (right, wrong) = (excess(1.0), excess(1.02));
        let (passes, fails) = (right.less(bias).misfit(), wrong.less(bias).misfit());
        println!(
            "{}: {STEPS} steps exceed {:.4} by {:+.4}, their bias {:+.4} +- {:.4}; {passes:.2} of \
             the allowed, with 2 % more noise {fails:.2}",
            law.path.spec(),
            exact.mean,
            right.mean,
            bias.mean,
            bias.variance.sqrt(),
        );
        assert!(passes < 1.0, "{}: {passes}", law.path.spec());
        assert!(fails > 1.0, "{}: noise times 1.02 passes, {fails}", law.path.spec());
    }
}
