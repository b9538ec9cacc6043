//! MMD and energy distance as tests of a generated law. They know nothing of the law and
//! see gross errors only; what they see is stated and tested here. The sensitive tests are those
//! of `marginals.rs` and `reverse_sde_laws.rs`.
//!
//! False alarms: under equal laws either statistic, times `n`, tends to
//! `sum_i l_i (Z_i^2 - 1)` with fixed weights and independent normals (Gretton et al. 2012, theorem
//! 12), whose standard deviation is `s = sqrt(2 sum l_i^2)`. By Laurent and Massart (2000, lemma 1) it
//! exceeds `2 |l|_2 sqrt(x) + 2 |l|_max x <= (sqrt(2 x) + sqrt(2) x) s` with probability
//! `e^-x` at most: 26 `s` for `x = 14.5`, 5e-7. `s` is measured on 40 pairs of exact draws, and
//! twice as much is allowed, for its own error. Four comparisons on fixed seeds.
//!
//! Power, of 4,000 generated lanes against 4,000 draws: noise twice too large, a score left
//! out and means off by the width of a component are noticed, 10 % more noise is not.

use crate::common::{Batch, mixture, path};
use driftfield::metrics::{energy_distance, median_bandwidth, mmd};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::reverse_sde;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::EulerMaruyama;
use driftfield_solvers::{
    Additive, FieldError, SdeProblem, SolveOptions, StochasticField, Times, VectorField, solve,
};

const LANES: usize = 4_000;
const STEPS: usize = 300;
const PAIRS: u64 = 40;
const ALLOWED: f64 = 2.0 * 26.0;

/// Both statistics, without the pairs of a point with itself.
fn statistics(p: &Batch, q: &Batch, bandwidth: f64) -> [f64; 2] {
    let mmd2 = mmd(&p.view(), &q.view(), &[bandwidth]).unwrap()[0].unbiased;
    [mmd2.unwrap(), energy_distance(&p.view(), &q.view()).unwrap().unbiased.unwrap()]
}

struct Test {
    draws: Batch,
    bandwidth: f64,
    allowed: [f64; 2],
}

impl Test {
    fn of(law: &GaussianMixture) -> Self {
        let draws = law.draw(LANES, 1);
        let bandwidth = median_bandwidth(&draws.view(), &draws.view()).unwrap();
        let pair = |seed: u64| {
            let (p, q) = (law.draw(LANES, 2 * seed), law.draw(LANES, 2 * seed + 1));
            statistics(&p, &q, bandwidth)
        };
        let pairs: Vec<[f64; 2]> = (1..=PAIRS).map(pair).collect();
        let allowed = std::array::from_fn(|k| {
            let square = |pair: &[f64; 2]| pair[k] * pair[k];
            ALLOWED * (pairs.iter().map(square).sum::<f64>() / PAIRS as f64).sqrt()
        });
        Test { draws, bandwidth, allowed }
    }

    /// Both statistics in units of what is allowed.
    fn misfits(&self, sample: &Batch) -> [f64; 2] {
        let found = statistics(sample, &self.draws, self.bandwidth);
        std::array::from_fn(|k| found[k] / self.allowed[k])
    }
}

/// Generated with Euler-Maruyama, the noise `noise` times too large, the score left out or not.
fn generated(path: &SharedPath, noise: f64, score: bool) -> Batch {
    let right = reverse_sde(MixturePredictor::new(mixture(), path.clone()), 1.0);
    let span = (path.start_with_finite_log_snr(), path.default_span().1);
    let times = Spacing::LogSnr.times(&**path, span.0, span.1, STEPS).unwrap();
    let start = right_marginal(path, span.0).draw(LANES, 9);
    let drift = |out: &mut Batch, u: &Batch, t: f64| -> Result<(), FieldError> {
        if score {
            return VectorField::eval(&Drift(&right), out, u, t.into());
        }
        let rate = path.drift_rate(t);
        out.zip_mut_with(u, |out, u| *out = rate * u);
        Ok(())
    };
    let diffusion = |out: &mut Batch, t: f64| -> Result<(), FieldError> {
        right.diffusion(0, out, &start, t)?;
        *out *= noise;
        Ok(())
    };
    let problem = SdeProblem::from_field(Additive { drift, diffusion }, start.clone(), span);
    let solution =
        solve(&problem, &EulerMaruyama::new(), SolveOptions::times(times).seed(3)).unwrap();
    assert!(solution.outcome.is_success());
    solution.u_last
}

fn right_marginal(path: &SharedPath, t: f64) -> GaussianMixture {
    MixturePredictor::new(mixture(), path.clone()).marginal(t).unwrap()
}

/// The drift of a diffusion as a field.
struct Drift<'a, F>(&'a F);

impl<F: StochasticField<Batch>> VectorField<Batch> for Drift<'_, F> {
    fn eval(&self, out: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        self.0.drift(out, u, t.one()?)
    }
}

#[test]
fn gross_errors_of_a_generated_law_are_noticed() {
    for path in ["vp", "rectified-flow"].map(path) {
        let law = right_marginal(&path, path.default_span().1);
        let test = Test::of(&law);
        let report = |what: &str, sample: &Batch| {
            let misfits = test.misfits(sample);
            println!(
                "{}, {what}: MMD^2 {:.3}, energy {:.3} of the allowed",
                path.spec(),
                misfits[0],
                misfits[1]
            );
            misfits
        };
        let right = report("right", &generated(&path, 1.0, true));
        assert!(right.iter().all(|misfit| *misfit < 1.0), "{right:?}");
        let little = report("noise times 1.1", &generated(&path, 1.1, true));
        assert!(little.iter().all(|misfit| *misfit < 1.0), "the power stated is too low");
        let gross = [
            report("noise times 2", &generated(&path, 2.0, true)),
            report("no score", &generated(&path, 1.0, false)),
            report("means off by 0.3", &(law.draw(LANES, 500) + 0.3)),
        ];
        for misfits in gross {
            assert!(misfits.iter().all(|misfit| *misfit > 1.0), "{misfits:?}");
        }
    }
}
