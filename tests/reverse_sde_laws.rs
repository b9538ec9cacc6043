//! The law that a reverse diffusion ends with, to a fraction of a percent: 1,000 steps of
//! Euler-Maruyama on every process with the exact field of a mixture.
//!
//! What is compared is the mean over lanes of `|x - a m_k|^2 / (d v_k)`, `k` the most
//! responsible component of the exact marginal at the end: noise `c` times too large makes it
//! about `c^2` times too large, whatever the process. The steps' own bias is of the first order
//! in `h`, and measured by halving `h` on the same Brownian path: every lane contributes
//! `2 s(h / 2) - s(h)`, whose mean is free of it.
//!
//! False alarms: the comparisons, one per process, each allow 5.7 standard errors (those of the
//! lanes and those of the exact draws that say what to expect), exceeded by a normal estimate
//! with probability 1.2e-8; 10 processes or so make 1.2e-7. Over 100,000 lanes means of squares
//! are normal to that accuracy. What is left of the bias is of order `h^2`, some 1e-4 by the
//! differences that are printed, a thirtieth of the standard error.

mod common;

use common::{Batch, all_paths, mixture};
use driftfield_problems::field::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, reverse_sde};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::EulerMaruyama;
use driftfield_solvers::noise::BrownianPath;
use driftfield_solvers::{FieldError, SdeProblem, SolveOptions, StochasticField, solve};

const LANES: usize = 100_000;
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
    fn of(values: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        let n = values.len() as f64;
        let mean = values.clone().sum::<f64>() / n;
        let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
        Estimate { mean, variance: squares / (n * (n - 1.0)) }
    }

    /// The gap to `other` in units of what is allowed.
    fn misfit(self, other: Estimate) -> f64 {
        let allowed = STANDARD_ERRORS * (self.variance + other.variance).sqrt();
        let misfit = (self.mean - other.mean).abs() / allowed;
        if misfit.is_nan() { f64::INFINITY } else { misfit }
    }
}

struct Law {
    path: SharedPath,
    /// Times of the shorter steps; every second one is a time of the longer.
    times: Vec<f64>,
    end: GaussianMixture,
    start: Batch,
}

impl Law {
    /// Over the process's own span, from exact draws of its marginal.
    fn of(path: SharedPath) -> Self {
        let span = (path.start_with_finite_log_snr(), path.default_span().1);
        let times = Spacing::LogSnr.times(&*path, span.0, span.1, 2 * STEPS).unwrap();
        let marginal = |t| MixturePredictor::new(mixture(), path.clone()).marginal(t).unwrap();
        let (start, end) = (marginal(span.0).draw(LANES, 31), marginal(span.1));
        Law { path, times, end, start }
    }

    /// `|x - a m_k|^2 / (d v_k)` of every lane after steps over every `stride`-th time.
    fn squares(&self, noise: f64, stride: usize) -> Vec<f64> {
        let exact = MixturePredictor::new(mixture(), self.path.clone());
        let right = reverse_sde(self.path.clone(), exact, 1.0);
        let span = (self.times[0], self.times[2 * STEPS]);
        let field = Scaled { right, noise };
        let problem = SdeProblem::from_field(field, self.start.clone(), span);
        let steps = self.times.iter().copied().step_by(stride).collect::<Vec<_>>();
        let brownian = BrownianPath::new(47, 0, &self.start, self.times.clone());
        let options = SolveOptions::times(steps).noise(brownian);
        let solution = solve(&problem, &EulerMaruyama, options).unwrap();
        assert!(solution.outcome.is_success(), "{}", self.path.spec());
        self.squares_of(&solution.u_last)
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
        let exact = Estimate::of(law.squares_of(&law.end.draw(EXACT_DRAWS, 5)).into_iter());
        let [coarse, fine] = [2, 1].map(|stride| law.squares(1.0, stride));
        let bias =
            Estimate::of(coarse.iter().zip(&fine).map(|(coarse, fine)| 2.0 * (coarse - fine)));
        let unbiased = |coarse: &[f64]| {
            let lanes = coarse.iter().zip(&fine);
            lanes.map(|(coarse, fine)| 2.0 * fine - coarse).collect::<Vec<_>>()
        };
        let right = Estimate::of(unbiased(&coarse).into_iter());
        let wrong = law.squares(1.02, 2);
        let wrong = Estimate::of(wrong.iter().map(|square| square - bias.mean));
        let (passes, fails) = (right.misfit(exact), wrong.misfit(exact));
        println!(
            "{}: exact {:.4}, {STEPS} steps {:.4}, their bias {:.4} +- {:.4}; {passes:.2} of the \
             allowed, with 2 % more noise {fails:.2}",
            law.path.spec(),
            exact.mean,
            Estimate::of(coarse.into_iter()).mean,
            bias.mean,
            bias.variance.sqrt(),
        );
        assert!(passes < 1.0, "{}: {passes}", law.path.spec());
        assert!(fails > 1.0, "{}: noise times 1.02 passes, {fails}", law.path.spec());
    }
}
